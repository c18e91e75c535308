"""Queries over a million studies: the first answer soon, everything at a steady rate, in flat memory."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomhawk.hospital.elements import EXPLICIT_LE
from dicomhawk.hospital.query import encode_match
from dicomhawk.persona.model import load
from dicomhawk.persona.sopclasses import STUDY_ROOT
from dicomhawk.sensor.holdings import Holdings
from dicomhawk.settings import Deployment, Settings
from tests.hospital.small_hospital import keys
from tests.soak.million import STUDIES, fill, study_day

pytestmark = pytest.mark.soak

FIRST_ANSWER = 0.050
"""Seconds of CPU to the first answer of a typical query."""
RATE = 5000
"""Answers a second of CPU, of a query for everything."""
GROWTH = 64 << 20
"""Bytes of resident memory that such a query may gain."""
SAMPLE = 100_000
"""Answers of it that are looked at."""
SOP_CLASS = sorted(uid for uid in STUDY_ROOT if uid.endswith(".1"))[0]

KEY = 123_457
DAY = f"{study_day(KEY):%Y%m%d}"
ASKED = dict.fromkeys(("g00100010", "g00100020", "g00080020", "g00080030", "g00080050", "g0020000D"), "")
ASKED |= {"g00081030": "", "g00080061": ""}
TYPICAL = {
    "name prefix": {"g00100010": "Brinkm*"},
    "whole name": {"g00100010": "Brinkmann^Ursula"},
    "patient ID": {"g00100020": f"{KEY:08d}"},
    "date": {"g00080020": DAY},
    "date range": {"g00080020": "20200301-20200307"},
    "since": {"g00080020": "20251201-"},
    "modality": {"g00080061": "MR"},
    "name and date": {"g00100010": "B*", "g00080020": DAY},
    "part of a name": {"g00100010": "*rinkm*"},
    "modality and date": {"g00080061": "MR", "g00080020": DAY},
    "accession number": {"g00080050": f"A{KEY:09d}"},
    "nobody": {"g00100010": "Xyz*"},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder; that of the environment variable MILLION is filled once and kept."""
    kept = os.environ.get("MILLION")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("million")
    if not (folder / "hospital/catalogue.sqlite").exists():
        fill(folder)
    return folder


@pytest.fixture(scope="module")
def archive(data: Path) -> Iterator[Holdings]:
    """What a sensor asks; as the neutral persona, or as the environment variable PERSONA says."""
    deployment = Deployment(seed="5" * 32, hospital="X", locale="de_DE", ae_title="PACS", uid_root="1.2.3")
    holdings = Holdings(
        Settings(data=data, deployment=deployment), deployment, load(os.environ.get("PERSONA", "plain"))
    )
    try:
        yield holdings
    finally:
        holdings.close()


def ask(archive: Holdings, most: int, **values: str) -> tuple[int, float, float]:
    """Answers, seconds of CPU to the first of them, and to the end or to as many as `most`."""
    began, first, count = time.process_time(), 0.0, 0
    with contextlib.closing(
        archive.find(SOP_CLASS, keys("STUDY", **(ASKED | values)), "192.0.2.1", relational=True)
    ) as matches:
        for match in matches:
            if match is None:
                continue
            encode_match(match, EXPLICIT_LE)
            count += 1
            first = first or time.process_time() - began
            if count == most:
                break
    whole = time.process_time() - began
    return count, first or whole, whole


def resident() -> int:
    """Resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("name", TYPICAL)
def test_the_first_answer_comes_soon(archive: Holdings, name: str) -> None:
    ask(archive, 1, **TYPICAL[name])  # its pages come from the disk
    count, first, whole = ask(archive, 2000, **TYPICAL[name])
    print(f"{name}: {count} answers, first after {first * 1000:.1f} ms, all after {whole * 1000:.1f} ms")
    assert (count > 0) == (name != "nobody")
    assert first < FIRST_ANSWER


def test_everything_streams_in_flat_memory(archive: Holdings) -> None:
    ask(archive, 1000)
    before = resident()
    count, first, whole = ask(archive, SAMPLE)
    grown = resident() - before
    print(f"everything: {count / whole:.0f} answers/s, first after {first * 1000:.1f} ms, {grown >> 20} MiB more")
    assert count == min(SAMPLE, STUDIES)
    assert count / whole > RATE
    assert grown < GROWTH
