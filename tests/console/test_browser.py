"""Every page in Chromium: accessible, usable by keyboard, and without a word of complaint from the browser."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.console.browsing import chromium, serving, until, visiting
from tests.console.filling import NOW
from tests.console.places import places

pytestmark = pytest.mark.timeout(400)
COLOURED = """(() => {
  const canvas = document.querySelector(".chart canvas");
  const bytes = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const colours = new Set([0x8a99ab, 0xc2560c]);
  for (let at = 0; at < bytes.length; at += 4)
    if (colours.has((bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2])) return true;
  return false;
})()"""
"""Whether there is a pixel of a bar's colour, as it is in the light."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def origin(filled: Path) -> Iterator[str]:
    with serving(filled, NOW / 1_000_000) as found:
        yield found


def _axe() -> str:
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python isn't installed")
    return (Path(package.__file__).parent / "axe.min.js").read_text("utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, origin: str, filled: Path, scheme: str) -> None:
    known = places(filled)
    _inspected(browser, origin, {name: known[name] for name in ("overview", "session", "file")}, scheme)


@pytest.mark.soak
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(browser: Any, origin: str, filled: Path, scheme: str) -> None:
    _inspected(browser, origin, places(filled), scheme)


def _inspected(browser: Any, origin: str, known: dict[str, str], scheme: str) -> None:
    script = _axe()
    found: list[str] = []
    with visiting(browser, origin, scheme) as page:
        for name, path in known.items():
            page.goto(origin + path)
            found += [f"{name}: {each}" for each in _violations(page, script)]
            expected = 1 if name in ("nothing", "hospital", "transcript") else 0
            # What isn't there is told by its status, which Chromium complains about.
            assert len([each for each in page.wrongs if "Failed to load" in each]) <= expected, (name, page.wrongs)
            assert not [each for each in page.wrongs if "Failed to load" not in each], (name, page.wrongs)
            page.wrongs.clear()
            assert page.locator("h1").count() == 1, name
            assert page.locator("main").count() == 1, name
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        page.context.clear_cookies()
        page.goto(f"{origin}/sign-in")
        found += [f"sign-in: {each}" for each in _violations(page, script)]
    assert not found, "\n".join(found)


def _violations(page: Any, script: str) -> list[str]:
    page.evaluate(script)
    report = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['impact']} {each['id']} {json.dumps([node['target'] for node in each['nodes']][:3])}"
        for each in report["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def test_narrow_windows(browser: Any, origin: str, filled: Path) -> None:
    script = _axe()
    with visiting(browser, origin, width=420) as page:
        for name in ("overview", "sessions", "session", "feed", "files", "health", "clients", "alerts"):
            page.goto(origin + places(filled)[name])
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        assert not _violations(page, script)
        assert not page.locator("#navigation").is_visible()
        page.locator("#menu").press("Enter")
        assert page.locator("#navigation").is_visible()
        assert page.locator("#menu").get_attribute("aria-expanded") == "true"


def test_by_keyboard_alone(browser: Any, origin: str) -> None:
    with visiting(browser, origin) as page:
        page.goto(f"{origin}/sessions")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        # On through the form: every stop can be seen, and has a name.
        for _ in range(14):
            page.keyboard.press("Tab")
            seen = page.evaluate(
                "(() => { const at = document.activeElement; const box = at.getBoundingClientRect();"
                " return [box.width > 0 && box.height > 0, getComputedStyle(at).outlineStyle,"
                " (at.labels && at.labels.length ? at.labels[0].textContent : at.textContent).trim()]; })()"
            )
            assert seen[0] and seen[1] != "none" and seen[2], seen
        page.locator("#f-kind").focus()
        with page.expect_response(lambda answer: "kind=interaction" in answer.url):
            page.keyboard.type("interaction")
        page.wait_for_url("**/sessions?*kind=interaction*")
        before = page.locator("#results tbody tr").first.inner_text()
        page.locator("#results .more a").focus()
        with page.expect_response(lambda answer: "behind=" in answer.url):
            page.keyboard.press("Enter")
        until(page, "document.activeElement.id === 'results'")
        assert page.locator("#results tbody tr").first.inner_text() != before
        page.go_back()
        until(page, "!location.search.includes('behind')")
        page.locator("#results tbody tr a").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/sessions/*")
        assert page.locator("h1").inner_text().startswith("Session of")
        assert not page.wrongs


def test_theme_and_times(browser: Any, origin: str) -> None:
    with visiting(browser, origin) as page:
        page.goto(f"{origin}/sessions")
        ground = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(ground)
        page.locator("#theme").click()
        assert page.evaluate(ground) != light
        page.goto(f"{origin}/alerts")
        assert page.evaluate(ground) != light
        page.goto(f"{origin}/sessions")
        time = page.locator("#results time").first
        assert time.get_attribute("title") is None
        time.hover()
        assert "local" in (time.get_attribute("title") or "")


def test_a_chart_is_drawn(browser: Any, origin: str) -> None:
    with visiting(browser, origin) as page:
        page.goto(f"{origin}/")
        page.wait_for_selector(".chart canvas")
        assert page.locator(".chart").get_attribute("role") == "img"
        page.locator("details.numbers summary").first.click()
        assert page.locator("details.numbers tbody tr").count() > 10
        assert not page.wrongs


def test_what_came_last_is_in_the_chart(browser: Any, filled: Path) -> None:
    with sqlite3.connect(filled / "findings.sqlite") as connection:
        (first,) = connection.execute("SELECT min(first) FROM sessions").fetchone()
    connection.close()
    with serving(filled, first / 1_000_000 + 60) as then, visiting(browser, then) as page:
        page.wait_for_selector(".chart canvas")
        until(page, COLOURED)
        assert page.evaluate("document.querySelector('main').scrollWidth <= window.innerWidth")


def test_a_table_of_sessions_needs_no_scrolling(browser: Any, origin: str) -> None:
    with visiting(browser, origin, width=1400) as page:
        page.goto(f"{origin}/sessions")
        assert page.evaluate("(t => t.scrollWidth <= t.clientWidth)(document.querySelector('#results .scroll'))")
