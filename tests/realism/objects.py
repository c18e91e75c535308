"""Objects that differ in everything that a query can ask for, also within a study; drawn from a seed."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.10.4711"
CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "OT": "1.2.840.10008.5.1.4.1.1.7",
}
NAMES: tuple[tuple[str, str | list[str] | None], ...] = (
    ("DOE^JANE", None),
    ("Doe^John^^Dr", None),
    ("MÜLLER^JÜRGEN", "ISO_IR 100"),
    ("Müller^Änne", "ISO_IR 192"),
    ("Иванов^Пётр", "ISO_IR 144"),
    ("YAMADA^TAROU=山田^太郎=やまだ^たろう", ["", "ISO 2022 IR 87"]),
    ("O'Neil_%^A [x]", None),
    ("smith", None),
    ("Lee^A?B*C", None),
    ("NOVÁK^Jiří", "ISO_IR 101"),
    (" LEADING^SPACE", None),
    ("", None),
)
_WESTERN = ("ISO_IR 100", "ISO_IR 192", "ISO_IR 101")


def study_uid(patient: int, study: int) -> str:
    """The UID of a study."""
    return f"{ROOT}.{patient}.{study}"


def write(folder: Path, source: random.Random, patients: int) -> list[Path]:
    """Files of some objects of so many patients, in the order in which they should be stored."""
    files: list[Path] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd values are what this is for
        for patient in range(patients):
            for found in _objects(source, patient):
                files.append(folder / f"{len(files):05}.dcm")
                _save(found, files[-1], implicit=patient % 3 == 0)
    return files


def _objects(source: random.Random, patient: int) -> Iterator[Dataset]:
    of_patient = _patient(source, patient)
    for study in range(source.randint(1, 3)):
        of_study = _study(source, of_patient, patient, study)
        for series in range(source.randint(1, 3)):
            modality = source.choice(list(CLASSES))
            varied = source.random() < 0.4
            for number in range(source.randint(1, 3)):
                yield _instance(source, of_study, modality, series, number, varied=varied)


def _patient(source: random.Random, number: int) -> Dataset:
    found = Dataset()
    name, charset = source.choice(NAMES)
    if charset:
        found.SpecificCharacterSet = charset
    found.PatientName = name
    found.PatientID = source.choice((f"P{number:03}", f"p{number:03}", f"ID {number}", f"X_{number}", f"A%{number}"))
    birth = source.choice(("19700101", "19991231", "", "1960.05.06", None))
    if birth is not None:
        found.PatientBirthDate = birth
    return found


def _study(source: random.Random, patient: Dataset, number: int, study: int) -> Dataset:
    found = Dataset()
    found.update(patient)
    found.StudyInstanceUID = study_uid(number, study)
    found.StudyID = f"S{study}"
    western = patient.get("SpecificCharacterSet") in _WESTERN
    for keyword, values in (
        ("StudyDate", ("20200115", "20200131", "20211231", "", "2020.02.03", "20190506", None)),
        ("StudyTime", ("083000", "0830", "08", "141500.123", "", "23:59:59", None)),
        ("AccessionNumber", (f"A{number}{study}", f"a{study}", "", f"B_{number}")),
        ("StudyDescription", ("CHEST CT", "brain mr", "Schädel" if western else "X", "", "A\\B", None, "D" * 70)),
    ):
        value = source.choice(values)
        if value is not None:
            setattr(found, keyword, value)
    return found


def _instance(
    source: random.Random, study: Dataset, modality: str, series: int, number: int, *, varied: bool
) -> Dataset:
    found = Dataset()
    found.update(study)
    found.ImageType = ["ORIGINAL", "PRIMARY"]
    found.SOPClassUID = CLASSES[modality]
    found.SeriesInstanceUID = f"{study.StudyInstanceUID}.{series}"
    found.SOPInstanceUID = f"{found.SeriesInstanceUID}.{number}"
    found.Modality = modality
    if varied:
        found.AccessionNumber = f"{study.AccessionNumber}V"
        if "StudyDescription" in study:
            found.StudyDescription = f"{study.StudyDescription}{number}"
        if source.random() < 0.3 and "=" not in str(study.PatientName):
            found.PatientName = f"{study.PatientName}^X"
    western = study.get("SpecificCharacterSet") in ("ISO_IR 100", "ISO_IR 192")
    found.Manufacturer = source.choice(("ACME", "acme", "Übel" if western else "Ubel"))
    found.ContentDate = "20200101"
    found.SeriesDescription = source.choice(("S1", "s1", "axial T2"))
    found.SeriesNumber = source.choice(("1", "01", " 2", ""))
    found.InstanceNumber = str(number)
    found.PatientSex = source.choice("FMO")
    found.PatientAge, found.PatientWeight = "042Y", "71.5"
    for keyword, value in (
        ("InstitutionName", source.choice(("HOSP", "Clinic", ""))),
        ("ReferringPhysicianName", source.choice(("REF^A", "ref^a", "REF"))),
        ("OperatorsName", "OP^X"),
        ("PatientComments", "some comment"),
        ("EthnicGroup", "EG"),
        ("OtherPatientIDs", ["O1", "O2"]),
        ("ReferencedStudySequence", [_reference()]),
        ("ProcedureCodeSequence", [_code(western=western)]),
    ):
        if source.random() < 0.4:
            setattr(found, keyword, value)
    found.BodyPartExamined = "CHEST"
    found.ImageOrientationPatient, found.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.5, 0.5]
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
    found.Rows = found.Columns = 8
    found.BitsAllocated, found.BitsStored, found.HighBit, found.PixelRepresentation = 16, 12, 11, 0
    found.SmallestImagePixelValue = 3
    found.PixelData = bytes(128)
    found["PixelData"].VR = "OW"
    return found


def _reference() -> Dataset:
    found = Dataset()
    found.ReferencedSOPClassUID = CLASSES["CT"]
    found.ReferencedSOPInstanceUID = "1.2.3.4"
    return found


def _code(*, western: bool) -> Dataset:
    found = Dataset()
    found.CodeValue, found.CodingSchemeDesignator = "C1", "99X"
    found.CodeMeaning = "Größe" if western else "Size"
    return found


def _save(data_set: Dataset, path: Path, *, implicit: bool) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data_set.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
    meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    meta.ImplementationClassUID = ROOT
    data_set.file_meta = meta
    data_set.save_as(path, enforce_file_format=True)
