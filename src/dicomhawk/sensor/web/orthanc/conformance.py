"""The conformance statement that Orthanc makes of the SOP classes it is built with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ....hospital.registry import UIDS
from ....persona import sopclasses

_CLASSES: Final = "1.2.840.10008.5.1.4.1.1."
_SYNTAX: Final = "1.2.840.10008.1.2"
_STORAGE: Final = "dcmtk-3.6.7-storage"
_NAMES: Final = {
    f"{_CLASSES}88.70": "ImplantationPlanSRDocumentStorage",
    f"{_CLASSES}7.1": "MultiframeSingleBitSecondaryCaptureImageStorage",
    f"{_CLASSES}7.2": "MultiframeGrayscaleByteSecondaryCaptureImageStorage",
    f"{_CLASSES}7.3": "MultiframeGrayscaleWordSecondaryCaptureImageStorage",
    f"{_CLASSES}7.4": "MultiframeTrueColorSecondaryCaptureImageStorage",
    f"{_CLASSES}3.1": "UltrasoundMultiframeImageStorage",
    f"{_CLASSES}3": "RETIRED_UltrasoundMultiframeImageStorage",
    f"{_CLASSES}77.1": "RETIRED_VLImageStorage",
    f"{_CLASSES}77.2": "RETIRED_VLMultiFrameImageStorage",
    f"{_CLASSES}88.1": "DRAFT_SRTextStorage",
    f"{_CLASSES}88.2": "DRAFT_SRAudioStorage",
    f"{_CLASSES}88.3": "DRAFT_SRDetailStorage",
    f"{_CLASSES}88.4": "DRAFT_SRComprehensiveStorage",
    f"{_CLASSES}9.1": "DRAFT_WaveformStorage",
    "1.2.840.10008.5.1.4.34.1": "DRAFT_RTBeamsDeliveryInstructionStorage",
}
"""DCMTK's names of classes that aren't called after their keywords (PS3.6 annex A)."""
_PROCESSES: Final = ("2_4", "3_5", "6_8", "7_9", "10_12", "11_13", "14", "15", "16_18", "17_19")
_MORE_PROCESSES: Final = ("20_22", "21_23", "24_26", "25_27", "28", "29")
_SYNTAXES: Final = (
    ("LittleEndianImplicit", ""),
    ("LittleEndianExplicit", ".1"),
    ("BigEndianExplicit", ".2"),
    ("DeflatedExplicitVRLittleEndian", ".1.99"),
    ("JPEGProcess1", ".4.50"),
    *((f"JPEGProcess{name}", f".4.{number}") for number, name in enumerate((*_PROCESSES, *_MORE_PROCESSES), 51)),
    ("JPEGProcess14SV1", ".4.70"),
    ("JPEGLSLossless", ".4.80"),
    ("JPEGLSLossy", ".4.81"),
    ("JPEG2000LosslessOnly", ".4.90"),
    ("JPEG2000", ".4.91"),
    ("JPEG2000Part2MulticomponentImageCompressionLosslessOnly", ".4.92"),
    ("JPEG2000Part2MulticomponentImageCompression", ".4.93"),
    ("JPIPReferenced", ".4.94"),
    ("JPIPReferencedDeflate", ".4.95"),
    ("MPEG2MainProfileAtMainLevel", ".4.100"),
    ("MPEG2MainProfileAtHighLevel", ".4.101"),
    ("RLELossless", ".5"),
)
_ROOTS: Final = (("Patient", "1.2.1"), ("Study", "1.2.2"))
_SERVICES: Final = {"FIND": 1, "MOVE": 2, "GET": 3}
_FRAMEWORK: Final = "OrthancFramework/Sources/DicomNetworking"


def statement() -> str:
    """The whole text."""
    storage = sorted(_stored(), key=lambda row: (row[0][:6] == "DRAFT_", row[0][:8] == "RETIRED_", row[0]))
    echo = (("VerificationSOPClass", sopclasses.VERIFICATION),)
    worklist = (("FINDModalityWorklistInformationModel", sopclasses.MODALITY_WORKLIST_FIND),)
    syntaxes = [(f"{name}TransferSyntax", f"{_SYNTAX}{end}") for name, end in _SYNTAXES]
    parts = (
        _titled("DICOM Conformance Statement of Orthanc", "="),
        _supported("Echo", "SCP", echo, 26),
        _supported("Store", "SCP", storage, 57),
        _supported("Find", "SCP", (*_models("FIND"), *worklist), 47),
        _supported("Move", "SCP", _models("MOVE"), 47),
        _supported("Get", "SCP", _models("GET"), 47),
        _supported("Echo", "SCU", echo, 26),
        _titled("Store SCU Conformance", "-") + 'All the SOP Classes that are listed in the "Store SCP Conformance"\n'
        "(see above) section are available as an SCU for C-Store.\n",
        _supported("Find", "SCU", _models("FIND"), 46),
        _supported("Move", "SCU", _models("MOVE"), 46),
        _titled("Transfer Syntaxes", "-") + "Orthanc will accept and negotiate presentation contexts for all of the\n"
        "abovementioned supported SOP Classes using any of the following\ntransfer syntaxes:\n\n"
        + _table(syntaxes, 70)
        + "\nIt is possible to disable a subset of these transfer syntaxes thanks\n"
        'to the "AcceptedTransferSyntaxes" and "*TransferSyntaxAccepted"\n'
        "options in the Orthanc configuration file.\n\n"
        "When possible, Orthanc will prefer the\nLittleEndianExplicitTransferSyntax transfer syntax\n"
        f"({_SYNTAX}.1).\n\nOrthanc does not support extended negotiation.\n",
        _notes(),
    )
    return "\n\n".join(parts)


def _stored() -> Iterable[tuple[str, str]]:
    for uid in sopclasses.abstract_syntaxes((_STORAGE,)):
        _, _, _, retired, keyword = UIDS.get(uid, ("", "", "", "", uid))
        name = _NAMES.get(uid) or keyword.removesuffix("Retired")
        yield (f"RETIRED_{name}" if retired and "_" not in name else name), uid


def _models(service: str) -> Sequence[tuple[str, str]]:
    return tuple(
        (f"{service}{root}RootQueryRetrieveInformationModel", f"1.2.840.10008.5.1.4.{number}.{_SERVICES[service]}")
        for root, number in ((name, f"1.{end}") for name, end in _ROOTS)
    )


def _titled(title: str, line: str, more: int = 0) -> str:
    length = len(title) + more
    text = f"{line * length}\n{title}\n{line * length}\n"
    return text if line == "=" else f"{text}\n"


def _supported(service: str, role: str, rows: Iterable[tuple[str, str]], width: int) -> str:
    said = f"Orthanc supports the following SOP Classes as an {role} for C-{service}:\n\n"
    more = 1 if service == "Echo" else 0
    return _titled(f"{service} {role} Conformance", "-", more) + said + _table(rows, width)


def _table(rows: Iterable[tuple[str, str]], width: int) -> str:
    return "".join(f"  {name:{width}}| {uid}\n" for name, uid in rows)


def _notes() -> str:
    scu = ["DicomControlUserConnection", "DicomStoreUserConnection"]
    return (
        _titled("Implementation notes", "-")
        + "The information above about the SCP support is readily extracted from\n"
        + 'the function "Orthanc::Internals::AcceptAssociation()" from file\n'
        + f'"{_FRAMEWORK}/Internals/CommandDispatcher.cpp".\n\n'
        + "The information above about the SCU support is derived from the\n"
        + f'classes "Orthanc::{scu[0]}" and\n"Orthanc::{scu[1]}" from file\n'
        + f'"{_FRAMEWORK}/{scu[0]}.cpp" and\n"{_FRAMEWORK}/{scu[1]}.cpp".\n'
    )
