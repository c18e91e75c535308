"""What takes a stranger's input apart, or counts for long, gives others a turn in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

from dicomhawk.hospital.attributes import Level
from dicomhawk.sensor.web.dicomweb.store import Storing
from dicomhawk.sensor.web.orthanc.jsoncpp import JsonError, parsed
from dicomhawk.sensor.web.orthanc.view import View

MANY = 50


async def turns_of_others(work: Callable[[], Awaitable[object]]) -> int:
    """How often somebody else had a turn while `work` was done."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.ensure_future(others())
    await work()
    other.cancel()
    return turns


def test_parts_that_are_stored() -> None:
    finished = 0

    class Kept(Storing):
        def __init__(self, body: AsyncIterator[bytes]) -> None:
            self._request = cast(Any, SimpleNamespace(body=body))

        def _begin(self, headers: Any) -> Any:
            return SimpleNamespace(write=len, abandon=lambda: None)

        def _finish(self, incoming: Any, headers: Any) -> None:
            nonlocal finished
            finished += 1

    async def body() -> AsyncIterator[bytes]:
        yield b"--b\r\n\r\nx\r\n" * MANY + b"--b--"

    assert asyncio.run(turns_of_others(lambda: Kept(body())._read("b"))) >= MANY
    assert finished == MANY


def test_what_a_visitor_has_deleted_is_counted() -> None:
    view = cast(Any, View.__new__(View))
    view.now, view._touched, view._entries, view._grouped = 0.0, frozenset(), [], {}
    view._gone = {f"{number:08x}-" * 4 + "00000000": 0 for number in range(MANY)}
    view._tree = SimpleNamespace(count=lambda *_: 7)
    view.library = SimpleNamespace(known=lambda *_: None)
    assert asyncio.run(turns_of_others(lambda: view.count(Level.STUDY))) >= MANY


def test_depth_of_json() -> None:
    assert parsed(b"[" * 64 + b"]" * 64) is not None
    assert len(parsed(b'[{"a":[]},[],[[]]' + b",[]" * 200 + b"]")) == 203
    for text in (b"[" * 65 + b"]" * 65, b'{"a":' * 65 + b"1" + b"}" * 65):
        try:
            parsed(text)
        except JsonError:
            continue
        raise AssertionError(text)
