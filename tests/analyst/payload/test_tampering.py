"""Objects that claim to be the hospital's: returned, altered, or new in one of its studies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dicomhawk.analyst.payload import Examiner
from dicomhawk.hospital.archive import CATALOGUE, render
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.elements import EXPLICIT_LE, IMPLICIT_LE, DataSet, Element, decode, encode
from dicomhawk.hospital.generate import generate
from dicomhawk.hospital.part10 import dataset_offset
from dicomhawk.hospital.transcode import transcode
from dicomhawk.lures.marks import marked
from dicomhawk.settings import Deployment, Settings
from tests.analyst.payload.conftest import UNHURRIED, severities
from tests.analyst.payload.samples import part10, text

NOW = 1_772_600_000.0
BUDGET = 1 << 30


class Ward:
    """A hospital, and an examiner that knows it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        drawn = Deployment(
            seed="7" * 32, hospital="K", locale="de_DE", ae_title="A", uid_root="1.2.826.0.1.3680043.10.77"
        )
        generate(folder, drawn, 4, now=NOW)
        self.examiner = Examiner(Settings(data=folder, analyst=UNHURRIED))

    def object_of(self, modality: str, sop_class: str = "%") -> bytes:
        """A file of the hospital's."""
        with Catalogue(self.folder / CATALOGUE) as catalogue:
            sql = "SELECT min(instance_key) FROM instance JOIN series USING (series_key) WHERE modality = ?"
            key = catalogue.connection.execute(f"{sql} AND sop_class_uid LIKE ?", (modality, sop_class)).fetchone()[0]
        return Path(render(str(self.folder), key, BUDGET)).read_bytes()

    def examine(self, content: bytes) -> dict[str, Any]:
        """The report on a content."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.folder / sha256
        path.write_bytes(content)
        return self.examiner.examine(sha256, path)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    made = Ward(tmp_path_factory.mktemp("ward"))
    yield made
    made.examiner.close()


@pytest.fixture(scope="module")
def ct(ward: Ward) -> DataSet:
    return data_set(ward.object_of("CT", "1.2.840.10008.5.1.4.1.1.2"))


def data_set(file: bytes) -> DataSet:
    return decode(file[dataset_offset(file) :], EXPLICIT_LE)


def stored(content: DataSet, *changed: Element) -> bytes:
    """As somebody else's software would write it."""
    return part10(encode(content | {element.tag: element for element in changed}, EXPLICIT_LE))


def samples_of(content: DataSet) -> np.ndarray[Any, Any]:
    value = content[0x7FE00010].value
    assert isinstance(value, bytes)
    return np.frombuffer(value, "<i2").reshape(512, 512).copy()


LARGE = [pytest.param(modality, marks=pytest.mark.soak) for modality in ("MR", "CR", "US", "ECG")]


@pytest.mark.parametrize("modality", ["CT", "SR", "KO", "OT", *LARGE])
def test_what_comes_back_as_it_left_is_clean(ward: Ward, modality: str) -> None:
    report = ward.examine(ward.object_of(modality))
    assert severities(report) == {"hospital.returned": 0}, report["findings"]
    assert report["hospital"]["level"] == "instance"
    assert report["verdict"].endswith(": object of the hospital, unaltered.")


def test_another_transfer_syntax_is_no_tampering(ward: Ward, ct: DataSet) -> None:
    other = transcode(encode(ct, EXPLICIT_LE), EXPLICIT_LE, IMPLICIT_LE)
    assert severities(ward.examine(part10(bytes(other), IMPLICIT_LE))) == {"hospital.returned": 0}


@pytest.mark.parametrize(
    "mark",
    [
        "header\x1ehttp://canary.example.org/wado/1",
        "private\x1e002942\x1ePACS IMAGE LINK\x1ehttp://canary.example.org/study/1",
        "comment\x1eSee the other study",
    ],
)
def test_our_own_marks_are_no_tampering(ward: Ward, ct: DataSet, mark: str) -> None:
    made = marked(encode(ct, EXPLICIT_LE), EXPLICIT_LE, mark)
    assert made is not None
    report = ward.examine(part10(bytes(made)))
    assert severities(report) == {"hospital.returned": 0}, report["hospital"]


