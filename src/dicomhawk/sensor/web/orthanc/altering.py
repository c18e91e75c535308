"""What modification and anonymization make of a data set (measured against Orthanc 1.10.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ....hospital import vr as vrs
from ....hospital.attributes import Level
from ....hospital.charset import of_data_set
from ....hospital.elements import EXPLICIT_LE, IMPLICIT_LE, DataSet, Element, decode, decode_until, encode, plain_text
from ....hospital.pixels import PIXEL_DATA
from ....hospital.registry import tag_for_keyword
from .describing import numbered
from .options import check_job, string
from .problems import Fault, Problem
from .service import NAMES
from .syntaxes import SYNTAXES
from .tags import tag_named
from .uuids import new_uuid

IDENTIFIERS: Final = {
    Level.PATIENT: 0x00100020,
    Level.STUDY: 0x0020000D,
    Level.SERIES: 0x0020000E,
    Level.IMAGE: 0x00080018,
}
_KEYWORDS: Final = {
    Level.PATIENT: "PatientID",
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.IMAGE: "SOPInstanceUID",
}
MAX_TAGS: Final = 512
"""Tags that a call may name: more than an object has."""
VERSIONS: Final = ("2008", "2017c", "2021b")
"""Editions of the standard after which the product anonymizes."""
METHOD: Final = "Orthanc 1.10.1 - PS 3.15-2021b Table E.1-1 Basic Profile"
"""De-identification Method (0012,0063)."""
_PATIENT_NAME: Final = 0x00100010


def _tags(names: str) -> frozenset[int]:
    return frozenset(int(tag) for tag in map(tag_for_keyword, names.split()) if tag is not None)


_EMPTIED: Final = _tags(
    "StudyDate StudyTime ContentDate ContentTime AccessionNumber ReferringPhysicianName PatientBirthDate PatientSex "
    "StudyID VerifyingObserverIdentificationCodeSequence FillerOrderNumberImagingServiceRequest "
    "PlacerOrderNumberImagingServiceRequest ContrastBolusAgent ContentCreatorName"
)
_REMOVED: Final = _tags(
    "StudyDescription SeriesDescription InstitutionName InstitutionAddress InstitutionalDepartmentName "
    "InstitutionCodeSequence SeriesDate SeriesTime AcquisitionDate AcquisitionTime AcquisitionDateTime "
    "InstanceCreatorUID StationName OperatorsName OperatorIdentificationSequence PerformingPhysicianName "
    "PhysiciansOfRecord NameOfPhysiciansReadingStudy RequestingPhysician RequestingService ReferringPhysicianAddress "
    "ReferringPhysicianTelephoneNumbers PatientAge PatientSize PatientWeight PatientAddress PatientTelephoneNumbers "
    "PatientBirthTime PatientBirthName PatientMotherBirthName PatientComments OtherPatientIDs "
    "OtherPatientIDsSequence OtherPatientNames IssuerOfPatientID EthnicGroup Occupation AdditionalPatientHistory "
    "MedicalAlerts Allergies PregnancyStatus LastMenstrualDate SmokingStatus PatientState PatientReligiousPreference "
    "MilitaryRank BranchOfService CountryOfResidence RegionOfResidence MedicalRecordLocator "
    "InsurancePlanIdentification DeviceSerialNumber DeviceUID DetectorID PlateID CassetteID GantryID "
    "ProtocolName AcquisitionComments "
    "ImageComments StudyComments AdmittingDiagnosesDescription DerivationDescription RequestAttributesSequence "
    "PerformedProcedureStepStartDate PerformedProcedureStepStartTime PerformedProcedureStepEndDate "
    "PerformedProcedureStepEndTime PerformedProcedureStepID PerformedProcedureStepDescription "
    "PerformedStationAETitle PerformedStationName PerformedLocation ScheduledProcedureStepDescription "
    "RequestedProcedureDescription RequestedProcedureID ReasonForTheRequestedProcedure "
    "ReasonForStudy ReferencedPatientSequence ReferencedStudySequence ReferencedPerformedProcedureStepSequence "
    "CurrentPatientLocation AdmissionID "
    "AdmittingDate AdmittingTime TextComments TimezoneOffsetFromUTC OriginalAttributesSequence "
    "DigitalSignaturesSequence RetrieveURL RetrieveAETitle StationAETitle"
)
_LINKED: Final = _tags("FrameOfReferenceUID SynchronizationFrameOfReferenceUID ReferencedFrameOfReferenceUID")
"""UIDs that are new after an anonymization, and stay the same among the objects."""


class Alteration:
    """What one call asks for; the same old UID gets the same new one throughout. `new_uid` gives one of a kind."""

    def __init__(
        self, level: Level, options: dict[str, Any], anonymizes: bool, new_uid: Callable[[int], str]
    ) -> None:
        """Raises `Problem`."""
        self.level = level
        self.anonymizes = anonymizes
        self._new_uid = new_uid
        self._new: dict[tuple[int, str], str] = {}
        replaced = options.get("Replace", {})
        if not isinstance(replaced, dict):
            raise Problem(Fault.REQUEST)
        self.replaced = {_tag(name): value for name, value in replaced.items()}
        self._removed = _named(options, "Remove")
        self._kept = _named(options, "Keep")
        if len(self.replaced) + len(self._removed) + len(self._kept) > MAX_TAGS:
            raise Problem(Fault.REQUEST)
        about_private = "KeepPrivateTags" if anonymizes else "RemovePrivateTags"
        for name in (about_private, "Force"):
            if not isinstance(options.get(name, False), bool):
                raise Problem(Fault.FILE, f'Member "{name}" should be a Boolean value')
        flag = options.get(about_private) is True
        self._private = flag if anonymizes else not flag
        self._judge(options.get("Force") is True)
        string(options, "PrivateCreator")
        if level < Level.IMAGE:
            check_job(options)
        version, syntax = options.get("DicomVersion"), options.get("Transcode")
        if anonymizes and isinstance(version, str) and version not in VERSIONS:
            raise Problem(Fault.RANGE, f"Unknown specific version of the DICOM standard: {version}")
        if isinstance(syntax, str) and syntax not in SYNTAXES and not (anonymizes and level == Level.IMAGE):
            if level == Level.IMAGE:
                raise Problem(Fault.RANGE, f"Unknown transfer syntax: {syntax}")
            raise Problem(Fault.FILE, f"Unknown transfer syntax UID: {syntax}")
        self._require()
        for tag, value in self.replaced.items():
            if isinstance(value, bool | int | float):
                raise Problem(Fault.TYPE, f"Bad Parameter type for tag {numbered(tag)}")
        if anonymizes:
            self.replaced.setdefault(IDENTIFIERS[Level.PATIENT], new_uuid())

    def name_patient(self, number: int) -> None:
        """What an anonymous patient is called, if the call doesn't say it."""
        self.replaced.setdefault(_PATIENT_NAME, f"Anonymized{number}")

    def _judge(self, forced: bool) -> None:
        for what, tags in (("replaced", self.replaced), ("kept", self._kept), ("removed", self._removed)):
            for level, tag in IDENTIFIERS.items():
                if tag in tags and not forced:
                    named = f'Marking tag "{_KEYWORDS[level]}" as to be {what}'
                    raise Problem(Fault.REQUEST, f'{named} requires the "Force" option to be set to true')

    def _require(self) -> None:
        if self.anonymizes or self.level == Level.IMAGE:
            return
        name = NAMES[self.level].lower()
        if self.level == Level.PATIENT and IDENTIFIERS[Level.PATIENT] not in self.replaced:
            raise Problem(Fault.REQUEST, "When modifying a patient, her PatientID is required to be modified")
        for level, tag in IDENTIFIERS.items():
            if tag in self.replaced and level != self.level:
                which = "parent " if level < self.level else ""
                raise Problem(
                    Fault.REQUEST,
                    f"When modifying a {name}, the {which}{_KEYWORDS[level]} cannot be manually modified",
                )

    def identify(self, level: Level, uid: str) -> None:
        """Have all that is made at a level be in one resource."""
        self.replaced[IDENTIFIERS[level]] = uid

    def applied(self, data_set: DataSet) -> None:
        """Alter a data set. Raises `Problem`."""
        if self.anonymizes:
            for tag in [*data_set]:
                if tag in self._kept:
                    continue
                if tag in _REMOVED or tag >> 16 in range(0x5000, 0x5100):
                    del data_set[tag]
                elif tag in _EMPTIED:
                    data_set[tag] = Element(tag, data_set[tag].vr, b"")
                elif tag in _LINKED:
                    self._renew(data_set, tag, 4)
        if not self._private:
            for tag in [tag for tag in data_set if tag >> 16 & 1 and tag not in self._kept]:
                del data_set[tag]
        for tag in self._removed - self._kept:
            data_set.pop(tag, None)
        for level, kind in ((Level.STUDY, 2), (Level.SERIES, 3), (Level.IMAGE, 4)):
            tag = IDENTIFIERS[level]
            if tag not in self.replaced and tag not in self._kept and (self.anonymizes or level >= self.level):
                self._renew(data_set, tag, kind)
        for tag, value in self.replaced.items():
            data_set[tag] = element(data_set, tag, value)
        if self.anonymizes:
            for tag, text in ((0x00120062, "YES"), (0x00120063, METHOD)):
                data_set[tag] = element(data_set, tag, text)

    def _renew(self, data_set: DataSet, tag: int, kind: int) -> None:
        old = tag, plain_text(data_set, tag)
        if old not in self._new:
            self._new[old] = self._new_uid(kind)
        data_set[tag] = Element(tag, "UI", self._new[old].encode())


