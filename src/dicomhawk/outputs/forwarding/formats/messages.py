"""Records as people read them in a chat or in a mail, and the bodies that chats want.

Everything may have come from a stranger. What is not printable is escaped, addresses are written so that nobody opens
them by accident, and each chat gets text in the one form in which it looks for no markup, no links and no mentions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from ....analyst.narrative import printable, sentence
from ....evidence.documents import text_at, value_at
from ..base import Record

MAX_TITLE = 200
MAX_TEXT = 2500
MAX_LINE = 400
MAX_LINES = 30
MAX_FACT = 120
_COLOURS = {"info": 0x8A8F98, "low": 0x3B82C4, "medium": 0xD9A400, "high": 0xE06A00, "critical": 0xC81E1E}
_SCHEME = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30})://")
_WWW = re.compile(r"(?i)\b(www)\.")
_AT = re.compile(r"@")
_NO_BREAK = "\u2060"
"""Word joiner: shows nothing, and ends what a chat takes for a mention."""


class Told(NamedTuple):
    """A record, for people."""

    level: str
    title: str
    text: str
    facts: tuple[tuple[str, str], ...]
    link: str


def told(record: Record, link: str = "") -> Told:
    """What to say of a record. `link` has ``{session}`` where the session's identifier belongs."""
    document = record.document
    message = text_at(document, "message")
    title = harmless(message or sentence(document), MAX_TITLE)
    more = text_at(document, "honeypot.alert.text") or text_at(document, "honeypot.session.verdict")
    # Its lines are our own: what strangers said stands in them with its line ends escaped.
    text = "\n".join(harmless(line, MAX_LINE) for line in more.split("\n")[:MAX_LINES])[:MAX_TEXT].strip()
    session = text_at(document, "session")
    facts: tuple[tuple[str, str], ...] = (
        ("Moment", text_at(document, "@timestamp")),
        ("Sensor", text_at(document, "observer.name")),
        ("Visitor", _visitor(record)),
        ("Origin", " ".join(filter(None, (text_at(document, "honeypot.intel.category"), _operator(record))))),
        ("Depth", text_at(document, "honeypot.session.depth")),
        ("Tool", text_at(document, "honeypot.session.tool")),
        ("Rules", _joined(value_at(document, "rule.id"))),
        ("ATT&CK", _joined(value_at(document, "threat.technique.id"))),
        ("Session", session),
    )
    if "\n" in text:  # an alert's, which has all that is known of its session
        facts = tuple(fact for fact in facts if fact[0] in ("Moment", "Sensor", "Visitor", "Rules", "Session"))
    kept = tuple((name, harmless(value, MAX_FACT)) for name, value in facts if value)
    there = link.replace("{session}", session) if link and re.fullmatch(r"[A-Za-z0-9_-]+", session) else ""
    return Told(record.level, title, "" if text == title else text, kept, there)


def harmless(text: str, limit: int) -> str:
    """`text` on one line, printable, and without addresses that a program would make links of."""
    shown = _WWW.sub(r"\1[.]", printable(text, limit))
    return _SCHEME.sub(lambda found: f"{found[1].replace('t', 'x').replace('T', 'X')}[:]//", shown)


