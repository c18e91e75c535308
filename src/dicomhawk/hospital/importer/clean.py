"""The cleaned data set: what `policy` says, done to every element at every depth."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import TypeAlias

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.charset import SPECIFIC_CHARACTER_SET, CharacterSet, character_set, of_data_set
from dicomhawk.hospital.elements import IMPLICIT_LE, DataSet, Element, ElementsError, decode, header
from dicomhawk.hospital.importer import dates
from dicomhawk.hospital.importer.identity import FalsePatient, Identities
from dicomhawk.hospital.importer.policy import Action, action
from dicomhawk.hospital.importer.uids import UidMap, is_uid
from dicomhawk.hospital.importer.values import tag_of, text, texts
from dicomhawk.hospital.importer.wording import Identifiers, cleaned
from dicomhawk.hospital.registry import keyword_for_tag, vm_of_tag
from dicomhawk.hospital.repertoires import CODECS

PUBLIC_SCHEMES = frozenset(
    (
        "DCM",
        "SRT",
        "SCT",
        "SNM3",
        "LN",
        "UCUM",
        "UMLS",
        "RADLEX",
        "NCIt",
        "FMA",
        "MSH",
        "NEU",
        "MA",
        "IBSI",
        "SCPECG",
        "MDC",
    )
) | {"BI", "BARI", "UNS", "I9", "I9C", "I10", "I10P", "ACR", "C4", "ISO639_1", "ISO3166_1", "ISO5218_1", "NDC"}
"""Coding schemes of PS3.16 section 8 whose codes and meanings nobody can make up."""

LOCAL_SCHEME = "L"  # PS3.16 section 8.1: any scheme of a site's own

LABELS = {
    "RTPlanLabel": "PLAN",
    "StructureSetLabel": "RS",
    "TextValue": "-",
    "SegmentLabel": "Segment",
    "CodeMeaning": "Other",
}
"""What a label that objects must have says if nothing of its own words may stay."""

ALWAYS = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "AccessionNumber")
"""What the hospital's archive writes into every object, whether it came with it or not."""

_NUMBERS_OF_ORDERS = ("AccessionNumber", "StudyID", "AdmissionID", "PatientID", "OtherPatientIDs", "PatientAddress")
_MAX_IDENTIFIERS = 256
_FORMS = {
    "AS": re.compile(r"(\d{3}[DWMY])?", re.ASCII),
    "CS": re.compile(r"[A-Za-z0-9_ .+/-]{0,16}"),
    "DS": re.compile(r"[0-9+\-.eE ]{0,32}"),
    "IS": re.compile(r"[0-9+\- ]{0,16}"),
    "TM": re.compile(r"[0-9:. ]{0,16}"),
}
_NUMBERS = frozenset(("AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"))
_MISPLACED = frozenset(("AS", "DA", "DT", "PN", "UI"))
_BINARY = frozenset(vrs.LONG | vrs.SHORT) - vrs.TEXT - {"SQ", "UN"}

_Draft: TypeAlias = "dict[int, tuple[str, bytes | str | tuple[_Draft, ...]]]"


def identifiers_of(dataset: DataSet) -> Identifiers:
    """The words of an object, at any depth, that lead to its patient, to staff or to the order."""
    names: set[str] = set()
    numbers: set[str] = set()
    for item, charset in _data_sets(dataset, of_data_set(dataset)):
        for tag, element in item.items():
            if len(names) + len(numbers) > _MAX_IDENTIFIERS:
                break
            if vrs.of_tag(tag) == "PN" and isinstance(element.value, bytes):
                names.add(charset.decode(element.value[:1024]))
        for keyword in _NUMBERS_OF_ORDERS:
            numbers.update(value for value in texts(item, keyword, charset)[:16] if len(value) > 2)
    return Identifiers(names, numbers)


def _data_sets(dataset: DataSet, charset: CharacterSet) -> Iterator[tuple[DataSet, CharacterSet]]:
    yield dataset, charset
    for element in dataset.values():
        if isinstance(element.value, tuple):
            for item in element.value:
                own = of_data_set(item) if SPECIFIC_CHARACTER_SET in item else charset
                yield from _data_sets(item, own)


