"""How values are shown. Nearly all of them came from strangers: what can't be seen is made visible, what is long is
cut with a way to see it all, and everything is escaped by the templates, which escape by themselves."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

from ..settings.words import DEPTHS, SEVERITIES

CUT = 160
"""Characters of a value that are shown at once."""
MOST = 20_000
"""Characters of a value that are shown at all; the event itself has the rest."""
_TOLD_WITH = "told with "
"""What the analyst writes before the key of a worse alert."""


def visible(text: str, keep: str = "") -> str:
    """`text` with an escape for each character that can't be seen, or that changes how others are seen: control and
    format characters (Unicode's bidirectional ones among them), separators but the space, surrogates.

    `keep`: characters that stay as they are.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in keep else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def shown(value: Any, limit: int = CUT) -> Markup:
    """A stranger's value: escapes stand out, and what is longer than `limit` is folded."""
    text = "" if value is None else str(value)
    if not text:
        return Markup('<span class="none">none</span>')
    if len(text) <= limit + 20:
        return _marked(text)
    rest = "" if len(text) <= MOST else f" … {len(text) - MOST} more characters"
    return Markup(
        '<details class="cut"><summary>{}…<span class="more"> {} characters</span></summary>{}{}</details>'
    ).format(_marked(text[:limit]), len(text), _marked(text[limit:MOST]), rest)


def _marked(text: str) -> Markup:
    if text.isprintable():
        return escape(text)
    pieces: list[Markup] = []
    for c in text:
        if c.isprintable():
            pieces.append(escape(c))
        else:
            pieces.append(Markup('<span class="esc">{}</span>').format(visible(c)))
    return Markup("").join(pieces)


def lines(text: str) -> Markup:
    """A stranger's text with its lines: only line feeds stay as they are."""
    return Markup("\n").join(_marked(line.removesuffix("\r")) for line in text[:MOST].split("\n"))


def exact(text: str) -> Markup:
    """A text that goes back as it is, in a form."""
    return escape(text)


def moment(us: int | None, *, short: bool = False) -> Markup:
    """A moment in UTC; a script adds the local time to what the pointer rests on."""
    if us is None:
        return Markup('<span class="none">never</span>')
    try:
        at = datetime.fromtimestamp(us / 1_000_000, UTC)
    except (OverflowError, ValueError, OSError):
        return Markup('<span class="none">no moment</span>')
    text = f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}" if short else f"{at:%Y-%m-%d %H:%M:%S}"
    return Markup('<time datetime="{}">{}</time>').format(
        f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z", text
    )


def lasted(us: int) -> str:
    """A duration in microseconds, as people say it."""
    seconds = us / 1_000_000
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    if seconds < 86400:
        return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
    return f"{seconds // 86400:.0f} d {seconds % 86400 // 3600:.0f} h"


def size(number: int | None) -> str:
    """Bytes, as people say them."""
    amount = float(number or 0)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def count(number: int | None) -> str:
    """A number with its thousands apart, as in sentences and in the report."""
    return f"{int(number or 0):,}"


def because(text: str) -> str:
    """Why an alert is in its state; of the one that it was told with, what that was about instead of its key."""
    key = text.removeprefix(_TOLD_WITH)
    return text if key == text else f"told with a worse one ({' '.join(key.split(':')[:2])})"


def severity(number: int) -> Markup:
    """A severity as a word with its colour."""
    name = SEVERITIES[min(max(int(number), 0), 4)]
    return Markup('<span class="sev sev-{0}">{0}</span>').format(name)


def depth(rank: int) -> Markup:
    """How far it went: a scale of eight steps, and its word."""
    rank = min(max(int(rank), 0), 7)
    return Markup('<span class="depth depth-{}"><span class="steps" aria-hidden="true">{}</span>{}</span>').format(
        rank, Markup("<i></i>") * (rank + 1), DEPTHS[rank]
    )


def parsed(text: str | None) -> Any:
    """What JSON of ours says; None if it isn't JSON."""
    try:
        return json.loads(text or "null")
    except ValueError:
        return None


def pretty(text: str | None) -> str:
    """JSON, indented."""
    return json.dumps(parsed(text), indent=2, ensure_ascii=False)


def path(*parts: object) -> str:
    """A path of this site."""
    return "/" + "/".join(quote(str(part), safe="") for part in parts)


def query(**values: object) -> str:
    """The query of an address: what is given and isn't empty."""
    given = {
        key.rstrip("_"): value
        for key, value in values.items()
        if value is not None and value is not False and value != ""
    }
    return "?" + urlencode(given) if given else ""
