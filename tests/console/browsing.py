"""A console as a process of uvicorn's, and a browser that nobody here wrote."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from dicomhawk.console.access import Access
from dicomhawk.console.app import create_app
from dicomhawk.settings import Settings
from tests.support import find_tool, wait_until

SECRET = "a secret of sixteen or more"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
PATIENCE = 60_000
"""Milliseconds that a page may take on a machine with much else to do."""


@contextlib.contextmanager
def serving(data: Path, now: float | None = None) -> Iterator[str]:
    """The origin of a console on `data`; at the moment `now` (POSIX time) if it is given."""
    app = create_app(Settings(data=data), Access((SECRET,)))
    if now is not None:
        app.state.site.clock = lambda: now
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=1, server_header=False)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_until(lambda: server.started, "a console")
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


def until(page: Any, condition: str) -> None:
    """Wait for an expression in the page; Playwright's own way evaluates texts there, which the pages forbid."""

    def met() -> bool:
        try:
            return bool(page.evaluate(condition))
        except playwright_error():
            return False  # the page is being exchanged

    wait_until(met, condition)


def playwright_error() -> type[Exception]:
    """What Playwright raises."""
    found: type[Exception] = pytest.importorskip("playwright.sync_api").Error
    return found


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Chromium, which takes longer to start than most pages to show."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=find_tool("chromium"), args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextlib.contextmanager
def visiting(browser: Any, origin: str, scheme: str = "light", width: int = 1360) -> Iterator[Any]:
    """A page with storage and cookies of its own, signed in. What goes wrong in it is in its list ``wrongs``."""
    context = browser.new_context(viewport={"width": width, "height": 860}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    wrongs: list[str] = []
    page.on("pageerror", lambda error: wrongs.append(str(error)))
    page.on("console", lambda said: wrongs.append(said.text) if said.type == "error" else None)
    page.on("dialog", lambda dialog: (wrongs.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.wrongs = wrongs
    page.goto(f"{origin}/sign-in#{SECRET.replace(' ', '%20')}")
    page.wait_for_url(f"{origin}/")
    yield page
    context.close()


@contextlib.contextmanager
def browsing(origin: str) -> Iterator[Any]:
    """The same in a browser of its own."""
    with chromium() as browser, visiting(browser, origin) as page:
        yield page
