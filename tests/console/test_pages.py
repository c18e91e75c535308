"""What pages show, and how lists are narrowed and turned."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from dicomhawk.analyst.writing import NOT_ANALYSED
from dicomhawk.console.filters import Filter
from dicomhawk.console.shown import because
from tests.console.conftest import SECRET, console
from tests.console.filling import fill
from tests.console.places import places, searches


@pytest.fixture(scope="module")
def rows(filled: Path) -> Iterator[sqlite3.Connection]:
    with sqlite3.connect(filled / "findings.sqlite") as connection:
        yield connection
    connection.close()


def _listed(client: TestClient, path: str) -> list[str]:
    """The sessions on a page and all that follow it."""
    found: list[str] = []
    while path:
        text = client.get(path, headers={"HX-Request": "true"}).text
        assert "<html" not in text
        found += re.findall(r'<td class="tight"><a href="/sessions/([^"/?]+)"', text)
        more = re.search(r'<p class="more"><a class="button" href="([^"]+)"', text)
        path = more[1].replace("&amp;", "&") if more else ""
    return found


def test_every_page_is_there(client: TestClient, filled: Path) -> None:
    missing = {"hospital": 503, "transcript": 404, "nothing": 404}
    for name, path in (places(filled) | searches(filled)).items():
        response = client.get(path)
        assert response.status_code == missing.get(name, 200), name
        assert "</html>" in response.text, name


@pytest.mark.parametrize("order", ["", "interest", "severity", "depth"])
def test_turning_pages_shows_each_session_once(client: TestClient, rows: sqlite3.Connection, order: str) -> None:
    (number,) = rows.execute("SELECT count(*) FROM sessions WHERE category = 'Cloud'").fetchone()
    listed = _listed(client, f"/sessions?category=Cloud&order={order}")
    assert number > 60
    assert len(listed) == len(set(listed)) == number
    column = {"": "first", "depth": "rank"}.get(order, order)
    values = dict(rows.execute(f"SELECT session, {column} FROM sessions"))
    assert [values[each] for each in listed] == sorted((values[each] for each in listed), reverse=True)


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("?country=BR", "country = 'BR'"),
        ("?sensor=hawk-iad&kind=interaction", "sensor = 'hawk-iad' AND interaction"),
        ("?depth=collection", "rank >= 4"),
        ("?severity=critical", "severity = 4"),
        ("?tool=Horos", "tool = 'Horos'"),
        ("?operator=shodan&severity=medium", "operator = 'shodan' AND severity >= 2"),
        ("?technique=D17", "session IN (SELECT session FROM techniques WHERE rule = 'D17')"),
        ("?ae=MAMMO", "session IN (SELECT session FROM ae_titles WHERE called = 'MAMMO' OR calling = 'MAMMO')"),
        ("?since=2026-11-20&until=2026-11-21T06:00", "last >= 1795132800000000 AND first <= 1795240800000000"),
        ("?text=smith+study", "session IN (SELECT session FROM events WHERE document LIKE '%SMITH%')"),
        ("?actor=actor-001", "actor = 'actor-001'"),
    ],
)
def test_narrowing(client: TestClient, rows: sqlite3.Connection, query: str, where: str) -> None:
    wanted = {each for (each,) in rows.execute(f"SELECT session FROM sessions WHERE {where}")}
    assert wanted
    assert set(_listed(client, f"/sessions{query}")) == wanted


@pytest.mark.parametrize(
    "network",
    ["185.220.0.0/16", "185.220.0.0/17", "162.142.0.0/15", "164.92.64.0/18", "164.92.7.0/24", "164.92.0.0/27",
     "0.0.0.0/0", "128.0.0.0/1", "2001:db8::/32", "2001:db8:0:7::/64", "2001:db8::1:2:3", "::/0"],
)  # fmt: skip
def test_networks(client: TestClient, rows: sqlite3.Connection, network: str) -> None:
    within = ip_network(network)
    known = dict(rows.execute("SELECT session, address FROM sessions"))
    wanted = {session for session, address in known.items() if ip_address(address) in within}
    assert set(_listed(client, f"/sessions?address={quote(network)}&order=depth")) == wanted


def test_what_cannot_be_understood_is_told() -> None:
    wrong = Filter.of({"address": "10.0.0.0/99", "since": "yesterday", "depth": "abyss", "text": "x" * 5000}).wrong
    assert set(wrong) == {"address", "since", "depth"}
    assert Filter.of({"since": "2026-11-01T10:00+02:00", "address": "10.1.2.3"}).wrong == {}


def test_a_cursor_that_is_none_begins_anew(client: TestClient) -> None:
    first = _listed(client, "/sessions?category=Onyphe")
    for behind in ("x", "W10", "bnVsbA", "WzEsMl0", "eyJhIjoxfQ", "%00" * 9, "A" * 9000):
        assert _listed(client, f"/sessions?category=Onyphe&behind={behind}") in (first, [])


def test_a_session_tells_everything(client: TestClient, filled: Path, rows: sqlite3.Connection) -> None:
    text = client.get(places(filled)["session"]).text
    session = places(filled)["session"].rsplit("/", 1)[1]
    for table, column in (
        ("techniques", "rule"),
        ("captures", "sha256"),
        ("lures", "token"),
        ("ae_titles", "called"),
    ):
        for (value,) in rows.execute(f"SELECT {column} FROM {table} WHERE session = ?", (session,)):
            assert value in text, (table, value)
    (verdict,) = rows.execute("SELECT verdict FROM sessions WHERE session = ?", (session,)).fetchone()
    assert verdict in text


def test_a_long_timeline_is_turned(client: TestClient, rows: sqlite3.Connection) -> None:
    session, number = rows.execute("SELECT session, events FROM sessions ORDER BY events DESC LIMIT 1").fetchone()
    assert number > 100
    seen: list[str] = []
    path = f"/sessions/{session}/timeline"
    while path:
        text = client.get(path, headers={"HX-Request": "true"}).text
        seen += re.findall(r'href="/events/([^"]+)"', text)
        more = re.search(r'<p class="more"><a class="button" href="([^"]+)"', text)
        path = more[1].replace("&amp;", "&") if more else ""
    assert seen == [
        each for (each,) in rows.execute("SELECT id FROM events WHERE session = ? ORDER BY moment, id", (session,))
    ]


def test_without_a_database_it_is_said_so(tmp_path: Path) -> None:
    with console(tmp_path) as client:
        client.post("/sign-in", data={"secret": SECRET})
        response = client.get("/")
        assert response.status_code == 503
        assert "dicomhawk analyse" in response.text or "can't be used" in response.text
        assert client.get("/health").status_code == 200


@pytest.mark.parametrize(("failed", "alarm"), [(0, None), (2, "alarm")])
def test_sessions_that_could_not_be_analysed_are_told(tmp_path: Path, failed: int, alarm: str | None) -> None:
    fill(tmp_path, 200, seed=1)
    with sqlite3.connect(tmp_path / "findings.sqlite") as database:
        some = "SELECT session FROM sessions LIMIT ?"
        database.execute(f"UPDATE sessions SET verdict = ? WHERE session IN ({some})", (NOT_ANALYSED, failed))
    with console(tmp_path) as client:
        client.post("/sign-in", data={"secret": SECRET})
        tile = r'<div class="(alarm)?"><dt>Sessions that couldn.{1,8}t be analysed</dt><dd>(\d+)</dd>'
        told = re.search(tile, client.get("/health").text)
        assert told is not None and told.groups() == (alarm, str(failed))


def test_a_database_that_was_made_anew_is_opened_anew(tmp_path: Path) -> None:
    fill(tmp_path, 200, seed=1)
    with console(tmp_path) as client:
        client.post("/sign-in", data={"secret": SECRET})
        before = _listed(client, "/sessions")
        for file in tmp_path.glob("findings.sqlite*"):
            file.unlink()
        assert client.get("/sessions").status_code == 503
        fill(tmp_path, 200, seed=2)
        after = _listed(client, "/sessions")
        assert after
        assert not set(before) & set(after)


def test_nothing_is_written(client: TestClient, filled: Path) -> None:
    before = (filled / "findings.sqlite").read_bytes()
    for path in places(filled).values():
        client.get(path)
    assert (filled / "findings.sqlite").read_bytes() == before


def test_reports_are_files(client: TestClient) -> None:
    for kind, start in (("html", b"<!doctype html>"), ("json", b"{"), ("md", b"#"), ("csv", b"PK")):
        response = client.get(f"/report/file?format={kind}&from=2026-11-01&to=2026-11-20")
        assert response.status_code == 200
        assert response.content[:20].lower().startswith(start.lower()), kind
        assert response.headers["content-disposition"].startswith("attachment; ")
    assert client.get("/report/file?from=never").status_code == 422


def test_pictures_are_looked_for_by_their_own_names_only(client: TestClient, filled: Path) -> None:
    sha256 = "ab" * 32
    previews = filled / "previews"
    previews.mkdir(exist_ok=True)
    (previews / f"{sha256}.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    (previews / f"{'cd' * 32}.png").write_bytes(b"<script>")
    response = client.get(f"/previews/{sha256}.png")
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
    assert client.get(f"/previews/{'cd' * 32}.png").status_code == 404
    for name in ("..%2Ffindings", "x", sha256.upper(), f"{sha256}.difference", "%2Fetc%2Fpasswd"):
        assert client.get(f"/previews/{name}.png").status_code == 404, name
    for uid in ("1.2.3", "..", "..%2F..%2Fx", "x"):
        assert client.get(f"/images/{uid}.jpg").status_code == 404, uid


def test_of_one_it_is_said_in_the_singular(client: TestClient, rows: sqlite3.Connection) -> None:
    session, address = rows.execute(
        "SELECT max(session), address FROM sessions GROUP BY address HAVING count(*) = 1"
    ).fetchone()
    text = client.get(f"/sessions?address={quote(address)}").text
    assert session in text
    assert ">1 session<" in text


def test_why_an_alert_was_told_with_another() -> None:
    assert because("told with depth:tampering:01M81Z5865WT3KTK") == "told with a worse one (depth tampering)"
    assert because("entry 'own scanner'") == "entry 'own scanner'"
