"""Retrieval of compressed objects: by clients that take them as they are, and by those that don't."""

from __future__ import annotations

import io
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pynetdicom import build_context

from dicomhawk.evidence.transcript import Reference
from dicomhawk.hospital.archive import CACHE, render
from dicomhawk.hospital.objects.compression import JPEG_2000_LOSSLESS, JPEG_BASELINE, JPEG_LOSSLESS, RLE
from dicomhawk.outputs.objects import Resolver
from dicomhawk.settings import Settings
from tests.sensor.dcmtk import get as getscu
from tests.sensor.dcmtk import move
from tests.sensor.oracle import Hospital
from tests.sensor.proxy import Visitor
from tests.sensor.scu import STUDY_GET, Received, associate, get, keys
from tests.support import Sensor, at, run_tool

IMPLICIT, EXPLICIT, BIG_ENDIAN = (f"1.2.840.10008.1.2{tail}" for tail in ("", ".1", ".2"))
RADIOGRAPHS = ("1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1")
SONOGRAMS = ("1.2.840.10008.5.1.4.1.1.6.1",)
KINDS = {
    JPEG_LOSSLESS: RADIOGRAPHS,
    JPEG_2000_LOSSLESS: RADIOGRAPHS,
    RLE: SONOGRAMS,
    JPEG_BASELINE: SONOGRAMS,
}


class Sample(NamedTuple):
    """An instance that its device compresses."""

    sop_class: str
    uid: str
    syntax: str
    keys: Dataset
    file: Path


def samples_of(data: Path, *syntaxes: str) -> dict[str, Sample]:
    """Let devices of the hospital below `data` compress one object each, and render these."""
    hospital, found = Hospital(data), dict[str, Sample]()
    path = data / "hospital" / "catalogue.sqlite"
    taken: set[int] = set()
    for syntax in syntaxes or KINDS:
        classes = KINDS[syntax]
        marks = ", ".join(f"'{uid}'" for uid in classes)
        rows = hospital.rows(
            "SELECT i.*, e.series_uid, t.study_uid FROM instance i JOIN series e USING (series_key) "
            f"JOIN study t USING (study_key) WHERE i.visible_from <= :now AND i.sop_class_uid IN ({marks}) "
            "ORDER BY i.rows * i.columns, i.instance_key LIMIT 40"
        )
        row = next(row for row in rows if row["series_key"] not in taken)
        taken.add(row["series_key"])
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "UPDATE instance SET transfer_syntax_uid = ? WHERE series_key = ?", (syntax, row["series_key"])
            )
        identifier = keys(
            QueryRetrieveLevel="IMAGE",
            StudyInstanceUID=row["study_uid"],
            SeriesInstanceUID=row["series_uid"],
            SOPInstanceUID=row["sop_uid"],
        )
        file = Path(render(str(data), row["instance_key"], 1 << 30))
        found[syntax] = Sample(row["sop_class_uid"], row["sop_uid"], syntax, identifier, file)
    return found


SLOW = frozenset((JPEG_LOSSLESS, JPEG_2000_LOSSLESS))
"""Syntaxes of radiographs, which take seconds to make and to decode."""


def left_to_the_soak(syntaxes: Iterable[str]) -> list[Any]:
    """These, of which the slow ones are tried in the soak only."""
    return [pytest.param(each, marks=pytest.mark.soak) if each in SLOW else each for each in syntaxes]


class Archive(NamedTuple):
    """A sensor as a product, and what it has."""

    sensor: Sensor
    samples: dict[str, Sample]


class Prepared(NamedTuple):
    """A data folder with what devices compressed. Nobody serves it: copy it."""

    data: Path
    samples: dict[str, Sample]


