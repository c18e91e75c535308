"""What is wrong before there is an association: no DICOM at all, or a request that can't be understood."""

from __future__ import annotations

from collections.abc import Callable
from struct import pack

from ....upperlayer import pdu
from .. import building as b
from ..laboratory import Catalogue, Laboratory

catalogue = Catalogue()

HTTP = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"
TLS = bytes.fromhex(
    "160301004f0100004b0303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    "000006c02fc030009c0100001c000a00080006001d00170018000d00120010040105010601050306030201"
)
SSH = b"SSH-2.0-OpenSSH_9.2p1\r\n"
TRAILING = b"\1\2\3"
"""Bytes behind the last item that are none themselves."""
_PLAIN: tuple[b.Proposal, ...] = ((1, b.VERIFICATION, (b.IMPLICIT,)),)
_CONTEXT = b.context(_PLAIN[0])


def request(lab: Laboratory, items: bytes | None = None, *, length: int | None = None, tail: bytes = b"") -> bytes:
    """An A-ASSOCIATE-RQ that may claim a length of its own."""
    found = (b.items(_PLAIN) if items is None else items) + tail
    return b.associate(lab.called, lab.calling, found, length=length)


def _bytes(name: str, about: str, data: bytes) -> None:
    def play(lab: Laboratory) -> None:
        lab.line().send(data, about).finish()

    catalogue.add(f"before.{name}", about)(play)


_bytes("noise", "64 bytes without a meaning", bytes(n * 7 + 0x80 & 0xFF for n in range(64)))
_bytes("one-byte", "a single zero byte", b"\0")
_bytes("letters", "five letters", b"hello")
_bytes("newlines", "two empty lines", b"\r\n\r\n")
_bytes("http", "an HTTP request", HTTP)
_bytes("tls", "a TLS handshake", TLS)
_bytes("ssh", "an SSH greeting", SSH)
_bytes("p-data", "a P-DATA-TF before any association", b.echo())
_bytes("release-rq", "an A-RELEASE-RQ before any association", b.RELEASE_RQ)
_bytes("release-rp", "an A-RELEASE-RP before any association", b.RELEASE_RP)
_bytes("reject", "an A-ASSOCIATE-RJ from the client", b.unit(pdu.RJ, b"\0\1\1\1"))
_bytes("abort", "an A-ABORT before any association", b.ABORT)


@catalogue.add("before.accept", "an A-ASSOCIATE-AC from the client")
def accept(lab: Laboratory) -> None:
    answer = b.item(0x21, b"\1\0\0\0" + b.item(0x40, b.IMPLICIT))
    items = b.APPLICATION_CONTEXT + answer + b.user()
    lab.line().send(b.associate(lab.called, lab.calling, items, kind=pdu.AC), "A-ASSOCIATE-AC").finish()


@catalogue.add("before.unknown-pdu", "PDU types that don't exist")
def unknown_pdu(lab: Laboratory) -> None:
    for kind in (0x00, 0x08, 0x0F, 0x80, 0xFF):
        lab.line(f"{kind:#04x}").send(b.unit(kind, bytes(4)), "a PDU").finish()


@catalogue.add("before.unknown-pdu-long", "PDU types that don't exist, with much behind them")
def unknown_pdu_long(lab: Laboratory) -> None:
    for kind in (0x00, 0x08):
        lab.line(f"{kind:#04x}").send(b.unit(kind, bytes(200)), "a PDU").finish()
        lab.line(f"{kind:#04x} header only").send(b.unit(kind, b"", length=0), "a PDU").finish()


@catalogue.add("before.lengths", "an A-ASSOCIATE-RQ that claims another length than it has")
def lengths(lab: Laboratory) -> None:
    whole = request(lab)
    size = len(whole) - 6
    for label, length, data in (
        ("20 less", size - 20, whole[6:]),
        ("1 less", size - 1, whole[6:]),
        ("0, with a body", 0, whole[6:]),
        ("0, without a body", 0, b""),
        ("10, and has them", 10, whole[6:16]),
        ("67, and has them", 67, whole[6:73]),
        ("68, and has them", 68, whole[6:74]),
        ("0xFFFFFFFF", 0xFFFFFFFF, whole[6:]),
        ("1 MiB", 1 << 20, whole[6:]),
        ("200 KiB", 200 << 10, whole[6:]),
        ("100 KiB", 100 << 10, whole[6:]),
    ):
        lab.line(label).send(pack(">BBL", pdu.RQ, 0, length) + data, "A-ASSOCIATE-RQ").finish()
    line = lab.line("20 more, then the end")
    line.send(pack(">BBL", pdu.RQ, 0, size + 20) + whole[6:], "A-ASSOCIATE-RQ").watch(0.5)
    line.half_close().finish()


