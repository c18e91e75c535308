"""What is remembered of descriptions is what would be said anew: whoever asks, and whatever has come since."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from dicomhawk.hospital.attributes import Level
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.sensor.web.orthanc import describing
from dicomhawk.sensor.web.orthanc.describing import described, described_text
from dicomhawk.sensor.web.orthanc.jsoncpp import styled
from dicomhawk.sensor.web.orthanc.view import GONE, Library
from dicomhawk.sensor.web.state import State
from tests.hospital.small_hospital import LATER, NOW, build
from tests.hospital.test_products_catalogue import archive


class Standing:
    """What descriptions need of a service."""

    def __init__(self, catalogue: Catalogue, folder: Path) -> None:
        self.product = archive(catalogue, "orthanc", folder)
        self.state = State(folder / "state.sqlite")
        self.library = Library(self.product, self.state)


async def told(service: Any, visitor: str, now: float) -> list[str]:
    """Every description above instances, each compared with one that is made anew."""
    view = await service.library.view(visitor, now)
    texts = []
    for level in (Level.PATIENT, Level.STUDY, Level.SERIES):
        async for items in view.listing(level):
            for item in items:
                text = await described_text(service, view, item)
                assert text == styled(await described(service, view, item))
                texts.append(text)
    return texts


def test_descriptions_are_those_of_the_moment_and_of_the_visitor(tmp_path: Path) -> None:
    build(tmp_path / "c.sqlite", more=2)
    other = sqlite3.connect(tmp_path / "c.sqlite")

    async def check(service: Any) -> None:
        before = await told(service, "192.0.2.1", NOW)
        assert await told(service, "192.0.2.1", NOW) == before
        assert await told(service, "192.0.2.2", 1510.0) != before  # a study more, and it isn't stable
        later = await told(service, "192.0.2.2", LATER)
        view = await service.library.view("192.0.2.1", LATER)
        studies = [item async for items in view.listing(Level.STUDY) for item in items]
        service.state.put("192.0.2.1", GONE + studies[0].id, 1)
        assert len(await told(service, "192.0.2.1", LATER)) < len(later)
        assert await told(service, "192.0.2.2", LATER) == later
        other.execute("UPDATE study SET description = 'written since'")
        other.commit()
        assert any("written since" in text for text in await told(service, "192.0.2.2", LATER))
        assert describing._texts[service]

    with Catalogue(tmp_path / "c.sqlite") as catalogue:
        asyncio.run(check(Standing(catalogue, tmp_path)))
    other.close()


def test_only_so_many_are_remembered(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(describing, "REMEMBERED", 3)
    monkeypatch.setattr(describing, "LONGEST_REMEMBERED", 600)
    build(tmp_path / "c.sqlite", more=9)
    with Catalogue(tmp_path / "c.sqlite") as catalogue:
        service = Standing(catalogue, tmp_path)
        asyncio.run(told(service, "192.0.2.1", NOW))
        kept = describing._texts[service]  # type: ignore[index]
        assert len(kept) == 3
        assert all(len(text) <= 600 for _, text in kept.values())