def _tag(name: object) -> int:
    found = tag_named(name) if isinstance(name, str) else None
    if found is None:
        raise Problem(Fault.TAG)
    return found


def _named(options: dict[str, Any], member: str) -> frozenset[int]:
    names = options.get(member, [])
    if not isinstance(names, list):
        raise Problem(Fault.REQUEST)
    return frozenset(map(_tag, names))


def element(data_set: DataSet, tag: int, value: object) -> Element:
    """An element with a value of the API, in the data set's character set. Raises `Problem`."""
    vr = vrs.of_tag(tag)
    text = value if isinstance(value, str) else str(value)
    if isinstance(value, dict | list) or vr in ("SQ", "UN", "OB", "OW") or tag >> 16 in (0x0000, 0x0002):
        raise Problem(Fault.NOT_IMPLEMENTED)
    if vr in ("US", "UL", "SS", "SL"):
        try:
            return Element(tag, vr, int(text).to_bytes(vrs.WORD[vr], "little", signed=vr[0] == "S"))
        except (ValueError, OverflowError):
            raise Problem(Fault.FILE) from None
    encoded = of_data_set(data_set).encode(text)
    return Element(tag, vr, encoded if encoded is not None else text.encode("ascii", "replace"))


def altered(data: bytes | memoryview, syntax: str, alteration: Alteration) -> tuple[DataSet, bytes]:
    """A data set after an alteration: what is in it before its pixels, and all of it; pixels stay as they are.

    Raises `Problem`, and `ElementsError` if it can't be read.
    """
    head, start = decode_until(data, syntax, PIXEL_DATA)
    tail = b""
    if start is None:
        head = decode(data, syntax)
    else:
        tail = bytes(data[start - (8 if syntax == IMPLICIT_LE else 12) :])
    alteration.applied(head)
    return head, encode(head, syntax if syntax == IMPLICIT_LE or start is None else _plain(syntax)) + tail


def _plain(syntax: str) -> str:
    """What the elements before compressed pixels are written in."""
    return syntax if syntax.startswith("1.2.840.10008.1.2.2") else EXPLICIT_LE
