"""What in a file points elsewhere: addresses, names of hosts, paths of shares, commands."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..model import MAX_LISTED, MAX_SHORT, Indicator, clean
from .buffers import Buffer

MAX_SEARCHED: Final = 16 << 20
"""Bytes that are searched."""
MAX_RUN: Final = 4096
"""Characters of one string that are searched."""
MAX_MATCHED: Final = 2 << 20
"""Characters of strings that the patterns are applied to: some microseconds each, of strings made for that."""
MAX_STRINGS: Final = 200_000
SHORTEST: Final = 6
SHOWN: Final = 100
"""Strings that are shown."""

_CHUNK: Final = 1 << 20
_HOST: Final = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z][a-z0-9-]{1,23}"
_TOP: Final = frozenset(
    """
    com net org info biz io co ru cn de uk fr nl eu us in br jp kr ir ua pl it es ch at be se no fi dk cz
    top xyz site online club shop live app dev me tv cc ws su pw tk ml ga cf gq to ly gov edu mil int onion
    cloud tech pro space icu vip work link click store buzz best fun life world email network systems
    example test
    """.split()  # noqa: SIM905 - a list of lines as long
)
"""Last labels of names that are reported: what else has dots in it is mostly no name."""
_PATTERNS: Final = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("url", r"\b(?:h(?:tt|xx)ps?|ftp|ldaps?|rmi|smb|gopher|wss?|tcp)(?:://|\[:\]//)[^\s\"'<>\\^`{|}]{3,400}"),
        ("email", rf"\b[a-z0-9][\w.+-]{{0,63}}@{_HOST}\b"),
        ("unc", r"\\\\[a-z0-9][\w.-]{1,62}(?:@\w+)?\\[\w$ .-]{1,80}(?:\\[\w$ .-]{1,80}){0,8}"),
        ("ipv6", r"(?<![\w:.])(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){1,7}(?![\w:.])"),
        ("ipv4", r"(?<![\w.])(?:\d{1,3}(?:\[\.\]|\.)){3}\d{1,3}(?![\w.])"),
        (
            "command",
            r"(?:\b(?:powershell|pwsh|cmd)(?:\.exe)?\s+[-/]\w[^\r\n]{0,160}|/bin/(?:ba|da|z)?sh\b[^\r\n]{0,160}"
            r"|\b(?:wget|curl)\s+[^\r\n]{4,160}|\b(?:certutil|bitsadmin|mshta|regsvr32|rundll32)(?:\.exe)?\s[^\r\n]{4,160}"
            r"|\bchmod\s+[+0-7][^\r\n]{2,100}|\bnc\s+-\w[^\r\n]{2,100})",
        ),
        ("domain", rf"(?<![\w.@/-]){_HOST}(?![\w-])(?!\.\w)"),
    )
)
_HINT: Final = re.compile(r"[.:@\\/]|wget|curl|powershell|cmd|chmod|nc ", re.IGNORECASE)


def look(data: Buffer, size: int) -> tuple[list[Indicator], list[str]]:
    """Indicators, each once, and the longest strings in their order."""
    found: dict[tuple[str, str], Indicator] = {}
    kept: list[tuple[int, int, str]] = []
    searched = 0
    for number, (offset, text) in enumerate(_strings(data, min(size, MAX_SEARCHED))):
        if number >= MAX_STRINGS:
            break
        if _is_telling(text):
            kept.append((len(text), offset, text))
            if len(kept) > 4 * SHOWN:
                kept = sorted(kept, reverse=True)[:SHOWN]
        if len(found) < MAX_LISTED and searched < MAX_MATCHED and _HINT.search(text):
            searched += len(text)
            for indicator in _of_text(text, offset):
                found.setdefault((indicator.kind, indicator.value), indicator)
    shown = sorted(sorted(kept, reverse=True)[:SHOWN], key=lambda each: each[1])
    return list(found.values())[:MAX_LISTED], [clean(text) for _, _, text in shown]


def defanged(text: str) -> str:
    """The same, so that neither a person nor a program follows it by mistake."""
    return re.sub("(?i)^http", "hxxp", text).replace("://", "[:]//").replace("@", "[@]").replace(".", "[.]")


def _strings(data: Buffer, size: int) -> Iterator[tuple[int, str]]:
    """Runs of printable characters, of one byte or of two (UTF-16), and where they begin."""
    for start in range(0, size, _CHUNK):
        part = data[start : min(size, start + _CHUNK + MAX_RUN)]
        octets = np.frombuffer(part, np.uint8)
        printable = (octets >= 0x20) & (octets < 0x7F)
        runs = [(first, last, 1) for first, last in _runs(printable)]
        for phase in (0, 1):
            low, high = printable[phase::2], octets[phase + 1 :: 2]
            wide = low[: len(high)] & (high == 0)
            runs += [(2 * first + phase, 2 * last + phase, 2) for first, last in _runs(wide)]
        for first, last, step in sorted(runs):
            if first < _CHUNK and (first or not start or step == 2):
                yield start + first, part[first : min(last, first + step * MAX_RUN) : step].decode("latin-1")


def _runs(mask: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Where at least `SHORTEST` are true on end: the first, and behind the last."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False]))))
    first, last = edges[::2], edges[1::2]
    long = last - first >= SHORTEST
    yield from zip(first[long].tolist(), last[long].tolist(), strict=True)


def _is_telling(text: str) -> bool:
    """Not what pixels look like by chance: several letters on end, of some variety."""
    return len(set(text)) > 4 and re.search(r"[A-Za-z]{4}", text) is not None


def _of_text(text: str, offset: int) -> Iterator[Indicator]:
    for kind, pattern in _PATTERNS:
        for hit in pattern.finditer(text):
            value = hit.group().rstrip(".,;:)]") if kind == "url" else hit.group()
            plain = value.replace("[.]", ".").replace("[:]", ":")
            if _is_so(kind, plain):
                value = clean(plain, MAX_SHORT)
                yield Indicator(kind, value, defanged(value)[: 3 * MAX_SHORT], offset + hit.start())
            if kind == "url":
                text = text.replace(hit.group(), " " * len(hit.group()))


def _is_so(kind: str, value: str) -> bool:
    match kind:
        case "ipv4" | "ipv6":
            try:
                address = ipaddress.ip_address(value)
            except ValueError:
                return False
            # Versions and UIDs look like addresses; nobody reaches those that are reserved.
            return not (address.is_unspecified or address.is_multicast or str(address).startswith(("0.", "1.2.")))
        case "domain":
            labels = value.lower().split(".")
            alike = value in (value.lower(), value.upper(), value.capitalize())  # else it is noise
            return alike and labels[-1] in _TOP and len(labels[-2]) > 2 and any(each.isalpha() for each in labels[-2])
        case "email":
            return value.lower().rpartition(".")[2] in _TOP
    return True
