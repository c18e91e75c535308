"""Which protocol the first bytes of a connection belong to, when they aren't DICOM's.

Most of what reaches an open DICOM port is meant for something else. The table goes from the most to the least
specific mark; it names a protocol only, and never parses it.
"""

from __future__ import annotations

import re

_HTTP = re.compile(rb"[A-Za-z]{3,16} [^\r\n]{0,2048}HTTP/\d|(GET|POST|HEAD|OPTIONS|PUT|DELETE|CONNECT|TRACE|PATCH) ")
_SIP = re.compile(rb"(OPTIONS|INVITE|REGISTER) sips?:|[A-Z]+ [^\r\n]+ SIP/2\.0")
_RTSP = re.compile(rb"[A-Z]+ [^\r\n]{0,1024}RTSP/1\.0")

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"SSH-", "ssh"),
    (b"PRI * HTTP/2", "http2"),
    (b"\x03\x00\x00", "rdp"),  # TPKT: RDP's X.224 connection request, or S7
    (b"\xfeSMB", "smb"),
    (b"\xffSMB", "smb"),
    (b"\x05\x00\x0b\x03", "dce-rpc"),
    (b"JRMI", "java-rmi"),
    (b"GIOP", "giop"),
    (b"AMQP", "amqp"),
    (b"l\x00\x0b\x00", "x11"),
    (b"l\x00\x00\x00", "dbus"),
    (b"\x00\x00\x00\x0cjP  ", "jpeg2000"),
    (b"PROXY ", "proxy-protocol"),
    (b"\r\n\r\n\x00\r\nQUIT\n", "proxy-protocol"),
    (b"*1\r\n", "redis"),
    (b"*2\r\n", "redis"),
    (b"INFO\r\n", "redis"),
    (b"stats\r\n", "memcached"),
    (b"version\r\n", "memcached"),
    (b"EHLO", "smtp"),
    (b"HELO", "smtp"),
    (b"HELP", "text"),
    (b"USER ", "ftp"),
    (b"\x13BitTorrent", "bittorrent"),
    (b"\x16\x03", "tls"),
    (b"MSH|", "hl7"),
    (b"\x0bMSH|", "hl7-mllp"),
    (b"fox a 1 -1 fox", "niagara-fox"),
    (b"\x13/multistream", "libp2p"),
    (b"\xf9\xbe\xb4\xd9", "bitcoin"),
    (b"HELF", "opc-ua"),
    (b"<stream:stream", "xmpp"),
    (b"<?xml", "xml"),
    (b"Friendly Portscanner", "portscanner"),
    (b"{", "json"),
)
_FIND: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (_SIP, "sip"),
    (_RTSP, "rtsp"),
    (_HTTP, "http"),
    (re.compile(rb"\A\x00\x00..\xffSMB|\A\x00\x00..\xfeSMB", re.DOTALL), "smb"),
    (re.compile(rb"\A\x80..\x01|\A..\x01\x00\x02", re.DOTALL), "sslv2"),
    (re.compile(rb"\A[\x04\x05][\x01-\x08]\Z|\A\x05[\x01-\x08][\x00-\x09\x80-\xfe]+\Z", re.DOTALL), "socks"),
    (re.compile(rb"\A\x04[\x01\x02]..[\x00-\xff]{4}", re.DOTALL), "socks"),
    (re.compile(rb"\A\x30.\x02\x01|\A\x30\x84....\x02", re.DOTALL), "ldap"),
    (re.compile(rb"\A\x10.\x00\x04MQTT|\A\x10.\x00\x06MQIsdp", re.DOTALL), "mqtt"),
    (re.compile(rb"\A\x12\x01\x00.\x00\x00", re.DOTALL), "ms-sql"),
    (re.compile(rb"\A.{4}.{4}\x00{4}\xd4\x07\x00\x00|\A.{12}(\xd4\x07|\xdd\x07)\x00\x00", re.DOTALL), "mongodb"),
    (re.compile(rb"\A\x00.\x00\x00\x01\x00\x00\x00\x01", re.DOTALL), "oracle-tns"),
    (re.compile(rb"\A\x80\x00\x00\x28.{4}\x00\x00\x00\x00\x00\x00\x00\x02", re.DOTALL), "sun-rpc"),
    (re.compile(rb"\A\x00[\x0c-\x40].{2}[\x00-\x10].\x00[\x00-\x01]\x00\x00", re.DOTALL), "dns"),
    (re.compile(rb"\A\x00\x02\x00\x00\x00|\A\x00\x01\x00\x00\x00", re.DOTALL), "afp"),
)


def guess(data: bytes) -> str:
    """A protocol's name in lower case; ``text`` for other printable lines, ``unknown`` for the rest.

    `data` are the first bytes of a connection, some 256 of them at the most.
    """
    for start, name in _STARTS:
        if data.startswith(start):
            return name
    for pattern, name in _FIND:
        if pattern.match(data):
            return name
    printable = sum(32 <= byte < 127 or byte in b"\r\n\t" for byte in data)
    return "text" if data and printable == len(data) else "unknown"


def first_line(data: bytes) -> str | None:
    """The first line, if it is printable ASCII; else None."""
    line = data.lstrip(b"\r\n").split(b"\n", 1)[0].rstrip(b"\r")
    if line and all(32 <= byte < 127 for byte in line):
        return line.decode("ascii")
    return None
