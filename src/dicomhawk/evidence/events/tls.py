"""TLS (RFC 8446) on the doors that have it."""

from __future__ import annotations

from typing import Annotated, ClassVar

from ..fields import Event, Field, Kind
from .common import Outcome


class TlsHandshake(Event, frozen=True, kw_only=True):
    """A TLS handshake was made, or came to nothing."""

    kind: ClassVar[Kind] = Kind("tls.handshake", ("network", "session"), ("protocol", "info"), 10)
    outcome: Outcome = None
    reason: Annotated[str | None, Field("event.reason", "Why it came to nothing.")] = None
    version: Annotated[str | None, Field("tls.version", "Version that was agreed to, as in 1.3.")] = None
    cipher: Annotated[str | None, Field("tls.cipher", "Cipher suite that was agreed to.")] = None
    next_protocol: Annotated[str | None, Field("tls.next_protocol", "Of ALPN, that was agreed to.")] = None
    server_name: Annotated[str | None, Field("tls.client.server_name", "Host that the client named (SNI).")] = None
    ja3: Annotated[str | None, Field("tls.client.ja3", "JA3 of the ClientHello.", also="related.hash")] = None
    ja4: Annotated[str | None, Field("tls.client.ja4", "JA4 of the ClientHello.")] = None
    ciphers: Annotated[
        tuple[str, ...], Field("tls.client.supported_ciphers", "Cipher suites offered, hexadecimal, in their order.")
    ] = ()
    protocols: Annotated[tuple[str, ...], Field("honeypot.alpn", "Protocols that the client offered (ALPN).")] = ()
