"""The chain of hashes: what gets an entry, and what tampering looks like."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.evidence import keys, vault
from dicomhawk.evidence.chain import BEFORE, Chain, ChainError, Fact, Head
from dicomhawk.evidence.seal import Sealer
from dicomhawk.settings import Settings, SettingsError
from dicomhawk.settings import Vault as VaultSettings
from tests.evidence.tampering import DAY, Folder
from tests.support import dicomhawk, find_tool, run_tool


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "data")


@pytest.fixture
def sealed(folder: Folder) -> Folder:
    """With three segments of a journal and one of transcripts that have their entries."""
    folder.written()
    folder.transcript()
    folder.seal()
    assert folder.verify().problems == []
    return folder


def segment(folder: Folder, number: int) -> Path:
    return folder.settings.journal_dir / f"2024-10-04.w0.{number:04}.ndjson"


def test_closed_segments_get_entries(folder: Folder) -> None:
    paths = [*folder.written(), folder.transcript()]
    work = folder.seal()
    entries = folder.chained
    assert [entry["kind"] for entry in entries] == ["begun", "key", *["sealed"] * 4]
    assert (work.entries, work.head.entry, work.more) == (6, 6, False)
    assert [entry["entry"] for entry in entries] == [1, 2, 3, 4, 5, 6]
    for path, entry in zip(paths, entries[2:], strict=True):
        assert entry["segment"] == path.relative_to(folder.data).as_posix()
        assert (entry["bytes"], entry["sha256"]) == (
            path.stat().st_size,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        assert path.stat().st_mode & 0o777 == 0o400
    before = BEFORE
    for line in folder.chain.read_bytes().splitlines():
        assert json.loads(line)["previous"] == before
        before = hashlib.sha256(line).hexdigest()
    assert work.head.hash == before
    assert folder.seal().entries == 0
    verdict = folder.verify()
    assert (verdict.problems, verdict.segments, verdict.open, verdict.head) == ([], 4, [], before)
    assert verdict.bytes == sum(path.stat().st_size for path in paths)


def test_a_segment_that_is_being_written_is_open(folder: Folder) -> None:
    journal = folder.journal(rotate=1 << 20)
    folder.event(journal)
    assert folder.seal().entries == 0
    folder.written(1, writer="w1")
    folder.seal()
    assert folder.verify().open == ["journal/2024-10-04.w0.0001.ndjson"]
    assert folder.verify().problems == []
    journal.close()
    folder.seal()
    assert folder.verify().open == []


def test_what_a_dead_process_left_is_found_by_a_later_run(folder: Folder) -> None:
    script = (
        "import os, sys; from pathlib import Path; from tests.evidence.tampering import Folder\n"
        "f = Folder(Path(sys.argv[1])); j = f.journal(rotate=1 << 20); f.event(j); j.append(b'torn', f.clock.now)\n"
        "j.flush(); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(folder.data)], check=False).returncode == -9
    folder.seal()
    assert [entry["segment"] for entry in folder.chained if entry["kind"] == "sealed"] == [
        "journal/2024-10-04.w0.0001.ndjson"
    ]
    journal = folder.journal(rotate=1 << 20)
    folder.event(journal)
    assert journal.name == "2024-10-04.w0.0002.ndjson"
    assert folder.verify().problems == []


def test_a_closed_segment_is_never_continued(folder: Folder) -> None:
    journal = folder.journal(rotate=1 << 20)
    folder.event(journal)
    journal.close()
    again = folder.journal(rotate=1 << 20)
    assert again.name == journal.name == "2024-10-04.w0.0001.ndjson"
    again.close()
    folder.seal()
    assert folder.journal(rotate=1 << 20).name == "2024-10-04.w0.0002.ndjson"


def test_a_forked_process_keeps_no_segment_open(folder: Folder) -> None:
    journal = folder.journal(rotate=1 << 20)
    folder.event(journal)
    read_end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(write_end)
        os.read(read_end, 1)
        os._exit(0)
    try:
        journal.close()
        assert folder.seal().entries == 3
    finally:
        os.close(write_end)
        os.waitpid(pid, 0)


def test_a_quiet_writer_lets_go_of_a_day_that_is_over(folder: Folder) -> None:
    journal = folder.journal(rotate=1 << 20)
    folder.event(journal)
    journal.rest(folder.clock.now)
    assert folder.seal().entries == 0
    folder.clock.now += DAY
    journal.rest(folder.clock.now)
    assert folder.seal().entries == 3
    folder.event(journal)
    assert journal.name == "2024-10-05.w0.0001.ndjson"
    assert folder.verify().problems == []


def test_a_pass_ends_when_its_time_is_over_and_goes_on_later(folder: Folder) -> None:
    folder.written(5)
    ticks = iter(range(1000))
    sealer = Sealer(folder.settings, monotonic=lambda: float(next(ticks)))
    done, passes = sealer.work(5.0), 1
    assert 0 < done.entries < 7
    while done.more:
        done, passes = sealer.work(5.0), passes + 1
    assert passes > 1
    assert len(folder.chained) == 7
    assert folder.verify().problems == []


def test_a_file_that_takes_longer_than_a_pass_is_gone_on_with(folder: Folder) -> None:
    journal = folder.journal(rotate=1 << 30)
    for _ in range(10):
        journal.append(b"x" * (1 << 20) + b"\n", folder.clock.now)
    journal.close()
    ticks = iter(range(1000))
    sealer = Sealer(folder.settings, monotonic=lambda: float(next(ticks)))
    passes = 1
    while sealer.work(3.0).more:
        passes += 1
        assert folder.journal(rotate=1 << 30).name.endswith("0002.ndjson")
    assert 2 < passes < 10
    assert folder.verify().problems == []


def test_a_torn_line_at_the_end_is_taken_away_and_told(sealed: Folder) -> None:
    with sealed.chain.open("ab") as file:
        file.write(b'{"kind":"sea')
    sealed.written(4)
    sealed.seal()
    assert [entry.get("bytes") for entry in sealed.chained if entry["kind"] == "torn"] == [12]
    verdict = sealed.verify()
    assert verdict.problems == []
    assert any("12 bytes" in note for note in verdict.notes)


def test_rubbish_at_the_end_is_not_continued(sealed: Folder) -> None:
    with sealed.chain.open("ab") as file:
        file.write(b"x" * 100_000 + b"\n")
    sealed.written(4)
    with pytest.raises(ChainError, match="isn't a chain"):
        sealed.seal()
    assert any("not a whole line" in problem for problem in sealed.verify().problems)


def test_several_writers_make_one_chain(folder: Folder) -> None:
    one, other = Chain(folder.settings), Chain(folder.settings)
    for number in range(4):
        (one, other)[number % 2].append([Fact(kind="removed", segment=f"journal/{number}")])
    assert [entry["entry"] for entry in folder.chained] == [1, 2, 3, 4, 5, 6]
    assert folder.verify().problems == []
    assert one.head != other.head
    one.refresh()
    assert one.head == other.head


def test_a_file_that_two_processes_look_at_has_one_entry(folder: Folder) -> None:
    folder.written(1)
    other = Chain(folder.settings)
    other.refresh()
    work = folder.seal()
    again = Fact(kind="sealed", segment="journal/2024-10-04.w0.0001.ndjson", bytes=1, sha256="00")
    assert other.append([again]) == work.head
    assert folder.verify().problems == []


def test_processes_that_append_at_once_make_one_chain(folder: Folder) -> None:
    script = (
        "import sys; from pathlib import Path; from dicomhawk.evidence.chain import Chain, Fact\n"
        "from dicomhawk.settings import Settings\n"
        "chain = Chain(Settings(data=Path(sys.argv[1])))\n"
        "for n in range(20): chain.append([Fact(kind='removed', segment=f'journal/{sys.argv[2]}-{n}')])"
    )
    command = [sys.executable, "-c", script, str(folder.data)]
    running = [subprocess.Popen([*command, name]) for name in ("a", "b", "c")]
    assert [each.wait(60) for each in running] == [0, 0, 0]
    verdict = folder.verify()
    assert (verdict.problems, verdict.removed) == ([], 60)
    assert [entry["kind"] for entry in folder.chained].count("key") == 1


def test_segments_can_be_closed_by_hand(folder: Folder) -> None:
    folder.written(2)
    ran = dicomhawk("evidence", "seal", "--data", folder.data)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == f"4 entries added; the head is 4:{folder.verify().head}\n"
    ran = dicomhawk("evidence", "verify", "--data", folder.data, "--json")
    assert json.loads(ran.stdout)["segments"] == 2
    folder.chain.write_bytes(b"x" * 100_000)
    folder.written(3)
    ran = dicomhawk("evidence", "seal", "--data", folder.data)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    ran = dicomhawk("evidence", "verify", "--data", folder.data, "--head", "nonsense")
    assert ran.returncode == 2


def test_what_a_worker_drops_for_the_budget_is_on_record(folder: Folder) -> None:
    vault_settings = VaultSettings(transcripts_mib=1)
    writer = vault.VaultWriter(folder.settings.vault_dir, "w0", vault_settings, folder.clock)
    for number in range(3):
        transcript = writer.transcript(f"C{number}", ("198.51.100.7", 1), ("203.0.113.1", 104))
        for _ in range(3):
            transcript.received(bytes(300_000))
        writer.flush()
        verdict = folder.verify() if number else None
        assert verdict is None or verdict.problems == []
        folder.seal()
    writer.close()
    folder.seal()
    removed = [entry for entry in folder.chained if entry["kind"] == "removed"]
    assert removed
    assert all(entry["reason"] == "budget" and len(entry["sha256"]) == 64 for entry in removed)
    verdict = folder.verify()
    assert (verdict.problems, verdict.removed) == ([], len(removed))


# Tampering, each in its way


def problems(folder: Folder, **how: Any) -> str:
    found = folder.verify(**how).problems
    assert found
    assert all(problem.endswith(".") for problem in found)
    return "\n".join(found)


def test_changed(sealed: Folder) -> None:
    sealed.rewrite(segment(sealed, 2), lambda data: data.replace(b"12:00", b"13:00", 1))
    assert problems(sealed) == "journal/2024-10-04.w0.0002.ndjson was changed since it was closed (entry 4)."


def test_truncated(sealed: Folder) -> None:
    size = segment(sealed, 2).stat().st_size
    sealed.rewrite(segment(sealed, 2), lambda data: data[:-10])
    assert f"0002.ndjson was truncated: {size - 10} of {size} bytes" in problems(sealed)


def test_grown(sealed: Folder) -> None:
    sealed.rewrite(segment(sealed, 1), lambda data: data + b"{}\n")
    assert "0001.ndjson has grown" in problems(sealed)


def test_missing(sealed: Folder) -> None:
    segment(sealed, 1).unlink()
    assert "0001.ndjson is missing: entry 3 has it" in problems(sealed)


def test_missing_transcript(sealed: Folder) -> None:
    next((sealed.settings.vault_dir / "transcripts").glob("*.dht")).unlink()
    assert "vault/transcripts/2024-10-04.w0.0001.dht is missing" in problems(sealed)


def test_inserted(sealed: Folder) -> None:
    journal = sealed.journal(writer="w7")
    sealed.event(journal)
    journal.close()
    path = sealed.settings.journal_dir / "2024-10-04.w7.0001.ndjson"
    assert sealed.verify().open == ["journal/2024-10-04.w7.0001.ndjson"]
    os.utime(path, (1_728_043_200, 1_728_043_200))
    assert "w7.0001.ndjson was inserted" in problems(sealed)


def test_what_is_no_file_stops_nobody(sealed: Folder) -> None:
    folder = sealed.settings.journal_dir
    (folder / "2024-10-04.w7.0001.ndjson").mkdir()
    os.mkfifo(folder / "2024-10-04.w7.0002.ndjson")
    (folder / "2024-10-04.w7.0003.ndjson").symlink_to("/dev/zero")
    (folder / "2024-10-04.w7.0004.ndjson").symlink_to(folder / "nowhere")
    assert sealed.verify().problems == []
    path = segment(sealed, 1)
    path.unlink()
    path.mkdir()
    assert "0001.ndjson is missing: entry 3 has it" in problems(sealed)


def test_gone_before_it_was_closed(folder: Folder) -> None:
    folder.written()
    segment(folder, 2).unlink()
    folder.seal()
    assert "0002.ndjson is gone: it was never closed" in problems(folder)


@pytest.mark.parametrize("sign", [True, False])
def test_an_entry_that_was_changed(tmp_path: Path, sign: bool) -> None:
    folder = Folder(tmp_path / "data", evidence={"sign": sign})
    folder.written()
    folder.seal()
    lines = folder.chain.read_bytes().splitlines(keepends=True)
    at = len(lines) - 2
    lines[at] = lines[at].replace(b'"bytes":', b'"bytes":1')
    folder.chain.write_bytes(b"".join(lines))
    found = problems(folder)
    assert f"Entry {at + 2} does not continue line {at + 1}" in found
    assert (f"signature of entry {at + 1} is wrong" in found) == sign


def test_an_entry_that_was_taken_out(sealed: Folder) -> None:
    lines = sealed.chain.read_bytes().splitlines(keepends=True)
    sealed.chain.write_bytes(b"".join(lines[:3] + lines[4:]))
    found = problems(sealed)
    assert "There is a gap in the chain: entry 4 is not in front of entry 5." in found
    assert "Entry 5 does not continue line 3" in found
    assert "0002.ndjson was inserted" in found


def test_an_entry_that_was_inserted(sealed: Folder) -> None:
    lines = sealed.chain.read_bytes().splitlines(keepends=True)
    sealed.chain.write_bytes(b"".join([*lines[:4], lines[3], *lines[4:]]))
    assert "Entry 4 is there twice" in problems(sealed)


def test_entries_that_were_reordered(sealed: Folder) -> None:
    lines = sealed.chain.read_bytes().splitlines(keepends=True)
    sealed.chain.write_bytes(b"".join([*lines[:3], lines[4], lines[3], *lines[5:]]))
    found = problems(sealed)
    assert "Entry 4 comes behind entry 5: the chain was reordered." in found


def test_a_line_that_is_no_entry(sealed: Folder) -> None:
    lines = sealed.chain.read_bytes().splitlines(keepends=True)
    sealed.chain.write_bytes(b"".join([*lines[:3], b"{}\n", *lines[3:]]))
    assert "Line 4 of the chain is not an entry." in problems(sealed)


def test_a_chain_that_was_written_anew_without_the_key(sealed: Folder) -> None:
    sealed.rewrite(segment(sealed, 2), lambda data: data.replace(b"12:00", b"13:00", 1))
    lines = sealed.chained
    changed = segment(sealed, 2).read_bytes()
    lines[3] |= {"sha256": hashlib.sha256(changed).hexdigest(), "bytes": len(changed)}
    sealed.relink(lines)
    found = problems(sealed)
    assert "The signature of entry 4 is wrong." in found
    for line in lines:
        del line["signature"], line["key"]
    sealed.relink(lines)
    assert sealed.verify().problems == []  # nobody can tell, but by the key or a head that were kept elsewhere
    public = keys.public_key(sealed.settings.evidence_dir / "public.pem")
    assert problems(sealed, trusted=[public]) == "No entry of the chain is signed by a key that is trusted."


def test_a_chain_that_was_signed_anew_with_another_key(sealed: Folder) -> None:
    kept = keys.public_key(sealed.settings.evidence_dir / "public.pem")
    head = Chain(sealed.settings)
    head.refresh()
    for path in sealed.settings.evidence_dir.iterdir():
        path.unlink()
    sealed.rewrite(segment(sealed, 2), lambda data: data.replace(b"12:00", b"13:00", 1))
    sealed.seal()
    assert sealed.verify().problems == []
    assert "which is not a trusted one" in problems(sealed, trusted=[kept])
    assert "Entry 6 is not the one of the head that was published" in problems(sealed, heads=[head.head])


def test_a_chain_that_was_cut(sealed: Folder) -> None:
    whole = Chain(sealed.settings)
    whole.refresh()
    lines = sealed.chain.read_bytes().splitlines(keepends=True)
    sealed.chain.write_bytes(b"".join(lines[:5]))
    assert sealed.verify(heads=[Head(5, hashlib.sha256(lines[4][:-1]).hexdigest())]).problems == []
    assert "The chain was cut: it has 5 entries" in problems(sealed, heads=[whole.head])


def test_heads_in_events_are_looked_up(sealed: Folder) -> None:
    journal = sealed.journal(writer="w8", rotate=1 << 20)
    told = {"honeypot": {"chain": {"entries": 4, "head": "ab" * 32}}}
    sealed.event(journal, **told)
    assert sealed.verify().problems == []
    sealed.event(journal, event={"id": "1" * 26, "action": "evidence.head"}, **told)
    assert "Entry 4 is not the one of an event in journal/2024-10-04.w8" in problems(sealed)


def test_a_chain_that_was_cut_is_told_by_events(sealed: Folder) -> None:
    told = {"honeypot": {"chain": {"entries": 6, "head": sealed.verify().head}}}
    journal = sealed.journal(writer="w8", rotate=1 << 20)
    sealed.event(journal, event={"id": "1" * 26, "action": "evidence.head"}, **told)
    assert sealed.verify().problems == []
    lines = sealed.chain.read_bytes().splitlines(keepends=True)
    sealed.chain.write_bytes(b"".join(lines[:5]))
    found = problems(sealed)
    assert "The chain was cut: it has 5 entries, and an event in journal/2024-10-04.w8" in found


def test_no_chain(folder: Folder) -> None:
    folder.written()
    assert problems(folder) == "There is no chain."
    folder.chain.mkdir(parents=True)
    assert problems(folder) == "There is no chain."


def test_a_name_with_a_number_that_nobody_counts_to(sealed: Folder) -> None:
    last = sealed.chained[-1]
    name = f"journal/2024-10-04.w0.{'9' * 5000}.ndjson"
    entry = last | {"entry": last["entry"] + 1, "segment": name}
    with sealed.chain.open("ab") as file:
        file.write(json.dumps(entry).encode() + b"\n")
    assert f"{name} is missing: entry {entry['entry']} has it" in " ".join(sealed.verify().problems)


def test_lines_that_are_nested_without_end(sealed: Folder) -> None:
    deep = b'{"x":' + b"[" * 50_000
    with sealed.chain.open("ab") as file:
        file.write(deep + b"\n")
    journal = sealed.journal(writer="w9")
    journal.append(b'"evidence.head" "file.captured" ' + deep + b"\n", sealed.clock.now)
    journal.append(b'{"y":["evidence.head","file.captured"],' + deep[1:] + b"\n", sealed.clock.now)
    journal.close()
    last = len(sealed.chain.read_bytes().splitlines())
    assert problems(sealed, objects=True) == f"Line {last} of the chain is not an entry."


def test_captured_files_are_what_their_names_say(sealed: Folder) -> None:
    objects = sealed.settings.vault_dir / "objects"
    for data, name in ((b"one", hashlib.sha256(b"one").hexdigest()), (b"two", "ab" * 32)):
        (objects / name[:2]).mkdir(parents=True)
        (objects / name[:2] / name).write_bytes(data)
    assert sealed.verify().problems == []
    assert problems(sealed, objects=True) == f"vault/objects/ab/{'ab' * 32} is not what its name says."


def test_what_is_no_captured_file_stops_nobody(sealed: Folder) -> None:
    folder = sealed.settings.vault_dir / "objects" / "ab"
    (folder / "folder").mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to(folder / "nowhere")
    assert sorted(sealed.verify(objects=True).problems) == [
        f"vault/objects/ab/{name} is not a file." for name in ("folder", "link", "pipe")
    ]


def captured(folder: Folder, *files: bytes) -> list[Path]:
    """Files in the vault, of which a closed segment tells."""
    journal = folder.journal(writer="w8")
    paths = []
    for data in files:
        digest = hashlib.sha256(data).hexdigest()
        name = f"objects/{digest[:2]}/{digest}"
        paths.append(folder.settings.vault_dir / name)
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        paths[-1].write_bytes(data)
        told = {"id": digest[:26], "action": "file.captured"}
        folder.event(journal, event=told, file={"name": name, "hash": {"sha256": digest}})
    folder.event(journal, event={"id": "0" * 26, "action": "file.captured"}, file={"hash": {"sha256": "ab" * 32}})
    folder.event(
        journal, event={"id": "1" * 26, "action": "file.captured"}, file={"name": "x", "hash": {"sha256": 7}}
    )
    journal.close()
    folder.seal()
    return paths


def test_a_captured_file_that_is_gone(sealed: Folder) -> None:
    one, two, three = captured(sealed, b"one", b"two", b"three")
    assert sealed.verify(objects=True).problems == []
    one.unlink()
    two.unlink()
    Chain(sealed.settings).append(
        [Fact(kind="removed", segment=str(two.relative_to(sealed.data)), bytes=3, reason="age")]
    )
    assert sealed.verify().problems == []
    assert problems(sealed, objects=True) == (
        f"{one.relative_to(sealed.data)} is gone: an event in journal/2024-10-04.w8.0001.ndjson tells of it, and its "
        "removal is not on record."
    )
    assert three.exists()


# Keys


def test_the_key_is_nobody_elses(sealed: Folder) -> None:
    key, public = (sealed.settings.evidence_dir / name for name in ("key.pem", "public.pem"))
    assert key.stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in public.read_bytes()
    assert not list(sealed.settings.evidence_dir.glob("*.partial"))


def test_a_key_can_be_anywhere_and_follow_an_unsigned_chain(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data", evidence={"sign": False})
    folder.written(2)
    folder.seal()
    assert not any("signature" in entry for entry in folder.chained)
    assert folder.verify().problems == []
    key = tmp_path / "keys" / "mine.pem"
    key.parent.mkdir()
    folder.settings = Settings(data=folder.data, evidence={"key": key})
    folder.written(3)
    folder.seal()
    assert key.exists()
    verdict = folder.verify(trusted=[keys.public_key(folder.settings.evidence_dir / "public.pem")])
    assert verdict.problems == []
    assert any("not signed" in note for note in verdict.notes)
    folder.settings = Settings(data=folder.data, evidence={"sign": False})
    folder.written(3)
    folder.seal()
    assert "is not signed, though entries before it are" in problems(folder)


def test_two_keys_can_be_trusted(sealed: Folder, tmp_path: Path) -> None:
    first = keys.public_key(sealed.settings.evidence_dir / "public.pem")
    sealed.settings = Settings(data=sealed.data, evidence={"key": tmp_path / "other.pem"})
    sealed.written(3)
    sealed.seal()
    second = keys.public_key(sealed.settings.evidence_dir / "public.pem")
    assert first.id != second.id
    assert "not a trusted one" in problems(sealed, trusted=[second])
    assert sealed.verify(trusted=[first, second]).problems == []


@pytest.mark.parametrize("content", [b"", b"rubbish", None])
def test_a_key_that_is_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "key.pem"
    if content is None:
        content = subprocess.run(
            [find_tool("openssl"), "genrsa", "2048"], capture_output=True, check=True, timeout=60
        ).stdout
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="no key of ed25519"):
        keys.signer(Settings(data=tmp_path / "data", evidence={"key": path}))
    with pytest.raises(SettingsError, match="no public key of ed25519"):
        keys.public_key(path)
    with pytest.raises(SettingsError, match="can't be read"):
        keys.public_key(tmp_path / "none.pem")


def test_a_key_that_others_can_read(sealed: Folder) -> None:
    (sealed.settings.evidence_dir / "key.pem").chmod(0o640)
    with pytest.raises(SettingsError, match="0600"):
        keys.signer(sealed.settings)


def test_a_signature_can_be_checked_with_openssl(sealed: Folder, tmp_path: Path) -> None:
    line = sealed.chain.read_bytes().splitlines()[3]
    body, _, rest = line.rpartition(b',"signature":"')
    (tmp_path / "body").write_bytes(body + b"}")
    (tmp_path / "signature").write_bytes(base64.b64decode(rest[:-2]))
    public = sealed.settings.evidence_dir / "public.pem"
    common = ("-verify", "-pubin", "-inkey", public, "-rawin", "-in", tmp_path / "body")
    ran = run_tool("openssl", "pkeyutl", *common, "-sigfile", tmp_path / "signature")
    assert "Verified Successfully" in ran.output
