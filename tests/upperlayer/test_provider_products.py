"""Scripts of bytes on the dialects of the measured personas; what is expected was seen on the products' wire.

Seen on Debian's dcmqrscp (DCMTK 3.6.7) and Orthanc 1.10.1, with a raw client on loopback. A part of a script is a
segment; CLOSED is the peer's closing of its side. `open`: the connection was left open.
"""

from __future__ import annotations

import pytest

from dicomhawk.persona.model import load
from dicomhawk.upperlayer import dimse, pdu
from dicomhawk.upperlayer.dialect import Close, Dialect
from dicomhawk.upperlayer.dimse import Key
from dicomhawk.upperlayer.message import CommandReceived
from dicomhawk.upperlayer.provider import Provider
from tests.upperlayer.playbook import (
    ABORT,
    ECHO,
    FIND,
    IMPLICIT,
    RELEASE_RQ,
    RQ,
    VERIFICATION,
    answer,
    echo_rq,
    indications,
    output,
    p_data,
    policy,
    request,
)

CLOSED = b"<closed>"
NAMES = {2: "AC", 3: "RJ", 4: "D", 6: "RP", 7: "AB"}
OPEN = pdu.encode(request((1, VERIFICATION, (IMPLICIT,)), (3, "1.2.3", (IMPLICIT,)), (7, FIND, (IMPLICIT,))))
FIND_RQ = p_data(
    7,
    dimse.encode(
        {
            Key.AffectedSOPClassUID: FIND,
            Key.CommandField: 0x20,
            Key.MessageID: 1,
            Key.Priority: 0,
            Key.CommandDataSetType: 1,
        }
    ),
)
ECHO_BYTES = dimse.encode(echo_rq().elements)
DIALECTS = {name: load(name).dialect() for name in ("dcmqrscp", "orthanc")}


def unit(pdu_type: int, body: bytes | int = b"", length: int | None = None) -> bytes:
    """A PDU of any type with a body (a number: so many zeros), which claims `length`."""
    body = bytes(body) if isinstance(body, int) else body
    return bytes((pdu_type, 0)) + (len(body) if length is None else length).to_bytes(4, "big") + body


def pdv(context_id: int, control: int, data: bytes, length: int | None = None) -> bytes:
    """A presentation data value that claims `length`."""
    size = len(data) + 2 if length is None else length
    return size.to_bytes(4, "big") + bytes((context_id, control)) + data


