"""Online look-ups, against servers that stand in for the services with their published answers."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from dicomhawk.analyst.database.schema import captures, lookups, sessions
from dicomhawk.analyst.database.store import put
from dicomhawk.analyst.lookups import Lookups, names
from dicomhawk.analyst.lookups.bucket import Bucket
from dicomhawk.analyst.lookups.verdict import kind_of
from dicomhawk.settings import Settings, SettingsError, load
from dicomhawk.settings.lookups import PROVIDERS
from dicomhawk.settings.lookups import Lookups as Section

from .findings import NOON, SECOND, database

VISITOR, OTHER = "162.142.125.7", "2602:80d:1000:b0cc:e::9"
SHA256 = "ab" * 32
WAIT_SECONDS = 20.0
KEYS = {"greynoise": "gn-key", "abuseipdb": "ab-key", "virustotal": "vt-key", "otx": "otx-key"}

GREYNOISE = {
    "ip": VISITOR,
    "noise": True,
    "riot": False,
    "classification": "malicious",
    "name": "unknown",
    "link": f"https://viz.greynoise.io/ip/{VISITOR}",
    "last_seen": "2026-11-15",
    "message": "Success",
}
ABUSEIPDB = {
    "data": {
        "ipAddress": VISITOR,
        "abuseConfidenceScore": 77,
        "countryCode": "US",
        "usageType": "Data Center/Web Hosting/Transit",
        "isp": "Censys, Inc.",
        "domain": "censys.io",
        "isTor": False,
        "totalReports": 12,
        "lastReportedAt": "2026-11-14T10:00:00+00:00",
    }
}
INTERNETDB = {
    "ip": VISITOR,
    "ports": [22, 80],
    "cpes": ["cpe:/a:openbsd:openssh"],
    "hostnames": ["scanner-1.ch1.censys-scanner.com"],
    "tags": ["scanner"],
    "vulns": ["CVE-2023-48795"],
}
VIRUSTOTAL = {
    "data": {
        "id": SHA256,
        "type": "file",
        "attributes": {
            "last_analysis_stats": {"malicious": 30, "suspicious": 3, "undetected": 27, "harmless": 0, "timeout": 2},
            "type_description": "DICOM",
            "popular_threat_classification": {"suggested_threat_label": "trojan.pedicom"},
        },
    }
}
OTX = {
    "indicator": VISITOR,
    "pulse_info": {"count": 3, "pulses": [{"name": "Mass scanners"}, {"name": "Noise"}]},
    "asn": "AS398324 CENSYS",
    "country_code": "US",
}
ANSWERS: dict[str, Any] = {
    "greynoise": GREYNOISE,
    "abuseipdb": ABUSEIPDB,
    "internetdb": INTERNETDB,
    "virustotal": VIRUSTOTAL,
    "otx": OTX,
}


class StandIn:
    """A server for all services: what it was asked, and what it shall answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answer: Callable[[str], tuple[int, bytes]] = lambda path: (404, b"{}")
        self.headers: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                status, body = outer.answer(self.path)
                self.send_response(status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def says(self, answer: Any, status: int = 200) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.answer = lambda path: (status, body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[StandIn]:
    stand_in = StandIn()
    yield stand_in
    stand_in.close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    found = database(tmp_path)
    yield found
    found.dispose()


class Desk:
    """Look-ups with a clock of their own."""

    def __init__(self, folder: Path, engine: Engine, **section: Any) -> None:
        self.now = NOON / SECOND
        self.engine = engine
        self.lookups = Lookups(Settings(data=folder, lookups=Section(**section)), lambda: self.now)

    def run(self, *, after: float = 60.0) -> int:
        """Ask, and wait for what comes; the number of answers."""
        self.now += after
        found = self.lookups.pending(self.engine, 8)
        end = time.monotonic() + WAIT_SECONDS
        while self.lookups.waiting and time.monotonic() < end:
            time.sleep(0.01)
        assert not self.lookups.waiting
        return found + self.lookups.pending(self.engine, 8)


@pytest.fixture
def desk(tmp_path: Path, engine: Engine, server: StandIn) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def new(*providers: str, **section: Any) -> Desk:
        addresses = {one: server.url for one in providers if one != "reverse-dns"}
        made.append(
            Desk(tmp_path, engine, **{"providers": providers, "keys": KEYS, "addresses": addresses, **section})
        )
        return made[-1]

    yield new
    for each in made:
        each.lookups.close()


def visited(engine: Engine, *addresses: str, interaction: bool = True) -> None:
    with engine.begin() as connection:
        for address in addresses:
            row = {"sensor": "s", "first": NOON, "last": NOON, "interaction": interaction, "stale": False}
            put(connection, sessions, [{"session": f"S-{address}", "address": address, **row}])


def captured(engine: Engine, sha256: str = SHA256) -> None:
    visited(engine, VISITOR)
    with engine.begin() as connection:
        row = {"event": "E1", "session": f"S-{VISITOR}", "sha256": sha256, "moment": NOON}
        put(connection, captures, [row])


def kept(engine: Engine) -> dict[tuple[str, str], dict[str, Any]]:
    with closing(engine.connect()) as connection:
        return {(row.provider, row.subject): json.loads(row.answer) for row in connection.execute(select(lookups))}


@pytest.mark.parametrize(
    ("provider", "path", "key", "answer"),
    [
        (
            "greynoise",
            f"/v3/community/{VISITOR}",
            ("key", "gn-key"),
            {"score": 90, "labels": ["malicious"], "noise": True, "last_seen": "2026-11-15"},
        ),
        (
            "abuseipdb",
            f"/api/v2/check?ipAddress={VISITOR}&maxAgeInDays=90",
            ("key", "ab-key"),
            {"score": 77, "labels": ["Data Center/Web Hosting/Transit"], "reports": 12, "country": "US"},
        ),
        (
            "internetdb",
            f"/{VISITOR}",
            ("user-agent", None),
            {"score": None, "labels": ["scanner"], "ports": [22, 80], "vulnerabilities": ["CVE-2023-48795"]},
        ),
        (
            "virustotal",
            f"/api/v3/files/{SHA256}",
            ("x-apikey", "vt-key"),
            {"score": 55, "labels": ["trojan.pedicom"], "malicious": 30, "engines": 60},
        ),
        (
            "otx",
            f"/api/v1/indicators/IPv4/{VISITOR}/general",
            ("x-otx-api-key", "otx-key"),
            {"score": 30, "labels": ["Mass scanners", "Noise"], "pulses": 3},
        ),
    ],
)
def test_each_service_is_asked_as_it_says(
    server: StandIn,
    engine: Engine,
    desk: Callable[..., Desk],
    provider: str,
    path: str,
    key: tuple[str, str | None],
    answer: dict[str, Any],
) -> None:
    captured(engine)
    server.says(ANSWERS[provider])
    assert desk(provider).run() == 1
    [(asked, headers)] = server.asked
    assert asked == path
    assert key[0] in headers
    assert key[1] is None or headers[key[0]] == key[1]
    subject = SHA256 if provider == "virustotal" else VISITOR
    found = kept(engine)[provider, subject]
    assert {name: found[name] for name in answer} == answer


def test_ipv6(server: StandIn, engine: Engine, desk: Callable[..., Desk]) -> None:
    visited(engine, OTHER)
    server.says({**OTX, "indicator": OTHER.upper()})
    assert desk("otx").run() == 1
    assert server.asked[0][0] == f"/api/v1/indicators/IPv6/{OTHER}/general"


def test_nothing_is_asked_by_default(engine: Engine, tmp_path: Path) -> None:
    captured(engine)
    found = Lookups(Settings(data=tmp_path))
    assert found.pending(engine, 16) == 0
    assert found.waiting == 0
    assert not any(thread.name == "lookups" for thread in threading.enumerate())


def test_an_answer_is_kept_for_its_time(server: StandIn, engine: Engine, desk: Callable[..., Desk]) -> None:
    visited(engine, VISITOR)
    server.says(INTERNETDB)
    asking = desk("internetdb", cache_hours=24)
    assert asking.run() == 1
    assert asking.run(after=23 * 3600.0) == 0
    again = desk("internetdb", cache_hours=24)
    again.now = asking.now
    assert again.run() == 0
    assert again.run(after=3600.0) == 1
    assert len(server.asked) == 2


def test_what_nobody_knows_is_an_answer(server: StandIn, engine: Engine, desk: Callable[..., Desk]) -> None:
    captured(engine)
    server.says({"error": {"code": "NotFoundError"}}, 404)
    assert desk(*ANSWERS).run() == 5
    assert {answer["score"] for answer in kept(engine).values()} == {None}


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "192.0.2.1", "169.254.1.1", "::1", "fe80::1", "fc00::1"]
)
@pytest.mark.parametrize(
    "more", ["", "::ffff:8.8.8.8", "224.0.0.1", "fe80::1%eth0", "localhost", "8.8.8.8/../x", "a" * 64]
)
def test_private_and_reserved_addresses_are_never_asked_about(
    server: StandIn, engine: Engine, desk: Callable[..., Desk], address: str, more: str
) -> None:
    visited(engine, address, *filter(None, [more]))
    assert desk("internetdb", "greynoise").run() == 0
    assert server.asked == []


