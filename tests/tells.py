"""Does the sensor say what it is made of? Every byte that it sent in a test is looked through, in its vault.

What a visitor said first is the visitor's: an AE title that comes back, the attributes of an upload. Such an echo is
told from a slip of ours by where it stands, not by the word alone: pynetdicom as a client says "pynetdicom" in each
request, and the sensor must still not say it by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct

WORDS = (b"pynetdicom", b"pydicom", b"python", b"uvloop", b"asyncio", b"traceback", b"dicomhawk", b"honeypot")
UID_ROOTS = (b"1.2.826.0.1.3680043.9.3811.", b"1.2.826.0.1.3680043.8.498.")
"""Of pynetdicom's and pydicom's own UIDs."""
TELLS = WORDS + UID_ROOTS
"""The roots only where an echo of the visitor's can be told: test objects have such UIDs."""

_HEADER = Struct("<8s8sIQ")
_RECORD = Struct("<IIQB")
_FRAMING = Struct("<IBB")
_OPENED, _RECEIVED, _SENT, _RECEIVED_OBJECT, _SENT_OBJECT, _STORED, _ENDED, _SENT_FRAMED = range(1, 9)
_SPAN = 12
"""Bytes before the reference or the framing of an object that was sent: offset and length."""
_AE_TITLES = (slice(10, 26), slice(26, 42))
"""Called and calling AE title in an A-ASSOCIATE-RQ and in its answer (PS3.8 tables 9-11 and 9-17)."""


def assert_no_tell(sent: bytes) -> None:
    """What the sensor sends names nothing that it is made of."""
    for token in _tells(sent, WORDS):
        raise AssertionError(f"the sensor said {token!r}")


def _tells(data: bytes, words: Sequence[bytes]) -> Iterator[bytes]:
    """Whatever in `data` gives us away, each with the characters around it up to a space."""
    lower = data.lower()
    for word in words:
        if word in lower:
            around = rb"[!-~]{0,64}"
            yield from re.findall(around + re.escape(word) + around, data, re.IGNORECASE)


@dataclass
class _Connection:
    source: str
    received: bytearray = field(default_factory=bytearray)
    sent: bytearray = field(default_factory=bytearray)
    objects: set[str] = field(default_factory=set)
    """SOP instance UIDs of the hospital's objects that were sent."""
    stored: set[str] = field(default_factory=set)
    """SHA-256 of what was received as an object."""

    def own_words(self) -> bytes:
        """What was sent, without the AE titles that the visitor's request had and the answer repeats."""
        sent = bytearray(self.sent)
        if self.received[:1] == b"\x01" and sent[:1] == b"\x02":
            for title in _AE_TITLES:
                if sent[title] == self.received[title]:
                    sent[title] = bytes(len(sent[title]))
        return bytes(sent)

    def said(self) -> bytes:
        """What came from the visitor, without the A-ASSOCIATE-RQ: none of that may come back but the AE titles."""
        if self.received[:1] != b"\x01":
            return bytes(self.received)
        return bytes(self.received[6 + int.from_bytes(self.received[2:6], "big") :])


def assert_no_tell_in_vault(data: Path) -> None:
    """Nothing that a sensor sent names what it is made of, on any connection on record below its data folder."""
    connections = [one for path in sorted((data / "vault" / "transcripts").glob("*.dht")) for one in _read(path)]
    looked_at: set[str] = set()
    for connection in connections:
        own = connection.own_words()
        for token in _tells(own, TELLS):
            said = _was_said(token, connection.source, connections, data)
            assert said, f"the sensor said {token!r} to {connection.source}"
        for uid in connection.objects - looked_at:
            path = data / "hospital" / "cache" / uid[-2:] / f"{uid}.dcm"
            if path.exists():
                for token in _tells(path.read_bytes(), TELLS):
                    raise AssertionError(f"the sensor said {token!r} in {uid}")
        looked_at |= connection.objects


def _was_said(token: bytes, source: str, connections: list[_Connection], data: Path) -> bool:
    """Whether a visitor sent this token itself, in a request or in an object."""
    for connection in connections:
        if connection.source == source:
            if token in connection.said():
                return True
            for digest in connection.stored:
                path = data / "vault" / "objects" / digest[:2] / digest
                if path.exists() and token in path.read_bytes():
                    return True
    return False


def _read(path: Path) -> Iterator[_Connection]:
    """The connections of one segment; the last record may be torn by the death of its writer."""
    content = path.read_bytes()
    found: dict[int, _Connection] = {}
    at = _HEADER.size
    while at + _RECORD.size <= len(content):
        length, number, _, kind = _RECORD.unpack_from(content, at)
        at += _RECORD.size
        body = content[at : at + length]
        at += length
        if at > len(content):
            break
        if kind == _OPENED:
            found[number] = _Connection(body.split(b"\n")[1].decode())
        # One that was opened in the segment before is looked through as well, from here on.
        connection = found.setdefault(number, _Connection(""))
        if kind == _RECEIVED:
            connection.received += body
        elif kind == _SENT:
            connection.sent += body
        elif kind == _STORED:
            connection.stored.add(body[4:].hex())
        elif kind in (_SENT_OBJECT, _SENT_FRAMED):
            name = body[_SPAN:]
            if kind == _SENT_FRAMED:
                _, head, last = _FRAMING.unpack_from(name)
                end = _FRAMING.size + head + last
                connection.sent += name[_FRAMING.size : end]
                name = name[end:]
            origin, key, *_ = name.decode().split("\n")
            if origin == "hospital":
                connection.objects.add(key)
    yield from found.values()
