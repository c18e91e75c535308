"""What a product makes of a query that is odd: levels, keys above, failures (recorded from the real products)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomhawk.hospital.catalogue import Catalogue, CatalogueWriter
from dicomhawk.hospital.elements import IMPLICIT_LE, DataSet, Element, ElementsError, decode
from dicomhawk.hospital.errors import QueryError, UnkeptKeyError
from dicomhawk.hospital.products.find import ProductArchive
from dicomhawk.hospital.query import Model
from dicomhawk.hospital.uploads import Uploads
from dicomhawk.persona.model import load
from tests.hospital.small_hospital import NOW, build

FOUND = "found"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hospital")
    build(path / "full.sqlite")
    with CatalogueWriter(path / "empty.sqlite"):
        pass
    return path


@pytest.fixture(params=["full", "empty"])
def catalogue(request: pytest.FixtureRequest, folder: Path) -> Iterator[Catalogue]:
    with Catalogue(folder / f"{request.param}.sqlite") as catalogue:
        yield catalogue


def keys(level: str | None, **values: str) -> DataSet:
    found = {int(tag[1:], 16): value for tag, value in values.items()}
    if level is not None:
        found[0x00080052] = level
    return {tag: Element(tag, "LO", value.encode()) for tag, value in found.items()}


def outcome(catalogue: Catalogue, product: str, model: Model, identifier: DataSet, folder: Path) -> int | str:
    dialect = load(product).find.dialect()
    assert dialect is not None
    with Uploads(folder / "uploads.sqlite") as uploads:
        archive = ProductArchive(dialect, catalogue, uploads, folder, "PACS")
        try:
            matches = list(filter(None, archive.find(model.levels, identifier, now=NOW, visitor="v")))
        except QueryError as error:
            return error.status or 0
        except UnkeptKeyError:
            return "unkept"
        return FOUND if matches else "nothing"


@pytest.mark.parametrize(
    ("model", "identifier", "orthanc", "dcmqrscp", "dcmqrscp_empty"),
    [
        (Model.STUDY_ROOT, keys(None, g0020000D=""), 0xC000, 0xA900, 0xA900),
        (Model.STUDY_ROOT, keys("", g0020000D=""), 0xC000, 0xA900, 0xA900),
        (Model.STUDY_ROOT, keys("  ", g0020000D=""), 0xC000, 0xA900, 0xA900),
        (Model.STUDY_ROOT, keys("FOO", g0020000D=""), 0xC000, 0xC000, 0xC000),
        (Model.STUDY_ROOT, keys("study", g0020000D=""), FOUND, FOUND, "nothing"),
        (Model.STUDY_ROOT, keys("STUDYX", g0020000D=""), 0xC000, FOUND, "nothing"),
        (Model.STUDY_ROOT, keys("STUDIES", g0020000D=""), FOUND, 0xC000, 0xC000),
        (Model.STUDY_ROOT, keys("PATIENT", g00100020=""), FOUND, 0xC000, "nothing"),
        (Model.STUDY_ROOT, keys("INSTANCE", g00080018=""), FOUND, 0xC000, 0xC000),
        (Model.STUDY_ROOT, keys("SERIES", g0020000E=""), FOUND, 0xC000, "nothing"),
        (Model.STUDY_ROOT, keys("SERIES", g0020000D="", g0020000E=""), FOUND, FOUND, "nothing"),
        (Model.STUDY_ROOT, keys("IMAGE", g0020000D="9.9", g00080018=""), "nothing", "nothing", "nothing"),
        (Model.STUDY_ROOT, keys("IMAGE", g0020000D="1.1", g00080018=""), FOUND, 0xC000, "nothing"),
        (Model.PATIENT_ROOT, keys("STUDY", g0020000D=""), FOUND, 0xC000, "nothing"),
        (Model.STUDY_ROOT, keys("STUDY", g0020000D="1.*"), 0xC000, "nothing", "nothing"),
        (Model.STUDY_ROOT, keys("STUDY", g00090010="ACME", g0020000D=""), "nothing", FOUND, "nothing"),
        (Model.STUDY_ROOT, keys("STUDY"), FOUND, FOUND, "nothing"),
        (Model.PATIENT_ROOT, keys("PATIENT", g00100020="", g00104000="x"), "nothing", "unkept", "nothing"),
    ],
)
def test_outcomes(
    catalogue: Catalogue,
    model: Model,
    identifier: DataSet,
    orthanc: int | str,
    dcmqrscp: int | str,
    dcmqrscp_empty: int | str,
    folder: Path,
) -> None:
    full = catalogue.connection.execute("SELECT count(*) FROM patient").fetchone()[0] > 0
    expected = "nothing" if orthanc == FOUND and not full else orthanc
    assert outcome(catalogue, "orthanc", model, identifier, folder) == expected
    assert outcome(catalogue, "dcmqrscp", model, identifier, folder) == (dcmqrscp if full else dcmqrscp_empty)


@pytest.mark.parametrize(
    ("tail", "readable"),
    [
        (b"\x20\0", True),
        (b"\x20\0\x0d\0\0\0", True),
        (b"\x20\0\x0d\0\x04\0\0\0", True),
        (b"\x20\0\x0d\0\x04\0\0\0" + b"1.", False),
        (b"\xfe\xff\x0d\xe0\0\0\0\0" + b"anything", True),
        (b"\xfe\xff\x00\xe0\0\0\0\0", False),
        (b"\x08\0\x10\x11\xff\xff\xff\xff", True),
        (b"\x10\0\x20\0\xff\xff\xff\xffP0001 ", False),
    ],
)
def test_identifiers_that_end_too_soon(tail: bytes, readable: bool) -> None:
    identifier = b"\x08\0\x52\0\x06\0\0\0STUDY \x08\0\x52\0\x06\0\0\0SERIES" + tail
    if readable:
        assert decode(identifier, IMPLICIT_LE, lenient=True)[0x00080052].value == b"STUDY "
    else:
        with pytest.raises(ElementsError):
            decode(identifier, IMPLICIT_LE, lenient=True)
    with pytest.raises(ElementsError):
        decode(identifier, IMPLICIT_LE)
