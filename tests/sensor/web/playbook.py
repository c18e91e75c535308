"""What the tests of the wire share: an engine without a socket, and ways to write requests down."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from dicomhawk.persona.model import load
from dicomhawk.persona.model.http import Http
from dicomhawk.sensor.web.wire.inbound import BodyReceived, HeadReceived, Inbound, Wrong

PORT = 8042
NEUTRAL = Http()


@lru_cache
def http_of(persona: str) -> Http:
    """The web door of a shipped persona."""
    return load(persona).http


def request(line: bytes = b"GET /x HTTP/1.1", *fields: bytes, body: bytes = b"") -> bytes:
    """A request with a Host, its lines ended by CRLF."""
    return b"\r\n".join([line, b"Host: h", *fields]) + b"\r\n\r\n" + body


def outcome(chunks: Iterable[bytes], http: Http = NEUTRAL) -> list[tuple[object, ...]]:
    """What an engine makes of input in these pieces, each request being answered as soon as it is whole:
    ``("head", method, target, version, fields, faults)``, ``("body", bytes)``, ``("end",)`` or ``("wrong", fault)``.
    Pieces of a body are joined."""
    inbound = Inbound(http, PORT, 0.0)
    found: list[tuple[object, ...]] = []
    consumed = b""
    whole = b""
    for chunk in chunks:
        inbound.feed(chunk, 0.0)
        whole += chunk
        while (indication := inbound.poll(0.0)) is not None:
            consumed += indication.raw
            match indication:
                case HeadReceived(head):
                    faults = tuple(fault.value for fault, _ in head.notes)
                    found.append(("head", head.method, head.target, head.version, tuple(head.headers), faults))
                    if not indication.has_body:
                        found.append(("end",))
                        inbound.proceed(0.0)
                case BodyReceived(raw, pieces, last):
                    body = b"".join(raw[start:end] for start, end in pieces)
                    if found[-1][0] == "body":
                        body = bytes(found.pop()[1]) + body  # type: ignore[call-overload]
                    if body:
                        found.append(("body", body))
                    if last:
                        found.append(("end",))
                        inbound.proceed(0.0)
                case Wrong(malformed):
                    found.append(("wrong", malformed.fault.value))
    assert consumed + inbound.leftover == whole, "every byte is somewhere"
    return found


def faults(data: bytes, http: Http = NEUTRAL) -> list[str]:
    """What was found wrong, let pass or not."""
    found: list[str] = []
    for each in outcome([data], http):
        if each[0] == "wrong":
            found.append(str(each[1]))
        elif each[0] == "head":
            found += [str(fault) for fault in each[5]]  # type: ignore[attr-defined]
    return found
