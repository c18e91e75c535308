"""C-STORE, with DCMTK's client."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from tests.sensor.dcmtk import find, store
from tests.sensor.proxy import Visitor
from tests.support import Event, Sensor, at

# File of pydicom: option of storescu to propose its syntax, that syntax, and its SOP class.
SAMPLES = {
    "CT_small.dcm": ("-xe", "1.2.840.10008.1.2.1", "1.2.840.10008.5.1.4.1.1.2"),
    "MR_small.dcm": ("-xe", "1.2.840.10008.1.2.1", "1.2.840.10008.5.1.4.1.1.4"),
    "MR_small_implicit.dcm": ("-xi", "1.2.840.10008.1.2", "1.2.840.10008.5.1.4.1.1.4"),
    "MR_small_bigendian.dcm": ("-xb", "1.2.840.10008.1.2.2", "1.2.840.10008.5.1.4.1.1.4"),
    "MR_small_RLE.dcm": ("-xr", "1.2.840.10008.1.2.5", "1.2.840.10008.5.1.4.1.1.4"),
    "MR_small_jp2klossless.dcm": ("-xv", "1.2.840.10008.1.2.4.90", "1.2.840.10008.5.1.4.1.1.4"),
    "MR_small_jpeg_ls_lossless.dcm": ("-xt", "1.2.840.10008.1.2.4.80", "1.2.840.10008.5.1.4.1.1.4"),
    "SC_rgb_jpeg_gdcm.dcm": ("-xs", "1.2.840.10008.1.2.4.70", "1.2.840.10008.5.1.4.1.1.7"),
    "SC_rgb_rle_2frame.dcm": ("-xr", "1.2.840.10008.1.2.5", "1.2.840.10008.5.1.4.1.1.7"),
    "SC_rgb_jpeg_dcmtk.dcm": ("-xy", "1.2.840.10008.1.2.4.50", "1.2.840.10008.5.1.4.1.1.7"),
    "image_dfl.dcm": ("-xd", "1.2.840.10008.1.2.1.99", "1.2.840.10008.5.1.4.1.1.7"),
    "examples_jpeg2k.dcm": ("-xv", "1.2.840.10008.1.2.4.90", "1.2.840.10008.5.1.4.1.1.6.1"),
    "examples_ybr_color.dcm": ("-xy", "1.2.840.10008.1.2.4.50", "1.2.840.10008.5.1.4.1.1.3.1"),
    "waveform_ecg.dcm": ("-xe", "1.2.840.10008.1.2.1", "1.2.840.10008.5.1.4.1.1.9.1.1"),
    "test-SR.dcm": ("-xe", "1.2.840.10008.1.2.1", "1.2.840.10008.5.1.4.1.1.88.33"),
    "rtplan.dcm": ("-xi", "1.2.840.10008.1.2", "1.2.840.10008.5.1.4.1.1.481.5"),
}


def sample(name: str) -> Path:
    """The path of a file that comes with pydicom; some few would be downloaded, those aren't used."""
    path = get_testdata_file(name, download=False)
    assert path is not None, name
    return Path(path)