UNKNOWN = unit(8)
BEFORE: dict[str, tuple[tuple[bytes, ...], str, str]] = {
    # script, what dcmqrscp did, what Orthanc did
    "an unknown type": ((unit(8),), "fin", "open"),
    "an unknown type, then something": ((unit(8), b"x"), "fin", "rst"),
    "an unknown type with a body": ((unit(8, 4),), "rst", "rst"),
    "a release's header": ((unit(5),), "AB00 fin", "AB00 open"),
    "a release's header, then something": ((unit(5), b"x"), "AB00 fin", "AB00 rst"),
    "a release": ((RELEASE_RQ,), "AB00 rst", "AB00 rst"),
    "data": ((ECHO,), "AB00 rst", "AB00 rst"),
    "the header of data": ((ECHO[:6],), "AB00 fin", "AB00 open"),
    "too much data, its header": ((unit(4, length=20000),), "fin", "open"),
    "too much data": ((unit(4, 20000),), "rst", "rst"),
    "an abort": ((ABORT,), "rst", "rst"),
    "an abort's header": ((unit(7),), "fin", "fin"),
    "a request of 1 MiB": ((unit(1, length=1 << 20),), "open", "open"),
    "a longer request": ((unit(1, length=(1 << 20) + 1),), "fin", "open"),
    "a longer request with a body": ((unit(1, b"x", (1 << 20) + 1),), "rst", "rst"),
    "an unparsable request": ((unit(1, RQ[6:] + b"\1\2\3"),), "fin", "open"),
    "an unparsable request, then something": ((unit(1, RQ[6:] + b"\1\2\3"), b"x"), "fin", "rst"),
    "an unparsable request, then the end": ((unit(1, RQ[6:] + b"\1\2\3"), CLOSED), "fin", "fin"),
    "an unparsable request with more behind it": ((unit(1, RQ[6:] + b"\1\2\3") + ECHO,), "rst", "rst"),
    "half a request, then the end": ((RQ[:90], CLOSED), "fin", "fin"),
    "nothing, then the end": ((CLOSED,), "fin", "fin"),
}
ON: dict[str, tuple[tuple[bytes, ...], str, str]] = {
    "a release of no length": ((unit(5),), "RP open", "RP open"),
    "a release of 128 bytes": ((unit(5, 128),), "RP open", "RP open"),
    "a release of 129 bytes": ((unit(5, 129),), "AB00 AB22 rst", "AB00 AB22 rst"),
    "the header of a release of 129 bytes": ((unit(5, length=129),), "AB00 open", "AB00 open"),
    "a release, then something": ((RELEASE_RQ, b"x"), "RP rst", "RP rst"),
    "a release with an echo behind it": ((RELEASE_RQ + ECHO,), "RP rst", "RP rst"),
    "a release, then the end": ((RELEASE_RQ, CLOSED), "RP fin", "RP fin"),
    "an abort": ((ABORT,), "fin", "fin"),
    "an abort of no length": ((unit(7),), "fin", "fin"),
    "an abort of 128 bytes": ((unit(7, 128),), "fin", "fin"),
    "an abort with something behind it": ((ABORT + b"x",), "rst", "rst"),
    "the header of an abort": ((ABORT[:6],), "open", "open"),
    "a release's answer": ((unit(6, 4),), "AB22 rst", "AB22 rst"),
    "the header of a release's answer": ((unit(6),), "AB22 fin", "AB22 open"),
    "the header of a release's answer, then something": ((unit(6), b"x"), "AB22 fin", "AB22 rst"),
    "the header of a request": ((RQ[:6],), "AB22 fin", "AB22 open"),
    "an unknown type": ((UNKNOWN,), "AB00 open", "AB00 open"),
    "two unknown types": ((UNKNOWN * 2,), "AB00 AB22 fin", "AB00 AB22 open"),
    "two unknown types and more": ((UNKNOWN * 2 + b"x",), "AB00 AB22 rst", "AB00 AB22 rst"),
    "an unknown type, an abort": ((UNKNOWN + ABORT,), "AB00 rst", "AB00 rst"),
    "an unknown type, an abort of no length": ((UNKNOWN + unit(7),), "AB00 fin", "AB00 fin"),
    "an unknown type, an echo": ((UNKNOWN + ECHO,), "AB00 open", "AB00 open"),
    "an unknown type, 1024 bytes of data": ((UNKNOWN + unit(4, 1024),), "AB00 fin", "AB00 open"),
    "an unknown type, 1024 bytes of data and more": ((UNKNOWN + unit(4, 1024) + b"x",), "AB00 rst", "AB00 rst"),
    "an unknown type, 1025 bytes of data": ((UNKNOWN + unit(4, 1025),), "AB00 open", "AB00 open"),
    "an unknown type, too much data": ((UNKNOWN + unit(4, length=20000),), "AB00 AB22 fin", "AB00 AB22 open"),
    "an unknown type, a request's header": ((UNKNOWN + unit(1),), "AB00 AB22 fin", "AB00 AB22 open"),
    "an unknown type, a release, the end": ((UNKNOWN + RELEASE_RQ, CLOSED), "AB00 fin", "AB00 fin"),
    "the header of too much data": ((unit(4, length=16385),), "AB00 AB22 fin", "AB00 AB22 open"),
    "too much data": ((unit(4, 16385),), "AB00 AB22 rst", "AB00 AB22 rst"),
    "three bytes, the end": ((ECHO[:3], CLOSED), "fin", "fin"),
    "a header, the end": ((ECHO[:6], CLOSED), "AB00 fin", "AB00 fin"),
    "half of it, the end": ((ECHO[:40], CLOSED), "AB00 fin", "AB00 fin"),
    "the end": ((CLOSED,), "fin", "fin"),
    "two echoes at once": ((ECHO * 2,), "D D open", "D D open"),
    "an odd fragment behind a whole command": (
        (unit(4, pdv(1, 1, ECHO_BYTES) + pdv(1, 3, b"x")),),
        "D open",
        "D open",
    ),
    "a command of an odd length": ((unit(4, pdv(1, 3, ECHO_BYTES + b"\0")),), "AB00 open", "AB00 open"),
    "half a command where no context is": ((unit(4, pdv(3, 1, ECHO_BYTES[:20])),), "open", "open"),
    "a command where no context is": ((unit(4, pdv(3, 3, ECHO_BYTES)),), "AB00 open", "AB00 open"),
    "a control header with all bits": ((unit(4, pdv(1, 0xFF, ECHO_BYTES)),), "D open", "D open"),
    "bytes behind the last value": ((unit(4, pdv(1, 3, ECHO_BYTES) + bytes(3)),), "AB00 open", "AB00 open"),
    "a data set first": ((unit(4, pdv(1, 2, b"ab")),), "AB00 open", "AB00 open"),
    "a command for a data set": ((FIND_RQ + ECHO,), "AB00 open", "open"),
    "commands for a data set": ((FIND_RQ + ECHO * 2,), "AB00 open", "D open"),
    "an abort for a data set": ((FIND_RQ + ABORT,), "fin", "fin"),
    "a request for a data set": ((FIND_RQ + RQ,), "AB22 rst", "AB22 AB22 rst"),
    "an unknown type for a data set": ((FIND_RQ + UNKNOWN,), "AB00 open", "open"),
    "a rejection for a data set": ((FIND_RQ + unit(3, 4),), "AB22 rst", "AB22 open"),
    "a rejection's header for a data set": ((FIND_RQ + unit(3),), "AB22 fin", "AB22 open"),
    "a rejection's header for a data set, then something": ((FIND_RQ + unit(3), b"x"), "AB22 fin", "AB22 rst"),
    "a request's header for a data set": ((FIND_RQ + unit(1),), "AB22 fin", "AB22 open"),
    "a request's header for a data set, then something": ((FIND_RQ + unit(1), b"x"), "AB22 fin", "AB22 AB22 rst"),
    "a rejection of 1024 bytes for a data set": ((FIND_RQ + unit(3, 1024),), "AB22 rst", "AB22 open"),
    "a rejection of 1024 bytes for a data set, then something": (
        (FIND_RQ + unit(3, 1024), b"x"),
        "AB22 rst",
        "AB22 rst",
    ),
    "a rejection for a data set, an abort": ((FIND_RQ + unit(3, 4), ABORT), "AB22 rst", "AB22 open"),
    "too much data for a data set": ((FIND_RQ + unit(4, length=20000),), "AB00 AB22 fin", "open"),
    "too much data for a data set, an echo": (
        (FIND_RQ + unit(4, length=20000), ECHO),
        "AB00 AB22 fin",
        "AB00 open",
    ),
    "too much data for a data set, an abort": ((FIND_RQ + unit(4, length=20000), ABORT), "AB00 AB22 fin", "AB00 rst"),
    "the end for a data set": ((FIND_RQ, CLOSED), "fin", "fin"),
    "an odd data set": ((FIND_RQ + unit(4, pdv(7, 2, b"abc")),), "AB00 open", "open"),
    "a data set where no context is": ((FIND_RQ + unit(4, pdv(3, 2, b"ab")),), "AB00 open", "open"),
    "a data set that changes to its context": (
        (FIND_RQ + unit(4, pdv(1, 0, b"ab")) + unit(4, pdv(7, 0, b"ab")),),
        "AB00 open",
        "open",
    ),
    "a data set on another context": ((FIND_RQ + unit(4, pdv(1, 2, b"ab")),), "AB00 open", "open"),
}


