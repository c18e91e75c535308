"""No query keeps others waiting: what it does between two turns, in rows and in instructions of SQLite."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dicomhawk.hospital import budget, instances
from dicomhawk.hospital.attributes import ATTRIBUTES
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.elements import Element
from dicomhawk.hospital.matching import MAX_PATTERN_LENGTH, MAX_PATTERNS, compile_key
from dicomhawk.hospital.query import Match, Model, QueryError, QueryProblem, find
from dicomhawk.hospital.retrieval import retrieve
from tests.hospital.small_hospital import NOW, build, keys

IMAGES = 13  # visible ones of the small hospital


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    build(tmp_path / "catalogue.sqlite")
    return Catalogue(tmp_path / "catalogue.sqlite")


def turns(catalogue: Catalogue, **values: str) -> list[Match | None]:
    everything = {tag: Element(tag, attribute.vr, b"") for tag, attribute in ATTRIBUTES.items()}
    identifier = everything | keys("IMAGE", **values)
    return list(find(catalogue, Model.PATIENT_ROOT, identifier, now=NOW, relational=True))


def test_rows_compared_in_vain_give_way(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomhawk.hospital.selection.ROWS_A_TURN", 8)
    assert turns(catalogue, g00201204="999999") == [None] * ((IMAGES - 1) // 8)
    assert turns(catalogue, g00280010="12345") == [None] * ((IMAGES - 1) // 8)
    # The more patterns, the fewer rows.
    assert turns(catalogue, g00081070="*q?z\\*x?z\\*y?z") == [None] * ((IMAGES - 1) // 2)


def test_dear_rows_give_way(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "TICK", 50)
    monkeypatch.setattr(budget, "TICKS_A_TURN", 1)
    answers = turns(catalogue)
    assert len([match for match in answers if match]) == IMAGES
    assert answers.count(None) >= IMAGES - 1


def test_a_step_without_end_is_given_up(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "TICK", 50)
    monkeypatch.setattr(budget, "MAX_TICKS", 2)
    with pytest.raises(QueryError) as caught:
        turns(catalogue)
    assert caught.value.kind is QueryProblem.UNABLE_TO_PROCESS
    with pytest.raises(QueryError):
        retrieve(catalogue, Model.STUDY_ROOT, keys("STUDY", g0020000D="1.1\\1.2\\1.3\\1.4"), now=NOW)
    # Nobody else pays for it.
    numbers = json.dumps(list(range(1000)))
    assert catalogue.connection.execute("SELECT count(*) FROM json_each(?)", (numbers,)).fetchone() == (1000,)


def test_a_query_that_waits_leaves_the_connection_to_others(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "TICK", 50)
    monkeypatch.setattr(budget, "MAX_TICKS", 100)
    matches = find(catalogue, Model.STUDY_ROOT, keys("STUDY"), now=NOW)
    next(matches)
    numbers = json.dumps(list(range(5000)))
    assert catalogue.connection.execute("SELECT count(*) FROM json_each(?)", (numbers,)).fetchone() == (5000,)
    assert len([match for match in matches if match]) == 3


def test_patterns_of_all_keys_count(catalogue: Catalogue) -> None:
    half = "\\".join(f"*q{number}*" for number in range(MAX_PATTERNS // 2))
    assert not any(turns(catalogue, g0008103E=half, g00081030=half))
    for one_more in ({"g00081050": "a"}, {"g00080020": "2024"}, {"g00080050": "a?"}):
        with pytest.raises(QueryError) as caught:
            turns(catalogue, g0008103E=half, g00081030=half, **one_more)
        assert caught.value.kind is QueryProblem.UNABLE_TO_PROCESS
    with pytest.raises(QueryError):
        turns(catalogue, g00081050="\\".join(["a*"] * (MAX_PATTERNS + 1)))


def test_a_pattern_has_a_longest_length() -> None:
    text = "a" * MAX_PATTERN_LENGTH
    for pattern, expected in (("?" * MAX_PATTERN_LENGTH, True), ("?" * MAX_PATTERN_LENGTH + "*", False)):
        matcher = compile_key("LO", pattern)
        assert matcher is not None
        assert matcher.matches(text) is expected


def test_instances_are_read_as_they_are_sent(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instances, "BATCH", 2)
    found = retrieve(catalogue, Model.STUDY_ROOT, keys("STUDY", g0020000D="1.1"), now=NOW)
    statements: list[str] = []
    catalogue.connection.set_trace_callback(statements.append)
    assert len(found) == 4
    assert not statements
    sent = iter(found)
    assert [next(sent).sop_uid, next(sent).sop_uid] == ["1.1.1.1", "1.1.1.2"]
    assert len(statements) == 2  # the keys of the series, the first batch
    assert [ref.sop_uid for ref in sent] == ["1.1.1.3", "1.1.2.1"]
    assert len(statements) == 5
