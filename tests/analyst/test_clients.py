"""With what a session was made: fingerprints, user agents, browsers, nmap's probes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dicomhawk.analyst.clients.agents import agent_of, table
from dicomhawk.analyst.clients.browsers import is_automated
from dicomhawk.analyst.clients.session import named
from dicomhawk.evidence import events as ev

from .telling import Told, by_dfp

PROBES = Path("/usr/share/nmap/nmap-service-probes")
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
HOSTILE = "\x1b[2J\r\n\u202e<script>"
NMAP_OLD, NMAP_NEW, DRIFTNET = "97ef88bac1ca", "b1dffd9d17e9", "e1b491f6b3ee"
ECHOSCU, FINDSCU = "bb6f24333253", "2365470bbfea"


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


def test_nobody(told: Told) -> None:
    told.open().close("peer-fin")
    assert told.clients() == ([], "")


def test_a_fingerprint_that_is_known(told: Told) -> None:
    told.asked(after_ac="dimse", **by_dfp(ECHOSCU))
    told.asked(after_ac="dimse", **by_dfp(ECHOSCU))
    rows, tool = told.clients()
    assert rows == [{"kind": "dfp", "value": ECHOSCU, "tool": "DCMTK echoscu (3.6.7)", "times": 2}]
    assert tool == "DCMTK echoscu"


def test_one_that_isnt(told: Told) -> None:
    told.asked(fingerprint="0123456789ab", implementation_version="MINE_1" + HOSTILE)
    rows, tool = told.clients()
    assert rows == [{"kind": "dfp", "value": "0123456789ab", "tool": "", "times": 1}]
    assert tool == "unknown DICOM client (MINE_1[2J<sc)"


def test_nmap_and_the_masscan_that_sends_the_same(told: Told) -> None:
    told.asked(after_ac="silent_fin", **by_dfp(NMAP_OLD))
    assert told.tool() == "nmap dicom-ping"


def test_the_masscan(told: Told) -> None:
    told.asked(after_ac="silent_fin", wait=1.5, **by_dfp(NMAP_OLD))
    assert told.tool() == "masscan with a dicom_hello"


def test_nmap_that_guesses(told: Told) -> None:
    for title in ("ANY-SCP", "123456", "12345", "123456789", "password"):
        told.asked(after_ac="silent_fin", called=title, **by_dfp(NMAP_OLD))
    assert told.tool() == "nmap dicom-brute"


def test_nmaps_bytes_and_then_a_command(told: Told) -> None:
    told.asked(after_ac="dimse", **by_dfp(NMAP_NEW))
    assert told.tool() == "imitation of DCMTK"


def test_aimap_by_its_titles(told: Told) -> None:
    record = told.open()
    record.emit(ev.Association(calling="AIMAP", called="ORTHANC", **by_dfp(NMAP_NEW)))
    assert told.tool() == "NuClide aimap"


def test_nmaps_suite_of_2026(told: Told) -> None:
    name = "nmap dicom-cfind-ls/dicom-store-fuzzer/dicom-info"
    record = told.open()
    record.emit(ev.Association(calling="A", called="B", fingerprint="0123456789ab", client=name))
    assert told.tool() == "nmap dicom-info"
    record.emit(ev.CFind(message_id=1))
    assert told.tool() == "nmap dicom-cfind-ls"
    record.emit(ev.CStore(message_id=2, status=0))
    assert told.tool() == "nmap dicom-store-fuzzer"


@pytest.mark.parametrize(
    ("version", "class_uid", "tool"),
    [
        ("OFFIS_DCMTK_366", None, "DCMTK (or built with it)"),
        ("PYNETDICOM_210", None, "pynetdicom"),
        (None, "1.2.826.0.1.3680043.9.3811.2.1.1", "pynetdicom"),
        ("GONETDICOM_1_1", None, "go-netdicom"),
        ("OFFIS_DCMTK_366", "9.9", "unknown DICOM client (OFFIS_DCMTK_366)"),
    ],
)
def test_another_honeypots_log_has_no_fingerprint(
    told: Told, version: str | None, class_uid: str | None, tool: str
) -> None:
    told.asked(implementation_version=version, implementation_uid=class_uid)
    rows, found = told.clients()
    assert rows == []
    assert found == tool


@pytest.mark.parametrize(
    ("agent", "tool"),
    [
        ("curl/8.5.0", "curl"),
        ("Wget/1.21.3", "wget"),
        ("python-requests/2.32.3", "python-requests"),
        ("Python/3.12 aiohttp/3.9.5", "python aiohttp"),
        ("Go-http-client/1.1", "Go-http-client"),
        ("Mozilla/5.0 zgrab/0.x", "zgrab"),
        ("masscan/1.3 (https://github.com/robertdavidgraham/masscan)", "masscan"),
        ("ivre-masscan/1.3 https://ivre.rocks", "IVRE masscan"),
        ("Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)", "nmap scripts"),
        ("Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:Port Check)", "Nikto"),
        ("sqlmap/1.7.2#stable (https://sqlmap.org)", "sqlmap"),
        ("Nuclei - Open-source project (github.com/projectdiscovery/nuclei)", "Nuclei"),
        ("Fuzz Faster U Fool v2.1.0", "ffuf"),
        ("gobuster/3.5", "gobuster"),
        ("Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", "dirb"),
        ("Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)", "CensysInspect"),
        ("Weasis/4.5.0 (Linux; 6.1; amd64)", "Weasis"),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), "headless Chromium"),
        (CHROME + " Edg/140.0.0.0", "Edge"),
        (CHROME, "Chrome"),
        (FIREFOX, "Firefox"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15", "Safari"),
        ("something of its own", ""),
    ],
)
def test_user_agents(told: Told, agent: str, tool: str) -> None:
    told.request(agent, "Accept-Language: en")
    assert told.values("user-agent") == {agent: tool}
    assert told.tool() == (tool or "unknown HTTP client")


def test_what_says_that_it_is_a_browser_and_doesnt_speak_like_one(told: Told) -> None:
    told.request(CHROME, "Host: x", "Accept: */*")
    assert told.tool() == "program posing as Chrome"
    told.request(CHROME, "Host: x", "accept-language: da")
    assert told.tool() == "Chrome"


@pytest.mark.parametrize(
    ("signs", "tool"),
    [
        ((), "Firefox (a person's)"),
        (("no-plugins",), "Firefox (a person's)"),
        (("webdriver",), "Firefox (automated)"),
        (("no-plugins", "default-screen", "software-renderer"), "Firefox (automated)"),
    ],
)
def test_a_person_and_a_program_in_a_browser(told: Told, signs: tuple[str, ...], tool: str) -> None:
    told.request(FIREFOX)
    told.open().emit(ev.WebBrowser(face="portal", facts={"agent": FIREFOX}, automation=signs, fingerprint="ab" * 32))
    assert told.values("browser") == {"ab" * 32: tool}
    assert told.tool() == tool


def test_signs_of_automation() -> None:
    assert not is_automated([])
    assert not is_automated(["software-renderer"])
    assert not is_automated(["no-plugins", "default-screen"])
    assert not is_automated(["no-plugins", "no-plugins", "no-plugins"])
    assert is_automated(["no-plugins", "default-screen", "software-renderer"])
    assert is_automated(["no-window"])


def test_tls(told: Told) -> None:
    record = told.open()
    record.emit(ev.TlsHandshake(outcome="success", ja3="0" * 32, ja4="t13d1811h1_85036bcba153_d41ae481755e"))
    record.emit(ev.TlsHandshake(outcome="failure", ja3="1" * 32, ja4="t13d1811h1_000000000000_d41ae481755e"))
    assert set(told.values("ja4").values()) == {"Python", ""}
    assert told.values("ja3") == {"0" * 32: "Python", "1" * 32: ""}
    assert told.tool() == "Python"
    told.request("my own")
    assert told.tool() == "Python, unknown HTTP client"
    told.request("python-httpx/0.28.1")
    assert told.tool() == "python-httpx, unknown HTTP client"


def probe(told: Told, first: bytes) -> None:
    told.open().emit(ev.ProtocolUnknown(guess="unknown", first_bytes=first[:256].hex()))


def test_three_of_nmaps_probes(told: Told) -> None:
    probe(told, b"\r\n\r\n")
    probe(told, b"GET / HTTP/1.0\r\n\r\n")
    probe(told, b"GET / HTTP/1.0\r\n\r\n")
    assert told.tool() == ""
    probe(told, b"\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x00\x00")
    assert told.tool() == "nmap -sV"
    told.asked(after_ac="silent_fin", **by_dfp(NMAP_OLD))
    assert told.tool() == "nmap dicom-ping/-sV"


def test_nmaps_probes_on_the_web_door(told: Told) -> None:
    told.request(None, version="1.0")
    told.request(None, version="1.0", method="OPTIONS")
    assert told.tool() == ""
    told.request(None, version="1.0", target="/nice%20ports%2C/Tri%6Eity.txt%2ebak")
    assert told.tool() == "nmap -sV"


def test_who_borrows_nmaps_probes_isnt_nmap(told: Told) -> None:
    for first in (b"GET / HTTP/1.0\r\n\r\n", b"OPTIONS / HTTP/1.0\r\n\r\n", b"OPTIONS / RTSP/1.0\r\n\r\n"):
        probe(told, first)
    probe(told, b"\x03\x00\x00*%\xe0\x00\x00\x00\x00\x00Cookie: mstshash=eltons\r\n")
    told.asked(after_ac="silent_fin", **by_dfp(DRIFTNET))
    assert told.tool() == "Driftnet (Internet Measurement)"


def test_the_probes_are_nmaps(told: Told) -> None:
    if not PROBES.exists():
        pytest.skip("nmap is not installed: its probes can't be compared")
    text = PROBES.read_text(encoding="latin-1")
    known = set()
    for name, escaped in re.findall(r"^Probe TCP (\S+) q\|(.*?)\|", text, re.MULTILINE):
        probe(told, escaped.encode("latin-1").decode("unicode_escape").encode("latin-1"))
        known.add(name)
    events = told.events()
    assert len(known) > 30
    from dicomhawk.analyst.clients.probes import _PROBES, probes_of

    assert {name for name, _ in _PROBES} <= known
    assert probes_of(events) == {name for name, _ in _PROBES}


def test_a_flood_of_user_agents_is_bounded(told: Told) -> None:
    record = told.open()
    for number in range(3000):
        agent = f"agent {number}"
        record.emit(ev.HttpRequest(method="GET", target="/", number=number + 1, user_agent=agent))
    rows, tool = told.clients()
    assert (len(rows), tool) == (500, "unknown HTTP client")


@pytest.mark.parametrize("value", [None, 7, [], {}, "x" * 1024, HOSTILE])
def test_events_that_arent_as_they_should_be(value: object) -> None:
    from dicomhawk.analyst.clients import clients_of

    def event(action: str, **fields: object) -> dict[str, object]:
        return {"event": {"action": action}, "@timestamp": "2026-11-21T23:20:56.674Z", "honeypot": value, **fields}

    events = [
        event("dicom.association", dicom=value),
        event("dicom.association", dicom={"client": {"fingerprint": value, "name": value}}),
        event("http.request", user_agent={"original": value}, http={"request": {"headers": value}}),
        event("web.browser", user_agent=value),
        event("tls.handshake", tls={"client": {"ja3": value, "ja4": value}}),
        event("protocol.unknown"),
        event("connection.close"),
    ]
    rows, _ = clients_of(events)
    assert all(isinstance(row["value"], str) and len(row["value"]) <= 512 for row in rows)


def test_tools_in_a_phrase() -> None:
    assert named([]) == ""
    assert named([(4, "curl"), (0, "DCMTK findscu"), (0, "DCMTK echoscu"), (0, "DCMTK findscu")]) == (
        "DCMTK findscu/echoscu, curl"
    )
    assert named([(3, "DCMTK, or built with it"), (0, "DCMTK findscu")]) == "DCMTK findscu"
    assert named([(3, "DCMTK, or built with it")]) == "DCMTK (or built with it)"
    assert named([(n, f"tool{n}") for n in range(6)]) == "tool0, tool1, tool2 and 3 more"


def test_the_table_of_agents() -> None:
    for row in table().agent:
        assert sum(bool(text) for text in (row.has, row.starts, row.exactly)) == 1, row
        assert row.has == row.has.lower()
        assert row.starts == row.starts.lower()
        found = agent_of(row.exactly or f"{row.starts or 'x ' + row.has}1.0")
        assert found is not None
    assert all(row.ja4.count("_") == 1 for row in table().tls)