def feed(provider: Provider, data: bytes) -> None:
    """One segment, or the end, with a user who answers at once."""
    if data == CLOSED:
        if provider.close is None:
            provider.peer_closed(0.0)
        return
    if provider.close is not None:
        return
    provider.feed(data, 0.0)
    while provider.close is None and (indication := provider.poll(0.0)) is not None:
        if not (hasattr(indication, "command") and indication.command.has_data_set):
            answer(provider, indication, policy())
    provider.consumed()


def seen(dialect: Dialect, parts: tuple[bytes, ...]) -> tuple[Provider, str]:
    """The provider after the script, and in words what a peer sees of it."""
    provider = Provider(dialect, 0.0)
    words = []
    for data in parts:
        feed(provider, data)
    sent = output(provider)
    while sent:
        size = 6 + int.from_bytes(sent[2:6], "big")
        words.append(NAMES[sent[0]] + (f"{sent[8]}{sent[9]}" if sent[0] == pdu.ABORT else ""))
        sent = sent[size:]
    closes = {None: "open", Close.FIN: "fin", Close.RESET: "rst"}
    return provider, " ".join([*words, closes[provider.close]])


@pytest.mark.parametrize("name", BEFORE)
def test_before_an_association(name: str) -> None:
    parts, *expected = BEFORE[name]
    assert [seen(dialect, parts)[1] for dialect in DIALECTS.values()] == expected


