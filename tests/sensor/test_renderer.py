"""What is made ahead waits for nobody, and keeps nobody waiting."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from dicomhawk.hospital import displays
from dicomhawk.sensor.renderer import MAX_AHEAD, Renderer


def test_no_more_is_made_ahead_than_is_soon_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    async def story() -> None:
        release = asyncio.Event()

        async def render(_: Renderer, instance_key: int) -> str:
            begun.append(instance_key)
            await release.wait()
            return ""

        monkeypatch.setattr(Renderer, "_render", render)
        renderer = Renderer(tmp_path, 1 << 20)
        for key in range(10 * MAX_AHEAD):
            renderer.make_ahead(key)
        wanted = renderer.begin(4711)
        await asyncio.sleep(0)
        assert begun == [*range(MAX_AHEAD), 4711], "who waits for something is not among those who only may"
        release.set()
        await wanted

    asyncio.run(story())


def _end(path: str, *_: object) -> bytes:
    if path == "deadly":
        time.sleep(0.2)
        os._exit(1)
    return path.encode()


def test_an_object_of_a_stranger_takes_none_of_ours_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(displays, "frame", _end)

    async def story() -> None:
        renderer = Renderer(tmp_path, 1)
        try:
            deadly, ours = await asyncio.gather(
                renderer.frame(Path("deadly"), "", 1, trusted=False),
                renderer.frame(Path("ours"), "", 1, trusted=True),
                return_exceptions=True,
            )
            assert isinstance(deadly, displays.DisplayError)
            assert ours == b"ours"
            assert await renderer.frame(Path("theirs"), "", 1, trusted=False) == b"theirs"
        finally:
            renderer.close()

    asyncio.run(story())
