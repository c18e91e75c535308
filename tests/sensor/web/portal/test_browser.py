"""The whole visit of a person, in a browser that nobody here wrote, over the wire."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest

from dicomhawk.analyst.clients.browsers import is_automated
from dicomhawk.lures.credentials import Credential, credentials
from dicomhawk.lures.routes import platform_of
from dicomhawk.persona.model import library
from dicomhawk.sensor.web.portal.pages import Pages
from dicomhawk.sensor.web.portal.skin import Skin
from dicomhawk.sensor.web.portal.speech import Speech
from dicomhawk.settings import Deployment, load
from tests.sensor.web.portal.test_uploads import image
from tests.support import Sensor, at, find_tool, wait_until

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed: `make setup`")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 60_000
"""Milliseconds that a page may take on a machine with much else to do."""


class Door:
    """A running sensor's portal, and what is known of its deployment."""

    def __init__(self, sensor: Sensor) -> None:
        self.sensor = sensor
        found = load(data=sensor.data, environment={}).deployment
        assert found is not None
        self.deployment: Deployment = found
        http = library.load("plain").http
        platform = platform_of(http.server(found), face="portal", seed=found.seed)
        self.pages = Pages(Skin(found, platform), Speech(found.seed, found.locale))
        self.origin = f"http://127.0.0.1:{sensor.web_port}"

    def url(self, page: str, /, **values: object) -> str:
        return self.origin + self.pages.href(page, **values)

    def bait(self, role: str) -> Credential:
        return next(each for each in credentials(self.deployment) if each.role == role and each.place != "dicom")


@pytest.fixture
def door(start: Callable[..., Sensor]) -> Iterator[Door]:
    with start(workers=2, web_ports=(0,), flags=("--persona", "plain")) as sensor:
        yield Door(sensor)


@pytest.fixture
def chromium() -> str:
    return find_tool("chromium")


@pytest.mark.timeout(400)
def test_a_visit(door: Door, chromium: str, tmp_path: Path) -> None:
    skin, of = door.pages.skin, door.pages.speech.of
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        _sign_in(page, door)
        # search, and open a study with CT
        page.goto(door.url("worklist", period="all", modality="CT"))
        _follow(page, page.locator(f'a[href^="{skin.paths["study"]}"]').first)
        assert page.locator("img").count() > 2
        study = page.url
        # scroll it in the viewer
        _follow(page, page.locator(f'a[href^="{skin.paths["viewer"]}"]').first)
        corner, shown = f"#{skin.symbols.of('corner_c')}", f"#{skin.symbols.of('corner_d')}"
        told = page.locator(shown).inner_text
        _until(lambda: "W " in told(), "the first image")
        before = page.locator(corner).inner_text()
        pixels = _pixels(page, skin)
        page.mouse.move(700, 420)
        for _ in range(3):
            page.mouse.wheel(0, 120)
        _until(lambda: page.locator(corner).inner_text() != before, "another number")
        page.keyboard.press("Home")
        _until(lambda: " 1/" in page.locator(corner).inner_text(), "the first slice")
        _until(lambda: _pixels(page, skin) != pixels, "another image")
        # window by drag, and by a preset
        window = told()
        page.mouse.down()
        page.mouse.move(780, 450, steps=6)
        page.mouse.up()
        _until(lambda: told() != window, "another window")
        page.locator("select").select_option(index=2)
        _until(lambda: "W 1500" in told(), "the preset")
        # read a report
        page.goto(door.url("worklist", period="all", status="reported"))
        _follow(page, page.locator(f'a[href^="{skin.paths["study"]}"]').first)
        _follow(page, page.locator(f'a[href^="{skin.paths["report"]}"]').first)
        assert len(page.locator("p").all_inner_texts()) > 3
        with page.expect_download() as saved:
            page.locator(f'a[href^="{skin.paths["print"]}"]').first.click()
        assert Path(saved.value.path()).read_bytes().startswith(b"%PDF-")
        # download
        page.goto(study)
        with page.expect_download() as saved:
            page.locator(f'a[href^="{skin.paths["download"]}"]').last.click()
        with zipfile.ZipFile(saved.value.path()) as archive:
            first = archive.read(archive.namelist()[0])
        assert pydicom.dcmread(io.BytesIO(first)).StudyInstanceUID in study
        # upload, and see it again
        data, made = image()
        (tmp_path / "own.dcm").write_bytes(data)
        page.goto(door.url("upload"))
        page.set_input_files("input[type=file]", str(tmp_path / "own.dcm"))
        _follow(page, page.locator("button[type=submit]"))
        assert page.get_by_text(of("upload.stored"), exact=True).count() == 1
        page.goto(door.url("worklist", identifier=made.PatientID))
        assert page.locator(f'a[href*="{made.StudyInstanceUID}"]').count() > 0
        # sign out
        _follow(page, page.locator(f'a[href="{skin.paths["logout"]}"]'))
        assert page.locator("input[type=password]").count() == 1
        browser.close()
        assert errors == []
    _assert_recorded(door, made)


