"""JA3 and JA4: a TLS client in one word (JA3: Althouse, Atkinson, Atkins, 2017; JA4: FoxIO, 2023, TLS client part).

Both leave out the values of GREASE (RFC 8701), which clients strew in at random.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from .hello import ALPN, SERVER_NAME, ClientHello

_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
_MOST = 99
"""What the two digits of a count can say."""
_NONE = "0" * 12


def is_grease(value: int) -> bool:
    """Whether a cipher suite, extension, group or version is one of the reserved sixteen (RFC 8701 section 2)."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def _real(values: Iterable[int]) -> list[int]:
    return [value for value in values if not is_grease(value)]


def ja3(hello: ClientHello) -> str:
    """The JA3 hash: 32 hexadecimal digits."""
    lists = (hello.ciphers, hello.extensions, hello.groups, hello.point_formats)
    text = ",".join([str(hello.version), *("-".join(map(str, _real(each))) for each in lists)])
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def ja4(hello: ClientHello) -> str:
    """The JA4 fingerprint of a client over TCP, as in ``t13d1516h2_8daaf6152771_e5627efa2ab1``."""
    ciphers, extensions = _real(hello.ciphers), _real(hello.extensions)
    version = max(_real(hello.versions), default=hello.version)
    head = "t{}{}{:02}{:02}{}".format(
        _VERSIONS.get(version, "00"),
        "d" if SERVER_NAME in extensions else "i",
        min(len(ciphers), _MOST),
        min(len(extensions), _MOST),
        _protocol(hello.protocols),
    )
    of_ciphers = ",".join(f"{value:04x}" for value in sorted(ciphers))
    named = ",".join(f"{value:04x}" for value in sorted(extensions) if value not in (SERVER_NAME, ALPN))
    signatures = ",".join(f"{value:04x}" for value in _real(hello.signatures))
    of_extensions = f"{named}_{signatures}" if signatures else named
    return "_".join((head, _short(of_ciphers) if ciphers else _NONE, _short(of_extensions) if extensions else _NONE))


def _protocol(protocols: tuple[bytes, ...]) -> str:
    """First and last character of the first protocol of ALPN, or of its hexadecimal form."""
    if not protocols or not protocols[0]:
        return "00"
    first = protocols[0]
    ends = chr(first[0]), chr(first[-1])
    if all(each.isascii() and each.isalnum() for each in ends):
        return "".join(ends)
    return first.hex()[0] + first.hex()[-1]


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
