"""What the pages' script tells of the browser that it runs in, and what follows from that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from ....evidence import events as ev
from ..message import BodyBroken, BodyTooLarge, Response
from .desk import FACE, Visit

MAX_REPORT: Final = 8192
"""Bytes of a report: ours have some 600."""
MAX_FACTS: Final = 40
"""Values of a report that are looked at."""
MAX_FACT: Final = 300
"""Characters of one."""
NAMES: Final[Mapping[str, str]] = {
    "w": "webdriver",
    "p": "plugins",
    "l": "languages",
    "z": "timezone",
    "s": "screen",
    "v": "viewport",
    "o": "window",
    "g": "renderer",
    "n": "permission",
    "h": "cores",
    "t": "touch",
    "f": "platform",
    "c": "chrome",
    "u": "agent",
    "m": "memory",
    "d": "depth",
    "r": "ratio",
}
"""Short names in a report, and what they are."""
_STEADY: Final = (
    "screen",
    "depth",
    "ratio",
    "renderer",
    "cores",
    "memory",
    "platform",
    "languages",
    "timezone",
    "touch",
)
"""What doesn't change between visits of one machine."""
_SOFTWARE: Final = ("swiftshader", "llvmpipe", "software", "mesa offscreen", "softpipe")
_TOOLS: Final = ("headless", "phantomjs", "selenium", "puppeteer", "playwright", "electron", "slimerjs")


async def collect(visit: Visit) -> Response:
    """Take a report in. The answer is empty, whatever it says."""
    try:
        data = await visit.request.body.read(MAX_REPORT)
    except (BodyTooLarge, BodyBroken):
        data = b""
    facts = read(data)
    if facts:
        agent = visit.request.headers.get("User-Agent") or ""
        visit.emit(
            ev.WebBrowser(face=FACE, facts=facts, automation=automation(facts, agent), fingerprint=fingerprint(facts))
        )
    headers = list(visit.desk.skin.headers)
    return Response(204, headers, b"", None)


def read(data: bytes) -> dict[str, str]:
    """The facts of a report, by their names; nothing from what is none. Never raises."""
    try:
        found: Any = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        NAMES[name]: str(value)[:MAX_FACT]
        for name, value in list(found.items())[:MAX_FACTS]
        if name in NAMES and isinstance(value, str | int | float | bool)
    }


def automation(facts: Mapping[str, str], agent: str) -> tuple[str, ...]:
    """Signs that a program drives the browser; none for a person's.

    `agent`: User-Agent of the request that brought the facts. Each sign alone can be an odd machine's; `webdriver`,
    `agent-headless` and `permission-contradiction` no person's browser has.
    """
    signs = []
    chrome = "chrome" in agent.lower() and "firefox" not in agent.lower()
    if facts.get("webdriver", "").lower() in ("true", "1"):
        signs.append("webdriver")
    if any(tool in text.lower() for tool in _TOOLS for text in (agent, facts.get("agent", ""))):
        signs.append("agent-headless")
    if facts.get("permission") == "denied/prompt":
        # Notification.permission and the permission's query contradict each other in old headless Chromium.
        signs.append("permission-contradiction")
    if facts.get("agent") and agent and facts["agent"] != agent[:MAX_FACT]:
        signs.append("agent-differs")
    if chrome and facts.get("plugins") == "0" and "mobile" not in agent.lower():
        signs.append("no-plugins")
    if chrome and facts.get("chrome") in ("false", "0"):
        signs.append("no-chrome-object")
    if not facts.get("languages", "x"):
        signs.append("no-languages")
    if any(word in facts.get("renderer", "").lower() for word in _SOFTWARE):
        signs.append("software-renderer")
    if facts.get("window") in ("0x0", "") and "window" in facts:
        signs.append("no-window")
    elif facts.get("window") and facts["window"] == facts.get("viewport") and not facts.get("touch", "0").strip("0"):
        signs.append("window-without-frame")
    if facts.get("screen") in ("800x600", "0x0"):
        signs.append("default-screen")
    return tuple(signs)


def fingerprint(facts: Mapping[str, str]) -> str:
    """A digest of what stays the same from visit to visit."""
    text = json.dumps([facts.get(name, "") for name in _STEADY])
    return hashlib.sha256(text.encode()).hexdigest()
