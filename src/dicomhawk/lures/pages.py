"""Fake pages that are templates (``pages/*``), and those that change with the moment or the deployment.

Where a template says ``[[one|other]]`` the deployment has one of these words, the same wherever the same words are to
choose from: files that a hospital's own people or a small maker wrote are alike in no two deployments. Pages of
products that everybody has are as those products have them.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from importlib import resources
from string import Template
from typing import Any
from urllib.parse import quote

from ..hospital.world.draw import draw
from .routes import Routes

ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,255}")
"""What a visitor may name as the server's address, to see it again on a page."""
DAY = 86_400
_REFUSAL = '<div class="error">#1045 Cannot log in to the MySQL server</div>\n'
_CHOICE = re.compile(r"\[\[([^\[\]]+)\]\]")
_IN_PARTS = frozenset({"env.txt", "properties.txt", "config.php.txt"})
"""Templates whose parts, but for the first, may stand in any order; an empty line is between two."""
_SETTINGS = re.compile(r"(?:^ *<add key=.*\n)+", re.MULTILINE)
_MARKUP = (".html", ".xml", "web.config.txt")
"""Endings of templates whose values are escaped."""


def filled(name: str, values: Mapping[str, str]) -> bytes:
    """A template with its values; what they have as ``wording`` says which words and what order."""
    if name.endswith(_MARKUP):
        values = {key: escape(value) for key, value in values.items()}
    return _template(name, values.get("wording", "")).substitute(values, refusal="").encode()


def refused(name: str, values: Mapping[str, str]) -> bytes:
    """A page with a form, after what was typed into it was wrong."""
    escaped = {key: escape(value) for key, value in values.items()}
    return _template(name).substitute(escaped, refusal=_REFUSAL).encode()


def robots(routes: Routes, origin: str) -> bytes:
    """``robots.txt``: where crawlers shall not go."""
    named = sorted({route.path for route in routes.by_path.values() if route.named})
    disallow = "\n".join(f"Disallow: {path}" for path in named)
    return _template("robots.txt").substitute(disallow=disallow, origin=origin).encode()


def sitemap(routes: Routes, origin: str, guide: str) -> bytes:
    """``sitemap.xml``: the start page, and one document that somebody has put there."""
    lines = [f"  <url><loc>{escape(origin)}/</loc></url>"]
    if guide:
        lines.append(f"  <url><loc>{escape(origin + quote(guide))}</loc></url>")
    return _template("sitemap.xml").substitute(urls="\n".join(lines)).encode()


def server_status(values: Mapping[str, str], seed: str, routes: Routes, server: str, now: float) -> bytes:
    """Apache's mod_status at `now` (POSIX seconds): what others are asking for, by which crawlers find more."""
    fixed = draw(seed, "lures", "status")
    period = fixed.randint(20, 60) * DAY
    up = (now + fixed.randrange(period)) % period
    source = draw(seed, "lures", "status", int(now) // 5)
    rate = fixed.uniform(0.02, 0.2)
    accesses = int(up * rate)
    network = values["archive"].rpartition(".")[0]
    paths = [*sorted(routes.by_path), "/", "/", "/", "/login", "/worklist", "/worklist"]
    rows = [_row(source, network, paths, values["portal"], accesses, slot) for slot in range(source.randint(5, 10))]
    idle = source.randint(3, 8)
    busy = 1 + source.randint(0, 3)
    board = list("W" + "K" * (busy - 1) + "_" * idle)
    source.shuffle(board)
    shown = {
        "server": server,
        "now": time.strftime("%A, %d-%b-%Y %H:%M:%S UTC", time.gmtime(now)),
        "restarted": time.strftime("%A, %d-%b-%Y %H:%M:%S UTC", time.gmtime(now - up)),
        "uptime": _duration(int(up)),
        "accesses": str(accesses),
        "traffic": f"{accesses * 0.061:.1f}",
        "busy": str(busy),
        "idle": str(idle),
    }
    escaped = {key: escape(value) for key, value in {**values, **shown}.items()}
    return (
        _template("server-status.html")
        .substitute(escaped, scoreboard="".join(board).ljust(256, "."), requests="\n".join(rows))
        .encode()
    )


def _row(source: random.Random, network: str, paths: list[str], host: str, accesses: int, slot: int) -> str:
    child = f"{accesses / 700:.2f}"
    return (
        f"<tr><td><b>{slot}-0</b></td><td>{source.randint(900, 32000)}</td>"
        f"<td>0/{source.randint(3, 90)}/{source.randint(90, 900)}</td><td>{source.choice('__KW')}\n</td>"
        f"<td>{source.randint(0, 300)}</td><td>{source.randint(0, 40)}</td><td>0.0</td><td>{child}</td>"
        f"<td>{child}\n</td><td>{network}.{source.randint(20, 250)}</td><td>http/1.1</td><td nowrap>{escape(host)}:80"
        f"</td><td nowrap>GET {escape(source.choice(paths))} HTTP/1.1</td></tr>\n"
    )


def _duration(seconds: int) -> str:
    days, rest = divmod(seconds, DAY)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = ((days, "day"), (hours, "hour"), (minutes, "minute"), (rest, "second"))
    return " ".join(f"{number} {unit}{'s' if number != 1 else ''}" for number, unit in parts if number) or "0 seconds"


@lru_cache(maxsize=64)
def _template(name: str, wording: str = "") -> Template:
    return Template(_worded(name, (_folder() / name).read_text(encoding="utf-8"), wording))


def _worded(name: str, text: str, wording: str) -> str:
    """A template's text in the words, and in the order, of one deployment."""

    def chosen(found: re.Match[str]) -> str:
        word: str = draw(wording, "word", found[1]).choice(found[1].split("|"))
        return word

    source = draw(wording, "order", name)
    if name in _IN_PARTS:
        first, *others = text.rstrip("\n").split("\n\n")
        source.shuffle(others)
        text = "\n\n".join((first, *others)) + "\n"

    def shuffled(found: re.Match[str]) -> str:
        lines = found[0].splitlines(keepends=True)
        source.shuffle(lines)
        return "".join(lines)

    return _CHOICE.sub(chosen, _SETTINGS.sub(shuffled, text))


def _folder() -> Any:
    return resources.files(__package__) / "pages"
