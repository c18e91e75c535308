"""What comes back from elsewhere: each once for each visitor, across workers, and within bounds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.hospital.elements import EXPLICIT_LE, IMPLICIT_LE, Element, encode
from dicomhawk.lures import reuse as reuse_module
from dicomhawk.lures.reuse import MAX_ASKED
from tests.lures.laying import ANNA, BERT, laid


def test_a_uid_that_another_was_told_is_a_reuse(tmp_path: Path) -> None:
    with laid(tmp_path) as one, laid(tmp_path) as other:  # two workers
        root = one.scene.deployment.uid_root
        one.watch.answered(ANNA, f"x\0{root}.5.77.1\0\0UI{root}.5.77.2\\1.2.840.99.1 ".encode())
        one.flush()
        assert other.watch.asked(ANNA, f"{root}.5.77.1".encode()) == []
        (reuse,) = other.watch.asked(BERT, f"GET /studies/{root}.5.77.1/series".encode())
        assert (reuse.kind, reuse.value) == ("uid", f"{root}.5.77.1")
        assert (reuse.told.address, reuse.told.session) == ANNA[:2]
        assert other.watch.asked(BERT, f"{root}.5.77.1".encode()) == []  # once
        assert one.watch.asked(BERT, f"{root}.5.77.1".encode()) == []
        assert one.watch.asked(BERT, f"{root}.5.77.2".encode()) != []


def test_what_nobody_was_told_or_is_not_ours_is_none(tmp_path: Path) -> None:
    with laid(tmp_path) as lures:
        root = lures.scene.deployment.uid_root
        lures.watch.answered(ANNA, f"{root}.5.77.1".encode())
        for text in (f"{root}.5.77.10", f"{root}.5.77", root, f"9{root}.5.77.1", "1.2.840.10008.1.1", f"{root}."):
            assert lures.watch.asked(BERT, text.encode()) == [], text


def test_who_asked_before_it_was_told_to_anybody_is_no_reuse(tmp_path: Path) -> None:
    with laid(tmp_path) as lures:
        root = lures.scene.deployment.uid_root
        assert lures.watch.asked(BERT, f"{root}.1.2".encode()) == []
        lures.watch.answered(BERT, f"{root}.1.2".encode())
        lures.watch.answered(ANNA, f"{root}.1.2".encode())
        assert lures.watch.asked(BERT, f"{root}.1.2".encode()) == []


def test_credentials_patients_and_tokens_come_back_too(tmp_path: Path) -> None:
    with laid(tmp_path, canary_url="http://c.example") as lures:
        lures.watch.told(ANNA, "credential", ["credential/config"])
        lures.watch.told(ANNA, "patient", ["943 476 5919"])
        (reuse,) = lures.watch.came_back(BERT, "credential", "credential/config", "credential/config")
        assert reuse.lure == "credential/config" and reuse.told.session == ANNA.session
        assert lures.watch.came_back(BERT, "patient", "943 476 5919")
        assert not lures.watch.came_back(BERT, "patient", "943 476 5918")
        token = lures.mint("file/vpn", "file", ANNA, "/vpn")
        (reuse,) = lures.watch.asked(BERT, f"/x?id={token}".encode())
        assert (reuse.kind, reuse.lure, reuse.told.session) == ("token", "file/vpn", ANNA.session)
        assert lures.watch.asked(ANNA, f"/x?id={token}".encode()) == []


def test_a_request_with_thousands_costs_no_more_than_some(tmp_path: Path) -> None:
    with laid(tmp_path) as lures:
        root = lures.scene.deployment.uid_root
        uids = [f"{root}.8.{number}" for number in range(3000)]
        lures.watch.answered(ANNA, "\\".join(uids).encode())
        assert len(lures.watch.asked(BERT, "\\".join(uids).encode())) == MAX_ASKED


PATIENT = "9434765919"


def in_data_set(value: str, syntax: str) -> bytes:
    return encode({0x00100020: Element(0x00100020, "LO", value.encode())}, syntax)


@pytest.mark.parametrize(
    "told",
    [
        in_data_set(PATIENT, IMPLICIT_LE),
        in_data_set(PATIENT, EXPLICIT_LE),
        b'[{"00100020":{"vr":"LO","Value":["9434765919"]},"00100021":{}}]',
        b'{\n\t"PatientID" : "9434765919"\n}',
    ],
)
@pytest.mark.parametrize(
    "asked",
    [
        in_data_set(PATIENT, IMPLICIT_LE),
        in_data_set(PATIENT, EXPLICIT_LE),
        b"/studies?limit=5&PatientID=9434765919&x=1",
        b"/studies?00100020=9434765919",
    ],
)
def test_a_patient_that_another_was_told_of_is_a_reuse(tmp_path: Path, told: bytes, asked: bytes) -> None:
    with laid(tmp_path) as lures:
        lures.watch.answered(ANNA, told)
        (reuse,) = lures.watch.asked(BERT, asked)
        assert (reuse.kind, reuse.value, reuse.told.session) == ("patient", PATIENT, ANNA.session)
        assert lures.watch.asked(ANNA, asked) == []


@pytest.mark.parametrize("value", ["943*", "*", "", "1234", "94347659??", "9434765919\\9434765918"])
def test_patterns_and_short_numbers_are_everybody_s(tmp_path: Path, value: str) -> None:
    with laid(tmp_path) as lures:
        lures.watch.answered(ANNA, in_data_set(value, EXPLICIT_LE))
        assert lures.watch.asked(BERT, in_data_set(value, EXPLICIT_LE)) == []


@given(st.binary(max_size=300))
def test_whatever_comes_is_looked_through(data: bytes) -> None:
    assert all(len(value) >= 5 for value in reuse_module._patients(data + b"\x10\x00\x20\x00LO\x08\x00" + data))
