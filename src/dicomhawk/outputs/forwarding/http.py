"""HTTP, as the outputs that use it want it: no redirects, no proxies from the environment, errors sorted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from .base import Permanent, Temporary
from .tls import context

TIMEOUT_SECONDS = 30.0
MAX_ANSWER = 8 << 20
"""Bytes of an answer that are read."""
_LATER = frozenset({401, 402, 403, 404, 405, 407, 408, 410, 421, 423, 425, 429})
"""Statuses of wrong settings or of a receiver at its limits: nothing is wrong with the records. 410: the channel was
archived (Slack)."""


class Http:
    """A client of one receiver."""

    def __init__(self, ca: Path | None, headers: Mapping[str, str] | None = None) -> None:
        """Raises `SettingsError` if `ca` can't be used."""
        self._verify = context(ca)
        self._headers = {"User-Agent": "dicomhawk", **(headers or {})}
        self._client: httpx.AsyncClient | None = None

    async def request(
        self, method: str, url: str, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The answer, whatever its status. Raises `Temporary` if there is none."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                verify=self._verify,
                timeout=TIMEOUT_SECONDS,
                trust_env=False,
                follow_redirects=False,
                headers=self._headers,
            )
        try:
            async with self._client.stream(method, url, content=content, headers=dict(headers or {})) as answer:
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise Temporary("the answer is too long")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Temporary(f"{host_of(url)} can't be reached: {_reason(error)}") from None
        return httpx.Response(answer.status_code, headers=_kept(answer.headers), content=bytes(body))

    async def post(self, url: str, content: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer, if it is a good one. Raises `Temporary` or `Permanent`."""
        answer = await self.request("POST", url, content, headers)
        check(answer)
        return answer

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def check(answer: httpx.Response) -> None:
    """Raises `Temporary` or `Permanent` for an answer that isn't good."""
    status = answer.status_code
    if 200 <= status < 300:
        return
    said = said_by(answer)
    if status in _LATER or status >= 500 or status < 400:
        raise Temporary(f"it answered {status}{said}", after=_retry_after(answer))
    raise Permanent(f"it answered {status}{said}")


def said_by(answer: httpx.Response, limit: int = 200) -> str:
    """The beginning of an answer's body, as it can be shown."""
    text = "".join(c if c.isprintable() else " " for c in answer.text[:limit]).strip()
    return f": {text}" if text else ""


def host_of(url: str) -> str:
    """Where a URL leads, without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def _kept(headers: httpx.Headers) -> dict[str, str]:
    """Without those that tell how the body came, which is decoded already."""
    return {name: headers[name] for name in ("content-type", "retry-after") if name in headers}


def _retry_after(answer: httpx.Response) -> float | None:
    try:
        return max(0.0, float(answer.headers.get("retry-after", "")))
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__
