"""What visitors changed: each sees its own, and all together stay within bounds."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.sensor.web.state import Limits, State, StateError, StateFull

ALICE, BOB, CAROL = "192.0.2.1", "192.0.2.2", "2001:db8::3"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "visitors.sqlite"


@pytest.fixture
def state(path: Path) -> Iterator[State]:
    with State(path) as opened:
        yield opened


def test_a_document_is_its_visitors(state: State) -> None:
    state.put(ALICE, "deleted/studies", ["a", "ü", None])
    assert state.get(ALICE, "deleted/studies") == ["a", "ü", None]
    assert state.get(BOB, "deleted/studies") is None
    assert state.get(BOB, "deleted/studies", []) == []
    assert not state.delete(BOB, "deleted/studies")
    assert state.delete(ALICE, "deleted/studies")
    assert state.get(ALICE, "deleted/studies") is None


def test_keys_are_listed_by_their_beginning(state: State) -> None:
    for key in ("modality/b", "modality/a", "modality/%", "modalities", "peer/a"):
        state.put(ALICE, key, {"key": key})
    assert state.keys(ALICE, "modality/") == ["modality/%", "modality/a", "modality/b"]
    assert state.items(ALICE, "modality/%") == {"modality/%": {"key": "modality/%"}}
    assert len(state.items(ALICE)) == 5
    assert state.items(BOB) == {}


def test_another_worker_sees_it(state: State, path: Path) -> None:
    with State(path) as other:
        state.put(ALICE, "k", 1)
        assert other.get(ALICE, "k") == 1
        assert other.update(ALICE, "k", lambda value: value + 1) == 1
    assert state.get(ALICE, "k") == 2


def test_no_change_is_lost_between_workers(path: Path) -> None:
    def worker() -> None:
        with State(path) as state:
            for _ in range(50):
                state.update(ALICE, "n", lambda value: (value or 0) + 1)

    threads = [threading.Thread(target=worker) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with State(path) as state:
        assert state.get(ALICE, "n") == 150


def test_a_visitor_has_bounds_and_may_make_room(path: Path) -> None:
    with State(path, Limits(documents=2, bytes=100)) as state:
        state.put(ALICE, "a", 1)
        state.put(ALICE, "b", 1)
        with pytest.raises(StateFull):
            state.put(ALICE, "c", 1)
        with pytest.raises(StateFull):
            state.put(ALICE, "a", "x" * 100)
        assert state.items(ALICE) == {"a": 1, "b": 1}
        state.put(BOB, "c", 1)
        state.delete(ALICE, "b")
        state.put(ALICE, "c", "x" * 50)
        assert state.keys(ALICE) == ["a", "c"]


@pytest.mark.parametrize("limits", [Limits(all_documents=3), Limits(all_bytes=15)])
def test_who_was_away_longest_makes_room(path: Path, limits: Limits) -> None:
    moments = count()
    with State(path, limits, clock=lambda: next(moments)) as state:
        for visitor, key in ((ALICE, "a"), (BOB, "b"), (ALICE, "c"), (CAROL, "d")):
            state.put(visitor, key, "x")
        assert (state.keys(ALICE), state.keys(BOB), state.keys(CAROL)) == (["a", "c"], [], ["d"])


def test_one_visitor_may_fill_all_but_not_more(path: Path) -> None:
    with State(path, Limits(documents=10, all_documents=2)) as state:
        for key in "abcd":
            state.put(ALICE, key, 1)
        state.put(BOB, "b", 1)
        assert (state.keys(ALICE), state.keys(BOB)) == ([], ["b"])


def test_what_a_change_raises_leaves_all_as_it_was(state: State) -> None:
    def fails(_: Any) -> Any:
        raise ZeroDivisionError

    state.put(ALICE, "k", 1)
    with pytest.raises(ZeroDivisionError):
        state.update(ALICE, "k", fails)
    assert state.get(ALICE, "k") == 1


@pytest.mark.parametrize("value", [object(), {"a": b""}, "x" * (2 << 20)])
def test_what_cant_be_kept_has_its_own_error(state: State, value: object) -> None:
    with pytest.raises(StateError):
        state.put(ALICE, "k", value)
    assert state.keys(ALICE) == []


@pytest.mark.parametrize("key", ["k" * 1000, "\ud800", "a\0b'\"%_"])
def test_any_key_is_kept_or_refused(state: State, key: str) -> None:
    try:
        state.put(ALICE, key, 1)
        assert state.get(ALICE, key) == 1
    except StateError:
        assert state.keys(ALICE) == []


def test_a_file_of_something_else_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StateError):
        State(path)
    path.unlink()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 77")
    other.close()
    with pytest.raises(StateError):
        State(path)


def test_a_closed_file_has_its_own_error(state: State) -> None:
    state.close()
    with pytest.raises(StateError):
        state.get(ALICE, "k")
    with pytest.raises(StateError):
        state.put(ALICE, "k", 1)
