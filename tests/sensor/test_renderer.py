"""What is made ahead waits for nobody, and keeps nobody waiting."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
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


def _large(path: str, *_: object) -> bytes:
    if path == "large":
        time.sleep(0.5)
    return bytes(1 << 24 if path == "large" else 1)


def end_with_half_a_result() -> None:
    """For a process of its own, as what it is about would keep it from ending."""
    displays.frame = _large

    async def story() -> None:
        renderer = Renderer(Path(), 1)
        await renderer.frame(Path("small"), "", 1, trusted=False)
        looked = asyncio.ensure_future(renderer.frame(Path("large"), "", 1, trusted=False))
        await asyncio.sleep(0.2)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            pass  # so that no other thread of ours takes what comes
        renderer.close()
        with pytest.raises(displays.DisplayError):
            await looked

    sys.setswitchinterval(100)
    asyncio.run(story())


def test_the_end_does_not_wait_for_half_a_result() -> None:
    code = f"from {__name__} import end_with_half_a_result as story; story()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