class Cleaner:
    """Cleans one object of `patient`. `replaced`: the UIDs that were taken out."""

    def __init__(self, patient: FalsePatient, identities: Identities, uids: UidMap, true: DataSet) -> None:
        self._patient = patient
        self._identities = identities
        self._uids = uids
        self._true = true
        self._study_uid = text(true, "StudyInstanceUID") or ""
        self._modality = text(true, "Modality") or ""
        self._identifiers = identifiers_of(true)
        self._texts: list[str] = []
        self.replaced: set[str] = set()

    def cleaned(self) -> DataSet:
        """The data set that takes the place of the true one."""
        draft = self._data_set(self._true, of_data_set(self._true))
        for keyword in ALWAYS:
            if tag_of(keyword) not in draft:
                self._put(draft, tag_of(keyword), vrs.of_tag(tag_of(keyword)), self._drawn(keyword, ""))
        charset = _charset_for(text(self._true, "SpecificCharacterSet") or "", self._texts)
        if charset.value:
            draft[SPECIFIC_CHARACTER_SET] = ("CS", charset.value.encode("ascii"))
        return _encoded(draft, charset)

    def _data_set(self, dataset: DataSet, charset: CharacterSet) -> _Draft:
        draft: _Draft = {}
        public = text(dataset, "CodingSchemeDesignator", charset) in PUBLIC_SCHEMES
        for tag, element in dataset.items():
            what = action(tag)
            if what is Action.REMOVE:
                continue
            if what is Action.ITEMS:
                self._items(draft, tag, element, charset)
            elif what is Action.KEEP:
                vr = element.vr if element.vr != "UN" else vrs.of_tag(tag)
                if vr in _BINARY and _has_room(tag, vr, _bytes(element)):
                    draft[tag] = (vr, _bytes(element))
            elif what is Action.EMPTY:
                draft[tag] = (vrs.of_tag(tag), () if vrs.of_tag(tag) == "SQ" else b"")
            elif element.vr in _MISPLACED and element.vr != vrs.of_tag(tag):
                continue  # whatever it is, it is not what the attribute is for
            elif element.vr in vrs.TEXT or element.vr == "UN":
                vr = element.vr if element.vr != "UN" else vrs.of_tag(tag)
                true = charset.decode(_bytes(element)).strip(" \0")
                self._put(draft, tag, vr, self._text(what, tag, vr, true, public))
        return draft

    def _items(self, draft: _Draft, tag: int, element: Element, charset: CharacterSet) -> None:
        value = element.value
        if isinstance(value, bytes):
            value = _unknown_items(tag, value)
        items = (
            self._data_set(item, of_data_set(item) if SPECIFIC_CHARACTER_SET in item else charset) for item in value
        )
        draft[tag] = ("SQ", tuple(items))

    def _put(self, draft: _Draft, tag: int, vr: str, value: str | None) -> None:
        if value is None:
            return
        if not value.isascii():
            self._texts.append(value)
        draft[tag] = (vr, value)

    def _text(self, what: Action, tag: int, vr: str, true: str, public: bool) -> str | None:
        """The value that takes the place of `true`; None: none, not even an empty one."""
        keyword = keyword_for_tag(tag)
        match what:
            case Action.DRAWN:
                return self._drawn(keyword, true)
            case Action.UID:
                return "\\".join(self._uid(uid) for uid in true.split("\\"))
            case Action.CLASS_UID:
                return "\\".join(uid for uid in _values(true) if is_uid(uid))
            case Action.DATE:
                return dates.shift_da(true, self._patient.shift)
            case Action.DATE_TIME:
                return dates.shift_dt(true, self._patient.shift)
            case Action.STAFF:
                return self._each(true, lambda name: self._staff(keyword, name))
            case Action.CODE:
                return self._each(true, lambda value: self._code(value, vrs.of_tag(tag)))
            case Action.TECHNICAL:
                return self._each(true, lambda value: self._technical(keyword, value))
            case Action.DESCRIPTOR:
                return self._descriptor(keyword, true, vr)
            case Action.CODED_CONCEPT:
                return self._concept(keyword, true, public)
            case _:
                raise AssertionError(what)

    def _uid(self, uid: str) -> str:
        new = self._uids(uid)
        if new != uid.strip(" \0"):
            self.replaced.add(uid.strip(" \0"))
        return new

    @staticmethod
    def _each(true: str, change: Callable[[str], str]) -> str:
        return "\\".join(change(value) for value in _values(true))

    def _staff(self, keyword: str, name: str) -> str:
        kind = "operator" if keyword == "OperatorsName" else "referring"
        return self._identities.staff(name, kind) if name else ""

    def _code(self, value: str, vr: str) -> str:
        fits = _FORMS[vr].fullmatch(value) is not None
        return value if fits and not (vr == "CS" and self._identifiers.in_term(value)) else ""

    def _technical(self, keyword: str, value: str) -> str:
        if keyword == "CodingSchemeDesignator" and value and value not in PUBLIC_SCHEMES:
            return LOCAL_SCHEME
        return "" if self._identifiers.in_term(value) else value[:64]

    def _descriptor(self, keyword: str, true: str, vr: str) -> str:
        values = [true] if vr in vrs.UNDIVIDED else _values(true)
        kept = "\\".join(cleaned(value, self._identifiers) for value in values).strip("\\")
        if kept or not true:
            return kept
        return self._plain_description() if keyword == "StudyDescription" else LABELS.get(keyword, "")

    def _plain_description(self) -> str:
        """Modality and body part: what a study is called of whose description nothing may stay."""
        words = (self._code(text(self._true, keyword) or "", "CS") for keyword in ("Modality", "BodyPartExamined"))
        return " ".join(word for word in words if word)

    def _concept(self, keyword: str, value: str, public: bool) -> str:
        if public:
            return "" if self._identifiers.in_term(value) else value
        if keyword == "CodeMeaning":
            return self._descriptor(keyword, value, "LO")
        return self._identities.digits("local code", value, 5)

    def _drawn(self, keyword: str, true: str) -> str | None:
        patient, digits = self._patient, self._identities.digits
        match keyword:
            case "PatientName":
                return patient.name
            case "PatientID":
                return patient.patient_id
            case "PatientBirthDate":
                return patient.birth_date
            case "PatientSex":
                return patient.sex
            case "PatientAge":
                return self._age(true)
            case "AccessionNumber":
                return digits("accession", self._study_uid, 8)
            case "StudyID":
                return digits("study", self._study_uid, 5) if true else ""
            case "InstitutionName" | "VerifyingOrganization":
                return self._identities.hospital if true else ""
            case "StationName" | "PerformedStationName":
                prefix = self._modality if re.fullmatch("[A-Z]{2,4}", self._modality) else "ST"
                return prefix + digits("station", true, 2) if true else ""
            case "TextValue":
                return self._descriptor(keyword, true, "UT")
            case "IssuerOfPatientID":
                return self._identities.issuer
            case "SpecificCharacterSet":
                return None
            case _:  # serial numbers, and what is written on containers
                return digits(keyword, true, 6) if true else ""

    def _age(self, true: str) -> str:
        born = dates.parse_date(self._patient.birth_date)
        day = next((found for found in map(self._day, ("StudyDate", "SeriesDate", "ContentDate")) if found), None)
        if born is None or day is None:
            return self._code(true, "AS")
        return dates.age(born, day, true)

    def _day(self, keyword: str) -> date | None:
        return dates.parse_date(dates.shift_da(text(self._true, keyword) or "", self._patient.shift))