def test_scanners_are_not_asked_about(server: StandIn, engine: Engine, desk: Callable[..., Desk]) -> None:
    visited(engine, VISITOR, interaction=False)
    server.says(INTERNETDB)
    assert desk("internetdb").run() == 0
    assert desk("internetdb", interactions_only=False).run() == 1


BAD: list[tuple[Any, int]] = [
    (b"", 200),
    (b"<html>", 200),
    (b"[" * 100_000, 200),
    ([], 200),
    ({}, 200),
    ({"ip": "9.9.9.9", "ports": []}, 200),
    ({"ports": "many"}, 200),
    (b'{"ports": [], "x": "' + b"y" * (2 << 20) + b'"}', 200),
    ({"error": "oops"}, 500),
    (b"", 301),
    (INTERNETDB, 403),
    (INTERNETDB, 429),
]


@pytest.mark.parametrize(("answer", "status"), BAD)
def test_a_failure_is_not_kept_and_asked_again_later(
    server: StandIn, engine: Engine, desk: Callable[..., Desk], answer: Any, status: int
) -> None:
    visited(engine, VISITOR)
    server.says(answer, status)
    server.headers = {"Location": "http://127.0.0.1:1/"} if status == 301 else {}
    asking = desk("internetdb")
    assert asking.run() == 0
    assert kept(engine) == {}
    assert asking.run(after=600.0) == 0
    assert len(server.asked) == 1
    server.says(INTERNETDB)
    assert asking.run(after=3600.0) == 1


