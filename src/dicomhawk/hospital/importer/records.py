"""Rows of the catalogue from the data set of an imported object."""

from __future__ import annotations

from dataclasses import dataclass

from dicomhawk.hospital.charset import CharacterSet, of_data_set
from dicomhawk.hospital.elements import DataSet
from dicomhawk.hospital.importer.values import number, tag_of, text
from dicomhawk.hospital.rows import Instance, Patient, Series, Study


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the columns of one object's rows; `visible_from` is that of all of them."""

    dataset: DataSet
    charset: CharacterSet
    visible_from: float

    @classmethod
    def of(cls, dataset: DataSet, visible_from: float) -> Reader:
        """A reader of `dataset`, in the character set that it declares."""
        return cls(dataset, of_data_set(dataset), visible_from)

    def text(self, keyword: str) -> str:
        """A value; empty if the object doesn't have the attribute."""
        return text(self.dataset, keyword, self.charset) or ""

    def patient(self, patient_key: int) -> Patient:
        """The object's patient."""
        return Patient(
            patient_key=patient_key,
            patient_id=self.text("PatientID"),
            issuer=self._text("IssuerOfPatientID"),
            name=self.text("PatientName"),
            birth_date=self.text("PatientBirthDate"),
            sex=self.text("PatientSex"),
            other_ids=self._text("OtherPatientIDs"),
            comments=self._text("PatientComments"),
            visible_from=self.visible_from,
        )

    def study(self, study_key: int, patient_key: int) -> Study:
        """The object's study."""
        return Study(
            study_key=study_key,
            patient_key=patient_key,
            study_uid=self.text("StudyInstanceUID"),
            study_date=self.text("StudyDate"),
            study_time=self.text("StudyTime"),
            accession_number=self.text("AccessionNumber"),
            study_id=self.text("StudyID"),
            referring_physician=self.text("ReferringPhysicianName"),
            description=self.text("StudyDescription"),
            reading_physicians=self._text("NameOfPhysiciansReadingStudy"),
            patient_age=self._text("PatientAge"),
            patient_size=self._text("PatientSize"),
            patient_weight=self._text("PatientWeight"),
            visible_from=self.visible_from,
        )

    def series(self, series_key: int, study_key: int) -> Series:
        """The object's series."""
        return Series(
            series_key=series_key,
            study_key=study_key,
            series_uid=self.text("SeriesInstanceUID"),
            modality=self.text("Modality"),
            series_number=self._number("SeriesNumber"),
            description=self._text("SeriesDescription"),
            series_date=self._text("SeriesDate"),
            series_time=self._text("SeriesTime"),
            body_part=self._text("BodyPartExamined"),
            laterality=self._text("Laterality"),
            protocol_name=self._text("ProtocolName"),
            performing_physician=self._text("PerformingPhysicianName"),
            operators=self._text("OperatorsName"),
            station_name=self._text("StationName"),
            institution=self._text("InstitutionName"),
            department=self._text("InstitutionalDepartmentName"),
            manufacturer=self._text("Manufacturer"),
            model=self._text("ManufacturerModelName"),
            step_start_date=self._text("PerformedProcedureStepStartDate"),
            step_start_time=self._text("PerformedProcedureStepStartTime"),
            step_id=self._text("PerformedProcedureStepID"),
            visible_from=self.visible_from,
        )

    def instance(self, instance_key: int, series_key: int, *, transfer_syntax: str, path: str, size: int) -> Instance:
        """The object itself, kept at `path` below the data folder."""
        return Instance(
            instance_key=instance_key,
            series_key=series_key,
            sop_uid=self.text("SOPInstanceUID"),
            sop_class_uid=self.text("SOPClassUID"),
            transfer_syntax_uid=transfer_syntax,
            instance_number=self._number("InstanceNumber"),
            content_date=self._text("ContentDate"),
            content_time=self._text("ContentTime"),
            rows=self._number("Rows"),
            columns=self._number("Columns"),
            bits_allocated=self._number("BitsAllocated"),
            frames=self._number("NumberOfFrames"),
            path=path,
            size=size,
            visible_from=self.visible_from,
        )

    def _text(self, keyword: str) -> str | None:
        return text(self.dataset, keyword, self.charset)

    def _number(self, keyword: str) -> int | None:
        return number(self.dataset, tag_of(keyword))
