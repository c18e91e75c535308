"""The conformance statement that Orthanc makes of the SOP classes it is built with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ....hospital.registry import UIDS
from ....persona import sopclasses

_ROOT: Final = "1.2.840.10008.5.1.4."
_CLASSES: Final = f"{_ROOT}1.1."
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
_UNTOLD: Final = frozenset(
    (
        *("1.1.2.2", "1.1.4.4", "1.1.9.6.2", "1.1.9.7.1", "1.1.9.7.2", "1.1.9.7.3", "1.1.9.7.4"),
        *("1.1.9.8.1", "1.1.11.6", "1.1.11.7", "1.1.11.8", "1.1.11.9", "1.1.11.10", "1.1.11.11"),
        *("1.1.13.1.4", "1.1.13.1.5", "1.1.14.1", "1.1.14.2", "1.1.30", "1.1.66.6", "1.1.68.1"),
        *("1.1.68.2", "1.1.77.1.5.5", "1.1.77.1.5.6", "1.1.77.1.5.7", "1.1.77.1.5.8", "1.1.77.1.7"),
        *("1.1.81.1", "1.1.82.1", "1.1.88.34", "1.1.88.35", "1.1.88.68", "1.1.88.71", "1.1.88.72"),
        *("1.1.88.73", "1.1.88.74", "1.1.88.75", "1.1.88.76", "1.1.90.1", "1.1.91.1", "1.1.104.3"),
        *("1.1.104.4", "1.1.104.5", "1.1.128.1", "1.1.200.2", "1.1.200.8", "1.1.481.10", "1.1.481.11"),
        *("1.1.481.12", "1.1.481.13", "1.1.481.14", "1.1.481.15", "1.1.481.16", "1.1.481.17"),
        *("1.1.481.18", "1.1.481.19", "1.1.481.20", "1.1.481.21", "1.1.481.22", "1.1.501.1"),
        *("1.1.501.2.1", "1.1.501.2.2", "1.1.501.3", "1.1.501.4", "1.1.501.5", "1.1.501.6"),
        *("1.1.601.1", "1.1.601.2", "34.7", "34.10"),
    )
)
"""Ends of the UIDs of storage classes that it takes, and that the statement, which is older, doesn't have."""
_TOLD: Final = (
    ("GenericImplantTemplateStorage", "43.1"),
    ("ImplantAssemblyTemplateStorage", "44.1"),
    ("ImplantTemplateGroupStorage", "45.1"),
)
"""Those that the statement has, and that it doesn't take: names, and the same of their UIDs."""
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
    storage = sorted(_stored(), key=_place)
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
    yield from ((name, f"{_ROOT}{end}") for name, end in _TOLD)
    for uid in sopclasses.abstract_syntaxes((_STORAGE,)):
        if uid.removeprefix(_ROOT) in _UNTOLD:
            continue
        _, _, _, retired, keyword = UIDS.get(uid, ("", "", "", "", uid))
        name = _NAMES.get(uid) or keyword.removesuffix("Retired")
        yield (f"RETIRED_{name}" if retired and "_" not in name else name), uid


def _models(service: str) -> Sequence[tuple[str, str]]:
    return tuple(
        (f"{service}{root}RootQueryRetrieveInformationModel", f"{_ROOT}{number}.{_SERVICES[service]}")
        for root, number in _ROOTS
    )


def _titled(title: str, line: str, more: int = 0) -> str:
    length = len(title) + more
    text = f"{line * length}\n{title}\n{line * length}\n"
    return text if line == "=" else f"{text}\n"


def _supported(service: str, role: str, rows: Iterable[tuple[str, str]], width: int) -> str:
    said = f"Orthanc supports the following SOP Classes as an {role} for C-{service}:\n\n"
    more = 1 if service == "Echo" else 0
    return _titled(f"{service} {role} Conformance", "-", more) + said + _table(rows, width)


def _place(row: tuple[str, str]) -> tuple[int, bool, str]:
    """Where a storage class stands: those that are retired come later, and drafts last."""
    name, uid = row
    return (
        ("", "RETIRED_", "DRAFT_").index(_prefix(name)),
        uid in _NAMES and not uid.startswith(_CLASSES),
        name.lower(),
    )


def _prefix(name: str) -> str:
    return next((prefix for prefix in ("RETIRED_", "DRAFT_") if name.startswith(prefix)), "")


def _table(rows: Iterable[tuple[str, str]], width: int) -> str:
    lines: list[str] = []
    before = None
    for name, uid in rows:
        if before not in (None, _prefix(name)):
            lines.append("\n")
        before = _prefix(name)
        lines.append(f"  {name:{width}}| {uid}\n")
    return "".join(lines)


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