def plain(items: Sequence[Told]) -> str:
    """Text without any markup."""
    parts = []
    for item in items:
        lines = [f"[{item.level}] {item.title}", *([item.text] if item.text else [])]
        lines += [f"  {name}: {value}" for name, value in item.facts]
        lines += [f"  {item.link}"] if item.link else []
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def slack(items: Sequence[Told]) -> dict[str, Any]:
    """Slack's incoming webhook. Blocks of ``plain_text``, in which Slack looks for nothing but entities."""
    blocks: list[dict[str, Any]] = []
    for item in items:
        lines = [f"[{item.level}] {item.title}", *([item.text] if item.text else [])]
        lines += [f"{name}: {value}" for name, value in item.facts]
        text = _entities("\n".join(lines))[:3000]
        blocks.append({"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}})
        if item.link:
            button = {"type": "button", "text": {"type": "plain_text", "text": "Session"}, "url": item.link}
            blocks.append({"type": "actions", "elements": [button]})
    summary = _entities(headline(items))
    return {
        "text": summary,
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": blocks[:50],
    }


def teams(items: Sequence[Told]) -> dict[str, Any]:
    """A webhook of Teams' Workflows: an adaptive card of text runs, in which there is no Markdown."""
    body: list[dict[str, Any]] = []
    for item in items:
        colour = {"critical": "attention", "high": "attention", "medium": "warning"}.get(item.level, "default")
        runs = [_run(f"[{item.level}] {item.title}", weight="bolder", color=colour)]
        runs += [_run("\n" + item.text)] if item.text else []
        runs += [_run(f"\n{name}: {value}", isSubtle=True) for name, value in item.facts]
        body.append({"type": "RichTextBlock", "separator": True, "inlines": runs})
        if item.link:
            action = {"type": "Action.OpenUrl", "title": "Session", "url": item.link}
            body.append({"type": "ActionSet", "actions": [action]})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "summary": headline(items), "attachments": [content]}


def discord(items: Sequence[Told]) -> dict[str, Any]:
    """Discord's webhook: embeds, with all Markdown escaped and no mention allowed."""
    embeds = []
    for item in items[:10]:
        embed: dict[str, Any] = {
            "title": _markdown(f"[{item.level}] {item.title}")[:256],
            "description": _markdown(item.text)[:2000],
            "color": _COLOURS[item.level],
            "fields": [
                {"name": name, "value": _markdown(value)[:1024], "inline": True} for name, value in item.facts[:25]
            ],
        }
        if item.link.startswith(("http://", "https://")):
            embed["url"] = item.link
        embeds.append(_within(embed, 5900 // min(len(items), 10)))
    more = f"{len(items) - 10} more" if len(items) > 10 else ""
    return {"content": more, "embeds": embeds, "allowed_mentions": {"parse": []}}


def matrix(items: Sequence[Told]) -> dict[str, Any]:
    """The content of an ``m.room.message``: without ``formatted_body`` there is no markup."""
    return {"msgtype": "m.notice", "body": _AT.sub(f"@{_NO_BREAK}", plain(items))[:20_000], "m.mentions": {}}


def headline(items: Sequence[Told]) -> str:
    """One line for all of them."""
    if len(items) == 1:
        return f"[{items[0].level}] {items[0].title}"
    worst = max(items, key=lambda item: list(_COLOURS).index(item.level))
    return f"{len(items)} alerts or events, the worst: [{worst.level}] {worst.title}"


def _visitor(record: Record) -> str:
    address = text_at(record.document, "source.ip")
    country = text_at(record.document, "source.geo.country_iso_code")
    network = text_at(record.document, "source.as.organization.name")
    about = ", ".join(filter(None, (country, network)))
    return f"{address} ({about})" if about else address


def _operator(record: Record) -> str:
    operator = text_at(record.document, "honeypot.intel.actor")
    return f"({operator})" if operator else ""


def _joined(values: Any) -> str:
    return ", ".join(map(str, values)) if isinstance(values, list) else ""


def _run(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **more}


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _markdown(text: str) -> str:
    """`text` with everything escaped that Discord would take for markup, a mention or a link."""
    return _AT.sub(f"@{_NO_BREAK}", re.sub(r"([\\*_~`|>#\-\[\]()<:+.!])", r"\\\1", text))


def _within(embed: dict[str, Any], limit: int) -> dict[str, Any]:
    """`embed` with as many fields as fit: Discord takes 6000 characters in all embeds of a message."""
    size = len(embed["title"]) + len(embed["description"])
    kept = []
    for field in embed["fields"]:
        size += len(field["name"]) + len(field["value"])
        if size > limit:
            break
        kept.append(field)
    return embed | {"fields": kept, "description": embed["description"][: max(0, limit - len(embed["title"]))]}
