"""CT Radiation Dose SR (PS3.3 A.35.8) by TID 10011 to 10015 (PS3.16), as scanners send it after an examination."""

from __future__ import annotations

from collections.abc import Iterator

from dicomhawk.hospital.objects import sr
from dicomhawk.hospital.objects.attributes import Attributes
from dicomhawk.hospital.objects.common import Context
from dicomhawk.hospital.objects.document_recipe import DosePart, DoseReport
from dicomhawk.hospital.objects.makers import CTModel

DOSE_SR = "1.2.840.10008.5.1.4.1.1.88.67"
_REGIONS: dict[str, sr.Code] = {
    "chest": ("51185008", "SCT", "Chest"),
    "head": ("69536005", "SCT", "Head"),
    "abdomen": ("818983003", "SCT", "Abdomen"),
}
_MM: sr.Code = ("mm", "UCUM", "mm")
_SECONDS: sr.Code = ("s", "UCUM", "s")
_MGY: sr.Code = ("mGy", "UCUM", "mGy")
_MGYCM: sr.Code = ("mGy.cm", "UCUM", "mGy.cm")
_MA: sr.Code = ("mA", "UCUM", "mA")
_KV: sr.Code = ("kV", "UCUM", "kV")
_RATIO: sr.Code = ("{ratio}", "UCUM", "ratio")


def _dcm(value: str, meaning: str) -> sr.Code:
    return value, "DCM", meaning


def build(context: Context, report: DoseReport) -> Attributes:
    """The data set; its equipment is the scanner."""
    device, model = context.device, context.model
    assert isinstance(model, CTModel)
    equipment = sr.Equipment(
        device.manufacturer or "", device.model or "", device.software or "", ("", ""), device.serial
    )
    writer = sr.Writer(context.charset)
    made = sr.start(context, equipment)
    sr.described(made, context, verified=None)
    made.set(ProtocolName=context.series.protocol_name)
    root = writer.container(
        None, _dcm("113701", "X-Ray Radiation Dose Report"), _content(writer, context, report), "10011"
    )
    sr.adopt(made, root)
    return made


def _content(writer: sr.Writer, context: Context, report: DoseReport) -> Iterator[Attributes]:
    device, model = context.device, context.model
    assert isinstance(model, CTModel)
    intent = writer.coded(sr.MODIFIES, ("363703001", "SCT", "Has Intent"), ("261004008", "SCT", "Diagnostic Intent"))
    procedure = ("77477000", "SCT", "Computed Tomography X-Ray")
    yield writer.coded(sr.MODIFIES, _dcm("121058", "Procedure reported"), procedure, [intent])
    yield writer.coded(sr.CONTEXT, _dcm("121005", "Observer Type"), _dcm("121007", "Device"))
    yield writer.uid(sr.CONTEXT, _dcm("121012", "Device Observer UID"), device.uid_root or "")
    yield writer.text(sr.CONTEXT, _dcm("121013", "Device Observer Name"), device.station_name or "")
    yield writer.text(sr.CONTEXT, _dcm("121014", "Device Observer Manufacturer"), device.manufacturer or "")
    yield writer.text(sr.CONTEXT, _dcm("121015", "Device Observer Model Name"), device.model or "")
    yield writer.text(sr.CONTEXT, _dcm("121016", "Device Observer Serial Number"), device.serial or "")
    yield writer.moment(sr.CONTEXT, _dcm("113809", "Start of X-Ray Irradiation"), report.began)
    yield writer.moment(sr.CONTEXT, _dcm("113810", "End of X-Ray Irradiation"), report.ended)
    study = writer.uid(sr.PROPERTIES, _dcm("110180", "Study Instance UID"), context.study.study_uid)
    yield writer.coded(sr.CONTEXT, _dcm("113705", "Scope of Accumulation"), _dcm("113014", "Study"), [study])
    total = round(sum(part.dlp for part in report.parts), 2)
    yield writer.container(
        sr.CONTAINS,
        _dcm("113811", "CT Accumulated Dose Data"),
        [
            writer.number(
                sr.CONTAINS,
                _dcm("113812", "Total Number of Irradiation Events"),
                len(report.parts),
                ("{events}", "UCUM", "events"),
            ),
            writer.number(sr.CONTAINS, _dcm("113813", "CT Dose Length Product Total"), total, _MGYCM),
        ],
        "10012",
    )
    for part in report.parts:
        yield _acquisition(writer, model, report, part)
    automatic = _dcm("113856", "Automated Data Collection")
    yield writer.coded(sr.CONTAINS, _dcm("113854", "Source of Dose Information"), automatic)