def _variants(name: str, about: str, variants: Callable[[], tuple[tuple[str, bytes], ...]]) -> None:
    def play(lab: Laboratory) -> None:
        for label, items in variants():
            line = lab.line(label)
            line.propose(_PLAIN)
            line.send(request(lab, items), "A-ASSOCIATE-RQ").finish()

    catalogue.add(f"before.{name}", about)(play)


def _overruns() -> tuple[tuple[str, bytes], ...]:
    head, information = b.APPLICATION_CONTEXT, b.user()
    abstract = b.item(0x30, b.VERIFICATION)
    inner = b.item(0x30, b.VERIFICATION, length=0x200) + b.item(0x40, b.IMPLICIT)
    long_uid = b.maximum_length(16384) + b.item(0x52, b.IMPLEMENTATION_CLASS_UID, length=0x1000)
    return (
        ("context", head + _CONTEXT[:2] + b"\x40\0" + _CONTEXT[4:] + information),
        ("abstract syntax", head + b.item(0x20, b"\1\0\0\0" + inner) + information),
        ("transfer syntax", head + b.item(0x20, b"\1\0\0\0" + abstract + b"\x40\0\2\0") + information),
        ("user information", head + _CONTEXT + b"\x50\0\xff\xff" + information[4:]),
        ("class UID", head + _CONTEXT + b.item(0x50, long_uid)),
        ("UID of a role", head + _CONTEXT + b.user(b.item(0x54, b"\x7f\xff1.2\1\1"))),
        ("UID of extended negotiation", head + _CONTEXT + b.user(b.item(0x56, b"\x7f\xff1.2\1"))),
        ("application context", b"\x10\0\x7f\xff" + head[4:] + _CONTEXT + information),
    )


def _short() -> tuple[tuple[str, bytes], ...]:
    head = b.APPLICATION_CONTEXT
    return (
        ("maximum length of 2", head + _CONTEXT + b.item(0x50, b.item(0x51, b"\x40\0"))),
        ("maximum length of 6", head + _CONTEXT + b.item(0x50, b.item(0x51, bytes(6)))),
        ("window of 2", head + _CONTEXT + b.user(b.item(0x53, b"\0\1"))),
        ("context of 2", head + b.item(0x20, b"\1\0") + b.user()),
        ("context of 0", head + b.item(0x20, b"") + b.user()),
        ("role of 1", head + _CONTEXT + b.user(b.item(0x54, b"\0"))),
        ("identity of 3", head + _CONTEXT + b.user(b.item(0x58, b"\1\1\0"))),
    )


def _tails() -> tuple[tuple[str, bytes], ...]:
    whole = b.items(_PLAIN)
    return (
        ("3 bytes", whole + TRAILING),
        ("1 byte", whole + b"\0"),
        ("4 zeros", whole + bytes(4)),
        ("in user information", b.items(_PLAIN, information=b.item(0x50, b.user()[4:] + TRAILING))),
    )


_variants("overruns", "items that claim more than there is", _overruns)
_variants("short-items", "items that are too short for what they are", _short)
_variants("tails", "bytes behind the last item", _tails)


@catalogue.add("before.empty-titles", "a request without AE titles")
def empty_titles(lab: Laboratory) -> None:
    items = b.items(_PLAIN)
    for label, called, calling in (
        ("both", b" " * 16, b" " * 16),
        ("NULs", bytes(16), bytes(16)),
        ("called", b" " * 16, b.ae_title(lab.calling)),
        ("calling", b.ae_title(lab.called), b" " * 16),
    ):
        lab.line(label).send(b.associate(called, calling, items), "A-ASSOCIATE-RQ").finish()
