"""NTLM over HTTP ([MS-NLMP], [MS-NTHT]) and its wrapping in SPNEGO (RFC 4178), from the server's side.

Nothing is kept between the messages: the challenge comes from a key and the connection, on which the exchange runs.
What a client proves itself with is a hash of its password and that challenge; it is kept whole, in the line that
crackers take (NetNTLMv1 or v2), and compared with the passwords of bait.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from typing import Final, NamedTuple

from .md4 import md4

SIGNATURE: Final = b"NTLMSSP\0"
NEGOTIATE, CHALLENGE, AUTHENTICATE = 1, 2, 3
MAX_TOKEN: Final = 8192
"""Characters of a token: with Windows' own limit of a head, no real one is longer."""
MAX_NAME: Final = 256
"""Characters of a domain, user or workstation."""

UNICODE, REQUEST_TARGET, ALWAYS_SIGN = 0x1, 0x4, 0x8000
_NTLM, _TARGET_DOMAIN, _EXTENDED, _TARGET_INFO, _VERSION = 0x200, 0x10000, 0x80000, 0x800000, 0x2000000
_SERVED: Final = 0xE2888215
"""What Windows agrees to of a client's flags: signing and sealing, 128 and 56 bits, key exchange, and those above."""

_NTLM_OID: Final = bytes.fromhex("2b06010401823702020a")
"""1.3.6.1.4.1.311.2.2.10"""


class NtlmError(Exception):
    """A token that is no message of NTLM."""


class Names(NamedTuple):
    """What a server calls itself."""

    domain: str
    """NetBIOS name of its domain."""
    computer: str
    """NetBIOS name."""
    dns_domain: str
    dns_computer: str
    version: tuple[int, int, int]
    """Of Windows: major, minor, build."""


class Authenticate(NamedTuple):
    """What a client proves itself with."""

    domain: str
    username: str
    workstation: str
    lm: bytes
    nt: bytes
    """Its response: 24 bytes in NTLMv1, else a proof of 16 bytes and what it is of."""

    def line(self, challenge: bytes) -> str:
        """As crackers take it (hashcat's modes 5500 and 5600); empty if it proves nothing (anonymous)."""
        if len(self.nt) == 24:
            proof = f"{self.lm.hex()}:{self.nt.hex()}:{challenge.hex()}"
            return f"{self.username}::{self.domain}:{proof}"
        if len(self.nt) > 24:
            proof = f"{challenge.hex()}:{self.nt[:16].hex()}:{self.nt[16:].hex()}"
            return f"{self.username}::{self.domain}:{proof}"
        return ""

    def proves(self, password: str, challenge: bytes) -> bool:
        """Whether it was made with this password (NTLMv2, [MS-NLMP] section 3.3.2)."""
        if len(self.nt) <= 24:
            return False
        key = md4(password.encode("utf-16-le"))
        identity = (self.username.upper() + self.domain).encode("utf-16-le")
        key = hmac.new(key, identity, hashlib.md5).digest()
        proof = hmac.new(key, challenge + self.nt[16:], hashlib.md5).digest()
        return hmac.compare_digest(proof, self.nt[:16])


class Token(NamedTuple):
    """A message of NTLM as it came."""

    kind: int
    message: bytes
    wrapped: bool
    """Whether it was in SPNEGO."""


def token_of(text: str) -> Token:
    """The message in a token of the Authorization field. Raises `NtlmError`."""
    if len(text) > MAX_TOKEN:
        raise NtlmError("too long")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NtlmError("no Base64") from None
    at = data.find(SIGNATURE)
    if at < 0 or len(data) < at + 12:
        raise NtlmError("no message of NTLM")
    return Token(struct.unpack_from("<I", data, at + 8)[0], data[at:], at > 0)


def challenge_of(key: str, connection: str) -> bytes:
    """The server's challenge on a connection: 8 bytes."""
    return hashlib.sha256(f"ntlm/{key}/{connection}".encode()).digest()[:8]


def challenge_message(negotiate: bytes, challenge: bytes, names: Names, now: float) -> bytes:
    """The answer to a NEGOTIATE_MESSAGE ([MS-NLMP] section 2.2.1.2). `now`: POSIX seconds."""
    wanted = struct.unpack_from("<I", negotiate, 12)[0] if len(negotiate) >= 16 else UNICODE
    flags = (wanted & _SERVED) | REQUEST_TARGET | _NTLM | _TARGET_DOMAIN | _TARGET_INFO | _VERSION
    flags |= UNICODE | ALWAYS_SIGN | (wanted & _EXTENDED)
    filetime = int((now + 11_644_473_600) * 10_000_000)  # 100 ns since 1601
    target = names.domain.encode("utf-16-le")
    told = {2: names.domain, 1: names.computer, 4: names.dns_domain, 3: names.dns_computer, 5: names.dns_domain}
    pairs = b"".join(_pair(kind, text.encode("utf-16-le")) for kind, text in told.items())
    info = pairs + _pair(7, struct.pack("<Q", filetime)) + _pair(0, b"")
    head = 56
    major, minor, build = names.version
    return b"".join(
        (
            SIGNATURE,
            struct.pack("<IHHII", CHALLENGE, len(target), len(target), head, flags),
            challenge,
            bytes(8),
            struct.pack("<HHI", len(info), len(info), head + len(target)),
            struct.pack("<BBH3xB", major, minor, build, 15),
            target,
            info,
        )
    )


def _pair(kind: int, value: bytes) -> bytes:
    return struct.pack("<HH", kind, len(value)) + value


def authenticate(message: bytes) -> Authenticate:
    """An AUTHENTICATE_MESSAGE ([MS-NLMP] section 2.2.1.3). Raises `NtlmError`."""
    if len(message) < 64:
        raise NtlmError("it ends too soon")
    lm, nt, domain, user, workstation = (_field(message, at) for at in range(12, 52, 8))
    wide = bool(struct.unpack_from("<I", message, 60)[0] & UNICODE)

    def text(data: bytes) -> str:
        return data.decode("utf-16-le" if wide else "latin-1", "replace")[:MAX_NAME]

    return Authenticate(text(domain), text(user), text(workstation), lm, nt)


def _field(message: bytes, at: int) -> bytes:
    length, _, offset = struct.unpack_from("<HHI", message, at)
    if offset + length > len(message):
        raise NtlmError("a field lies outside of it")
    return message[offset : offset + length]


def wrapped(message: bytes) -> bytes:
    """A CHALLENGE_MESSAGE in a NegTokenResp (RFC 4178 section 4.2.2): go on, with NTLM."""
    parts = (
        _der(0xA0, _der(0x0A, b"\x01")),
        _der(0xA1, _der(0x06, _NTLM_OID)),
        _der(0xA2, _der(0x04, message)),
    )
    return _der(0xA1, _der(0x30, b"".join(parts)))


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content
