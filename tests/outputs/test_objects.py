"""Objects that transcripts refer to are found again, byte for byte."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pydicom
import pytest

from dicomhawk.evidence.objects import ObjectStore
from dicomhawk.evidence.transcript import Reference
from dicomhawk.hospital.archive import CATALOGUE, render
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.deployment import draw_deployment
from dicomhawk.hospital.elements import EXPLICIT_LE, IMPLICIT_LE, Element, encode
from dicomhawk.hospital.generate import generate
from dicomhawk.hospital.part10 import dataset_offset, file_meta
from dicomhawk.hospital.rewriting import DECODED, Rewriting, label
from dicomhawk.hospital.rows import Instance
from dicomhawk.outputs.objects import Resolver
from dicomhawk.settings import Settings


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hospital of one study."""
    folder = tmp_path_factory.mktemp("data")
    generate(folder, draw_deployment(seed="ab" * 16, locale="en_GB"), 1, now=time.time())
    return folder


@pytest.fixture
def instance(data: Path) -> Instance:
    with Catalogue(data / CATALOGUE) as catalogue:
        query = "SELECT min(instance_key) FROM instance JOIN series USING (series_key) WHERE modality = 'MR'"
        (key,) = catalogue.connection.execute(query).fetchone()
        found = catalogue.instance(key)
    assert found is not None
    return found


def test_an_object_of_the_hospital_is_rendered_again(data: Path, instance: Instance) -> None:
    resolve = Resolver(Settings(data=data))
    first = resolve(Reference("hospital", instance.sop_uid, EXPLICIT_LE))
    assert first is not None
    path = Path(render(str(data), instance.instance_key, 1 << 30))
    content = path.read_bytes()
    assert bytes(first) == content[dataset_offset(content) :]
    path.unlink()
    again = resolve(Reference("hospital", instance.sop_uid, EXPLICIT_LE))
    assert again is not None
    assert bytes(again) == bytes(first)
    resolve.close()


def test_an_object_in_another_transfer_syntax(data: Path, instance: Instance) -> None:
    resolve = Resolver(Settings(data=data))
    found = resolve(Reference("hospital", instance.sop_uid, IMPLICIT_LE))
    assert found is not None
    dataset = pydicom.dcmread(io.BytesIO(file_meta("1.2", "1.2.3", IMPLICIT_LE, "1.2.4") + bytes(found)))
    assert dataset.SOPInstanceUID == instance.sop_uid
    assert len(dataset.PixelData) == dataset.Rows * dataset.Columns * 2
    assert resolve(Reference("hospital", instance.sop_uid, "1.2.840.10008.1.2.4.50")) is None


def test_a_captured_object(data: Path) -> None:
    head = file_meta("1.2", "1.2.3", EXPLICIT_LE, "1.2.4")
    store = ObjectStore(data / "vault", "w0", 1 << 30, 1 << 30)
    sink = store.open(head)
    sink.write(b"whatever was sent")
    captured = sink.finish()
    found = Resolver(Settings(data=data))(Reference("captured", captured.sha256, ""))
    assert found is not None
    assert bytes(found) == b"whatever was sent"


def test_a_captured_object_that_was_sent_back_written_anew(data: Path) -> None:
    private = Element(0x00090010, "LO", b"MAKER ")
    stored = {0x00080005: Element(0x00080005, "CS", b"ISO_IR 100  "), private.tag: private}
    store = ObjectStore(data / "vault", "w1", 1 << 30, 1 << 30)
    sink = store.open(file_meta("1.2", "1.2.3", EXPLICIT_LE, "1.2.4"))
    sink.write(encode(stored, EXPLICIT_LE))
    captured = sink.finish()
    resolve = Resolver(Settings(data=data))
    rewriting = Rewriting(frozenset({0x0009}))

    def again(mark: str) -> bytes | memoryview | None:
        return resolve(Reference("captured", captured.sha256, IMPLICIT_LE, mark))

    assert again(label(EXPLICIT_LE, None)) == encode(stored, IMPLICIT_LE)
    assert again(label(EXPLICIT_LE, rewriting)) == encode(rewriting.tidied(stored), IMPLICIT_LE)
    assert again(label(EXPLICIT_LE, rewriting)) == bytes.fromhex("080005000a000000") + b"ISO_IR 100"
    assert again(label(DECODED, None)) is None
    assert again(f"{EXPLICIT_LE} tidied nonsense") is None


@pytest.mark.parametrize(
    "reference",
    [
        Reference("captured", "ab" * 32, ""),
        Reference("captured", "", ""),
        Reference("hospital", "1.2.3", EXPLICIT_LE),
        Reference("hospital", "", EXPLICIT_LE),
        Reference("hospital", "ü*?\\", EXPLICIT_LE),
    ],
)
def test_what_is_not_there(data: Path, tmp_path: Path, reference: Reference) -> None:
    assert Resolver(Settings(data=data))(reference) is None
    assert Resolver(Settings(data=tmp_path))(reference) is None
