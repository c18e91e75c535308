"""A console over filled findings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dicomhawk.console.access import Access
from dicomhawk.console.app import create_app
from dicomhawk.settings import Settings
from tests.console.filling import NOW, fill

SECRET = "a secret of sixteen or more"
BASE = "http://127.0.0.1:8089"


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with 20,000 events."""
    data = tmp_path_factory.mktemp("filled")
    fill(data, 20_000)
    return data


def console(data: Path, **section: object) -> TestClient:
    """A console on `data`, at the moment up to which it was filled; nobody is signed in."""
    settings = Settings.model_validate({"data": data, "console": section})
    app = create_app(settings, Access((SECRET,)))
    app.state.site.clock = lambda: NOW / 1_000_000
    return TestClient(app, base_url=BASE, follow_redirects=False)


@pytest.fixture
def stranger(filled: Path) -> Iterator[TestClient]:
    """Somebody who isn't signed in."""
    with console(filled) as client:
        yield client


@pytest.fixture
def client(filled: Path) -> Iterator[TestClient]:
    """Somebody who is."""
    with console(filled) as client:
        assert client.post("/sign-in", data={"secret": SECRET}).status_code == 303
        yield client
