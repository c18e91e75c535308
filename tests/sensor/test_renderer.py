"""What is made ahead waits for nobody, and keeps nobody waiting."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

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
