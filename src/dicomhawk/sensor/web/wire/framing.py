"""How long a request's body is, and where it is in the input (RFC 9112 section 6). Sans-IO."""

from __future__ import annotations

import re
from typing import NamedTuple, Protocol

import h11

from ....persona.model.http import GrammarModel, Http
from ....persona.model.http_faults import Fault
from .head import Head, Malformed, Words

MAX_DIGITS = 18
"""Of a Content-Length: as many as fit into 64 bits."""
SLICE = 4096
"""Bytes of chunks that are read at a time: after each chunk, what is left of them is looked at."""
MANY = 256
"""Pieces of a body after which others have a turn: chunks of one byte cost as much time as those of a thousand."""
_DIGITS = re.compile(r"\d+")
_PREFIX = re.compile(r"[ \t]*[+]?(\d+)")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_HUGE = re.compile(rb"[0-9A-Fa-f]{17}")
"""The beginning of a size that doesn't fit into 64 bits."""
_CHUNKED_HEAD = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


class Piece(NamedTuple):
    """Some of a body: bytes `start` to `end` of the input that was given."""

    start: int
    end: int


class Framing(Protocol):
    """The body of one request."""

    done: bool
    last: bool
    """Whether the connection ends behind it."""

    def feed(self, data: bytes) -> tuple[list[Piece], int]:
        """Where the body is in `data`, and how much of `data` is the request's. Raises `Malformed`."""


class Counted:
    """A body with a Content-Length, or none."""

    __slots__ = ("_left", "done")
    last = False

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = not length

    def feed(self, data: bytes) -> tuple[list[Piece], int]:
        """See `Framing`."""
        length = min(self._left, len(data))
        self._left -= length
        self.done = not self._left
        return ([Piece(0, length)] if length else []), length


class Chunked:
    """A body in chunks (RFC 9112 section 7.1), which h11 reads; trailers are read and left."""

    __slots__ = ("_fault", "_grammar", "_h11", "_left", "done", "last")

    def __init__(self, http: Http) -> None:
        self._grammar = http.grammar
        self._left = http.limits.body
        self.done = False
        self.last = False
        self._fault: Malformed | None = None  # found, and to be told
        self._h11 = h11.Connection(h11.SERVER)
        self._h11.receive_data(_CHUNKED_HEAD)
        self._h11.next_event()

    def feed(self, data: bytes) -> tuple[list[Piece], int]:
        """See `Framing`. What comes before a fault is handed on first."""
        pieces: list[Piece] = []
        for start in range(0, len(data), SLICE):
            end = self._feed(data[start : start + SLICE], start, pieces)
            if self._fault is not None and not pieces:
                raise self._fault
            if self.done or self._fault is not None:
                return pieces, end
            if len(pieces) >= MANY:
                return pieces, min(start + SLICE, len(data))
        return pieces, len(data)

    def _feed(self, data: bytes, start: int, pieces: list[Piece]) -> int:
        """Up to where it is known what `data` is."""
        stop = start + len(data)
        known = pieces[-1].end if pieces else 0
        try:
            if self._fault is None:
                self._h11.receive_data(data)
            while self._fault is None:
                event = self._h11.next_event()
                end = stop - len(self._h11.trailing_data[0])
                if isinstance(event, h11.Data):
                    body = Piece(end - len(event.data), end)
                elif isinstance(event, h11.EndOfMessage):
                    body = Piece(end, end)
                    self.done = True
                    self.last = bool(event.headers) and not self._grammar.trailers
                else:
                    if _BARE_LF.search(self._h11.trailing_data[0]):
                        self._fault = Malformed(Fault.CHUNK, detail="line feed")
                        break
                    return stop
                between = data[max(known, start) - start : body.start - start]
                if not self._grammar.extensions and b";" in between:
                    self.done = False
                    self._fault = Malformed(Fault.CHUNK, detail="extension")
                    break
                if _HUGE.match(between.lstrip()):
                    self.done = False
                    self._fault = Malformed(Fault.CHUNK, detail="size")
                    break
                self._left -= body.end - body.start
                if self._left < 0:
                    self._fault = Malformed(Fault.BODY_LENGTH)
                    break
                known = end
                if self.done:
                    return end
                pieces.append(body)
        except h11.RemoteProtocolError as error:
            self._fault = Malformed(Fault.CHUNK, detail=str(error))
        return known


def framing_of(head: Head, http: Http) -> Framing:
    """How the body of a request is framed. Faults that are let pass are added to the head's. Raises `Malformed`."""
    grammar = http.grammar
    expected = head.headers.get("Expect")
    if expected is not None and expected.lower() != "100-continue" and head.version == "1.1":
        _fault(Fault.EXPECTATION, head, http, expected[:64])
    codings = [value.lower() for value in head.headers.all("Transfer-Encoding")]
    if grammar.codings == "first":
        codings = codings[:1]
    lengths = head.headers.all("Content-Length")
    if codings:
        chunked = _is_chunked(codings, head, http)
        if lengths:
            _fault(Fault.LENGTH_AND_CODING, head, http)
        if chunked:
            return Chunked(http)
    if not lengths:
        return Counted(0)
    length = _length(lengths, grammar, head, http)
    if grammar.content_length == "prefix":
        length = min(length, http.limits.body)
    if length > http.limits.body:
        raise Malformed(Fault.BODY_LENGTH, _words(head), str(length))
    return Counted(length)


def _is_chunked(codings: list[str], head: Head, http: Http) -> bool:
    if codings == ["identity"]:
        return False
    if codings != ["chunked"]:
        _fault(Fault.CODING, head, http, ", ".join(codings)[:64])
    elif head.version in ("0.9", "1.0"):
        _fault(Fault.OLD_CODING, head, http, head.version)
    return codings[-1].endswith("chunked")


def _length(lengths: tuple[str, ...], grammar: GrammarModel, head: Head, http: Http) -> int:
    if len(set(lengths)) > 1 or (len(lengths) > 1 and grammar.repeated == "once"):
        _fault(Fault.LENGTHS, head, http, ", ".join(lengths)[:64])
    given = lengths[-1 if grammar.repeated == "last" else 0]
    found = _DIGITS.fullmatch(given)
    digits = found[0] if found else ""
    if not found and grammar.content_length == "prefix" and (prefix := _PREFIX.match(given)) is not None:
        digits = prefix[1]
    if grammar.content_length == "prefix":
        digits = digits[:MAX_DIGITS]
    if not digits.isascii() or not 0 < len(digits) <= MAX_DIGITS:
        _fault(Fault.LENGTH, head, http, given[:64])
        return 0
    return int(digits)


def _fault(fault: Fault, head: Head, http: Http, detail: str | None = None) -> None:
    if not http.reaction(fault).serve:
        raise Malformed(fault, _words(head), detail)
    head.notes.append((fault, detail))


def _words(head: Head) -> Words:
    return Words(head.method, head.target, head.version)
