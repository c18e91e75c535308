"""nmap's version detection (-sV), recognised by the probes that it sends one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ...evidence.documents import Document, text_at, value_at

TOOL: Final = "nmap -sV"
LEAST: Final = 3
"""Different probes in a session: some of them others send too."""

_PROBES: Final[tuple[tuple[str, bytes], ...]] = (
    ("GenericLines", b"\r\n\r\n"),
    ("GetRequest", b"GET / HTTP/1.0\r\n\r\n"),
    ("HTTPOptions", b"OPTIONS / HTTP/1.0\r\n\r\n"),
    ("RTSPRequest", b"OPTIONS / RTSP/1.0\r\n\r\n"),
    ("RPCCheck", b"\x80\x00\x00\x28\x72\xfe\x1d\x13"),
    ("DNSVersionBindReqTCP", b"\x00\x1e\x00\x06\x01\x00\x00\x01"),
    ("DNSStatusRequestTCP", b"\x00\x0c\x00\x00\x10\x00\x00\x00"),
    ("Help", b"HELP\r\n"),
    ("SSLSessionReq", b"\x16\x03\x00\x00S\x01\x00\x00O\x03\x00?G\xd7\xf7\xba,\xee\xea"),
    ("TerminalServerCookie", b"\x03\x00\x00*%\xe0\x00\x00\x00\x00\x00Cookie: mstshash=nmap"),
    ("TLSSessionReq", b"\x16\x03\x00\x00i\x01\x00\x00e\x03\x03U\x1c\xa7\xe4random1"),
    ("SSLv23SessionReq", b"\x80\x9e\x01\x03\x01\x00u\x00\x00\x00 \x00\x00f\x00\x00e"),
    ("Kerberos", b"\x00\x00\x00qj\x81n0\x81k\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\n\xa4\x81^0"),
    ("SMBProgNeg", b"\x00\x00\x00\xa4\xffSMBr\x00\x00\x00\x00\x08\x01@\x00\x00\x00\x00"),
    ("X11Probe", b"l\x00\x0b\x00\x00\x00\x00\x00"),
    ("FourOhFourRequest", b"GET /nice%20ports%2C/Tri%6Eity.txt%2ebak HTTP/1.0\r\n"),
    ("LPDString", b"\x01default\n"),
    ("LDAPSearchReq", b"0\x84\x00\x00\x00-\x02\x01\x07c\x84\x00\x00\x00$\x04\x00"),
    ("LDAPBindReq", b"0\x0c\x02\x01\x01`\x07\x02\x01\x02\x04\x00\x80\x00"),
    ("SIPOptions", b"OPTIONS sip:nm SIP/2.0\r\n"),
    ("LANDesk-RC", b"TNMP\x04\x00\x00\x00TNME\x00\x00\x04\x00"),
    ("TerminalServer", b"\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x00\x00"),
    ("NCP", b"DmdT\x00\x00\x00\x17"),
    ("NotesRPC", b":\x00\x00\x00/\x00\x00\x00\x02\x00\x00@\x02\x0f"),
    ("JavaRMI", b"JRMI\x00\x02K"),
    ("WMSRequest", b"\x01\x00\x00\xfd\xce\xfa\x0b\xb0\xa0\x00\x00\x00MMS\x14"),
    ("oracle-tns", b"\x00Z\x00\x00\x01\x00\x00\x00\x016\x01,"),
    ("ms-sql-s", b"\x12\x01\x004\x00\x00\x00\x00\x00\x00\x15\x00"),
    ("afp", b"\x00\x03\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02"),
    ("giop", b"GIOP\x01\x00\x01\x00$\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01"),
)
"""Name in nmap-service-probes, and how it begins: what its host, a random number or its length doesn't change."""
_OTHERS: Final = (b"mstshash=eltons",)
"""In probes of those who borrowed some of nmap's: then it isn't nmap."""
_LONGEST: Final = 512
"""Hexadecimal digits that are looked at."""


def probes_of(events: Iterable[Document]) -> frozenset[str]:
    """Names of nmap's probes among `events`; none if some of another scanner are among them too."""
    found: set[str] = set()
    for event in events:
        digits = text_at(event, "honeypot.first_bytes")[:_LONGEST]
        if digits:
            try:
                first = bytes.fromhex(digits)
            except ValueError:
                continue
            if any(mark in first for mark in _OTHERS):
                return frozenset()
            found.update(name for name, start in _PROBES if first.startswith(start))
        elif event["event"]["action"] == "http.request":
            found.update(_web(event))
    return frozenset(found)


def _web(event: Document) -> Iterable[str]:
    """A probe that the web door took as the request that it is."""
    if text_at(event, "http.version") != "1.0" or value_at(event, "http.request.headers"):
        return
    line = f"{text_at(event, 'http.request.method')} {text_at(event, 'url.original')} HTTP/1.0\r\n".encode()
    yield from (name for name, start in _PROBES if start.startswith(line))
