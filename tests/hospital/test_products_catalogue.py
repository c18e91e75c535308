"""Queries in a product's dialect over the hospital's catalogue: the same as if its objects had been stored."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from dicomhawk.hospital import budget
from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.attributes import ATTRIBUTES, Level
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.elements import IMPLICIT_LE, DataSet, Element
from dicomhawk.hospital.errors import QueryError, UnkeptKeyError
from dicomhawk.hospital.products.find import ProductArchive
from dicomhawk.hospital.products.index import VisitorIndex
from dicomhawk.hospital.query import Model, encode_match
from dicomhawk.hospital.uploads import Uploads
from dicomhawk.persona.model import load
from tests.hospital.small_hospital import LATER, NOW, build

PRODUCTS = ("orthanc", "dcmqrscp")

VALUES = {
    0x00100010: ["A*", "aalto^anna", "*name1*", "Ågård*", "?name?^Given", "Yamada*"],
    0x00100020: ["P1", "P?", "X1*", "X1\\X2", "p1"],
    0x00100030: ["19700101", "-19690101", "19690101-"],
    0x00080020: ["20240110", "20100101-20151231", "-20191231", "2024*"],
    0x00080050: ["ACC1*", "ACC3", "acc3"],
    0x00080060: ["CT", "M?", "CT\\SR"],
    0x00080061: ["MR", "CT\\SR"],
    0x00081030: ["STUDY 1*"],
    0x0008103E: ["SERIES 2", "*1"],
    0x0020000D: ["1.1", "1.1\\1.3", "1.*", "1.9"],
    0x00200011: ["1", "2"],
    0x00200013: ["2"],
    0x00180015: ["CHEST"],
    0x00280010: ["512"],
}
ASKED = [
    *(*VALUES, 0x0020000E, 0x00080018, 0x00080070, 0x00081090, 0x00081000, 0x00201206, 0x00201208, 0x00201209),
    *(0x00201200, 0x00201204, 0x00080062, 0x00080054, 0x00101010, 0x00280011),
]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    path = tmp_path_factory.mktemp("hospital") / "catalogue.sqlite"
    build(path, more=30)
    with Catalogue(path) as catalogue:
        yield catalogue


def archive(catalogue: Catalogue, product: str, folder: Path) -> ProductArchive:
    dialect = load(product).find.dialect()
    assert dialect is not None
    return ProductArchive(dialect, catalogue, Uploads(folder / "uploads.sqlite"), folder, "PACS")


def element(tag: int, value: str) -> Element:
    vr = vrs.of_tag(tag)
    if vr == "US":
        return Element(tag, vr, int(value).to_bytes(2, "little") if value else b"")
    return Element(tag, vr, value.encode("latin-1", "replace"))


def identifier(source: random.Random) -> tuple[Model, DataSet]:
    level = source.choice(list(Level))
    tags = dict.fromkeys(source.sample(ASKED, source.randint(0, 7)), "")
    tags |= {tag: source.choice(VALUES[tag]) for tag in source.sample(list(VALUES), source.choice((0, 1, 1, 2)))}
    for each, tag in ((Level.STUDY, 0x00100020), (Level.SERIES, 0x0020000D), (Level.IMAGE, 0x0020000E)):
        if level >= each and source.random() < 0.8:
            tags.setdefault(tag, "")
    keys = {tag: element(tag, value) for tag, value in tags.items()}
    keys[0x00080052] = Element(0x00080052, "CS", level.name.encode())
    return source.choice((Model.PATIENT_ROOT, Model.STUDY_ROOT)), keys


def answers(archive: ProductArchive, model: Model, keys: DataSet, now: float = NOW) -> list[bytes | int | str]:
    found: list[bytes | int | str] = []
    try:
        for match in archive.find(model.levels, keys, now=now, visitor="192.0.2.1"):
            if match is not None:
                found.append(encode_match(match, IMPLICIT_LE))
    except QueryError as error:
        found.append(error.status or repr(error))
    except UnkeptKeyError:
        found.append("unkept")
    return found


@pytest.mark.parametrize("product", PRODUCTS)
def test_rows_answer_as_stored_objects_would(
    catalogue: Catalogue, product: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same queries by SQL, and with all patients looked up as if the visitor had stored something of each."""
    by_rows = archive(catalogue, product, tmp_path)
    as_stored = archive(catalogue, product, tmp_path)
    index = VisitorIndex(as_stored.dialect, 0, catalogue.data_version())
    for (key,) in catalogue.connection.execute("SELECT patient_key FROM patient ORDER BY 1").fetchall():
        index.touched.add(key)
        index.of_hospital += as_stored.objects.entries(key, index.indexer)

    def of(visitor: str) -> Generator[None, None, VisitorIndex]:
        yield from ()
        return index

    monkeypatch.setattr(as_stored.visitors, "of", of)
    source = random.Random(product)
    matches = 0
    for _ in range(250):
        model, keys = identifier(source)
        now = source.choice((NOW, LATER))
        expected = answers(as_stored, model, keys, now)
        matches += len(expected)
        assert answers(by_rows, model, keys, now) == expected, (model, keys)
    assert matches > 500