def pdf(folder: Path) -> Path:
    """An encapsulated PDF."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.104.1", generate_uid()
    data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(), generate_uid()
    data.PatientID, data.PatientName, data.Modality = "PDF1", "Report^Letter", "DOC"
    data.MIMETypeOfEncapsulatedDocument = "application/pdf"
    data.EncapsulatedDocument = b"%PDF-1.4\n%%EOF\n\0"
    path = folder / "letter.dcm"
    data.save_as(path, enforce_file_format=True)
    return path


def copies(folder: Path, number: int, name: str = "CT_small.dcm") -> list[Path]:
    """Instances of one series, which differ in their UIDs."""
    original: FileDataset = dcmread(sample(name))
    paths = []
    for index in range(1, number + 1):
        original.SOPInstanceUID = original.file_meta.MediaStorageSOPInstanceUID = f"2.25.1{index:04}"
        original.InstanceNumber = index
        paths.append(folder / f"{index:04}.dcm")
        original.save_as(paths[-1])
    return paths


def captured(sensor: Sensor, event: Event) -> bytes:
    """The file in the vault that an event `file.captured` is about."""
    content = (sensor.data / "vault" / at(event, "file.name")).read_bytes()
    assert hashlib.sha256(content).hexdigest() == at(event, "file.hash.sha256")
    assert len(content) == at(event, "file.size")
    return content


@pytest.mark.parametrize("name", SAMPLES)
def test_classes_and_syntaxes(visitor: Visitor, tmp_path: Path, name: str) -> None:
    option, syntax, sop_class = SAMPLES[name]
    path = sample(name)
    store(visitor, path, options=(option,))
    event = visitor.wait_event("dicom.c-store")
    assert at(event, "dicom.sop.class_uid") == at(event, "dicom.context.abstract_syntax") == sop_class
    assert at(event, "dicom.context.transfer_syntax") == syntax
    assert at(event, "dicom.status") == "0x0000"

    kept = tmp_path / "kept.dcm"
    kept.write_bytes(captured(visitor.sensor, visitor.wait_event("file.captured")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of pydicom's files are wrong on purpose
        one, two = dcmread(path), dcmread(kept)
        assert two.file_meta.TransferSyntaxUID == syntax
        assert two.SOPInstanceUID == one.SOPInstanceUID
        for keyword in ("PixelData", "WaveformSequence", "ContentSequence", "BeamSequence"):
            assert (keyword in one) == (keyword in two)
        if "PixelData" in one and "jp" not in name:
            assert (one.pixel_array == two.pixel_array).all()


def test_encapsulated_pdf(visitor: Visitor, tmp_path: Path) -> None:
    store(visitor, pdf(tmp_path), options=("-R",))
    assert at(visitor.wait_event("dicom.c-store"), "dicom.sop.class_uid") == "1.2.840.10008.5.1.4.1.1.104.1"
    assert b"%PDF-1.4" in captured(visitor.sensor, visitor.wait_event("file.captured"))


def test_a_hundred_files_on_one_association(visitor: Visitor, tmp_path: Path) -> None:
    paths = copies(tmp_path, 100)
    store(visitor, *paths)
    assert len(visitor.connections) == 1
    stored = visitor.visit(event__action="dicom.c-store")
    assert [at(event, "dicom.sop.instance_uid") for event in stored] == [f"2.25.1{i:04}" for i in range(1, 101)]
    assert {at(event, "dicom.status") for event in stored} == {"0x0000"}
    study = dcmread(paths[0]).StudyInstanceUID
    (answer,) = find(
        visitor, "-S", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={study}", "NumberOfStudyRelatedInstances"
    )
    assert answer.NumberOfStudyRelatedInstances == 100


def test_a_file_that_is_there_already(visitor: Visitor) -> None:
    path = sample("MR_small.dcm")
    for _ in range(2):
        store(visitor, path)
    first, second = visitor.visit(event__action="file.captured")
    assert at(first, "file.hash.sha256") == at(second, "file.hash.sha256")
    assert at(second, "honeypot.capture.new") is False
    study = dcmread(path).StudyInstanceUID
    (answer,) = find(
        visitor, "-S", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={study}", "NumberOfStudyRelatedInstances"
    )
    assert answer.NumberOfStudyRelatedInstances == 1


def test_the_first_copy_is_new(start: Callable[..., Sensor]) -> None:
    with start(workers=1) as sensor, Visitor(sensor) as visitor:
        store(visitor, sample("MR_small.dcm"), sample("MR_small.dcm"))
        first, second = visitor.visit(event__action="file.captured")
        assert (at(first, "honeypot.capture.new"), at(second, "honeypot.capture.new")) == (True, False)
