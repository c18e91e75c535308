"""Archives are read by somebody else's code."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime

from dicomhawk.evidence.transcript import Reference
from dicomhawk.sensor.web.message import Stored
from dicomhawk.sensor.web.zipping import Entry, archive

MOMENT = datetime(2023, 5, 6, 7, 8, 10)


def written(*entries: Entry) -> bytes:
    async def each() -> AsyncIterator[Entry]:
        for entry in entries:
            yield entry

    async def collect() -> bytes:
        pieces = [bytes(part.data if isinstance(part, Stored) else part) async for part in archive(each(), MOMENT)]
        return b"".join(pieces)

    return asyncio.run(collect())


def test_python_reads_it() -> None:
    stored = Stored(b"pixels" * 100, Reference("hospital", "1.2.3", "1.2"))
    data = written(Entry("a/b/ø.dcm", (b"head", stored)), Entry("empty", ()))
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        assert found.namelist() == ["a/b/ø.dcm", "empty"]
        assert found.read("a/b/ø.dcm") == b"head" + b"pixels" * 100
        assert found.infolist()[0].date_time == (2023, 5, 6, 7, 8, 10)


def test_an_empty_archive_is_one() -> None:
    with zipfile.ZipFile(io.BytesIO(written())) as found:
        assert found.namelist() == []


def test_very_many_entries_are_counted() -> None:
    data = written(*(Entry(str(number), ()) for number in range(70_000)))
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert len(found.namelist()) == 70_000