def test_a_lesion_that_was_painted_in_is_found_and_shown(ward: Ward, ct: DataSet) -> None:
    pixels = samples_of(ct)
    pixels[200:220, 300:330] += 300
    report = ward.examine(stored(ct, Element(0x7FE00010, "OW", pixels.tobytes())))
    assert severities(report)["tampering.same-instance"] == 4 and report["severity"] == 4
    changed = report["hospital"]["pixels"]
    assert changed["box"] == [200, 300, 219, 329] and changed["largest"] == 300
    assert changed["changed"] == pytest.approx(20 * 30 / 512**2)
    assert report["hospital"]["attributes"] == []
    difference = Image.open(ward.folder / "previews" / report["difference"])
    assert (difference.size, difference.mode) == ((512, 512), "RGB")
    red = np.asarray(difference).astype(int)
    marked_pixels = (red[..., 0] > 140) & (red[..., 1] == 0)
    assert marked_pixels[200:220, 300:330].all() and marked_pixels.sum() == 600
    preview = Image.open(ward.folder / "previews" / report["preview"])
    assert (preview.size, preview.mode) == ((512, 512), "L")
    assert report["verdict"].startswith("A DICOM object (CT, 512 x 512): image of the hospital, altered")


def test_attributes_that_were_changed_are_listed(ward: Ward, ct: DataSet) -> None:
    report = ward.examine(stored(ct, text(0x00100010, "PN", "Mallory^Eve"), text(0x00321030, "LO", "x")))
    assert severities(report) == {"tampering.same-instance": 3}
    listed = {each["keyword"]: each for each in report["hospital"]["attributes"]}
    assert listed["PatientName"]["theirs"] == "Mallory^Eve" and listed["PatientName"]["ours"]
    assert listed["ReasonForStudy"]["ours"] == ""


def test_another_size_of_image_cannot_be_compared_and_is_told(ward: Ward, ct: DataSet) -> None:
    small = samples_of(ct)[:256, :256]
    rows = (Element(tag, "US", (256).to_bytes(2, "little")) for tag in (0x00280010, 0x00280011))
    report = ward.examine(stored(ct, *rows, Element(0x7FE00010, "OW", small.tobytes())))
    assert severities(report)["tampering.same-instance"] == 3
    assert report["hospital"]["pixels"]["why_not"].startswith("another size")


@pytest.mark.parametrize(
    ("id", "severity", "others"),
    [
        ("tampering.foreign-instance", 3, (0x00080018,)),
        ("tampering.foreign-series", 3, (0x00080018, 0x0020000E)),
        ("hospital.foreign-study", 2, (0x00080018, 0x0020000E, 0x0020000D)),
    ],
)
def test_what_is_new_in_something_of_ours_is_told(
    ward: Ward, ct: DataSet, id: str, severity: int, others: tuple[int, ...]
) -> None:
    changed = [text(tag, "UI", f"1.2.826.0.1.3680043.10.5.{tag}") for tag in others]
    assert severities(ward.examine(stored(ct, *changed))) == {id: severity}


def test_pixels_that_crash_a_decoder_harm_nobody(ward: Ward, ct: DataSet) -> None:
    report = ward.examine(stored(ct, Element(0x7FE00010, "OW", b"\0" * 100)))
    assert report["sandbox"]["outcome"] == "done"
    assert severities(report)["tampering.same-instance"] == 3
    assert severities(report)["structure.pixel-length"] == 2


def test_strange_identifiers_find_nothing(ward: Ward, ct: DataSet) -> None:
    changed = [text(tag, "UI", "*") for tag in (0x00080018, 0x0020000E, 0x0020000D)]
    report = ward.examine(stored(ct, *changed, text(0x00100020, "LO", "%' OR 1=1 --")))
    assert report["hospital"] is None