def test_who_says_it_was_too_much_is_left_alone(server: StandIn, engine: Engine, desk: Callable[..., Desk]) -> None:
    visited(engine, VISITOR)
    server.says({}, 429)
    server.headers = {"Retry-After": "7200"}
    asking = desk("internetdb")
    asking.run()
    visited(engine, "8.8.8.8", "8.8.4.4")
    asking.run(after=7000.0)
    assert len(server.asked) == 1
    server.headers = {}
    server.says({"ports": []})
    assert asking.run(after=300.0) == 3


def test_a_service_that_does_not_answer_holds_nothing_up(engine: Engine, desk: Callable[..., Desk]) -> None:
    visited(engine, VISITOR)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        asking = desk("internetdb", addresses={"internetdb": address}, timeout_seconds=1.0)
        began = time.monotonic()
        asking.lookups.pending(engine, 8)
        assert time.monotonic() - began < 0.9
        assert asking.lookups.waiting == 1
        assert asking.run() == 0


def test_the_analyst_ends_though_nobody_answers(tmp_path: Path, engine: Engine) -> None:
    visited(engine, VISITOR)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        script = f"""
from pathlib import Path
from dicomhawk.analyst.database.store import open_database
from dicomhawk.analyst.lookups import Lookups
from dicomhawk.settings import Settings
from dicomhawk.settings.lookups import Lookups as Section
address = "http://127.0.0.1:{silent.getsockname()[1]}"
section = Section(providers=["internetdb"], addresses={{"internetdb": address}}, timeout_seconds=60)
found = Lookups(Settings(data=Path({str(tmp_path)!r}), lookups=section), lambda: {NOON / SECOND})
found.pending(open_database("sqlite:///{tmp_path / "findings.sqlite"}"), 8)
print(found.waiting)
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_hostile_answers_are_bounded(server: StandIn, engine: Engine, desk: Callable[..., Desk]) -> None:
    visited(engine, VISITOR)
    server.says(
        {
            "ports": [*range(60_000), "x", None],
            "tags": ["\x1b[2J<script>" + "t" * 5000] * 100,
            "hostnames": {"a": "b"},
            "vulns": [None, 5, ["x"]],
            "more": "y" * 100_000,
        }
    )
    assert desk("internetdb").run() == 1
    answer = kept(engine)["internetdb", VISITOR]
    assert len(json.dumps(answer)) < 8000
    assert "\x1b" not in json.dumps(answer, ensure_ascii=False)
    assert answer["vulnerabilities"] == ["5"]


def test_a_bucket_gives_so_many_in_a_minute_and_in_a_day() -> None:
    now = 0.0
    bucket = Bucket(4, 10, lambda: now, used=3)
    assert [bucket.take() for _ in range(6)] == [True] * 4 + [False] * 2
    now = 61.0
    assert [bucket.take() for _ in range(6)] == [True] * 3 + [False] * 3
    now = 86_400.0
    assert sum(bucket.take() for _ in range(20)) == 4
    bucket.close(100.0)
    now += 99.0
    assert not bucket.take()
    now += 2.0
    assert bucket.take()


def test_a_clock_that_is_set_back_gives_nothing_away() -> None:
    now = 1000.0
    bucket = Bucket(2, 2, lambda: now)
    assert bucket.take()
    now = 0.0
    assert bucket.take()
    assert not bucket.take()


def test_free_plans_are_not_used_up(server: StandIn, engine: Engine, desk: Callable[..., Desk]) -> None:
    visited(engine, *(f"8.8.{number}.8" for number in range(40)))
    server.answer = lambda path: (404, b"")
    asking = desk("greynoise", per_day={"greynoise": 5})
    for _ in range(12):
        asking.run()
    assert len(server.asked) == 5
    again = desk("greynoise", per_day={"greynoise": 5})
    again.now = asking.now
    assert again.run() == 0


def test_names_are_confirmed(engine: Engine, desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    visited(engine, VISITOR, OTHER, "8.8.8.8", interaction=False)

    def reverse(address: str) -> tuple[str, ...]:
        if address == OTHER:
            raise socket.herror(1, "Unknown host")
        if address == "8.8.8.8":
            raise socket.herror(2, "Host name lookup failure")
        return ("Scanner-1.ch1.censys-scanner.com.", "pacs.hospital.example", "evil\x1b[2J.example", "x" * 300)

    monkeypatch.setattr(names, "reverse", reverse)
    monkeypatch.setattr(names, "forward", lambda name: [VISITOR] if "censys" in name else ["9.9.9.9"])
    assert desk("reverse-dns").run() == 2
    assert kept(engine)["reverse-dns", VISITOR]["names"] == [
        {"name": "scanner-1.ch1.censys-scanner.com", "confirmed": True},
        {"name": "pacs.hospital.example", "confirmed": False},
    ]
    assert kept(engine)["reverse-dns", OTHER]["names"] == []
    with closing(engine.connect()) as connection:
        stale = {row.address: row.stale for row in connection.execute(select(sessions))}
    assert stale == {VISITOR: True, OTHER: False, "8.8.8.8": False}


def test_keys_come_from_settings_environment_and_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text("greynoise = 'from-file'\notx = 'from-file'")
    file.chmod(0o600)
    (tmp_path / "dicomhawk.toml").write_text(
        f"[lookups]\nproviders = ['greynoise', 'otx', 'abuseipdb']\nkeys_file = '{file}'"
    )
    environment = {"DICOMHAWK_LOOKUPS__KEYS__OTX": "from-environment", "DICOMHAWK_LOOKUPS__KEYS__ABUSEIPDB": "e"}
    settings = load(data=tmp_path, environment=environment)
    assert Lookups(settings)._keys == {"greynoise": "from-file", "otx": "from-environment", "abuseipdb": "e"}
    assert "from-environment" not in repr(settings)
    file.chmod(0o604)
    with pytest.raises(SettingsError, match="open to everybody"):
        Lookups(settings)
    file.chmod(0o600)
    file.write_text("greynoise = 5")
    with pytest.raises(SettingsError, match="lines as in"):
        Lookups(settings)
    file.unlink()
    with pytest.raises(SettingsError, match="can't be read"):
        Lookups(settings)


@pytest.mark.parametrize("provider", [one for one in PROVIDERS if one not in ("internetdb", "reverse-dns")])
def test_a_provider_without_its_key_is_refused(tmp_path: Path, provider: str) -> None:
    settings = load(data=tmp_path, environment={"DICOMHAWK_LOOKUPS__PROVIDERS": provider})
    with pytest.raises(SettingsError, match=f"{provider} needs a key"):
        Lookups(settings)


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("8.8.8.8", "address"),
        ("2001:4860:4860::8888", "address"),
        (SHA256, "sha256"),
        (SHA256.upper(), None),
        ("", None),
    ],
)
def test_what_may_be_asked_about(subject: str, kind: str | None) -> None:
    assert kind_of(subject) == kind
