"""Listings of a folder, each as its server writes it: Apache's mod_autoindex, nginx, IIS, Tomcat."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from .routes import Platform


class Entry(NamedTuple):
    """A file in a folder. `saved` is in POSIX seconds."""

    name: str
    size: int
    saved: int


def listing(platform: Platform, folder: str, entries: Sequence[Entry], *, server: str, host: str) -> str:
    """The page of ``/folder/``. `server` is the Server field; `host` and port as the visitor named them."""
    return _WRITERS[platform](folder, sorted(entries), server, host)


def _apache(folder: str, entries: Sequence[Entry], server: str, host: str) -> str:
    rule = '   <tr><th colspan="5"><hr></th></tr>\n'
    icons = {"zip": ("compressed", "[   ]"), "txt": ("text", "[TXT]"), "pdf": ("layout", "[   ]")}
    rows = []
    for entry in entries:
        icon, alternative = icons.get(entry.name.rpartition(".")[2], ("unknown", "[   ]"))
        saved = time.strftime("%Y-%m-%d %H:%M", time.gmtime(entry.saved))
        rows.append(
            f'<tr><td valign="top"><img src="/icons/{icon}.gif" alt="{alternative}"></td><td>'
            f'<a href="{quote(entry.name)}">{escape(_cut(entry.name, 23))}</a></td><td align="right">{saved}  </td>'
            f'<td align="right">{_apache_size(entry.size)}</td><td>&nbsp;</td></tr>\n'
        )
    port = host.rpartition(":")[2] if host.rpartition(":")[2].isdigit() and ":" in host else "80"
    name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    return (
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<html>\n <head>\n'
        f"  <title>Index of /{folder}</title>\n </head>\n <body>\n<h1>Index of /{folder}</h1>\n  <table>\n"
        '   <tr><th valign="top"><img src="/icons/blank.gif" alt="[ICO]"></th><th><a href="?C=N;O=D">Name</a></th>'
        '<th><a href="?C=M;O=A">Last modified</a></th><th><a href="?C=S;O=A">Size</a></th>'
        f'<th><a href="?C=D;O=A">Description</a></th></tr>\n{rule}'
        '<tr><td valign="top"><img src="/icons/back.gif" alt="[PARENTDIR]"></td><td><a href="/">Parent Directory</a>'
        '</td><td>&nbsp;</td><td align="right">  - </td><td>&nbsp;</td></tr>\n'
        f"{''.join(rows)}{rule}</table>\n<address>{escape(server)} Server at {escape(name)} Port {port}</address>\n"
        "</body></html>\n"
    )


def _apache_size(size: int) -> str:
    if size < 973:
        return f"{size:3d} "
    return f"{size / 1024:.1f}K" if size < 10 * 1024 else f"{round(size / 1024)}K"


def _nginx(folder: str, entries: Sequence[Entry], server: str, host: str) -> str:
    rows = []
    for entry in entries:
        shown = entry.name if len(entry.name) <= 50 else f"{entry.name[:47]}..>"
        saved = time.strftime("%d-%b-%Y %H:%M", time.gmtime(entry.saved))
        gap = " " * (51 - len(shown))
        rows.append(f'<a href="{quote(entry.name)}">{escape(shown)}</a>{gap}{saved}{entry.size:20d}\n')
    return (
        f"<html>\r\n<head><title>Index of /{folder}/</title></head>\r\n<body>\r\n<h1>Index of /{folder}/</h1><hr>"
        f'<pre><a href="../">../</a>\r\n{"".join(rows)}</pre><hr></body>\r\n</html>\r\n'
    )


def _iis(folder: str, entries: Sequence[Entry], server: str, host: str) -> str:
    rows = []
    for entry in entries:
        moment = time.gmtime(entry.saved)
        clock = f"{moment.tm_hour % 12 or 12:>2}:{moment.tm_min:02d} {'AM' if moment.tm_hour < 12 else 'PM'}"
        day = f"{moment.tm_mon:>2}/{moment.tm_mday}/{moment.tm_year}"
        path = quote(f"/{folder}/{entry.name}")
        rows.append(f'{day:>10} {clock:>9} {entry.size:12d} <A HREF="{path}">{escape(entry.name)}</A><br>')
    title = f"{escape(host)} - /{folder}/"
    return (
        f"<html><head><title>{title}</title></head><body><H1>{title}</H1><hr>\r\n\r\n"
        f'<pre><A HREF="/">[To Parent Directory]</A><br><br>{" ".join(rows)}</pre><hr></body></html>'
    )


def _tomcat(folder: str, entries: Sequence[Entry], server: str, host: str) -> str:
    rows = []
    for number, entry in enumerate(entries):
        shade = ' bgcolor="#eeeeee"' if number % 2 else ""
        saved = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(entry.saved))
        size = f"{max(entry.size / 1024, 0.1):.1f} kb"
        rows.append(
            f'<tr{shade}>\r\n<td align="left">&nbsp;&nbsp;\r\n<a href="{quote(f"/{folder}/{entry.name}")}"><tt>'
            f'{escape(entry.name)}</tt></a></td>\r\n<td align="right"><tt>{size}</tt></td>\r\n'
            f'<td align="right"><tt>{saved}</tt></td>\r\n</tr>\r\n'
        )
    title = f"Directory Listing For /{folder}/"
    return (
        f"<html>\r\n<head>\r\n<title>{title}</title>\r\n</head>\r\n<body><h1>{title}</h1>"
        '<HR size="1" noshade="noshade">'
        '<table width="100%" cellspacing="0" cellpadding="5" align="center">\r\n<tr>\r\n'
        '<td align="left"><font size="+1"><strong>Filename</strong></font></td>\r\n'
        '<td align="center"><font size="+1"><strong>Size</strong></font></td>\r\n'
        '<td align="right"><font size="+1"><strong>Last Modified</strong></font></td>\r\n</tr>'
        f'{"".join(rows)}</table>\r\n<HR size="1" noshade="noshade"></body>\r\n</html>'
    )


def _by_hand(folder: str, entries: Sequence[Entry], server: str, host: str) -> str:
    """Orthanc lists nothing itself: what somebody once wrote so that colleagues find things."""
    items = "".join(f'<li><a href="{quote(entry.name)}">{escape(entry.name)}</a></li>\r\n' for entry in entries)
    return (
        f"<html>\r\n<head><title>{folder}</title></head>\r\n<body>\r\n<ul>\r\n{items}</ul>\r\n</body>\r\n</html>\r\n"
    )


def _cut(name: str, length: int) -> str:
    return name if len(name) <= length else f"{name[: length - 3]}..>"


_WRITERS: dict[Platform, Callable[[str, Sequence[Entry], str, str], str]] = {
    "apache": _apache,
    "nginx": _nginx,
    "iis": _iis,
    "java": _tomcat,
    "orthanc": _by_hand,
}
