"""Objects and deployments for the tests of the importer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.importer import ImportReport, import_folder
from dicomhawk.settings import Deployment

DEPLOYMENT = Deployment(
    seed="0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    hospital="Sankt Elsewhere",
    locale="da_DK",
    ae_title="ARKIV",
    uid_root="1.2.826.0.1.3680043.10.1234",
)
OTHER = DEPLOYMENT.model_copy(update={"seed": "ffffffffffffffffffffffffffffffff"})

TRUE_ROOT = "1.3.46.670589.11.8410"

TRUE_WORDS = (
    "Quendelbaum",
    "Roswitha",
    "PID4455667",
    "19610704",
    "Lindenweg",
    "OLD998877",
    "Kunigunde",
    "Pfefferkorn",
    "Adelheid",
    "Zwetschge",
    "Karla",
    "Mariahilf",
    "Gartenstrasse",
    "MARIACT2",
    "SN73546",
    "ACC7766554",
    "STD4711",
    "5551234",
    "20190311",
    TRUE_ROOT,
)
"""What must not be found after an import of `ct`."""

BUNDLED = (
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "MR_small_padded.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_expb.dcm",
    "693_J2KI.dcm",
    "liver_1frame.dcm",
    "liver_expb_1frame.dcm",
    "rtplan.dcm",
    "rtstruct.dcm",
    "rtdose.dcm",
    "rtdose_rle.dcm",
    "rtdose_expb.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "waveform_ecg.dcm",
    "examples_overlay.dcm",
)
"""Files that pydicom ships and that have nothing for which they would be refused."""

SYNTAXES = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
NOW = 1_750_000_000.0


def ct(number: int = 1, *, study: int = 1, series: int = 1, **changed: Any) -> Dataset:
    """A small CT image with a patient, staff and an order, all of them with their true names."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"{TRUE_ROOT}.{study}.{series}.{number}.20190311"
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = "20190311"
    dataset.AcquisitionDateTime = "20190311101112.123456+0100"
    dataset.StudyTime = dataset.ContentTime = "101112.123456"
    dataset.AccessionNumber = "ACC7766554"
    dataset.Modality = "CT"
    dataset.Manufacturer = "SIEMENS"
    dataset.ManufacturerModelName = "SOMATOM Force"
    dataset.InstitutionName = "Mariahilf Klinikum"
    dataset.InstitutionAddress = "Gartenstrasse 7, Neustadt"
    dataset.ReferringPhysicianName = "Pfefferkorn^Adelheid^^Dr."
    dataset.StationName = "MARIACT2"
    dataset.StudyDescription = "CT Thorax Quendelbaum, Tel. 5551234"
    dataset.SeriesDescription = "Thorax 5.0 B31f"
    dataset.OperatorsName = "Zwetschge^Karla"
    dataset.PatientName = "Quendelbaum^Roswitha"
    dataset.PatientID = "PID4455667"
    dataset.PatientBirthDate = "19610704"
    dataset.PatientSex = "F"
    dataset.PatientAge = "057Y"
    dataset.PatientAddress = "Lindenweg 9"
    dataset.OtherPatientIDs = "OLD998877"
    dataset.PatientComments = "sister of Kunigunde"
    dataset.BodyPartExamined = "CHEST"
    dataset.DeviceSerialNumber = "SN73546"
    dataset.SoftwareVersions = "VB20A"
    dataset.ProtocolName = "Thorax_Routine"
    dataset.StudyInstanceUID = f"{TRUE_ROOT}.{study}.20190311"
    dataset.SeriesInstanceUID = f"{TRUE_ROOT}.{study}.{series}.20190311"
    dataset.FrameOfReferenceUID = f"{TRUE_ROOT}.{study}.99.20190311"
    dataset.StudyID = "STD4711"
    dataset.SeriesNumber = series
    dataset.InstanceNumber = number
    dataset.ImagePositionPatient = [0, 0, number]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows = dataset.Columns = 4
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 0
    dataset.PixelData = bytes(range(32))
    for keyword, value in changed.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def reference(dataset: Dataset) -> Dataset:
    """An item that refers to an object."""
    item = Dataset()
    item.ReferencedSOPClassUID = dataset.SOPClassUID
    item.ReferencedSOPInstanceUID = dataset.SOPInstanceUID
    return item


def sequence(*items: Dataset) -> Sequence:
    """A sequence of items."""
    return Sequence(items)


def save(dataset: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian) -> Path:
    """Write a Part 10 file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, enforce_file_format=True)
    return path


def run(source: Path, data: Path, deployment: Deployment = DEPLOYMENT, **options: Any) -> ImportReport:
    """Import a folder."""
    return import_folder(source, data, deployment, now=NOW, **options)


def catalogue(data: Path) -> Catalogue:
    """The catalogue of an import."""
    return Catalogue(data / "hospital/catalogue.sqlite")


def files(data: Path) -> list[Path]:
    """The imported files."""
    return sorted((data / "hospital/files").rglob("*.dcm"))


def bundled(name: str) -> Path:
    """A file that pydicom ships."""
    found = get_testdata_file(name, download=False)
    if found is None:
        pytest.skip(f"pydicom does not ship {name}")
    return Path(str(found))


def only(data: Path) -> Dataset:
    """The one object that was imported."""
    (path,) = files(data)
    return pydicom.dcmread(path)
