"""Browsers: a person's, one that a program drives, and programs that only say that they are one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from ...evidence.documents import Document, value_at

CERTAIN: Final = frozenset({"webdriver", "agent-headless", "permission-contradiction", "no-window"})
"""Signs that no person's browser has (`honeypot.browser.automation`)."""
SEVERAL: Final = 3
"""So many others together say the same."""
_ALWAYS_SENT: Final = "accept-language:"
"""Every browser with a window sends it, whatever it asks for."""


def is_automated(signs: Collection[str]) -> bool:
    """Whether signs suffice to say that no person sits there: one that is certain, or three others."""
    return not CERTAIN.isdisjoint(signs) or len(set(signs)) >= SEVERAL


def signs_of(event: Document) -> list[str]:
    """What a ``web.browser`` event says of automation."""
    signs = value_at(event, "honeypot.browser.automation")
    return [sign for sign in signs if isinstance(sign, str)] if isinstance(signs, list) else []


def speaks_like_one(requests: Iterable[Document]) -> bool:
    """Whether one of the requests has what every browser sends."""
    for request in requests:
        headers = value_at(request, "http.request.headers")
        if isinstance(headers, list) and any(str(header).lower().startswith(_ALWAYS_SENT) for header in headers):
            return True
    return False