@pytest.mark.parametrize("name", ON)
def test_on_an_association(name: str) -> None:
    parts, *expected = ON[name]
    assert [seen(dialect, (OPEN, *parts))[1] for dialect in DIALECTS.values()] == [f"AC {end}" for end in expected]


# Timers. The numbers are when the product did something, in seconds; 0.6 s less than seen where its kernel is late.

LATER = {
    "silence": ((), [(30, "fin")], [(30, "fin")]),
    "a header": ((RQ[:6],), [(60, "fin")], [(60, "open"), (240, "fin")]),
    "half a request": ((RQ[:90],), [(60, "fin")], [(60, "open"), (240, "fin")]),
    "an idle association": ((OPEN,), [(60, "fin")], [(30, "AB00 open"), (60, "fin")]),
    "three bytes of a header": ((OPEN, ECHO[:3]), [(60, "fin")], [(1, "AB00 open"), (31, "fin")]),
    "half a P-DATA-TF": ((OPEN, ECHO[:40]), [(60, "AB00 open"), (90, "fin")], [(60, "AB00 open"), (90, "fin")]),
    "a data set that doesn't come": (
        (OPEN, FIND_RQ),
        [(60, "fin")],
        [(30, "open"), (60, "AB00 open"), (90, "fin")],
    ),
    "after a release": ((OPEN, RELEASE_RQ), [(180, "fin")], [(180, "fin")]),
    "an unparsable request": ((unit(1, RQ[6:] + b"\1\2\3"),), [], [(180, "fin")]),
}


@pytest.mark.parametrize("name", LATER)
@pytest.mark.parametrize("product", DIALECTS)
def test_timers(name: str, product: str) -> None:
    parts, *both = LATER[name]
    expected = both[list(DIALECTS).index(product)]
    provider, _ = seen(DIALECTS[product], parts)
    happened = []
    while provider.close is None and (deadline := provider.deadline) is not None:
        provider.handle_timer(deadline)
        sent = output(provider)
        closes = {None: "open", Close.FIN: "fin", Close.RESET: "rst"}
        happened.append((deadline, f"{'AB00 ' if sent else ''}{closes[provider.close]}"))
        assert sent in (b"", bytes.fromhex("07000000000400000000"))
    assert happened == expected


@pytest.mark.parametrize(("product", "kept"), [("dcmqrscp", 60.0), ("orthanc", 0.9)])
def test_half_a_command_is_forgotten_by_who_does_not_wait_for_the_rest(product: str, kept: float) -> None:
    first, rest = unit(4, pdv(1, 1, ECHO_BYTES[:20])), unit(4, pdv(1, 3, ECHO_BYTES[20:]))
    provider, _ = seen(DIALECTS[product], (OPEN,))
    assert indications(provider, first, 0.0) == []
    assert len(indications(provider, rest, kept)) == 1
    assert indications(provider, first, 100.0) == []
    (found,) = indications(provider, ECHO, 101.5)
    assert isinstance(found, CommandReceived) is (product == "orthanc")


def test_waiting_for_a_turn_is_not_the_peers_silence() -> None:
    provider, _ = seen(DIALECTS["orthanc"], (OPEN,))
    assert provider.deadline == 30.0
    provider.postpone(5.0)
    assert provider.deadline == 35.0


def test_a_release_during_a_query_is_not_answered_by_orthanc() -> None:
    dialect = DIALECTS["orthanc"]
    assert not dialect.release_in_service and DIALECTS["dcmqrscp"].release_in_service
    provider, _ = seen(dialect, (OPEN,))
    provider.works = True
    found = indications(provider, UNKNOWN)
    assert [(violation.quirk.value, violation.reaction.close) for violation in found] == [("unknown-pdu", Close.KEEP)]  # type: ignore[union-attr]
    assert provider.close is None and output(provider) == b""
