"""Modality Worklist FIND (PS3.4 annex K)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomhawk.hospital.answer import Answering
from dicomhawk.hospital.catalogue import Catalogue, CatalogueWriter
from dicomhawk.hospital.elements import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, DataSet, Element, decode
from dicomhawk.hospital.query import Match, QueryError, QueryProblem, encode_match
from dicomhawk.hospital.worklist import ROOT_ATTRIBUTES, STEP_ATTRIBUTES, find_worklist
from tests.hospital.small_hospital import NOW, build, keys, read, step

SEQUENCE = 0x00400100


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    path = tmp_path_factory.mktemp("worklist") / "catalogue.sqlite"
    build(path)
    with CatalogueWriter(path) as writer:
        step(writer, 1)
        step(writer, 2, modality="MR", station_ae="MR01", start_time="0900", performing_physician="House^Gregory")
        step(writer, 3, start_date="20240111", priority="STAT", admission_id="ADM-9", status="ARRIVED")
        step(writer, 3, step_id="FUTURE", visible_from=NOW + 1)
        step(writer, 3, step_id="DONE", visible_until=NOW)
    return Catalogue(path)


def found(catalogue: Catalogue, identifier: DataSet) -> list[Match]:
    return [match for match in find_worklist(catalogue, identifier, now=NOW) if match]


def step_ids(catalogue: Catalogue, step_keys: DataSet, **values: str) -> list[str]:
    identifier = keys(sequence=step_keys, **values)
    return sorted(
        read(match).ScheduledProcedureStepSequence[0].ScheduledProcedureStepID
        for match in found(catalogue, identifier)
    )


def step_keys(**values: str) -> DataSet:
    made = keys(**({"g00400009": ""} | values))
    del made[0x00080005]
    return made


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ["SPS1", "SPS2", "SPS3"]),
        ({"g00080060": "CT"}, ["SPS1", "SPS3"]),
        ({"g00080060": "CT", "g00400002": "20240111"}, ["SPS3"]),
        ({"g00080060": "MR", "g00400002": "20240111"}, []),
        ({"g00400002": "20240110-20240110", "g00400003": "10-11"}, ["SPS1"]),
        ({"g00400001": "MR*"}, ["SPS2"]),
        ({"g00400001": "mr01"}, []),
        ({"g00400006": "house*"}, ["SPS2"]),
        ({"g00400020": "ARRIVED\\READY"}, ["SPS3"]),
    ],
)
def test_steps_are_found_by_the_keys_of_the_item(
    catalogue: Catalogue, values: dict[str, str], expected: list[str]
) -> None:
    assert step_ids(catalogue, step_keys(**values)) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"g00100010": "å*"}, ["SPS1"]),
        ({"g00100020": "P3"}, ["SPS3"]),
        ({"g00080050": "ORD2"}, ["SPS2"]),
        ({"g0020000D": "2.1\\2.3"}, ["SPS1", "SPS3"]),
        ({"g00401003": "STAT"}, ["SPS3"]),
        ({"g00380010": "ADM*"}, ["SPS3"]),
        ({"g00100010": "Nobody"}, []),
    ],
)
def test_steps_are_found_by_the_keys_around_it(
    catalogue: Catalogue, values: dict[str, str], expected: list[str]
) -> None:
    assert step_ids(catalogue, step_keys(), **values) == expected


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE])
def test_a_response_has_its_keys_nested_as_asked_for(catalogue: Catalogue, syntax: str) -> None:
    item = step_keys(g00080060="", g00400001="", g00400002="", g00400003="", g00400008="", g00400010="")
    identifier = keys(sequence=item, g00100020="P1", g00100010="", g0020000D="", g00401001="", g00321064="")
    (match,) = find_worklist(catalogue, identifier, now=NOW, answering=Answering(character_set="ISO_IR 100"))
    assert match.unsupported == ()
    answer = read(match, syntax)
    assert answer.SpecificCharacterSet == "ISO_IR 100"
    assert answer.PatientName == "Ågård^Søren^^Dr"
    assert answer.StudyInstanceUID == "2.1"
    assert answer.RequestedProcedureID == "RP1"
    assert len(answer.RequestedProcedureCodeSequence) == 0
    (step_answer,) = answer.ScheduledProcedureStepSequence
    assert step_answer.Modality == "CT"
    assert step_answer.ScheduledStationAETitle == "CT01"
    assert step_answer.ScheduledProcedureStepStartDate == "20240110"
    assert step_answer.ScheduledProcedureStepStartTime == "1030"
    assert len(step_answer.ScheduledProtocolCodeSequence) == 0
    assert step_answer["ScheduledStationName"].is_empty
    assert len(step_answer) == 7
    assert 0x00080052 not in answer


@pytest.mark.parametrize("value", [(), ({},), b""])
def test_a_sequence_without_keys_asks_for_all_of_the_step(
    catalogue: Catalogue, value: bytes | tuple[DataSet, ...]
) -> None:
    identifier = keys(g00100020="P2") | {SEQUENCE: Element(SEQUENCE, "SQ", value)}
    (match,) = found(catalogue, identifier)
    (item,) = decode(encode_match(match, EXPLICIT_LE), EXPLICIT_LE)[SEQUENCE].value
    assert isinstance(item, dict)
    assert list(item) == sorted(STEP_ATTRIBUTES)
    assert item[0x00080060].value == b"MR"


def test_without_the_sequence_the_step_is_not_returned(catalogue: Catalogue) -> None:
    (match,) = found(catalogue, keys(g00100020="P2", g00100010=""))
    assert set(match.values()) == {0x00100020, 0x00100010}


def test_unknown_keys_come_back_empty_with_a_warning(catalogue: Catalogue) -> None:
    (match,) = found(catalogue, keys(sequence=step_keys(g00400005=""), g00100020="P2", g00091001="x"))
    assert set(match.unsupported) == {0x00400005, 0x00091001}
    assert read(match).ScheduledProcedureStepSequence[0][0x00400005].is_empty


def test_several_items_are_refused(catalogue: Catalogue) -> None:
    with pytest.raises(QueryError) as caught:
        find_worklist(catalogue, {SEQUENCE: Element(SEQUENCE, "SQ", ({}, {}))}, now=NOW)
    assert caught.value.kind is QueryProblem.IDENTIFIER_MISMATCH
    assert caught.value.tags == (SEQUENCE,)


def test_too_many_keys_are_refused(catalogue: Catalogue) -> None:
    item = {tag: Element(tag, "LO", b"") for tag in range(0x00091000, 0x00091000 + 1001)}
    with pytest.raises(QueryError) as caught:
        find_worklist(catalogue, keys(sequence=item), now=NOW)
    assert caught.value.kind is QueryProblem.UNABLE_TO_PROCESS


def test_every_attribute_can_be_asked_for(catalogue: Catalogue) -> None:
    item = step_keys(**{f"g{tag:08X}": "" for tag in STEP_ATTRIBUTES})
    root = {f"g{tag:08X}": "" for tag in ROOT_ATTRIBUTES}
    matches = found(catalogue, keys(sequence=item, **root))
    assert len(matches) == 3
    for match in matches:
        assert match.unsupported == ()
        answer = decode(encode_match(match, EXPLICIT_LE), EXPLICIT_LE)
        assert set(answer) >= set(ROOT_ATTRIBUTES)
        again = found(catalogue, answer)
        assert [each.row[0] for each in again] == [match.row[0]], "a step matches its own answer"


def test_an_empty_worklist_has_no_matches(tmp_path: Path) -> None:
    with CatalogueWriter(tmp_path / "c"):
        pass
    assert found(Catalogue(tmp_path / "c"), keys(sequence=step_keys())) == []