@pytest.fixture(scope="module")
def prepared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Rendering takes seconds."""
    data = Path(shutil.copytree(template, tmp_path_factory.mktemp("prepared") / "data"))
    return Prepared(data, samples_of(data))


def serving(prepared: Prepared, folder: Path, persona: str) -> Iterator[Archive]:
    """The hospital behind a persona."""
    data = Path(shutil.copytree(prepared.data, folder / "data"))
    with Sensor(data, workers=1, flags=("--persona", persona)) as sensor:
        yield Archive(sensor, prepared.samples)


@pytest.fixture(scope="module")
def orthanc(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """A product that decodes what it can."""
    yield from serving(prepared, tmp_path_factory.mktemp("orthanc"), "orthanc-open")


@pytest.fixture(scope="module")
def dcmqrscp(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """A product that takes nothing compressed, so that devices send it nothing compressed."""
    yield from serving(prepared, tmp_path_factory.mktemp("dcmqrscp"), "dcmqrscp")


class Got(NamedTuple):
    """What came of a C-GET: final status, completed and failed sub-operations, and the object and its syntax."""

    status: int
    completed: int
    failed: int
    objects: dict[str, tuple[bytes, str]]


def fetched(archive: Archive, sample: Sample, *syntaxes: str, called: str = "ANY-SCP") -> Got:
    """C-GET of the object, with a context for each of these transfer syntaxes."""
    received = Received()
    contexts = [STUDY_GET, *(build_context(sample.sop_class, [syntax]) for syntax in syntaxes)]
    with (
        Visitor(archive.sensor) as visitor,
        associate(
            visitor.address, contexts, scp=[sample.sop_class], handlers=[received.handler], called=called
        ) as association,
    ):
        final = get(association, sample.keys)[-1][0]
    completed = int(final.get("NumberOfCompletedSuboperations", 0))
    return Got(final.Status, completed, int(final.get("NumberOfFailedSuboperations", 0)), received.objects)


def expected(sample: Sample) -> NDArray[Any]:
    """The pixels of the device's file as other people's decoders have them."""
    if sample.syntax != JPEG_LOSSLESS:
        return np.asarray(pydicom.dcmread(sample.file).pixel_array)
    with tempfile.TemporaryDirectory() as folder:  # pydicom alone has no decoder for it
        plain = Path(folder, "plain.dcm")
        run_tool("dcmdjpeg", sample.file, plain)
        return np.asarray(pydicom.dcmread(plain).pixel_array)


def as_dataset(data: bytes, syntax: str) -> Dataset:
    """What came over the wire, as a data set that can decode its pixels."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    found = pydicom.filereader.read_dataset(
        io.BytesIO(data), syntax == IMPLICIT, syntax != BIG_ENDIAN, bytelength=len(data)
    )
    found.file_meta = meta
    found.set_original_encoding(syntax == IMPLICIT, syntax != BIG_ENDIAN)
    return found


@pytest.mark.parametrize("syntax", KINDS)
def test_a_client_that_takes_it_gets_the_object_as_it_is(orthanc: Archive, syntax: str) -> None:
    sample = orthanc.samples[syntax]
    for offered in ((syntax,), (IMPLICIT, syntax), (syntax, EXPLICIT, IMPLICIT)):
        got = fetched(orthanc, sample, *offered)
        assert (got.status, got.completed, got.failed) == (0x0000, 1, 0)
        data, found = got.objects[sample.uid]
        assert found == syntax
        assert sample.file.read_bytes().endswith(data)


@pytest.mark.parametrize("target", [IMPLICIT, EXPLICIT, BIG_ENDIAN])
@pytest.mark.parametrize("syntax", left_to_the_soak([JPEG_LOSSLESS, RLE, JPEG_BASELINE]))
def test_orthanc_decodes_for_clients_that_take_it_uncompressed(orthanc: Archive, syntax: str, target: str) -> None:
    sample = orthanc.samples[syntax]
    got = fetched(orthanc, sample, target)
    assert (got.status, got.completed, got.failed) == (0x0000, 1, 0)
    data, found = got.objects[sample.uid]
    assert found == target
    read, stored = as_dataset(data, target), pydicom.dcmread(sample.file)
    assert np.array_equal(read.pixel_array, expected(sample))
    others = {"PixelData", "PhotometricInterpretation"}
    assert {e.keyword for e in stored} == {e.keyword for e in read}
    for element in stored:
        if element.keyword not in others and not element.tag.is_private:
            assert str(read[element.tag].value) == str(element.value), element.keyword
    wanted = "RGB" if syntax == JPEG_BASELINE else stored.PhotometricInterpretation
    assert read.PhotometricInterpretation == wanted


def test_orthanc_prefers_implicit_where_it_has_to_decode(orthanc: Archive) -> None:
    sample = orthanc.samples[RLE]
    for offered in ((EXPLICIT, IMPLICIT), (IMPLICIT, EXPLICIT)):
        assert fetched(orthanc, sample, *offered).objects[sample.uid][1] == IMPLICIT
    assert fetched(orthanc, sample, JPEG_2000_LOSSLESS, EXPLICIT).objects[sample.uid][1] == EXPLICIT


