"""What goes, when, and what is told of it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from dicomhawk.evidence.chain import Chain
from dicomhawk.evidence.objects import Budget
from dicomhawk.evidence.place import NAME, read_place, write_place
from dicomhawk.evidence.retention import Removed, Retention
from dicomhawk.settings import Settings
from tests.evidence.tampering import DAY, START, Folder

MIB = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A segment of a journal for each of ten days, the last still open, and of transcripts for each of three."""
    folder = Folder(tmp_path / "data")
    for _ in range(3):
        folder.transcript()
        folder.written(1)
        folder.clock.now += DAY
    for _ in range(6):
        folder.written(1)
        folder.clock.now += DAY
    folder.open = folder.journal(rotate=1 << 20)
    folder.event(folder.open)
    folder.seal()
    return folder


def apply(folder: Folder, *, days_later: int = 0, analyst: bool = False, **limits: int) -> list[Removed]:
    settings = Settings(data=folder.data, retention=limits, analyst={"enabled": analyst})
    chain = Chain(settings)
    chain.refresh()
    now = (START + (9 + days_later) * DAY) / 1e9
    done = Retention(settings, chain, lambda: now).apply()
    assert folder.verify().problems == []
    return done


def days(folder: Folder) -> list[str]:
    """Of the journal's segments that hold something."""
    return [path.name[:10] for path in sorted(folder.settings.journal_dir.glob("*")) if path.stat().st_size]


def read_all(folder: Folder, *, but: str = "none") -> None:
    found = {path.name: path.stat().st_size for path in folder.settings.journal_dir.glob("*.ndjson")}
    write_place(folder.data, {name: size for name, size in found.items() if not name.startswith(but)})


def test_everything_is_kept_unless_told_otherwise(folder: Folder) -> None:
    assert apply(folder, days_later=5000) == []
    assert len(days(folder)) == 10


def test_old_segments_go_and_are_on_record(folder: Folder) -> None:
    (removed,) = apply(folder, journal_days=5)
    assert (removed.what, removed.reason) == ("journal", "age")
    assert [name[8:18] for name in removed.names] == [f"2024-10-0{day}" for day in range(4, 8)]
    assert days(folder)[0] == "2024-10-08"
    entries = [entry for entry in folder.chained if entry["kind"] == "removed"]
    assert [entry["segment"] for entry in entries] == list(removed.names)
    assert all(entry["reason"] == "age" and len(entry["sha256"]) == 64 for entry in entries)
    assert folder.verify().removed == 4
    assert apply(folder, journal_days=5) == []


def test_a_segment_that_is_being_written_stays(folder: Folder) -> None:
    apply(folder, days_later=1000, journal_days=5)
    assert days(folder) == ["2024-10-13"]
    folder.event(folder.open)


def test_a_closed_segment_without_an_entry_stays(folder: Folder) -> None:
    folder.clock.now += DAY
    folder.written(1, writer="w5")
    apply(folder, days_later=1000, journal_days=5)
    assert "2024-10-14" in days(folder)


def test_too_much_goes_the_oldest_first(folder: Folder) -> None:
    for number in range(4):
        journal = folder.journal(f"big{number}", rotate=1 << 30)
        journal.append(b"{}" + b" " * (MIB // 2) + b"\n", folder.clock.now)
        journal.close()
    folder.seal()
    (removed,) = apply(folder, journal_mib=1)
    assert removed.reason == "size"
    left = sum(path.stat().st_size for path in folder.settings.journal_dir.glob("*"))
    assert MIB // 2 < left <= MIB
    assert removed.names[0].startswith("journal/2024-10-04")


def test_what_was_not_read_stays_until_twice_the_age(folder: Folder) -> None:
    assert apply(folder, analyst=True, journal_days=6) == []  # it never read anything
    read_all(folder, but="2024-10-05")
    (removed,) = apply(folder, analyst=True, journal_days=5)
    assert [name[8:18] for name in removed.names] == ["2024-10-04", "2024-10-06", "2024-10-07"]
    (removed,) = apply(folder, analyst=True, journal_days=4)
    assert removed.reason == "age"
    assert "2024-10-05" in days(folder)
    unread, aged = apply(folder, analyst=True, days_later=3, journal_days=5)
    assert (unread.reason, [name[8:18] for name in unread.names]) == ("unread", ["2024-10-05"])
    assert aged.reason == "age"


def test_what_was_not_read_goes_at_twice_the_size(folder: Folder) -> None:
    def big(writer: str) -> None:
        journal = folder.journal(writer, rotate=1 << 30)
        journal.append(b"{}" + b" " * (MIB - 1000) + b"\n", folder.clock.now)
        journal.close()
        folder.seal()

    big("a")
    assert apply(folder, analyst=True, journal_mib=1) == []
    big("b")
    removed = apply(folder, analyst=True, journal_mib=1)
    assert {each.reason for each in removed} == {"unread"}


def test_part_of_a_segment_is_not_enough(folder: Folder) -> None:
    read_all(folder)
    place = read_place(folder.data)
    assert place is not None
    write_place(folder.data, {name: size - 1 for name, size in place.items()})
    assert apply(folder, analyst=True, journal_days=5) == []


@pytest.mark.parametrize("rubbish", [b"", b"[]", b"\xff", b'{"a":"b"}'])
def test_a_place_that_is_none(folder: Folder, rubbish: bytes) -> None:
    (folder.data / NAME).write_bytes(rubbish)
    assert read_place(folder.data) is None
    assert apply(folder, analyst=True, journal_days=5) == []


def test_transcripts_go_by_age_unless_their_events_were_not_read(folder: Folder) -> None:
    read_all(folder, but="2024-10-05")
    (removed,) = apply(folder, analyst=True, transcripts_days=5)
    assert (removed.what, removed.names) == ("transcript", ("vault/transcripts/2024-10-04.w0.0001.dht",))
    (removed,) = apply(folder, days_later=3, analyst=True, transcripts_days=5)
    assert (removed.reason, len(removed.names)) == ("unread", 1)


def test_captured_files_go_by_age_and_their_budget_comes_back(folder: Folder) -> None:
    objects = folder.settings.vault_dir / "objects"
    for content, age in ((b"old" * 1000, 9), (b"new" * 1000, 1)):
        name = hashlib.sha256(content).hexdigest()
        (objects / name[:2]).mkdir(parents=True, exist_ok=True)
        (objects / name[:2] / name).write_bytes(content)
        os.utime(objects / name[:2] / name, ((START + (9 - age) * DAY) / 1e9,) * 2)
    budget = Budget(folder.settings.vault_dir / "objects.used", 1 << 30)
    budget.recount(6000)
    (removed,) = apply(folder, objects_days=5)
    old = hashlib.sha256(b"old" * 1000).hexdigest()
    assert (removed.what, removed.names) == ("object", (f"vault/objects/{old[:2]}/{old}",))
    assert len(list(objects.glob("??/*"))) == 1
    assert budget.used == 3000
    budget.close()
    assert folder.chained[-1] | {"sha256": old} == folder.chained[-1]
