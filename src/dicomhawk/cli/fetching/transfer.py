"""HTTPS with bounds: of silence, of size, of attempts; downloads that go on where they broke off."""

from __future__ import annotations

import errno
import hashlib
import http.client
import ipaddress
import os
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib import error, request
from urllib.parse import urlsplit

from ... import __version__
from .errors import FetchError, NoRoom, Unacceptable, Unreachable

MAX_SILENCE = 60.0
"""Seconds without a byte: an archive that packs a large series begins later than others."""

MIN_RATE = 2048
"""Bytes a second, on the average of a response after its first `MAX_SILENCE`: below, nobody would wait for it."""

MAX_ATTEMPTS = 4
"""For one request, with pauses that double."""

MAX_PAUSE = 60.0
"""Seconds between attempts, whatever Retry-After says."""

CHUNK = 2**16
_AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))
_CHANGED = frozenset((HTTPStatus.PRECONDITION_FAILED, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE))
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


R = TypeVar("R")


class _Changed(Unreachable):
    """What was to be continued isn't there any more; it begins anew."""


class Stopped(Exception):
    """Another thread asked for the end."""


def checked_url(text: str) -> str:
    """The address of an archive, without the slash at its end.

    TLS is a must, but for one on this machine. Raises `FetchError`.
    """
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if not host or parts.query or parts.fragment or parts.username is not None or not url.isprintable():
        raise FetchError(f"{text[:200]!r} is not the address of an archive.")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(host)):
        raise FetchError(f"{url} is not fetched from: the address must begin with https://.")
    return url


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Redirects(request.HTTPRedirectHandler):
    """Follows to HTTPS only, or within this machine."""

    def redirect_request(
        self, req: request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> request.Request | None:
        try:
            checked_url(newurl.partition("?")[0])
        except FetchError as refusal:
            raise Unacceptable(f"{_host(req.full_url)} leads elsewhere: {refusal}") from None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Client:
    """Requests to one archive. Safe to use from several threads."""

    def __init__(self, base_url: str, *, pause: Callable[[float], object] | None = None) -> None:
        self.base_url = checked_url(base_url)
        self._stop = threading.Event()
        self._pause = pause or self._stop.wait
        handlers: list[request.BaseHandler] = [
            request.HTTPSHandler(context=ssl.create_default_context()),
            _Redirects(),
        ]
        if _is_here(urlsplit(self.base_url).hostname or ""):
            handlers.append(request.ProxyHandler({}))
        self._opener = request.build_opener(*handlers)

    def stop(self) -> None:
        """Let what is under way in other threads end soon."""
        self._stop.set()

    def resume(self) -> None:
        """Go on, now that what was under way has ended."""
        self._stop.clear()

    def body(self, url: str, limit: int) -> bytes:
        """The whole body of a small response. Raises `FetchError`; `Unacceptable` if it exceeds `limit` bytes."""

        def read() -> bytes:
            with self._open(url, {}) as response:
                parts = []
                left = limit
                for part in self._parts(response):
                    left -= len(part)
                    if left < 0:
                        raise Unacceptable(f"{_host(url)} sent a list of more than {limit} bytes.")
                    parts.append(part)
                return b"".join(parts)

        return self._persistently(read)

    def download(
        self,
        url: str,
        target: Path,
        limit: int,
        received: Callable[[int], None],
        *,
        version: str = "",
        encrypted: Callable[[], None] = lambda: None,
    ) -> None:
        """Download to the file `target`, which exists when all of it is there.

        With `version` (an ETag in its quotes) what an earlier attempt or run got is continued. `received` is called
        with the bytes that are there; `encrypted` if the ETag is not that of the plain bytes. At most `limit` bytes
        are accepted. Raises `FetchError`.
        """
        part = part_of(target, version)

        def attempt() -> None:
            with suppress(FileNotFoundError):
                if not version or part.stat().st_size > limit:
                    part.unlink()
            self._continue(url, part, limit, received, version, encrypted)

        self._persistently(attempt)
        with disk(target.parent):
            part.replace(target)

    def _continue(
        self,
        url: str,
        part: Path,
        limit: int,
        received: Callable[[int], None],
        version: str,
        encrypted: Callable[[], None],
    ) -> None:
        with disk(part.parent), part.open("ab") as file:
            start = file.tell()
            headers = {"Range": f"bytes={start}-", "If-Match": version} if start else {}
            try:
                response = self._open(url, headers)
            except _Changed:
                file.truncate(0)
                raise
            with response:
                if response.status != HTTPStatus.PARTIAL_CONTENT:
                    file.truncate(0)  # opened to append: what is written next is the beginning
                    start = 0
                elif not _continues(response.headers.get("Content-Range", ""), start):
                    file.truncate(0)
                    raise Unreachable(f"{_host(url)} sent another part than was asked for.")
                if response.headers.get("x-amz-server-side-encryption", "").startswith("aws:kms"):
                    encrypted()
                size = start
                for chunk in self._parts(response):
                    size += len(chunk)
                    if size > limit:
                        file.truncate(0)
                        raise Unacceptable(f"{_host(url)} sent more than the {limit} bytes that were expected.")
                    file.write(chunk)
                    received(size)

    def _persistently(self, attempt: Callable[[], R]) -> R:
        for number in range(MAX_ATTEMPTS):
            try:
                return attempt()
            except Unreachable as trouble:
                if number + 1 == MAX_ATTEMPTS:
                    raise
                self._pause(min(trouble.wait or 2.0**number, MAX_PAUSE))
                if self._stop.is_set():
                    raise Stopped from None
        raise AssertionError("the last attempt returns or raises")

    def _open(self, url: str, headers: Mapping[str, str]) -> Any:
        """A successful response: 200, or 206 for a range."""
        asked = request.Request(  # noqa: S310 - `checked_url` has seen the scheme
            url, headers={"User-Agent": f"dicomhawk/{__version__}", "Accept": "*/*", **headers}
        )
        host = _host(url)
        try:
            return self._opener.open(asked, timeout=MAX_SILENCE)
        except error.HTTPError as refusal:
            refusal.close()
            if refusal.code in _AGAIN:
                raise Unreachable(f"{host} answers with status {refusal.code}.", _retry_after(refusal)) from None
            if refusal.code in _CHANGED and headers:
                raise _Changed(f"{host} has another version of a file than before.") from None
            raise Unacceptable(f"{host} answers with status {refusal.code}.") from None
        except (OSError, http.client.HTTPException) as trouble:
            reason = getattr(trouble, "reason", trouble)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise Unacceptable(f"{host} can't be trusted: {reason.verify_message}.") from None
            raise Unreachable(f"{host} can't be reached: {_why(reason)}.") from None

    def _parts(self, response: Any) -> Iterator[bytes]:
        """The body, in chunks. Raises `Unreachable` if it is not complete."""
        length = response.headers.get("Content-Length", "")
        expected = int(length) if length.isdecimal() and len(length) < 16 else None
        host = _host(response.url)
        began, got = time.monotonic(), 0
        while True:
            if self._stop.is_set():
                raise Stopped
            try:
                # read1: what has arrived, so that progress is seen and silence noticed.
                chunk = response.read1(CHUNK)
            except (OSError, http.client.HTTPException) as trouble:
                raise Unreachable(f"{host} broke off: {_why(trouble)}.") from None
            if not chunk:
                break
            got += len(chunk)
            yield chunk
            elapsed = time.monotonic() - began
            if elapsed > MAX_SILENCE and got < MIN_RATE * elapsed:
                raise Unreachable(f"{host} sends less than {MIN_RATE} bytes a second.")
        if expected is not None and got != expected:
            raise Unreachable(f"{host} broke off: {got} of {expected} bytes.")


def part_of(target: Path, version: str) -> Path:
    """Where `target` is while it is incomplete: what was begun of one version isn't continued with another."""
    return target.with_name(f"{target.name}.{hashlib.sha256(version.encode()).hexdigest()[:8]}.part")


@contextmanager
def disk(folder: Path) -> Iterator[None]:
    """Turns what the disk says into a sentence. Raises `NoRoom` and `FetchError`."""
    try:
        yield
    except OSError as trouble:
        if trouble.errno in _FULL:
            raise NoRoom(
                f"The disk of {folder} is full: when there is room again, the same command goes on where it was."
            ) from None
        raise FetchError(f"{folder} can't be written to: {_why(trouble)}.") from None


def free_bytes(folder: Path) -> int:
    """What is free on the disk of `folder`."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _continues(content_range: str, start: int) -> bool:
    found = _RANGE.fullmatch(content_range.strip())
    return found is not None and int(found[1]) == start and int(found[2]) + 1 == int(found[3])


def _retry_after(refusal: error.HTTPError) -> float:
    value = str(refusal.headers.get("Retry-After", ""))
    return float(value) if value.isascii() and value.isdecimal() and len(value) < 6 else 0


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _why(trouble: object) -> str:
    text = getattr(trouble, "strerror", None) or str(trouble) or type(trouble).__name__
    return "".join(character if character.isprintable() else "?" for character in str(text))[:200]