def _sign_in(page: playwright.Page, door: Door) -> None:
    fields, bait = door.pages.skin.parameters, door.bait("reader")
    page.goto(door.origin)
    page.fill(f'input[name="{fields["user"]}"]', "radiology")
    page.fill(f'input[name="{fields["password"]}"]', "radiology")
    _follow(page, page.locator("button[type=submit]"))
    assert page.locator("input[type=password]").count() == 1
    page.fill(f'input[name="{fields["user"]}"]', bait.username)
    page.fill(f'input[name="{fields["password"]}"]', bait.password)
    _follow(page, page.locator("button[type=submit]"))
    assert door.pages.skin.paths["worklist"] in page.url


def _until(condition: Callable[[], bool], what: str) -> None:
    wait_until(condition, what, PATIENCE / 1000)


def _follow(page: playwright.Page, link: playwright.Locator) -> None:
    """Click on what leads to another page, and wait for that."""
    with page.expect_navigation():
        link.click()


def _pixels(page: playwright.Page, skin: Skin) -> str:
    script = f"document.getElementById('{skin.symbols.of('canvas')}').toDataURL()"
    found: str = page.evaluate(script)
    return found


def _assert_recorded(door: Door, made: pydicom.Dataset) -> None:
    sensor = door.sensor
    refused = sensor.wait_event("http.login", event__outcome="failure")
    assert at(refused, "honeypot.credential.password") == "radiology"
    sensor.wait_event("http.login", event__outcome="success")
    sensor.wait_event("lure.taken", honeypot__lure__kind="credential")
    stored = sensor.wait_event("web.store")
    assert at(stored, "dicom.sop.instance_uid") == made.SOPInstanceUID
    assert (sensor.data / "vault" / "objects").is_dir()
    whats = {at(event, "honeypot.web.what") for event in sensor.events(event__action="web.retrieve")}
    assert {"rendered", "thumbnail", "report", "archive"} <= whats
    told = sensor.wait_event("web.browser")
    assert is_automated(tuple(at(told, "honeypot.browser.automation", ())))
    assert "webdriver" in at(told, "honeypot.browser.automation")


def test_a_browser_that_nobody_drives_is_taken_for_a_persons(door: Door, chromium: str) -> None:
    """On a screen of its own, without the flags of automation, as it is started by hand."""
    screen = find_tool("Xvfb")
    with tempfile.TemporaryDirectory() as folder:
        number, ready = os.pipe()
        display = subprocess.Popen(
            [screen, "-displayfd", str(ready), "-screen", "0", "1600x900x24", "-nolisten", "tcp"],
            pass_fds=(ready,),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(ready)
        browser = None
        try:
            name = ":" + os.read(number, 16).decode().strip()
            arguments = [chromium, *ARGUMENTS, f"--user-data-dir={folder}", "--window-size=1400,850", door.origin]
            browser = subprocess.Popen(
                arguments,
                env={**os.environ, "DISPLAY": name, "HOME": folder},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            told = door.sensor.wait_event("web.browser")
        finally:
            for process in (browser, display):
                if process is not None:
                    process.terminate()
                    process.wait(10)
            os.close(number)
            time.sleep(0.2)
            shutil.rmtree(folder, ignore_errors=True)
            Path(folder).mkdir(exist_ok=True)
    signs = tuple(at(told, "honeypot.browser.automation", ()))
    assert not is_automated(signs), signs
    assert at(told, "honeypot.browser.facts.screen") == "1600x900"