@pytest.mark.parametrize("offered", [(IMPLICIT,), (EXPLICIT, IMPLICIT), (RLE,), ()])
def test_orthanc_cant_decode_jpeg_2000(orthanc: Archive, offered: tuple[str, ...]) -> None:
    got = fetched(orthanc, orthanc.samples[JPEG_2000_LOSSLESS], *offered)
    assert (got.status, got.completed, got.failed) == (0xC000, 0, 1)
    assert not got.objects


def test_orthanc_compresses_nothing_for_anybody(orthanc: Archive) -> None:
    for syntax in (JPEG_LOSSLESS, RLE, JPEG_BASELINE):
        got = fetched(orthanc, orthanc.samples[syntax], JPEG_2000_LOSSLESS)
        assert (got.status, got.completed, got.failed) == (0xC000, 0, 1)


@pytest.mark.parametrize("syntax", left_to_the_soak(KINDS))
def test_dcmqrscp_has_nothing_compressed(dcmqrscp: Archive, syntax: str) -> None:
    sample = dcmqrscp.samples[syntax]
    for target in (EXPLICIT, IMPLICIT):
        got = fetched(dcmqrscp, sample, target, called="ASHPACS")
        assert (got.status, got.completed, got.failed) == (0x0000, 1, 0)
        data, found = got.objects[sample.uid]
        assert found == target
        assert np.array_equal(as_dataset(data, target).pixel_array, expected(sample))


def options_of(syntax: str | None) -> tuple[str, ...]:
    """getscu's options to be given objects in a transfer syntax, or uncompressed ones."""
    return {JPEG_LOSSLESS: ("+xs",), JPEG_2000_LOSSLESS: ("+xv",), RLE: ("+xr",), JPEG_BASELINE: ("+xy",)}.get(
        syntax or "", ("+xi",)
    )


@pytest.mark.parametrize("syntax", left_to_the_soak(KINDS))
def test_getscu_gets_them_both_ways(orthanc: Archive, syntax: str, tmp_path: Path) -> None:
    sample = orthanc.samples[syntax]
    pairs = tuple(f"{element.keyword}={element.value}" for element in sample.keys)
    for name in (syntax, None):
        with Visitor(orthanc.sensor) as visitor:
            got = getscu(
                visitor, tmp_path / str(name), "-S", *pairs, options=(*options_of(name), "-aec", "ANY", "+B")
            )
        if syntax == JPEG_2000_LOSSLESS:
            # It names all syntaxes in one context, of which Orthanc takes an uncompressed one.
            assert not got.files
            continue
        (path,) = got.files
        read = pydicom.dcmread(path)
        assert read.file_meta.TransferSyntaxUID in (syntax, IMPLICIT, EXPLICIT)
        if read.file_meta.TransferSyntaxUID != JPEG_LOSSLESS:
            assert np.array_equal(read.pixel_array, expected(sample))


def test_movescu_of_compressed_objects(orthanc: Archive) -> None:
    workstation = Hospital(orthanc.sensor.data).workstation()
    for sample in orthanc.samples.values():
        pairs = tuple(f"{element.keyword}={element.value}" for element in sample.keys)
        with Visitor(orthanc.sensor) as visitor:
            ran = move(visitor, workstation["ae_title"], "-S", *pairs)
            end = visitor.wait_event("dicom.c-move.end")
        assert "Traceback" not in ran.output
        assert at(end, "dicom.suboperations.completed") == 1


@pytest.mark.soak
def test_what_was_sent_can_be_looked_up_again(orthanc: Archive) -> None:
    resolver = Resolver(Settings(data=orthanc.sensor.data))
    for syntax in (JPEG_LOSSLESS, RLE, JPEG_BASELINE):
        sample = orthanc.samples[syntax]
        for target in (IMPLICIT, EXPLICIT, syntax):
            sent = fetched(orthanc, sample, target).objects[sample.uid][0]
            found = resolver(Reference("hospital", sample.uid, target))
            assert found is not None
            assert bytes(found) == sent
    resolver.close()


@pytest.mark.soak
def test_after_a_restart_the_same_is_sent(template: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(template, tmp_path / "data"))
    samples, sent = samples_of(data, RLE, JPEG_BASELINE), []
    for workers in (1, 2):
        shutil.rmtree(data / CACHE)
        with Sensor(data, workers=workers, flags=("--persona", "orthanc-open")) as sensor:
            archive = Archive(sensor, samples)
            sent.append([fetched(archive, each, EXPLICIT).objects for each in samples.values()])
    assert sent[0] == sent[1]
    assert all(len(objects) == 1 for objects in sent[0])
