"""A bundle is whole, the same each time, and can be checked by who gets it."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest
import pyzipper
from sqlalchemy import insert

from dicomhawk.analyst.database import schema
from dicomhawk.analyst.database.store import open_database
from dicomhawk.evidence.journal import Journal
from dicomhawk.evidence.seal import Sealer
from dicomhawk.outputs import bundle as bundles
from dicomhawk.outputs.bundle import Bundle, write_bundle
from dicomhawk.outputs.lines import lines_of, session_named
from dicomhawk.outputs.summary import AmbiguousSession
from dicomhawk.settings import Settings, load
from tests.outputs.recording import Recorded, picture
from tests.support import dicomhawk, find_tool, run_tool


@pytest.fixture(scope="module")
def settings(recorded: Recorded) -> Settings:
    return load(data=recorded.data, environment={})


def unpacked(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def made(recorded: Recorded, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Path]:
    """A bundle, and the folder that it was unpacked into."""
    folder = tmp_path_factory.mktemp("made")
    bundle = write_bundle(settings, recorded.session, folder / "a.zip")
    return bundle, unpacked(folder / "a.zip", folder / "a")


def test_everything_is_in_it(made: tuple[Bundle, Path], recorded: Recorded) -> None:
    bundle, folder = made
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {
        *("README.txt", "SHA256SUMS", "manifest.json", "session.txt", "events.ndjson", "transcripts.ndjson"),
        *("session.pcap", "files.zip", "proof/chain.ndjson", "proof/events.ndjson", "proof/public.pem"),
    }
    events = [json.loads(line) for line in (folder / "events.ndjson").read_text().splitlines()]
    assert len(events) == bundle.events > 30
    assert {event["session"] for event in events} == {recorded.session}
    assert [event["@timestamp"] for event in events] == sorted(event["@timestamp"] for event in events)
    opened = [event for event in events if event["event"]["action"] == "connection.open"]
    assert bundle.connections == len(opened) >= 7
    assert (bundle.missing_bytes, bundle.missing_files, bundle.missing_transcripts) == (0, [], [])
    assert (bundle.uncovered, bundle.files, bundle.findings) == ([], 2, False)
    readme = (folder / "README.txt").read_text()
    assert "password: infected" in readme
    assert bundle.head in readme
    assert recorded.session in readme
    assert "C-FIND" in (folder / "session.txt").read_text()


def test_its_hashes_are_right(made: tuple[Bundle, Path]) -> None:
    _, folder = made
    ran = subprocess.run(
        [find_tool("sha256sum"), "-c", "SHA256SUMS"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    manifest = json.loads((folder / "manifest.json").read_text())
    listed = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert {each["name"] for each in manifest["files"]} == listed - {"manifest.json"}


def test_the_inner_archive_opens_with_the_password(made: tuple[Bundle, Path], tmp_path: Path) -> None:
    _, folder = made
    with pyzipper.AESZipFile(folder / "files.zip") as zipped:
        contents = {}
        for info in zipped.infolist():
            with pytest.raises(RuntimeError):
                zipped.read(info)
            with pytest.raises(RuntimeError):
                zipped.read(info, pwd=b"another")
            contents[info.filename] = zipped.read(info, pwd=b"infected")
    assert all(hashlib.sha256(content).hexdigest() == name for name, content in contents.items())
    upload, form = sorted(contents.values(), key=len, reverse=True)
    assert upload.endswith(picture(tmp_path / "again.dcm").read_bytes()[-4096:])
    assert form == b"username=admin&password=admin"


def test_another_program_opens_the_inner_archive(made: tuple[Bundle, Path], tmp_path: Path) -> None:
    find_tool("7z")
    ran = run_tool("7z", "t", "-pinfected", made[1] / "files.zip")
    assert "Everything is Ok" in ran.output


def test_the_capture_is_one(made: tuple[Bundle, Path]) -> None:
    ran = run_tool("tshark", "-r", made[1] / "session.pcap", "-Y", "_ws.malformed || tcp.analysis.lost_segment")
    assert [line for line in ran.output.splitlines() if "Running as user" not in line] == []


def test_the_chain_is_checked_as_the_letter_says(
    made: tuple[Bundle, Path], recorded: Recorded, tmp_path: Path
) -> None:
    _, folder = made
    letter = [line.strip() for line in (folder / "README.txt").read_text().splitlines()]
    first, *others = [line for line in letter if line.startswith(("tail -n ", "openssl "))]
    find_tool("openssl")
    entries = [json.loads(line) for line in (folder / "proof/chain.ndjson").read_text().splitlines()]
    ran = subprocess.run(first, shell=True, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.split()[0] == entries[-1]["previous"]
    assert len(others) == 3
    script = "\n".join(["set -e", *others]).replace("proof/", f"{folder}/proof/")
    ran = subprocess.run(script, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    line = (folder / "proof/chain.ndjson").read_bytes().splitlines()[-1]
    assert made[0].head == f"{entries[-1]['entry']}:{hashlib.sha256(line).hexdigest()}"
    places = [json.loads(line) for line in (folder / "proof/events.ndjson").read_text().splitlines()]
    covered = {entry["segment"] for entry in entries}
    lines = (folder / "events.ndjson").read_bytes().splitlines(keepends=True)
    for place, line in zip(places, lines, strict=True):
        assert place["segment"] in covered
        segment = (recorded.data / place["segment"]).read_bytes()
        assert segment[place["offset"] : place["offset"] + place["bytes"]] == line


def test_transcripts_have_every_byte(made: tuple[Bundle, Path]) -> None:
    records = [json.loads(line) for line in (made[1] / "transcripts.ndjson").read_text().splitlines()]
    kinds = {record["what"] for record in records}
    assert {"opened", "received", "sent", "ended", "receivedobject", "sentobject", "objectstored"} <= kinds
    (ended,) = {record["connection"] for record in records if record["what"] == "opened"} ^ {
        record["connection"] for record in records if record["what"] == "ended"
    } or {None}
    assert ended is None


def test_it_is_the_same_each_time(recorded: Recorded, settings: Settings, tmp_path: Path) -> None:
    for name in "ab":
        write_bundle(settings, recorded.session, tmp_path / f"{name}.zip", password="another", segments=True)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert stat.S_IMODE((tmp_path / "a.zip").stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "b.zip"}
    folder = unpacked(tmp_path / "a.zip", tmp_path / "a")
    segments = list((folder / "proof" / "segments").rglob("*.*"))
    assert any(path.suffix == ".dht" for path in segments)
    entries = [json.loads(line) for line in (folder / "proof/chain.ndjson").read_text().splitlines()]
    for path in (path for path in segments if path.is_file()):
        name = path.relative_to(folder / "proof" / "segments").as_posix()
        (entry,) = (entry for entry in entries if entry.get("segment") == name)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]


def test_findings_are_in_it(recorded: Recorded, settings: Settings, tmp_path: Path) -> None:
    mine = settings.model_copy(
        update={"analyst": settings.analyst.model_copy(update={"database": f"sqlite:///{tmp_path}/f.sqlite"})}
    )
    engine = open_database(mine.database_url)
    with engine.begin() as connection:
        row = {"session": recorded.session, "sensor": "s", "address": "127.0.0.1", "first": 1, "last": 2}
        connection.execute(insert(schema.sessions), row | {"doors": '["dicom:104"]'})
        technique = {
            "session": recorded.session,
            "rule": "D01",
            "name": "C-ECHO",
            "severity": 1,
            "first": 1,
            "last": 2,
        }
        connection.execute(insert(schema.techniques), technique | {"attack": '["T1046"]'})
    engine.dispose()
    bundle = write_bundle(mine, recorded.session, tmp_path / "f.zip")
    assert bundle.findings
    found = json.loads((unpacked(tmp_path / "f.zip", tmp_path / "f") / "findings.json").read_text())
    assert found["session"]["doors"] == ["dicom:104"]
    assert found["techniques"][0]["attack"] == ["T1046"]
    assert found["alerts"] == []


def test_what_is_gone_is_told(recorded: Recorded, tmp_path: Path) -> None:
    data = Path(shutil.copytree(recorded.data, tmp_path / "data"))
    for path in [
        *data.glob("vault/transcripts/*.dht"),
        *data.glob("vault/objects/??/*"),
        data / "evidence/chain.ndjson",
    ]:
        path.unlink()
    bundle = write_bundle(load(data=data, environment={}), recorded.session, tmp_path / "x.zip")
    assert len(bundle.missing_transcripts) > 5
    assert (len(bundle.missing_files), bundle.connections, bundle.head) == (2, 0, "0:" + "0" * 64)
    assert bundle.uncovered
    readme = (unpacked(tmp_path / "x.zip", tmp_path / "x") / "README.txt").read_text()
    assert "connections are gone" in readme
    assert "nothing vouches" in readme
    assert not (tmp_path / "x" / "files.zip").exists()


def test_no_such_session(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(AmbiguousSession, match="no session NONE"):
        write_bundle(settings, "NONE", tmp_path / "n.zip")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(AmbiguousSession, match="no session"):
        session_named(settings.journal_dir, "127.0.0.1")


def test_hostile_values_do_no_harm(tmp_path: Path) -> None:
    """Names in events can be anything."""
    settings = Settings(data=tmp_path / "data", sensor_name="s\x1b[2J")
    journal = Journal(settings.journal_dir, "w0", 1 << 30)
    session = "01ABCDEFGH234567"
    for number, digest in enumerate(["../../../etc/passwd", "ab" * 32, 7]):
        event = {
            "@timestamp": f"2026-11-22T10:00:0{number}.000Z",
            "event": {"id": f"{number:026}", "action": "file.captured"},
            "session": session,
            "source": {"ip": "198.51.100.7\x1b]0;x\x07"},
            "file": {"hash": {"sha256": digest}, "name": "\x1b[31m../../x"},
        }
        journal.append(json.dumps(event).encode() + b"\n", 0)
    journal.append(b'{"torn', 0)
    journal.close()
    Sealer(settings).work()
    assert session_named(settings.journal_dir, session[-5:]) == session
    assert len(list(lines_of(settings.journal_dir, session))) == 3
    bundle = write_bundle(settings, session, tmp_path / "h.zip")
    assert bundle.missing_files == ["ab" * 32]
    folder = unpacked(tmp_path / "h.zip", tmp_path / "h")
    for name in ("README.txt", "session.txt", "manifest.json"):
        assert "\x1b" not in (folder / name).read_text()


def test_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session of a hundred thousand events goes through in pieces."""
    import tracemalloc

    settings = Settings(data=tmp_path / "data")
    journal = Journal(settings.journal_dir, "w0", 1 << 30)
    line = (
        b'{"@timestamp":"2026-11-22T10:00:00.000Z","event":{"id":"%026d","action":"dicom.c-echo"},"session":"S1",'
        b'"dicom":{"status":"0x0000"},"padding":"%b"}\n'
    )
    for number in range(20_000):
        journal.append(line % (number, b"x" * 400), 0)
    journal.close()
    monkeypatch.setattr(bundles, "findings_of", lambda *_: None)
    tracemalloc.start()
    try:
        bundle = write_bundle(settings, "S1", tmp_path / "m.zip")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert bundle.events == 20_000
    assert peak < 6 << 20


def test_the_command(recorded: Recorded, tmp_path: Path) -> None:
    ran = dicomhawk("evidence", "bundle", recorded.session[:12], "-o", tmp_path / "c.zip", "--data", recorded.data)
    assert ran.returncode == 0, ran.stderr
    assert "2 captured files" in ran.stdout
    ran = dicomhawk("evidence", "bundle", "NONE", "-o", tmp_path / "d.zip", "--data", recorded.data)
    assert (ran.returncode, ran.stderr) == (1, "There is no session NONE.\n")
