"""The first look at a system's web page: what is cheap to see, for the report. The model has no place for it yet."""

from __future__ import annotations

import http.client
import re
from urllib.parse import urlsplit

from ...settings import SettingsError

SECONDS = 10.0
LONGEST_PAGE = 1 << 20
"""Bytes of a page that are looked at for its title."""
SHOWN = 200
UNKNOWN = "no-such-page"
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


def host_of(url: str) -> str:
    """The host of an http or https URL. Raises `SettingsError`."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:  # the port is no number, or there is none so large
        usable = False
    if not usable or not parts.hostname:
        raise SettingsError(f"{url!r} is not a URL such as http://192.168.1.20:8042/.")
    return parts.hostname


def look(url: str, address: str) -> tuple[str, ...]:
    """What a page and one that isn't there answer, in sentences; `address`: the IP address of its host."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    found = []
    path = parts.path or "/"
    for wanted in (path, f"{path.rstrip('/')}/{UNKNOWN}"):
        try:
            connection = kind(address, parts.port, timeout=SECONDS)
            connection.request("GET", wanted, headers={"Host": parts.netloc})
            answer = connection.getresponse()
            page = answer.read(LONGEST_PAGE)
            connection.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            found.append(f"its web page {wanted} could not be read: {error}")
            continue
        names = ", ".join(name for name, _ in answer.getheaders())
        server = answer.getheader("Server") or "none"
        title = _TITLE.search(page)
        named = f", title {_shown(title[1])!r}" if title else ""
        found.append(f"GET {wanted}: {answer.status} {answer.reason}, headers {names}; Server: {server}{named}")
    return tuple(_line(text) for text in found)


def _shown(data: bytes) -> str:
    return " ".join(data.decode("utf-8", "replace").split())[:SHOWN]


def _line(text: str) -> str:
    """One line that can't end a comment."""
    return "".join(char if char.isprintable() else " " for char in text)[: 4 * SHOWN]
