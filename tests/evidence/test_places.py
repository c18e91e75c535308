"""Journals read piece by piece."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomhawk.evidence import places as module
from dicomhawk.evidence.places import ends, pieces


def write(folder: Path, name: str, *lines: bytes) -> Path:
    path = folder / f"2026-11-30.{name}.ndjson"
    with path.open("ab") as file:
        file.write(b"".join(lines))
    return path


def read(folder: Path, places: dict[str, int], size: int = 1 << 20) -> list[bytes]:
    found = []
    for piece in pieces(folder, places, size):
        assert piece.begin == places.get(piece.segment, 0)
        places[piece.segment] = piece.end
        found += piece.lines
    return found


@pytest.mark.parametrize("size", [1, 10, 4096, 1 << 20])
def test_pieces_are_whole_lines_whatever_their_size(tmp_path: Path, size: int) -> None:
    lines = [b"%d %b" % (n, b"x" * (n * 97 % 5000)) for n in range(200)]
    write(tmp_path, "w0.0001", *(line + b"\n" for line in lines))
    places: dict[str, int] = {}
    assert read(tmp_path, places, size) == lines
    assert places == ends(tmp_path)
    assert not read(tmp_path, places, size)


def test_a_line_that_is_being_written_waits(tmp_path: Path) -> None:
    path = write(tmp_path, "w0.0001", b"one\n", b"tw")
    places: dict[str, int] = {}
    assert read(tmp_path, places) == [b"one"]
    assert ends(tmp_path) == {path.name: 4}
    write(tmp_path, "w0.0001", b"o\n")
    assert read(tmp_path, places) == [b"two"]


def test_segments_come_in_their_order_and_may_go(tmp_path: Path) -> None:
    write(tmp_path, "w0.0002", b"three\n")
    write(tmp_path, "w0.0001", b"one\n")
    old = write(tmp_path, "w1.0001", b"two\n")
    places: dict[str, int] = {}
    assert read(tmp_path, places) == [b"one", b"three", b"two"]
    old.unlink()
    write(tmp_path, "w0.0002", b"four\n")
    assert read(tmp_path, places) == [b"four"]


def test_what_never_ends_is_passed_over_and_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE", 100)
    write(tmp_path, "w0.0001", b"x" * 1000, b"\n", b"next\n")
    assert read(tmp_path, {}, 64)[-1] == b"next"
    write(tmp_path, "w1.0001", b"y" * 1000)
    assert read(tmp_path, {}, 64)[-1] == b"next"


def test_no_journal_has_nothing(tmp_path: Path) -> None:
    assert not read(tmp_path / "none", {})
    assert ends(tmp_path / "none") == {}
