"""The writing side: exact bytes of responses, as the persona's product writes them. Sans-IO."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from ....persona.model.http import OTHERS, FieldModel, Http
from ....persona.model.http_faults import FaultModel
from ..message import Pair, Response
from .head import Words

_BODILESS = frozenset({204, 304})
_PLACE = re.compile(r"\{([a-z]+)\}")


class Framed(NamedTuple):
    """The head of a response, and how its body is to be sent."""

    head: bytes
    body: bool
    """Whether there is one."""
    chunked: bool
    close: bool
    """Whether the connection ends behind it."""


class Writer:
    """Writes the responses of one door."""

    def __init__(self, http: Http, server: str) -> None:
        """`server`: value of the Server field; empty: none."""
        self._http = http
        self.server = server

    def head(
        self, response: Response, *, method: str, version: str, now: float, keep: bool, length: int | None
    ) -> Framed:
        """Status line and fields of a response. `now`: POSIX seconds; `length`: of the body, None if unknown."""
        model = self._http.response
        status = response.status
        bodiless = status < 200 or status in _BODILESS
        body = not bodiless and method != "HEAD"
        chunked = body and length is None and model.chunked and version == "1.1"
        close = not keep or response.close or (body and length is None and not chunked)
        given = {"date": _date(int(now)), "server": self.server or None}
        if chunked:
            given["transfer-encoding"] = "chunked"
        elif length is not None and not bodiless and (length or model.empty_length) and (body or model.head_length):
            given["content-length"] = str(length)
        pairs = self._ordered(model.fields, given, response.headers, keep=not close)
        if version == "0.9":
            return Framed(b"", body, False, True)
        line = f"HTTP/1.1 {status} {self.reason(status, response.reason)}"
        return Framed(_encoded(line, pairs), body, chunked, close)

    def error(self, fault: FaultModel, words: Words, *, method: str, host: str, now: float) -> bytes:
        """The whole answer to a request that isn't served; empty if there is none."""
        if fault.status is None:
            return b""
        model = self._http.errors
        reason = self.reason(fault.status, fault.reason)
        version = self._shown(words.version or "")
        detail = fault.detail.replace("{version}", version)
        body = self._filled(
            fault.page if fault.page is not None else self._http.pages.get(str(fault.status), model.page),
            fault.status,
            reason,
            detail,
            {"method": words.method, "target": words.target, "host": host},
        ).encode("latin-1", "replace")
        given = {"date": _date(int(now)), "server": self.server or None}
        if model.lengths or fault.ordinary:
            given["content-length"] = str(len(body))
        others: list[Pair] = [("Content-Type", model.type)] if model.type and body else []
        fields = model.fields if model.fields is not None and not fault.ordinary else self._http.response.fields
        spoken = "1.1" if fault.ordinary else self._version(words)
        pairs = self._ordered(fields, given, others, keep=False)
        return _encoded(f"HTTP/{spoken} {fault.status} {reason}", pairs) + (
            b"" if method == "HEAD" and not model.to_head else body
        )

    def page(self, status: int, *, method: str = "", target: str = "", host: str = "") -> bytes:
        """The product's page for a status."""
        template = self._http.pages.get(str(status), self._http.errors.page)
        values = {"method": method, "target": target, "host": host}
        return self._filled(template, status, self.reason(status), "", values).encode("latin-1", "replace")

    def reason(self, status: int, given: str | None = None) -> str:
        """The reason phrase of a status."""
        return given if given is not None else self._http.response.reasons.get(str(status), _usual(status))

    def _version(self, words: Words) -> str:
        match self._http.errors.version:
            case "own":
                return "1.1"
            case "1.0":
                return "1.0"
            case "echo":
                return words.version if words.version in ("0.9", "1.0", "1.1") else "1.0"
            case _:
                return "1.0" if words.version is None else words.version

    def _shown(self, text: str) -> str:
        """What a visitor sent, within an error page."""
        return html.escape(text) if "html" in (self._http.errors.type or "") else text

    def _filled(self, template: str, status: int, reason: str, detail: str, values: Mapping[str, str]) -> str:
        """One pass, so that nothing a visitor sent is filled in again."""
        known = {"status": str(status), "reason": reason, "server": self.server, "detail": detail}
        known |= {name: self._shown(value) for name, value in values.items()}
        return _PLACE.sub(lambda found: known.get(found[1], found[0]), template)

    def _ordered(
        self, fields: tuple[FieldModel, ...], given: Mapping[str, str | None], own: list[Pair], *, keep: bool
    ) -> list[Pair]:
        """Fields in the product's order: computed ones, constant ones, and the page's own."""
        named = {field.name.lower() for field in fields}
        by_name: dict[str, list[str]] = {}
        for name, value in own:
            by_name.setdefault(name.lower(), []).append(value)
        pairs: list[Pair] = []
        for field in fields:
            lower = field.name.lower()
            if field.when != "always" and (field.when == "keep") != keep:
                continue
            if field.name == OTHERS:
                pairs += [(name, value) for name, value in own if name.lower() not in named]
            elif lower in by_name:  # an empty value takes the field out
                pairs += [(field.name, value) for value in by_name[lower] if value]
            elif field.value is not None:
                value = field.value.replace("{server}", self.server)
                pairs.append((field.name, value.replace("{keep-alive}", f"{self._http.times.idle:g}")))
            elif (computed := given.get(lower)) is not None:
                pairs.append((field.name, computed))
        return pairs


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def _encoded(line: str, pairs: list[Pair]) -> bytes:
    """Status line and fields. No value can begin another line."""
    text = "".join([line, *(f"\r\n{name}: {_one_line(value)}" for name, value in pairs), "\r\n\r\n"])
    return text.encode("latin-1", "replace")


def _one_line(value: str) -> str:
    return value if value.isprintable() else "".join(char if char not in "\r\n\0" else " " for char in value)


def _usual(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


@lru_cache(maxsize=2)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
