"""Downloads from public archives, against a stand-in: what goes on after a break, and whom they are asked of."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.cli.fetching import run, transfer
from dicomhawk.cli.fetching.errors import FetchError, NoRoom, Unacceptable, Unreachable
from dicomhawk.cli.fetching.ledger import Ledger
from dicomhawk.cli.fetching.transfer import checked_url
from tests.cli.archives import Archives, Handler, archives, held
from tests.cli.importing import breaking, client, counts, downloads, from_idc, from_tcia, replacing
from tests.hospital.importer_samples import DEPLOYMENT, files

# Breaks


def test_a_server_that_is_busy_is_asked_again(server: Archives, data: Path) -> None:
    server.faults += [replacing("getSeries", 503, times=2), replacing("getImage", 500, times=3)]
    assert from_tcia(server, data, 2).imported == 2


def test_a_refusal_is_not_asked_again(server: Archives, data: Path) -> None:
    server.faults.append(replacing("getImage", 403))
    report = from_tcia(server, data, 1)
    assert "status 403" in report.failed[0]
    assert len({path for path in server.asked if "getImage" in path}) == len(downloads(server))


def test_an_object_goes_on_where_it_broke_off(server: Archives, data: Path) -> None:
    server.faults.append(breaking(".dcm", 500, times=2))
    report = from_idc(server, data, 1)
    assert (report.imported, report.failed) == (1, [])
    assert server.ranges and set(server.ranges) == {"bytes=500-"}


def test_a_later_run_goes_on_where_the_first_broke_off(server: Archives, data: Path) -> None:
    server.faults.append(breaking(".dcm", 500, times=10**6))
    report = from_idc(server, data, 1)
    assert report.imported == 0 and "broke off" in report.failed[0]
    assert not (data / "hospital/catalogue.sqlite").exists()
    server.faults.clear()
    server.ranges.clear()
    asked = len(server.asked)
    assert from_idc(server, data, 1).imported == 1
    assert server.ranges
    assert len(server.asked) - asked <= 4


def test_a_changed_object_begins_anew(server: Archives, data: Path) -> None:
    server.faults.append(breaking(".dcm", 500, times=10**6))
    from_idc(server, data, 1)
    server.faults.clear()
    item = next(iter(server.series.values()))
    item.objects = held(1, 4).objects[1:]
    report = from_idc(server, data, 1)
    assert (report.imported, report.failed) == (1, [])


def test_what_is_left_of_a_break_is_no_longer_than_the_object(server: Archives, data: Path) -> None:
    item = next(iter(server.series.values()))
    folder = data / "hospital/import/downloads" / Ledger(data, DEPLOYMENT.seed).key(item.uid)
    folder.mkdir(parents=True)
    for key, content in item.keys.items():
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        transfer.part_of(folder / key.rpartition("/")[2], etag).write_bytes(bytes(len(content) + 7))
    assert from_idc(server, data, 1).imported == 1


def test_an_archive_that_is_silent_is_not_asked_for_every_series(tmp_path: Path) -> None:
    with archives(*(held(number, 1) for number in range(1, 12))) as server:
        server.faults.append(replacing("getImage", 503))
        report = from_tcia(server, tmp_path, 10)
    assert len(report.failed) == run.MAX_IN_ROW


def test_nobody_there_is_one_sentence(data: Path) -> None:
    with archives() as server:
        pass
    with pytest.raises(Unreachable, match="can't be reached"):
        from_tcia(server, data)


def test_an_interrupted_import_shows_nothing_of_the_series(
    server: Archives, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = transfer.Client.download

    def interrupt(*arguments: Any, **options: Any) -> None:
        if len(downloads(server)) == 1:
            raise KeyboardInterrupt
        written(*arguments, **options)

    monkeypatch.setattr(transfer.Client, "download", interrupt)
    with pytest.raises(KeyboardInterrupt):
        from_tcia(server, data, 3)
    assert counts(data) == (1, 1, 1, 3)
    monkeypatch.undo()
    report = from_tcia(server, data, 3)
    assert (report.imported, report.already_there) == (2, 1)
    assert counts(data) == (3, 3, 3, 9)


def test_an_import_that_ended_before_it_was_noted_is_noted(
    server: Archives, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Ledger, "finish", die)
    with pytest.raises(KeyboardInterrupt):
        from_tcia(server, data, 1)
    assert [found.series for found in Ledger(data).attributions()] == [1]  # what can be seen is attributed
    monkeypatch.undo()
    assert from_tcia(server, data, 1).imported == 1
    assert counts(data) == (1, 1, 1, 3)
    assert Ledger(data).attributions()[0].objects == 3


@pytest.mark.parametrize("fetch", [from_tcia, from_idc])
def test_a_full_disk_is_one_sentence(
    server: Archives, data: Path, monkeypatch: pytest.MonkeyPatch, fetch: Any
) -> None:
    def full(path: Path, *_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(NoRoom, match="is full"):
        fetch(server, data, 1)
    monkeypatch.undo()
    assert fetch(server, data, 1).imported == 1


def test_a_disk_that_fills_while_a_series_is_taken_over_leaves_nothing_of_it(
    server: Archives, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dicomhawk.hospital.importer import SourceError, store

    def full(*_: object) -> None:
        if len(files(data)) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store, "copy_span", full)
    with pytest.raises(SourceError, match="is full"):
        from_tcia(server, data, 1)
    assert counts(data) == (0, 0, 0, 0)


def test_no_room_is_seen_before_a_series_is_fetched(
    server: Archives, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "free_bytes", lambda folder: 1000)
    with pytest.raises(NoRoom, match="no room for a series"):
        from_tcia(server, data)
    assert downloads(server) == []


def test_two_imports_at_once_are_one_too_many(server: Archives, data: Path) -> None:
    with Ledger(data).alone(), pytest.raises(FetchError, match="Another import"):
        from_tcia(server, data)


# Addresses


@pytest.mark.parametrize(
    "url",
    [
        "http://archive.example/v4",
        "ftp://127.0.0.1/",
        "file:///etc",
        "https://",
        "nonsense",
        "https://a/?b",
        "https://a:x/",
    ],
)
def test_an_address_without_tls_is_refused(url: str) -> None:
    with pytest.raises(FetchError):
        checked_url(url)


@pytest.mark.parametrize(
    "url", ["https://archive.example/v4/", "http://127.0.0.1:8080", "http://[::1]/x", "http://localhost"]
)
def test_an_address_that_may_be_asked(url: str) -> None:
    assert checked_url(url) == url.rstrip("/")


def test_a_redirection_away_from_tls_is_not_followed(server: Archives, data: Path) -> None:
    def fault(handler: Handler) -> bool:
        handler.answer(302, "text/plain", b"", Location="http://archive.example/")
        return True

    server.faults.append(fault)
    with pytest.raises(Unacceptable, match="leads elsewhere"):
        from_tcia(server, data)


def test_a_certificate_that_nobody_knows_is_refused(server: Archives, tmp_path: Path) -> None:
    ssl_server = pytest.importorskip("ssl")
    key = tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out",
               str(tmp_path / "certificate.pem"), "-days", "2", "-subj", "/CN=localhost",
               "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]  # fmt: skip
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed; it makes the certificate")
    context = ssl_server.SSLContext(ssl_server.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with pytest.raises(Unacceptable, match="can't be trusted"):
        client(server.url.replace("http:", "https:")).body(server.url.replace("http:", "https:"), 100)