def _bytes(element: Element) -> bytes:
    return element.value if isinstance(element.value, bytes) else b""


def _has_room(tag: int, vr: str, value: bytes) -> bool:
    """Whether numbers of that VR can be so long, and as many as the attribute has."""
    if vr not in _NUMBERS or not value:
        return True
    size = vrs.WORD[vr] * (2 if vr == "AT" else 1)
    return len(value) == size if vm_of_tag(tag) == "1" else len(value) % size == 0


def _values(true: str) -> list[str]:
    return [value.strip(" \0") for value in true.split("\\")]


def _unknown_items(tag: int, value: bytes) -> tuple[DataSet, ...]:
    """The items of a sequence that some archive made UN of; none if they can't be read (PS3.5 section 6.2.2)."""
    try:
        found = decode(header(tag, "SQ", len(value), explicit=False) + value, IMPLICIT_LE)[tag].value
    except ElementsError:
        return ()
    return found if isinstance(found, tuple) else ()


def _charset_for(true: str, values: Iterable[str]) -> CharacterSet:
    """The character set that the object had if it has all characters of `values`, else a larger one."""
    valid = all(term in CODECS for term in true.split("\\"))
    for candidate in (true if valid else "", "ISO_IR 100"):
        charset = character_set(candidate)
        if all(charset.encode(value) is not None for value in values):
            return charset
    return character_set("ISO_IR 192")


def _encoded(draft: _Draft, charset: CharacterSet) -> DataSet:
    dataset: DataSet = {}
    for tag, (vr, value) in draft.items():
        if isinstance(value, str):
            dataset[tag] = Element(tag, vr, charset.encode(value) or b"")
        elif isinstance(value, tuple):
            dataset[tag] = Element(tag, "SQ", tuple(_encoded(item, charset) for item in value))
        else:
            dataset[tag] = Element(tag, vr, value)
    return dataset
