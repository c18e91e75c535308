"""Answers in XML for whoever asks for it, laid out as pugixml does for Orthanc."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from ..message import Request, Response
from .service import JSON

XML: Final = "application/xml; charset=utf-8"
MOST: Final = 256 << 10
"""Bytes of an answer that is converted: more of it is sent while it is made, as JSON."""
DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def worded(request: Request, response: Response) -> Response:
    """The response in XML, if it is in JSON and the client says that it takes XML."""
    body = response.body
    if not isinstance(body, bytes | memoryview) or not 0 < len(body) <= MOST or not _is_asked_for(request):
        return response
    if ("Content-Type", JSON) not in response.headers:
        return response
    headers = [(name, XML if name == "Content-Type" else value) for name, value in response.headers]
    text = DECLARATION + "".join(_lines("root", json.loads(bytes(body)), ""))
    return Response(response.status, headers, text.encode("utf-8", "replace"))


def _is_asked_for(request: Request) -> bool:
    asked = False
    for each in (request.headers.get("Accept") or "").split(";"):
        asked = each == "application/xml" or (asked and each != "application/json")
    return asked


def _lines(name: str, value: Any, margin: str) -> Iterator[str]:
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else (("item", each) for each in value)
        if not value:
            yield f"{margin}<{name} />\n"
            return
        yield f"{margin}<{name}>\n"
        for key, each in members:
            yield from _lines(key, each, f"{margin}  ")
        yield f"{margin}</{name}>\n"
        return
    text = value if isinstance(value, str) else json.dumps(value)
    yield f"{margin}<{name}>{escaped(text)}</{name}>\n"


def escaped(text: str) -> str:
    """Text as it stands between tags."""
    return text.translate(_ESCAPES)
