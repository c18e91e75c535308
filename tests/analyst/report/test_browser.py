"""A report in Chromium, on screen and on paper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.analyst.database.store import open_database
from dicomhawk.analyst.report.formats.page import as_html
from dicomhawk.analyst.report.gather import report
from dicomhawk.analyst.report.selection import Selection
from tests.support import find_tool, run_tool

from .sample import SENSORS, fill

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
A4 = (595, 842)
"""Points."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report of all sensors, and one that compares two."""
    folder = tmp_path_factory.mktemp("pages")
    url = f"sqlite:///{folder / 'findings.sqlite'}"
    fill(open_database(url))
    engine = open_database(url, read_only=True)
    made = {}
    for name, selection in (("all", Selection()), ("compared", Selection(sensors=SENSORS, compare=True))):
        made[name] = folder / f"{name}.html"
        made[name].write_text(as_html(report(engine, selection)), "utf-8")
    return made


@pytest.fixture(scope="module")
def chromium() -> Any:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=find_tool("chromium"), args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("all", "dark"),
        *(pytest.param(*each, marks=pytest.mark.soak) for each in (("all", "light"), ("compared", "light"))),
        pytest.param("compared", "dark", marks=pytest.mark.soak),
    ],
)
def test_it_asks_for_nothing_complains_of_nothing_and_is_accessible(
    pages: dict[str, Path], chromium: Any, name: str, scheme: str
) -> None:
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python isn't installed")
    script = (Path(package.__file__).parent / "axe.min.js").read_text("utf-8")
    asked: list[str] = []
    wrongs: list[str] = []
    page = chromium.new_page(color_scheme=scheme, viewport={"width": 1100, "height": 800})
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda said: wrongs.append(said.text))
    page.on("pageerror", lambda error: wrongs.append(str(error)))
    page.on("dialog", lambda dialog: (wrongs.append(dialog.message), dialog.dismiss()))
    page.goto(pages[name].as_uri())
    assert asked == [pages[name].as_uri()]
    assert wrongs == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)" if scheme == "light" else "rgb(18, 24, 30)"
    )
    page.evaluate(script)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    page.close()
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not serious, json.dumps([(each["id"], each["nodes"][0]["target"], len(each["nodes"])) for each in serious])


@pytest.mark.parametrize("width", [360, 1100])
def test_it_fits_the_window(pages: dict[str, Path], chromium: Any, width: int) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.goto(pages["all"].as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.parametrize("name", ["all", "compared"])
def test_it_can_be_printed(pages: dict[str, Path], chromium: Any, name: str, tmp_path: Path) -> None:
    page = chromium.new_page()
    page.goto(pages[name].as_uri())
    page.emulate_media(media="print")
    # Within the margins of an A4 page, at the browser's 96 dots to the inch: else it would be shrunk.
    page.set_viewport_size({"width": 688, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
    page.pdf(path=str(tmp_path / "report.pdf"), prefer_css_page_size=True, print_background=True)
    page.close()
    told = run_tool("pdfinfo", tmp_path / "report.pdf").output
    size = next(line for line in told.splitlines() if line.startswith("Page size"))
    wide, _, high = size.split()[2:5]
    assert (round(float(wide)), round(float(high))) == pytest.approx(A4, abs=1)
    text = run_tool("pdftotext", "-layout", tmp_path / "report.pdf", "-").output
    for wanted in ("What the honeypot saw", "Depth over time", "What the numbers are", "1 / "):
        assert wanted in text
