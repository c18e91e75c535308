"""What an import refuses or skips, and that nothing in a folder stops it."""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from dicomhawk.hospital.importer import Refusal
from tests.hospital.importer_samples import bundled, ct, files, only, run, save, sequence

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
ENHANCED_SR = "1.2.840.10008.5.1.4.1.1.88.22"
DOSE_SR = "1.2.840.10008.5.1.4.1.1.88.67"


def overlay_in_pixels() -> Dataset:
    image = ct()
    image.add_new(0x60000010, "US", 4)
    image.add_new(0x60000011, "US", 4)
    image.add_new(0x60000102, "US", 12)
    return image


def document() -> Dataset:
    image = ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1")
    image.EncapsulatedDocument = b"%PDF-1.4 Quendelbaum"
    return image


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (ct(BurnedInAnnotation="YES"), "burned in"),
        (ct(RecognizableVisualFeatures="YES"), "recognised"),
        (ct(SOPClassUID=SECONDARY_CAPTURE), "secondary capture"),
        (ct(SOPClassUID=SECONDARY_CAPTURE + ".4"), "secondary capture"),
        (ct(SOPClassUID=ULTRASOUND, Modality="US"), "ultrasound"),
        (ct(Modality="US"), "modality US"),
        (ct(ConversionType="DF"), "digitised"),
        (ct(ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"]), "screen"),
        (ct(ImageType=["DERIVED", "SECONDARY", "OTHER", "CT_SOM5 PROT"]), "screen"),
        (overlay_in_pixels(), "unused bits"),
        (document(), "document"),
        (ct(SOPClassUID=ENHANCED_SR), "report"),
        (ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.66"), "raw data"),
        (ct(SOPClassUID="1.3.12.2.1107.5.9.1"), "private"),
        (ct(SOPClassUID="1.2.840.10008.3.1.2.3.3"), "not a stored object"),
        (ct(StudyInstanceUID=None), "StudyInstanceUID"),
        (ct(SOPClassUID=""), "SOPClassUID"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused_is_refused_with_its_reason(tmp_path: Path, image: Dataset, reason: str) -> None:
    path = tmp_path / "in/sub/a.dcm"
    path.parent.mkdir(parents=True)
    image.file_meta = pydicom.dataset.FileMetaDataset()
    image.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = "1.2.3"
    image.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    pydicom.dcmwrite(path, image, enforce_file_format=False)
    report = run(tmp_path / "in", tmp_path / "data")
    (refusal,) = report.refused
    assert refusal.path == "sub/a.dcm" and reason in refusal.reason
    assert str(refusal) in str(report)
    assert files(tmp_path / "data") == [] and report.imported == 0


@pytest.mark.parametrize(
    "image",
    [
        ct(SOPClassUID=SECONDARY_CAPTURE, BurnedInAnnotation="NO", ConversionType="WSD"),
        ct(SOPClassUID=ULTRASOUND, Modality="US", BurnedInAnnotation="NO"),
    ],
)
def test_pictures_that_say_they_have_no_annotation_are_taken(tmp_path: Path, image: Dataset) -> None:
    save(image, tmp_path / "in/a.dcm")
    assert run(tmp_path / "in", tmp_path / "data").imported == 1


def test_what_a_camera_wrote_into_the_frames_is_noticed(tmp_path: Path) -> None:
    segment = b"Exif\0\0 taken by Quendelbaum"
    frame = b"\xff\xd8\xff\xe0\0\4JF" + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + b"\xff\xd9"
    image = ct(PixelData=encapsulate([frame]))
    image["PixelData"].is_undefined_length = True
    save(image, tmp_path / "in/a.dcm", JPEGBaseline8Bit)
    (refusal,) = run(tmp_path / "in", tmp_path / "data").refused
    assert "Exif" in refusal.reason


def test_a_dose_report_keeps_its_numbers_and_loses_its_words(tmp_path: Path) -> None:
    text, number, person, day = Dataset(), Dataset(), Dataset(), Dataset()
    text.ValueType, text.TextValue = "TEXT", "Operated by Zwetschge in Mariahilf"
    number.ValueType, number.MeasuredValueSequence = "NUM", sequence(Dataset())
    number.MeasuredValueSequence[0].NumericValue = "12.5"
    person.ValueType, person.PersonName = "PNAME", "Pfefferkorn^Adelheid^^Dr."
    day.ValueType, day.Date = "DATE", "20190311"
    report = ct(SOPClassUID=DOSE_SR, Modality="SR", ContentSequence=sequence(text, number, person, day))
    del report.PixelData
    save(report, tmp_path / "in/a.dcm")
    assert run(tmp_path / "in", tmp_path / "data").imported == 1
    found = only(tmp_path / "data")
    words, numbers, people, days = found.ContentSequence
    assert "Zwetschge" not in words.TextValue and "Mariahilf" not in words.TextValue and words.TextValue
    assert numbers.MeasuredValueSequence[0].NumericValue == 12.5
    assert people.PersonName == found.ReferringPhysicianName
    assert days.Date == found.StudyDate


def test_junk_is_skipped_and_broken_files_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    good = save(ct(), folder / "good.dcm").read_bytes()
    (folder / "empty").write_bytes(b"")
    (folder / "notes.txt").write_text("Thumbs and notes")
    (folder / "zeros").write_bytes(bytes(5000))
    (folder / "cut.dcm").write_bytes(good[:-10])
    (folder / "cut2.dcm").write_bytes(good[: len(good) // 2])
    (folder / "header only.dcm").write_bytes(good[:132])
    (folder / "evil\x1b[2J\n.dcm").write_bytes(good[:200])
    os.mkfifo(folder / "pipe.dcm")
    report = run(folder, tmp_path / "data")
    assert (report.imported, report.skipped, len(report.refused)) == (1, 3, 4)
    assert all(character.isprintable() or character == "\n" for character in str(report))
    assert len(str(report).splitlines()) == 8


def test_links_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    save(ct(study=1), tmp_path / "outside/a.dcm")
    save(ct(study=2), tmp_path / "in/b.dcm")
    (tmp_path / "in/link.dcm").symlink_to(tmp_path / "outside/a.dcm")
    (tmp_path / "in/folder").symlink_to(tmp_path / "outside")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/dangling").symlink_to(tmp_path / "in/nothing")
    (tmp_path / "in/inside.dcm").symlink_to(tmp_path / "in/b.dcm")
    report = run(tmp_path / "in", tmp_path / "data")
    assert (report.imported, report.already_there, report.seen) == (1, 1, 2)


def test_a_study_or_series_that_is_somebody_elses_is_refused(tmp_path: Path) -> None:
    save(ct(1), tmp_path / "in/a.dcm")
    save(ct(2, PatientID="ANOTHER"), tmp_path / "in/b.dcm")
    save(ct(1, study=2, SeriesInstanceUID=ct().SeriesInstanceUID), tmp_path / "in/c.dcm")
    report = run(tmp_path / "in", tmp_path / "data")
    assert report.imported == 1
    assert sorted(refusal.reason for refusal in report.refused) == [
        "its series is in another study",
        "its study is another patient's",
    ]
    save(ct(3, PatientID="ANOTHER"), tmp_path / "later/d.dcm")
    assert run(tmp_path / "later", tmp_path / "data").refused == [Refusal("d.dcm", "its study is another patient's")]


def test_a_uid_can_not_lead_to_another_folder(tmp_path: Path) -> None:
    path = save(ct(), tmp_path / "in/a.dcm")
    uid = ct().SOPInstanceUID.encode()
    path.write_bytes(path.read_bytes().replace(uid, b"../../../../../tmp/x".ljust(len(uid), b"y")))
    for verbatim in (False, True):
        (refusal,) = run(tmp_path / "in", tmp_path / "data", verbatim=verbatim).refused
        assert "not a UID" in refusal.reason


def test_sequences_without_end_do_not_exhaust_anything(tmp_path: Path) -> None:
    good = save(ct(), tmp_path / "in/a.dcm").read_bytes()
    open_sequence = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    at = good.index(b"\x28\x00\x02\x00US")
    for depth in (40, 100_000):
        (tmp_path / "in/a.dcm").write_bytes(good[:at] + open_sequence * depth)
        assert len(run(tmp_path / "in", tmp_path / "data").refused) == 1


def test_two_objects_with_one_uid_are_one(tmp_path: Path) -> None:
    save(ct(1), tmp_path / "in/a.dcm")
    save(ct(1, InstanceNumber=9), tmp_path / "in/b.dcm")
    report = run(tmp_path / "in", tmp_path / "data")
    assert (report.imported, report.already_there) == (1, 1)


@pytest.mark.parametrize("name", ["CT_small.dcm", "rtplan.dcm", "MR_small_RLE.dcm"])
def test_damaged_files_end_as_one_line_each(tmp_path: Path, name: str) -> None:
    content = bundled(name).read_bytes()
    draw = random.Random(name)
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(150):
        damaged = bytearray(content)
        for _ in range(draw.randint(1, 8)):
            at = draw.randrange(min(len(damaged), 4096))
            damaged[at] = draw.randrange(256)
        if number % 3 == 0:
            del damaged[draw.randrange(len(damaged)) :]
        (folder / f"{number}.dcm").write_bytes(damaged)
    report = run(folder, tmp_path / "data")
    assert report.seen == 150
    run(folder, tmp_path / "verbatim", verbatim=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400), st.booleans(), st.sampled_from(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"]))
def test_any_bytes_after_a_header_are_survived(tmp_path: Path, junk: bytes, before: bool, syntax: str) -> None:
    good = save(ct(), tmp_path / "good.dcm", syntax).read_bytes()
    at = good.index(b"\x10\x00\x10\x00")
    path = tmp_path / "in/a.dcm"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(good[:at] + junk + (b"" if before else good[at:]))
    assert run(tmp_path / "in", tmp_path / "data").seen == 1


VALUES: list[tuple[str, Any]] = [
    ("BodyPartExamined", b"QUENDELBAUM "),
    ("SliceThickness", b"Quendelbaum "),
    ("InstanceNumber", b"PID4455667"),
    ("PatientAge", b"Quendelbaum "),
    ("StudyTime", b"Quendelbaum "),
    ("ContentDate", b"Quendelbaum "),
    ("AcquisitionDateTime", b"Quendelbaum "),
    ("FrameOfReferenceUID", b"Quendelbaum "),
    ("SpecificCharacterSet", b"Quendelbaum "),
    ("PatientSex", b"Quendelbaum "),
    ("SoftwareVersions", b"of Quendelbaum"),
    ("ReferencedSOPClassUID", b"Quendelbaum "),
]


@pytest.mark.parametrize(("keyword", "value"), VALUES, ids=[keyword for keyword, _ in VALUES])
def test_a_name_in_the_wrong_place_does_not_get_through(tmp_path: Path, keyword: str, value: bytes) -> None:
    image = ct()
    tag = image.data_element(keyword).tag if keyword in image else pydicom.datadict.tag_for_keyword(keyword)
    assert tag is not None
    marker = b"@@" + b"#" * (len(value) - 2)
    image[tag] = pydicom.DataElement(tag, "LO", marker.decode())
    path = save(image, tmp_path / "in/a.dcm")
    vr = pydicom.datadict.dictionary_VR(tag).encode()
    raw = path.read_bytes()
    at = raw.index(marker)
    assert raw[at - 4 : at - 2] == b"LO"
    path.write_bytes(raw[: at - 4] + vr + raw[at - 2 : at] + value + raw[at + len(value) :])
    run(tmp_path / "in", tmp_path / "data")
    for written in (tmp_path / "data").rglob("*"):
        if written.is_file():
            content = written.read_bytes()
            assert b"Quendelbaum" not in content and b"QUENDELBAUM" not in content and b"PID4455667" not in content


def test_a_date_in_the_place_of_a_number_does_not_get_through(tmp_path: Path) -> None:
    image = ct(SliceThickness="1.234567")
    path = save(image, tmp_path / "in/a.dcm")
    path.write_bytes(path.read_bytes().replace(b"DS\x08\x001.234567", b"DA\x08\x0019610704"))
    assert run(tmp_path / "in", tmp_path / "data").imported == 1
    assert b"19610704" not in files(tmp_path / "data")[0].read_bytes()
