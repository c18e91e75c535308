"""Attacks in values: what a web viewer, a file system, a logger, a database or a shell would fall for."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ..model import CRITICAL, HIGH, Findings, clean
from .layout import Layout, named
from .walker import Node

MAX_VALUES: Final = 20_000
"""Texts of one object that are looked at."""
_UNHIDDEN: Final = 4096


class _Attack(NamedTuple):
    id: str
    name: str
    severity: int
    pattern: re.Pattern[bytes]


def _attack(id: str, name: str, severity: int, *patterns: bytes) -> _Attack:
    return _Attack(id, name, severity, re.compile(b"|".join(patterns), re.IGNORECASE))


_COMMAND_START: Final = rb"(?:[;|&`\n]|\$\(|\A)\s*(?:/(?:usr/)?s?bin/)?"

ATTACKS: Final = (
    _attack(
        "xss",
        "script for a viewer",
        HIGH,
        rb"<\s*(?:script|iframe|object|embed|svg|math|base|meta|link|form)\b",
        rb"<\s*(?:img|body|video|audio|input|details|a|div|p|b|style)\b[^>]{0,200}?\bon[a-z]{3,20}\s*=",
        rb"\bon(?:error|load|click|mouseover|focus|toggle|begin)\s*=\s*[\"'\w(]",
        rb"\b(?:java|vb)script\s*:\s*\S",
        rb"data\s*:\s*text/html",
        rb"\{\{\s*constructor\b",
    ),
    _attack(
        "jndi",
        "look-up for a logger or a template",
        CRITICAL,
        rb"\$\{\s*(?:jndi|\$\{[^}]{0,60}\}|lower|upper|env|sys|::-|date|base64)\s*[:}]",
        rb"\$\{[^}\r\n]{0,60}:-?j\}",
        rb"\{\{\s*(?:7\s*\*\s*7|config|self|request)\b",
        rb"[%#]\{\s*(?:\(#|T\(|\d+\s*\*\s*\d+)",
        rb"<%=?\s*\d+\s*\*\s*\d+",
    ),
    _attack(
        "sql",
        "injection into a database",
        HIGH,
        rb"['\"]\s*(?:or|and)\s+['\"]?[\w]{1,20}['\"]?\s*(?:=|like|<|>)",
        rb"\bunion\s+(?:all\s+)?select\b",
        rb";\s*(?:drop|delete|insert|update|exec|waitfor|shutdown|alter)\s+[\w'@]",
        rb"\b(?:sleep|benchmark|pg_sleep|waitfor\s+delay)\s*\(?\s*['\d]",
        rb"\bxp_cmdshell\b",
        rb"['\"]\s*;?\s*--(?:\s|$)",
        rb"\*\)\s*\(\s*(?:uid|cn|\||&|objectclass)",
        rb"[\"'\[]\$(?:ne|gt|regex|where)\b",
    ),
    _attack(
        "command",
        "command for a shell",
        CRITICAL,
        # Words that are also a radiologist's (NC, cat, id) count with what only a shell has behind them.
        _COMMAND_START + rb"(?-i:id|whoami|uname|hostname|ifconfig|ipconfig|pwd|ls)(?:\s+-\w+)?\s*(?:\Z|[;|&)`#\0])",
        _COMMAND_START + rb"(?:wget|curl|nslookup|dig|fetch)\s+(?:-\S+\s+)*[\w$]+[.:/$][\w./:$-]+",
        _COMMAND_START + rb"(?:nc|ncat|netcat|ping|telnet)\s+(?:-\w|\d{1,3}(?:\.\d{1,3}){3})",
        _COMMAND_START + rb"(?:ba|da|z|k)?sh\s+(?:-\w|/|<)|\|\s*(?:ba|da|z|k)?sh\b",
        _COMMAND_START + rb"(?:python[23]?|perl|ruby|php|node)\s+-[cer]\b",
        _COMMAND_START + rb"(?:cat|rm|chmod|chown|cp|mv|touch|tar|dd)\s+(?:-\w+\s+|[+0-7]+\s+)*[~/.$][\w/.$*~-]*",
        _COMMAND_START + rb"sleep\s+\d+\s*(?:\Z|[;|&)`#])",
        _COMMAND_START + rb"(?:certutil|bitsadmin|mshta|rundll32|regsvr32|net user|schtasks|reg add)\b",
        rb"\$\([^)\r\n]{2,200}\)",
        rb"`(?:id|whoami|uname|wget|curl|nc|bash|sh|ping|cat)\b[^`\r\n]{0,200}`",
        rb"/dev/tcp/",
        rb"\bpowershell(?:\.exe)?\s+-\w",
        rb"\bcmd(?:\.exe)?\s+/[ck]\b",
        rb"\b(?:wget|curl)\s+(?:-\S+\s+)*https?://",
        rb"\bos\.execute\s*\(|\bio\.popen\s*\(|\bsystem\s*\(\s*['\"]",
    ),
)
_TRAVERSAL: Final = re.compile(
    rb"\.\.[\\/]|[\\/]\.\.(?:[\\/]|$)|%2e%2e|\.\.%(?:2f|5c)|%c0%ae|\A[\\/](?:etc|var|usr|home|root|tmp|opt|proc)/|\A[a-z]:[\\/]"
    rb"|\A\\\\[\w.-]{1,60}\\[\w$.-]{1,60}\\",
    re.IGNORECASE,
)


def look(layout: Layout, findings: Findings) -> None:
    """Report attacks in the values of an object, and in its group 0002."""
    for number, (node, value) in enumerate(layout.texts()):
        if number >= MAX_VALUES:
            break
        _value(node, value, findings)
    for node in layout.meta.nodes:
        if node.length and node.vr not in ("OB", "UL"):
            _value(node, bytes(layout.data[node.value : node.value + min(node.length, _UNHIDDEN)]), findings)


def of_text(text: bytes, findings: Findings) -> None:
    """Report attacks in a text that is no value of an object."""
    _attacks(text, "the text", 0, findings)


def _attacks(value: bytes, where: str, start: int, findings: Findings) -> None:
    for attack in ATTACKS:
        hit = attack.pattern.search(value)
        if hit is not None:
            detail = f"{where}: {clean(value[max(0, hit.start() - 20) : hit.end() + 60], 160)}"
            findings.add(f"text.{attack.id}", attack.name, attack.severity, detail, start + hit.start())


def _value(node: Node, value: bytes, findings: Findings) -> None:
    if not _SUSPICIOUS.search(value):
        return
    where = named(node.tag)
    _attacks(value, where, node.value, findings)
    # A backslash parts values of most VRs, and file IDs are made of parts (PS3.10 section 8.2).
    hit = _TRAVERSAL.search(value)
    if hit is not None and (node.vr != "UN" or hit.group()[:2] == b".."):
        detail = f"{where}: {clean(value, 160)}"
        findings.add("text.traversal", "path that leaves its folder", CRITICAL, detail, node.value + hit.start())


_SUSPICIOUS: Final = re.compile(
    rb"[<>$`;|{}'\"()%&:=*/]|\.\.|--|\\\\|\b(?:wget|curl|powershell|cmd|union|sleep|ping|nc)\b", re.IGNORECASE
)
"""What every attack has something of: most values are done with that."""
