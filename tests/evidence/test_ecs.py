"""From events to lines: what a reader of the journal can rely on."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest

from dicomhawk.evidence import ecs
from dicomhawk.evidence import events as ev
from dicomhawk.evidence.community import community_id
from dicomhawk.evidence.fields import MAX_ENTRIES, MAX_STRING, Event, text
from dicomhawk.evidence.stamps import Stamps, rfc3339

NS = 1_795_303_256_674_321_000  # 2026-11-21T23:20:56.674Z


def line(event: Event, *, dicom: bytes = b"", secrets: bool = True, duration: int | None = None) -> dict[str, Any]:
    envelope = ecs.Envelope(
        ecs.envelope(
            {
                "session": "S",
                "source": {"ip": "198.51.100.23"},
                "related": {"ip": ["198.51.100.23"]},
                "honeypot": {"connection": "C"},
            }
        ),
        dicom,
    )
    data = ecs.line(ecs.encode(event, secrets=secrets), envelope, Stamps().stamp(NS), 7, duration)
    assert data.endswith(b"}\n")
    assert data.count(b"\n") == 1
    return dict(json.loads(data, object_pairs_hook=no_duplicates))


def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


def association(**more: Any) -> ev.Association:
    return ev.Association(calling="ECHOSCU", called="ANY-SCP", implementation_version="OFFIS_DCMTK_367", **more)


def test_an_event_is_a_nested_ecs_document() -> None:
    document = line(ev.CEcho(message_id=3, context_id=1), duration=18_400)
    identifier = document["event"].pop("id")
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", identifier)
    assert document == {
        "@timestamp": "2026-11-21T23:20:56.674Z",
        "event": {
            "sequence": 7,
            "kind": "event",
            "action": "dicom.c-echo",
            "category": ["network"],
            "type": ["protocol", "info"],
            "module": "dicom",
            "dataset": "honeypot.dicom",
            "provider": "sensor",
            "severity": 20,
            "outcome": "success",
            "duration": 18_400,
        },
        "session": "S",
        "source": {"ip": "198.51.100.23"},
        "related": {"ip": ["198.51.100.23"]},
        "honeypot": {"connection": "C"},
        "dicom": {"status": "0x0000", "command": {"message_id": 3}, "context": {"id": 1}},
    }


def test_objects_of_event_and_envelope_are_joined() -> None:
    document = line(ev.ConnectionClose(reason="peer-fin", bytes_in=10, bytes_out=20))
    assert document["source"] == {"bytes": 10, "ip": "198.51.100.23"}
    assert document["destination"] == {"bytes": 20}
    assert document["honeypot"] == {"connection": "C"}
    assert document["event"]["reason"] == "peer-fin"
    assert "dicom" not in document


def test_a_value_goes_to_related_too() -> None:
    document = line(association(username="root", identity_type=1))
    assert document["honeypot"]["credential"] == {"username": "root"}
    assert document["related"] == {"user": ["root"], "ip": ["198.51.100.23"]}


def test_lists_of_parts_keep_their_order_and_leave_out_what_is_absent() -> None:
    contexts = (
        ev.Context(id=3, abstract_syntax="1.2", transfer_syntaxes=("1", "2"), result="accepted", transfer_syntax="1"),
        ev.Context(id=1, abstract_syntax="1.3", transfer_syntaxes=()),
    )
    document = line(association(contexts=contexts))
    assert document["dicom"]["contexts"] == [
        {
            "id": 3,
            "abstract_syntax": "1.2",
            "transfer_syntaxes": ["1", "2"],
            "result": "accepted",
            "transfer_syntax": "1",
        },
        {"id": 1, "abstract_syntax": "1.3", "transfer_syntaxes": []},
    ]
    assert "roles" not in document["dicom"]


def test_later_events_repeat_who_asked() -> None:
    following = ecs.following(association(max_pdu=16384))
    document = line(ev.CEcho(message_id=1), dicom=following)
    assert document["dicom"] == {
        "status": "0x0000",
        "command": {"message_id": 1},
        "ae": {"calling": "ECHOSCU", "called": "ANY-SCP"},
        "implementation": {"version": "OFFIS_DCMTK_367"},
    }
    assert line(ev.SessionStart(), dicom=following)["dicom"]["ae"]["called"] == "ANY-SCP"
    assert ecs.following(ev.CEcho(message_id=1)) == b""


@pytest.mark.parametrize("secret", ["hunter2", "p\u00e4ss", ""])
def test_passwords_are_hashed_where_the_settings_say_so(secret: str) -> None:
    event = association(username="root", password=secret)
    assert line(event)["honeypot"]["credential"]["password"] == secret
    assert line(event, secrets=False)["honeypot"]["credential"] == {
        "username": "root",
        "password_sha256": hashlib.sha256(secret.encode()).hexdigest(),
    }


def test_long_values_are_cut_and_named() -> None:
    keys = {"00100010": "A" * 5000, "00100020": "B" * MAX_STRING}
    document = line(ev.CFind(level="STUDY", keys=keys))
    assert document["dicom"]["query"]["keys"] == {"00100010": "A" * MAX_STRING, "00100020": "B" * MAX_STRING}
    assert document["honeypot"] == {"cut": ["dicom.query.keys.00100010"], "connection": "C"}


def test_long_lists_are_cut_and_named() -> None:
    document = line(ev.CFind(keys={f"{tag:08X}": "" for tag in range(MAX_ENTRIES + 1)}))
    assert len(document["dicom"]["query"]["keys"]) == MAX_ENTRIES
    assert document["honeypot"]["cut"] == ["dicom.query.keys"]


def test_what_is_repeated_is_cut_too() -> None:
    following = ecs.following(ev.Association(calling="A" * 70_000, called="B"))
    assert len(following) < 2 * MAX_STRING


@pytest.mark.parametrize(
    "hostile",
    ['"},"event":{"id":"x', "\\", "\n\r\0\x1b[2J\x7f", "\u2028\u2029\u202e", "\ud800", "\U0001f9e0", '"source":{'],
)
def test_hostile_text_stays_data(hostile: str) -> None:
    document = line(ev.CMove(destination=hostile, keys={"00100010": hostile}))
    expected = hostile.encode("utf-8", "backslashreplace").decode()
    assert document["dicom"]["move"]["destination"] == expected
    assert document["dicom"]["query"]["keys"]["00100010"] == expected
    assert document["event"]["action"] == "dicom.c-move"


def test_text_keeps_utf8_and_shows_other_bytes() -> None:
    assert text("Müller".encode()) == "Müller"
    assert text("Müller".encode("latin-1")) == "M\\xfcller"
    assert len(text(b"\xff" * 100_000)) == MAX_STRING + 1
    assert len(text("\U0001f9e0".encode() * 100_000)) == MAX_STRING + 1


def test_identifiers_increase_even_if_the_clock_steps_back() -> None:
    stamps = Stamps()
    moments = [NS + step * 100_000 for step in range(3000)] + [NS - 10**12] * 3000 + [NS + 10**12]
    identifiers = [stamps.ulid(moment) for moment in moments]
    assert identifiers == sorted(set(identifiers))
    assert {len(identifier) for identifier in identifiers} == {26}


def test_identifiers_hold_the_moment() -> None:
    # The example of github.com/ulid/spec: 01ARZ3NDEK is 2016-07-30T23:54:10.259Z.
    assert Stamps().ulid(1_469_922_850_259_000_000).startswith(b"01ARZ3NDEK")


def test_moments() -> None:
    stamps = Stamps()
    assert stamps.stamp(NS).startswith(b'{"@timestamp":"2026-11-21T23:20:56.674Z","event":{"id":"')
    assert stamps.stamp(NS + 326_000_000).startswith(b'{"@timestamp":"2026-11-21T23:20:57.000Z"')
    assert stamps.stamp(NS).startswith(b'{"@timestamp":"2026-11-21T23:20:56.674Z"')
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(NS // 1000) == "2026-11-21T23:20:56.674Z"


@pytest.mark.parametrize(
    ("source", "destination", "expected"),
    [
        # The baseline of the specification (community-id-spec, README and baseline/*.txt).
        (("128.232.110.120", 34855), ("66.35.250.204", 80), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (("66.35.250.204", 80), ("128.232.110.120", 34855), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    ],
)
def test_community_id(source: tuple[str, int], destination: tuple[str, int], expected: str) -> None:
    assert community_id(source, destination).decode() == expected


def test_community_id_of_ipv6_is_the_same_in_both_directions() -> None:
    one, other = ("2001:db8::1%eth0", 40000), ("2001:db8::2", 104)
    assert community_id(one, other) == community_id(other, one) == community_id(("2001:db8::1", 40000), other)


@pytest.mark.parametrize("value", ['"' * 1100, 'a"b' * 1000, "\\" * 1025, "\n" * 1025, "é" * 1025])
def test_long_values_are_found_whatever_they_hold(value: str) -> None:
    document = line(ev.CMove(destination=value))
    assert document["dicom"]["move"]["destination"] == value[:MAX_STRING]
    assert document["honeypot"]["cut"] == ["dicom.move.destination"]


def test_long_lists_of_short_values_are_found() -> None:
    syntaxes = tuple("1" for _ in range(MAX_ENTRIES + 1))
    context = ev.Context(id=1, abstract_syntax="1.2", transfer_syntaxes=syntaxes)
    document = line(association(contexts=(context,)))
    assert len(document["dicom"]["contexts"][0]["transfer_syntaxes"]) == MAX_ENTRIES
    assert document["honeypot"]["cut"] == ["dicom.contexts.transfer_syntaxes"]
    whole = ev.Context(id=1, abstract_syntax="1.2", transfer_syntaxes=syntaxes[1:])
    assert "cut" not in line(association(contexts=(whole,)))["honeypot"]


@pytest.mark.parametrize("number", [0, 7, 65535])
def test_a_message_id_that_was_to_come(number: int) -> None:
    # What looks like one within a stranger's string stays as it is.
    syntax = f'"message_id":{ecs.MESSAGE_ID_TO_COME}'
    prepared = ecs.encode(ev.CEcho(message_id=ecs.MESSAGE_ID_TO_COME, context_id=1, abstract_syntax=syntax))
    assert ecs.numbered(prepared, number) == ecs.encode(
        ev.CEcho(message_id=number, context_id=1, abstract_syntax=syntax)
    )
