"""Attacks in values: what a web viewer, a file system, a logger, a database or a shell would fall for."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ..model import CRITICAL, HIGH, Findings, clean
from .layout import Layout, named
from .walker import Node

MAX_VALUES: Final = 20_000
"""Texts of one object that are looked at."""
MAX_LOOKED: Final = 4 << 20
"""Bytes of texts that could be attacks, and are looked through for each: a microsecond for a byte made for that."""
_UNHIDDEN: Final = 4096


class _Attack(NamedTuple):
    id: str
    name: str
    severity: int
    pattern: re.Pattern[bytes]


def _attack(id: str, name: str, severity: int, *patterns: bytes) -> _Attack:
    return _Attack(id, name, severity, re.compile(b"|".join(patterns), re.IGNORECASE))


# Blanks have a limit everywhere: a text of nothing else would be looked through from each of its bytes.
_COMMAND_START: Final = rb"(?:[;|&`\n]|\$\(|\A)\s{0,9}(?:/(?:usr/)?s?bin/)?"

ATTACKS: Final = (
    _attack(
        "xss",
        "script for a viewer",
        HIGH,
        rb"<\s{0,9}(?:script|iframe|object|embed|svg|math|base|meta|link|form)\b",
        rb"<\s{0,9}(?:img|body|video|audio|input|details|a|div|p|b|style)\b[^>]{0,200}?\bon[a-z]{3,20}\s{0,9}=",
        rb"\bon(?:error|load|click|mouseover|focus|toggle|begin)\s{0,9}=\s{0,9}[\"'\w(]",
        rb"\b(?:java|vb)script\s{0,9}:\s{0,9}\S",
        rb"data\s{0,9}:\s{0,9}text/html",
        rb"\{\{\s{0,9}constructor\b",
    ),
    _attack(
        "jndi",
        "look-up for a logger or a template",
        CRITICAL,
        rb"\$\{\s{0,9}(?:jndi|\$\{[^}]{0,60}\}|lower|upper|env|sys|::-|date|base64)\s{0,9}[:}]",
        rb"\$\{[^}\r\n]{0,60}:-?j\}",
        rb"\{\{\s{0,9}(?:7\s{0,9}\*\s{0,9}7|config|self|request)\b",
        rb"[%#]\{\s{0,9}(?:\(#|T\(|\d+\s{0,9}\*\s{0,9}\d+)",
        rb"<%=?\s{0,9}\d+\s{0,9}\*\s{0,9}\d+",
    ),
    _attack(
        "sql",
        "injection into a database",
        HIGH,
        rb"['\"]\s{0,9}(?:or|and)\s{1,9}['\"]?[\w]{1,20}['\"]?\s{0,9}(?:=|like|<|>)",
        rb"\bunion\s{1,9}(?:all\s{1,9})?select\b",
        rb";\s{0,9}(?:drop|delete|insert|update|exec|waitfor|shutdown|alter)\s{1,9}[\w'@]",
        rb"\b(?:sleep|benchmark|pg_sleep|waitfor\s{1,9}delay)\s{0,9}\(?\s{0,9}['\d]",
        rb"\bxp_cmdshell\b",
        rb"['\"]\s{0,9};?\s{0,9}--(?:\s|$)",
        rb"\*\)\s{0,9}\(\s{0,9}(?:uid|cn|\||&|objectclass)",
        rb"[\"'\[]\$(?:ne|gt|regex|where)\b",
    ),
    _attack(
        "command",
        "command for a shell",
        CRITICAL,
        # Words that are also a radiologist's (NC, cat, id) count with what only a shell has behind them.
        _COMMAND_START
        + rb"(?-i:id|whoami|uname|hostname|ifconfig|ipconfig|pwd|ls)(?:\s{1,9}-\w+)?\s{0,9}(?:\Z|[;|&)`#\0])",
        _COMMAND_START + rb"(?:wget|curl|nslookup|dig|fetch)\s{1,9}(?:-\S+\s{1,9}){0,9}[\w$]+[.:/$][\w./:$-]+",
        _COMMAND_START + rb"(?:nc|ncat|netcat|ping|telnet)\s{1,9}(?:-\w|\d{1,3}(?:\.\d{1,3}){3})",
        _COMMAND_START + rb"(?:ba|da|z|k)?sh\s{1,9}(?:-\w|/|<)|\|\s{0,9}(?:ba|da|z|k)?sh\b",
        _COMMAND_START + rb"(?:python[23]?|perl|ruby|php|node)\s{1,9}-[cer]\b",
        _COMMAND_START
        + rb"(?:cat|rm|chmod|chown|cp|mv|touch|tar|dd)\s{1,9}(?:-\w+\s{1,9}|[+0-7]+\s{1,9}){0,9}[~/.$][\w/.$*~-]*",
        _COMMAND_START + rb"sleep\s{1,9}\d+\s{0,9}(?:\Z|[;|&)`#])",
        _COMMAND_START + rb"(?:certutil|bitsadmin|mshta|rundll32|regsvr32|net user|schtasks|reg add)\b",
        rb"\$\([^)\r\n]{2,200}\)",
        rb"`(?:id|whoami|uname|wget|curl|nc|bash|sh|ping|cat)\b[^`\r\n]{0,200}`",
        rb"/dev/tcp/",
        rb"\bpowershell(?:\.exe)?\s{1,9}-\w",
        rb"\bcmd(?:\.exe)?\s{1,9}/[ck]\b",
        rb"\b(?:wget|curl)\s{1,9}(?:-\S+\s{1,9}){0,9}https?://",
        rb"\bos\.execute\s{0,9}\(|\bio\.popen\s{0,9}\(|\bsystem\s{0,9}\(\s{0,9}['\"]",
    ),
)
# Two points that are the whole of a part: texts end in points, and a backslash parts values of most VRs.
_TRAVERSAL: Final = re.compile(
    rb"(?:\A|[\\/=\s\"'(])\.\.(?:[\\/]|\Z)|\.{4}//|%2e%2e|\.\.%(?:2f|5c)|%c0%ae", re.IGNORECASE
)
_ABSOLUTE: Final = re.compile(
    rb"\A[\\/](?:etc|var|usr|home|root|tmp|opt|proc|windows)[\\/]|\A[a-z]:[\\/]|\A\\\\[\w.-]{1,60}\\[\w$.-]{1,60}\\",
    re.IGNORECASE,
)
_NO_PATHS: Final = frozenset(("UI", "AE", "CS"))
"""VRs whose values are no paths, or only relative ones; in others devices leave paths of their own disks."""


def look(layout: Layout, findings: Findings) -> None:
    """Report attacks in the values of an object, and in its group 0002."""
    left = MAX_LOOKED
    for number, (node, value) in enumerate(layout.texts()):
        if number >= MAX_VALUES or left <= 0:
            break
        left -= _value(node, value, findings)
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


def _value(node: Node, value: bytes, findings: Findings) -> int:
    """Look at a value; bytes that took time."""
    if not _SUSPICIOUS.search(value):
        return 0
    where = named(node.tag)
    _attacks(value, where, node.value, findings)
    hit = _TRAVERSAL.search(value) or (_ABSOLUTE.search(value) if node.vr in _NO_PATHS else None)
    if hit is not None:
        detail = f"{where}: {clean(value, 160)}"
        findings.add("text.traversal", "path that leaves its folder", CRITICAL, detail, node.value + hit.start())
    return len(value)


_SUSPICIOUS: Final = re.compile(
    rb"[<>$`;|{}'\"()%&:=*/]|\.\.|--|\\\\|\b(?:wget|curl|powershell|cmd|union|sleep|ping|nc)\b", re.IGNORECASE
)
"""What every attack has something of: most values are done with that."""