def _acquisition(writer: sr.Writer, model: CTModel, report: DoseReport, part: DosePart) -> Attributes:
    single, total = model.collimation
    spiral = ("116152004", "SCT", "Spiral Acquisition")
    source = [
        writer.text(sr.CONTAINS, _dcm("113832", "Identification of the X-Ray Source"), "A"),
        writer.number(sr.CONTAINS, _dcm("113733", "KVP"), part.kvp, _KV),
        writer.number(sr.CONTAINS, _dcm("113833", "Maximum X-Ray Tube Current"), part.highest_current, _MA),
        writer.number(sr.CONTAINS, _dcm("113734", "X-Ray Tube Current"), part.current, _MA),
    ]
    head = report.region == "head"
    if part.spiral:
        concept = _dcm("113834", "Exposure Time per Rotation")
        source.append(writer.number(sr.CONTAINS, concept, 1.0 if head else model.rotation, _SECONDS))
    how = [
        writer.number(sr.CONTAINS, _dcm("113824", "Exposure Time"), part.seconds, _SECONDS),
        writer.number(sr.CONTAINS, _dcm("113825", "Scanning Length"), part.length, _MM),
        writer.number(sr.CONTAINS, _dcm("113826", "Nominal Single Collimation Width"), single, _MM),
        writer.number(sr.CONTAINS, _dcm("113827", "Nominal Total Collimation Width"), total, _MM),
    ]
    if part.spiral and not part.axial:
        how.append(writer.number(sr.CONTAINS, _dcm("113828", "Pitch Factor"), part.pitch, _RATIO))
    sources = ("{X-Ray sources}", "UCUM", "X-Ray sources")
    how.append(writer.number(sr.CONTAINS, _dcm("113823", "Number of X-Ray Sources"), 1, sources))
    how.append(writer.container(sr.CONTAINS, _dcm("113831", "CT X-Ray Source Parameters"), source))
    kind = spiral if part.spiral else _dcm("113805", "Constant Angle Acquisition")
    if part.axial:
        kind = _dcm("113804", "Sequenced Acquisition")
    content = [
        writer.text(sr.CONTAINS, _dcm("125203", "Acquisition Protocol"), part.protocol),
        writer.coded(sr.CONTAINS, _dcm("123014", "Target Region"), _REGIONS[report.region]),
        writer.coded(sr.CONTAINS, _dcm("113820", "CT Acquisition Type"), kind),
        writer.uid(sr.CONTAINS, _dcm("113769", "Irradiation Event UID"), part.event),
        writer.container(sr.CONTAINS, _dcm("113822", "CT Acquisition Parameters"), how, "10014"),
    ]
    if part.spiral:
        phantom = (
            _dcm("113690", "IEC Head Dosimetry Phantom") if head else _dcm("113691", "IEC Body Dosimetry Phantom")
        )
        dose = [
            writer.number(sr.CONTAINS, _dcm("113830", "Mean CTDIvol"), part.ctdi, _MGY),
            writer.coded(sr.CONTAINS, _dcm("113835", "CTDIw Phantom Type"), phantom),
            writer.number(sr.CONTAINS, _dcm("113838", "DLP"), part.dlp, _MGYCM),
        ]
        content.append(writer.container(sr.CONTAINS, _dcm("113829", "CT Dose"), dose))
    return writer.container(sr.CONTAINS, _dcm("113819", "CT Acquisition"), content, "10013")
