"""What strangers sent is shown, and does nothing: in every column of every table, on every page."""

from __future__ import annotations

import json
import re
import sqlite3
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import Boolean, Integer, String, Table, Text

from dicomhawk.analyst.database import schema
from dicomhawk.analyst.database.store import open_database
from dicomhawk.console import shown
from tests.console.browsing import browsing, serving, until
from tests.console.conftest import SECRET, console
from tests.console.filling import NOW, add
from tests.console.places import places

PAYLOADS = (
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    '"><svg/onload=window.hit=1>',
    "' onmouseover='window.hit=1' x='",
    '" autofocus onfocus="window.hit=1" tabindex="1',
    "javascript:window.hit=1",
    "</textarea></title></style><script>window.hit=1</script>",
    "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>",
    "{{ 7 * 7 }}{% raw %}${7*7}<%= 7*7 %>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.hit=1>",
    '<a href="javascript:window.hit=1">x</a><form action=//evil.example><button>x',
    '<div hx-get="/sign-out" hx-trigger="load" hx-on:load="window.hit=1" data-hx-get=/x>',
    "<meta http-equiv=refresh content='0;url=//evil.example'><base href=//evil.example>",
    "<link rel=stylesheet href=//evil.example/x.css><style>*{display:none}</style>",
    "\u202egnp.exe\u2066\u200b\x1b[31m\x00\x07\r\nSet-Cookie: a=b",
    "%3Cscript%3Ewindow.hit=1%3C/script%3E&lt;script&gt;",
    "]]><!--<![CDATA[<script>window.hit=1</script>-->",
    "\ud83d\ude00 \N{LINE SEPARATOR}\N{RIGHT-TO-LEFT MARK}abc",
)
ALLOWED_SCRIPTS = re.compile(r"/static/(htmx\.min|uPlot\.iife\.min|console)\.js\?[0-9a-f]{12}")
_JSON = {"doors", "evidence", "tags", "attack", "sensors", "basis"}


def _value(table: Table, name: str, payload: str, number: int) -> object:
    column = table.c[name]
    text = payload.encode("utf-8", "replace").decode().replace("\x00", "\u2400")
    if isinstance(column.type, Boolean):
        return 1
    if isinstance(column.type, Integer) or not isinstance(column.type, (String, Text)):
        return {"severity": number % 5, "rank": number % 8, "asn": 64512}.get(name, NOW - number)
    if name == "document":
        return json.dumps(_document(text, number))
    if name == "report":
        return json.dumps(
            {
                "type": text,
                text: {text: [text, {text: text}]},
                "findings": [{"id": text, "name": text, "severity": 4, "detail": text, "offset": 0}],
            }
        )
    if name in ("facts", "answer"):
        return json.dumps({text: [text, {text: text}]})
    if name == "commands":
        return json.dumps({text: 1})
    if name in _JSON:
        return json.dumps([text])
    if name == "sha256":
        return f"{number:064x}"
    if name == "state":
        return "due"
    return text


def _document(text: str, number: int) -> dict[str, object]:
    return {
        "@timestamp": text,
        "session": text,
        "event": {"id": text, "action": "dicom.c-find", "reason": text},
        "source": {"ip": text, "port": text},
        "destination": {"ip": text, "port": text},
        "network": {"protocol": text},
        "dicom": {
            "ae": {"called": text, "calling": text},
            "query": {"level": text, "keys": {"00100010": text, text: text}},
            "command": {"message_id": number},
            "move": {"destination": text},
        },
        "http": {"request": {"method": text, "headers": [text]}},
        "url": {"original": text},
        "user_agent": {"original": text},
        "honeypot": {"connection": text, "credential": {"username": text, "password": text},
            "transcript": {"segment": text, "offset": number}},
    }  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which every text is a payload."""
    data = tmp_path_factory.mktemp("hostile")
    path = data / "findings.sqlite"
    open_database(f"sqlite:///{path}").dispose()
    for table in schema.metadata.sorted_tables:
        if table.name == "meta":
            continue
        rows = []
        for number, payload in enumerate(PAYLOADS):
            row = {column.name: _value(table, column.name, payload, number) for column in table.columns}
            if "seq" in row:
                row["seq"] = number + 1
            if table.name == "events":
                row["action"] = ("connection.open", "dicom.c-find", "web.query", row["action"])[number % 4]
            rows.append(row)
        add(path, table, rows)
    return data


class _Seen(HTMLParser):
    """Elements and attributes of a page, as a parser sees them."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def _paths(data: Path) -> dict[str, str]:
    found = places(data)
    with sqlite3.connect(data / "findings.sqlite") as connection:
        for table, column, name in (
            ("sessions", "session", "sessions"),
            ("sessions", "address", "origins"),
            ("actors", "actor", "actors"),
            ("techniques", "rule", "techniques"),
            ("events", "id", "events"),
        ):
            for number, (value,) in enumerate(connection.execute(f"SELECT {column} FROM {table}")):
                if "/" not in value:
                    found[f"{name}-{number}"] = f"/{name}/{quote(value, safe='')}"
        for number in range(len(PAYLOADS)):
            found[f"files-{number}"] = f"/files/{number:064x}"
    connection.close()
    for number, payload in enumerate(PAYLOADS):
        text = quote(payload.encode("utf-8", "replace").decode(), safe="")
        found[f"asked-{number}"] = (
            f"/sessions?text={text}&category={text}&tool={text}&address={text}&since={text}&ae={text}&depth={text}"
            f"&technique={text}&actor={text}&order={text}&behind={text}"
        )
        found[f"credentials-{number}"] = f"/credentials?text={text}&service={text}"
        found[f"lures-{number}"] = f"/lures?token={text}&lure={text}&action={text}"
        found[f"report-{number}"] = f"/report/file?from={text}&one={text}"
        found[f"sign-in-{number}"] = f"/sign-in?next={text}"
    return found


