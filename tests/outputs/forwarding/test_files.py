"""Files of JSON lines: nothing lost or twice when they are moved, and T-Pot's rules."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomhawk.evidence.ecs import catalogue, fields
from dicomhawk.outputs.forwarding.base import Temporary, encode
from dicomhawk.outputs.forwarding.file import FileLines
from dicomhawk.outputs.forwarding.formats.tpot import FORBIDDEN, flat
from dicomhawk.settings import Settings

from .support import HOSTILE, record, table
from .test_brokers import send


def made(path: Path, form: str = "ecs") -> FileLines:
    return FileLines(table("file", path=path, format=form), Settings())


def identifiers(path: Path) -> list[str]:
    return [json.loads(line)["event"]["id"] for line in path.read_bytes().splitlines()]


def test_lines_are_the_journals_own(tmp_path: Path) -> None:
    path = tmp_path / "logs/pot.json"
    batch = [record(n) for n in range(10)]
    send(made(path), batch[:5], batch[5:])
    assert path.read_bytes().splitlines() == [one.line for one in batch]
    assert path.stat().st_mode & 0o777 == 0o640 & ~_umask()


def test_a_file_that_is_moved_away_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "pot.json"
    output = made(path)

    async def work() -> None:
        await output.send([record(1)])
        path.rename(tmp_path / "pot.json.1")
        await output.send([record(2)])
        path.unlink()
        await output.send([record(3)])
        # logrotate's copytruncate
        os.truncate(path, 0)
        await output.send([record(4)])
        await output.close()

    asyncio.run(work())
    assert identifiers(tmp_path / "pot.json.1") == [record(1).id]
    assert identifiers(path) == [record(4).id]


@pytest.mark.parametrize("form", ["ecs", "tpot"])
def test_what_was_written_before_a_death_is_not_written_again(tmp_path: Path, form: str) -> None:
    path = tmp_path / "pot.json"
    batch = [record(n) for n in range(10)]
    send(made(path, form), batch[:6])
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])  # killed within the sixth line
    send(made(path, form), batch[:8], batch[8:])
    lines = path.read_bytes().splitlines()
    torn = [line for line in lines if not line.endswith(b"}")]
    assert len(torn) == 1
    found = [json.loads(line) for line in lines if line not in torn]
    names = [one["event"]["id"] if form == "ecs" else one["dicom_event_id"] for one in found]
    assert names == [one.id for one in batch]


def test_a_folder_that_is_not_there_or_full_is_a_matter_of_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Temporary, match="can't be written"):
        send(made(tmp_path / "file/pot.json"), [record()])
    with pytest.raises(Temporary, match="No space left"):
        send(made(Path("/dev/full")), [record()])


def test_tpot_gets_the_names_that_its_dashboards_know() -> None:
    found = flat(record(5))
    assert found["src_ip"] == "203.0.113.9"
    assert (found["src_port"], found["dest_port"]) == (40022, 104)
    assert (found["aetitle"], found["identifier"]) == ("ANY-SCP", "FINDSCU")
    assert found["timestamp"] == record(5).document["@timestamp"]
    assert found["eventid"] == "dicom.c-find"
    assert found["input"].startswith("C-FIND STUDY PatientName=")
    assert found["dicom_event_id"] == record(5).id


@pytest.mark.parametrize("text", ["2026", "2026-01-01", "2026/01", "2026T10:00", "-2026", "+2026-01-01"])
def test_tpot_gets_no_text_that_makes_a_date_field(text: str) -> None:
    assert flat(record(1, session=text))["session"] == f" {text}"


def test_tpot_gets_no_fingerprint_as_a_file() -> None:
    handshake = record(1, action="tls.handshake", related={"hash": ["78f0dc5ac5b19daf131a133cfdee9691"]})
    assert "dicom_files" not in flat(handshake)
    left = record(1, kind="sessions", action="session.verdict", related={"hash": ["ab" * 32]})
    assert flat(left)["dicom_files"] == ["ab" * 32]


def everything() -> dict[str, Any]:
    """A document with each field of each event type."""
    document: dict[str, Any] = record(1).document
    for kind in catalogue():
        for field in fields(kind).values():
            *parents, key = field.path.split(".")
            at = document
            for parent in parents:
                at = at.setdefault(parent, {})
            at.setdefault(key, "2026-01-01")
    return document


def test_tpot_is_flat_and_takes_nobodys_names() -> None:
    document = everything()
    one = record(1)
    one.__dict__["document"] = document
    found = flat(one)
    assert not FORBIDDEN & set(found)
    assert not any("." in name for name in found)
    for value in found.values():
        for part in value if isinstance(value, list) else [value]:
            assert isinstance(part, str | int)
    for name, value in found.items():
        if name != "timestamp":
            assert value != "2026-01-01", f"{name} would become a date field in everybody's index"
        if name.endswith(("_port", "matches", "severity")):
            assert isinstance(value, int)


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_tpot_takes_whatever_a_field_holds(value: Any) -> None:
    for path in ("source", "event", "dicom", "honeypot", "message"):
        one = record(1, message=HOSTILE)
        one.__dict__["document"] = one.document | {path: value}
        try:
            line = encode(flat(one))
        except (KeyError, TypeError, AttributeError):
            assert path == "event"  # no event of ours
            continue
        assert b"\n" not in line


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
