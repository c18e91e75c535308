"""No page takes longer than half a second, with a million events."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.console.conftest import SECRET, console
from tests.console.filling import fill
from tests.console.places import places, searches

LONGEST = 0.5
"""Seconds of processor time that a page may take: of wall time on a machine with nothing else to do."""
EVENTS = 1_000_000
ADDRESSES = 30_000


def _slow(client: TestClient, data: Path) -> dict[str, float]:
    """Seconds of each page, at its second try: the first one reads the templates."""
    client.post("/sign-in", data={"secret": SECRET})
    took = {}
    for name, path in (places(data) | searches(data)).items():
        for _ in range(2):
            client.app.state.site.findings._kept.clear()  # type: ignore[attr-defined]
            began = time.process_time()
            assert client.get(path).status_code in (200, 404, 503), name
            took[name] = time.process_time() - began
    return took


def test_pages_are_quick(filled: Path) -> None:
    with console(filled) as client:
        took = _slow(client, filled)
    assert not {name: seconds for name, seconds in took.items() if seconds > LONGEST}


@pytest.mark.soak
def test_pages_are_quick_with_a_million_events(tmp_path: Path) -> None:
    fill(tmp_path, EVENTS, addresses=ADDRESSES)
    with console(tmp_path) as client:
        took = _slow(client, tmp_path)
    for name, seconds in sorted(took.items(), key=lambda each: -each[1])[:12]:
        print(f"{seconds * 1000:6.0f} ms  {name}")
    assert not {name: seconds for name, seconds in took.items() if seconds > LONGEST}