def test_no_markup_of_a_stranger_is_on_any_page(hostile: Path) -> None:
    seen = 0
    with console(hostile) as client:
        client.post("/sign-in", data={"secret": SECRET})
        for name, path in _paths(hostile).items():
            response = client.get(path)
            assert response.status_code < 500 or name == "hospital", (name, path)
            text = response.text
            parser = _Seen()
            parser.feed(text)
            for tag, attributes in parser.elements:
                assert tag not in ("iframe", "object", "embed", "style", "base", "math", "mglyph"), (name, tag)
                assert not [key for key in attributes if key.startswith(("on", "hx-on", "data-hx"))], (
                    name,
                    attributes,
                )
                assert attributes.get("hx-get", "/").startswith("/"), (name, attributes)
                if tag == "script":
                    assert ALLOWED_SCRIPTS.fullmatch(attributes.get("src") or ""), (name, attributes)
                if tag == "meta":
                    assert "http-equiv" not in attributes, name
                for key in ("href", "src", "action", "hx-get"):
                    if key in attributes:
                        target = attributes[key] or ""
                        assert target.startswith(("/", "#")) and not target.startswith("//"), (name, key, target)
            for c in "\u202e\u2066\u200b\x1b\x00\x07\u2028\u200f":
                assert c not in text, (name, hex(ord(c)))
            seen += "window.hit=1" in text
    assert seen > 60


@pytest.mark.timeout(300)
def test_nothing_of_it_runs_in_a_browser(hostile: Path) -> None:
    known = places(hostile)
    with serving(hostile, NOW / 1_000_000) as origin, browsing(origin) as page:
        for name in ("overview", "feed", "sessions", "session", "alerts", "lures", "credentials", "file", "origins"):
            page.goto(origin + known[name])
            assert page.evaluate("window.hit") is None, name
            assert (
                page.evaluate("document.querySelectorAll('main iframe, main script, main style, main meta').length")
                == 0
            )
        wrongs = [each for each in page.wrongs if "Failed to load" not in each]
        assert not wrongs, wrongs
        # What the stream brings is put into the page by a script.
        page.goto(f"{origin}/feed")
        until(page, "document.getElementById('state').textContent === 'Live.'")
        rows = [
            {"seq": 100 + number, "id": f"new{number}", "moment": NOW, "sensor": payload, "session": None,
             "connection": None, "action": payload.encode("utf-8", "replace").decode(), "severity": 99,
             "document": json.dumps(_document(payload.encode("utf-8", "replace").decode(), number))}
            for number, payload in enumerate(PAYLOADS)
        ]  # fmt: skip
        for row in rows:
            row["sensor"] = str(row["action"])
        add(hostile / "findings.sqlite", schema.events, rows)
        page.wait_for_selector("#feed li.new >> nth=10")
        page.wait_for_timeout(300)
        assert page.evaluate("window.hit") is None
        assert page.evaluate("document.querySelectorAll('#feed img, #feed script, #feed svg').length") == 0


def test_what_cannot_be_seen_is_made_visible() -> None:
    assert shown.visible("a\u202eb\x1b[0m\x00\n") == "a\\u202eb\\x1b[0m\\x00\\n"
    assert shown.visible("a\nb", "\n") == "a\nb"
    assert shown.visible("Ågård 山田 \N{GRINNING FACE}") == "Ågård 山田 \N{GRINNING FACE}"
    assert str(shown.shown("a\u202eb")) == 'a<span class="esc">\\u202e</span>b'
    assert str(shown.shown("<b>\x07")) == '&lt;b&gt;<span class="esc">\\x07</span>'
    assert str(shown.lines("a\r\nb\tc")) == 'a\nb<span class="esc">\\t</span>c'
    assert "none" in shown.shown("")
    assert "none" in shown.shown(None)


def test_long_values_are_cut_with_a_way_to_see_them() -> None:
    text = "x" * 5000
    found = str(shown.shown(text, 100))
    assert found.startswith('<details class="cut"><summary>' + "x" * 100 + "…")
    assert found.count("x") >= 5000
    assert len(shown.shown("y" * 1_000_000)) < 30_000


def test_values_of_another_kind_do_no_harm() -> None:
    assert "no moment" in shown.moment(1 << 62)
    assert "never" in shown.moment(None)
    assert "critical" in shown.severity(99)
    assert "touch" in shown.depth(-5)
    assert shown.parsed("{") is None
    assert shown.query(a="", b=None, c=0, d="x&y") == "?c=0&d=x%26y"