def test_a_visitors_patients_are_merged_with_the_others(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By digest, it makes no difference which patients the visitor has stored something of."""
    by_rows, merged = archive(catalogue, "orthanc", tmp_path), archive(catalogue, "orthanc", tmp_path)
    index = VisitorIndex(merged.dialect, 0, catalogue.data_version())
    for (key,) in catalogue.connection.execute(
        "SELECT patient_key FROM patient WHERE patient_key % 3 = 1"
    ).fetchall():
        index.touched.add(key)
        index.of_hospital += merged.objects.entries(key, index.indexer)

    def of(visitor: str) -> Generator[None, None, VisitorIndex]:
        yield from ()
        return index

    monkeypatch.setattr(merged.visitors, "of", of)
    source = random.Random(3)
    matches = 0
    for _ in range(150):
        model, keys = identifier(source)
        expected, found = answers(by_rows, model, keys), answers(merged, model, keys)
        matches += len(expected)
        if element(0x00080052, "IMAGE") in keys.values():
            expected, found = sorted(expected, key=str), sorted(found, key=str)
        assert found == expected, (model, keys)
    assert matches > 200


@pytest.mark.parametrize("product", PRODUCTS)
def test_long_searches_give_way(
    catalogue: Catalogue, product: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomhawk.hospital.products.search.FIRST_ROWS", 4)
    monkeypatch.setattr("dicomhawk.hospital.products.search.MOST_ROWS", 4)
    keys = {0x00080052: Element(0x00080052, "CS", b"STUDY"), 0x00100010: Element(0x00100010, "PN", b"*nobody*")}
    turns = list(archive(catalogue, product, tmp_path).find(Model.STUDY_ROOT.levels, keys, now=NOW, visitor="v"))
    assert turns == [None] * len(turns)
    assert len(turns) >= 34 // 4


def test_a_statement_without_end_is_given_up(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "TICK", 5)
    monkeypatch.setattr(budget, "MAX_TICKS", 2)
    keys = {0x00080052: Element(0x00080052, "CS", b"STUDY"), 0x00100010: Element(0x00100010, "PN", b"*")}
    assert answers(archive(catalogue, "orthanc", tmp_path), Model.STUDY_ROOT, keys) == [
        "QueryError('Unable to process')"
    ]


def test_all_attributes_of_the_catalogue_can_be_asked_for(catalogue: Catalogue, tmp_path: Path) -> None:
    everything = {tag: Element(tag, attribute.vr, b"") for tag, attribute in ATTRIBUTES.items()}
    for product in PRODUCTS:
        for level in Level:
            keys = everything | {0x00080052: Element(0x00080052, "CS", level.name.encode())}
            found = answers(archive(catalogue, product, tmp_path), Model.PATIENT_ROOT, keys)
            assert len(found) > 30
            assert all(isinstance(each, bytes) for each in found)
