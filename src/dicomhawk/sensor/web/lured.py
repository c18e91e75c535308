"""Bait on a web door: fake routes beside the face's own, and what of others is asked for."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

from ...evidence import events as ev
from ...evidence.recorder import ConnectionRecord
from ...lures.bait import Asked, Lures, basic
from ...lures.reuse import MAX_SCANNED
from ..lured import asked, credential_used, taker, told
from .message import BodyBroken, BodyTooLarge, Part, Request, Response, Site, Stored

_TOLD = re.compile(r"text/|application/(?:dicom\+)?(?:json|xml)", re.IGNORECASE)
"""Answers that are looked through for UIDs: lists and pages, not files."""
_PARTS = re.compile(r'multipart/related;.*type="?application/dicom\+xml', re.IGNORECASE)
"""Lists in parts."""

MAX_STREAMED = 16 << 20
"""Bytes of an answer made while it is sent that are looked through, each part before it is sent: as many as a list of
10,000 studies has. What a visitor was told and isn't known to have been would look like another's."""
UNPACKED_AT_ONCE = 64 << 10
"""Bytes of a packed answer that is unpacked here and now: about a millisecond; a larger one goes to a thread."""
_OVERLAP = 256
"""Bytes that two pieces of an answer share: a UID on their border is whole in one of them."""

MAX_FORM = 16 * 1024
"""Bytes of a form that are looked at; all of it is in the vault."""
MAX_FIELDS = 50
"""Of a form; a sign-in has five."""


def baited(site: Site, lures: Lures, *, behind: bool) -> Site:
    """`site` with the bait of `lures`. `behind`: its routes are there only for whom the face lets in, and for paths
    that it doesn't know, as where the product itself serves them; else they are a server's in front of it."""

    async def serve(request: Request) -> Response:
        record = request.record
        asked(lures, record, request.target.encode("latin-1", "replace"), "http")
        if behind:
            response = await site(request)
            if response.status != 404 or request.method != "GET":
                return await _noted(lures, request, response)
            return _bait(lures, request) or response
        if request.method == "POST" and lures.form(request.path):
            return await _typed(lures, request)
        return _bait(lures, request) or await _noted(lures, request, await site(request))

    return serve


def _bait(lures: Lures, request: Request) -> Response | None:
    if request.method not in ("GET", "HEAD"):
        return None
    record = request.record
    scheme = "https" if request.secure else "http"
    authorization = request.headers.get("Authorization", "") or ""
    origin = f"{scheme}://{request.headers.get('Host', '')}"
    bait = lures.bait(Asked(request.path, taker(record), origin, authorization))
    if bait is None:
        return None
    if bait.lure:
        token = bait.tokens[0] if bait.tokens else None
        record.emit(
            ev.LureTaken(
                lure=bait.lure,
                lure_kind=bait.kind,
                token=token,
                minted=record.session if token else None,
                via="http",
                detail=request.path,
            )
        )
        lures.watch.told(taker(record), "credential", bait.tells)
    pair = basic(authorization) if bait.status == 401 or bait.credential is not None else None
    if pair is not None:
        credential_used(lures, record, *pair, "basic")
        outcome = "success" if bait.status == 200 else "failure"
        record.emit(ev.HttpLogin(scheme="basic", outcome=outcome, username=pair[0], password=pair[1]))
    return Response(bait.status, list(bait.headers), bait.body)


async def _typed(lures: Lures, request: Request) -> Response:
    """What was typed into a form of bait: nobody gets in, and it is on record."""
    try:
        typed = parse_qsl((await request.body.read(MAX_FORM)).decode("utf-8", "replace"), max_num_fields=MAX_FIELDS)
    except (BodyTooLarge, BodyBroken, ValueError):
        typed = []
    found = {name.rpartition("_")[2].lower(): value for name, value in typed}
    username, password = found.get("username", ""), found.get("password", "")
    record, bait = request.record, lures.refusal(request.path)
    record.emit(ev.LureTaken(lure=bait.lure, lure_kind=bait.kind, via="form", detail=request.path))
    record.emit(ev.HttpLogin(scheme="form", outcome="failure", username=username, password=password))
    credential_used(lures, record, username, password, "form")
    return Response(bait.status, list(bait.headers), bait.body)


async def _noted(lures: Lures, request: Request, response: Response) -> Response:
    """What the face answers, noted as told."""
    kind = _field(response, "content-type")
    if response.status != 200 or isinstance(response.body, Stored):
        return response
    listed = _TOLD.match(kind) is not None
    if isinstance(response.body, bytes | memoryview):
        if listed:
            text = await _plain(response.body, _field(response, "content-encoding").lower())
            for start in range(0, min(len(text), MAX_STREAMED), MAX_SCANNED - _OVERLAP):
                told(lures, request.record, text[start : start + MAX_SCANNED])
            lures.watch.told(taker(request.record), "credential", lures.given_away(text))
    elif listed or _PARTS.match(kind):
        response.body = _noting(lures, request.record, response.body)
    return response


async def _noting(lures: Lures, record: ConnectionRecord, body: AsyncIterator[Part]) -> AsyncIterator[Part]:
    left = MAX_STREAMED
    async for part in body:
        if left > 0 and not isinstance(part, Stored):
            told(lures, record, part)
            left -= len(part)
        yield part


def _field(response: Response, wanted: str) -> str:
    return next((value for name, value in response.headers if name.lower() == wanted), "")


async def _plain(body: bytes | memoryview, coding: str) -> bytes | memoryview:
    """A body before its coding, as far as it is looked through; ``gzip`` and ``deflate`` are all that faces apply."""
    if coding not in ("gzip", "deflate"):
        return body
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress
    if len(body) < UNPACKED_AT_ONCE:
        return unpack(body, MAX_STREAMED)
    return await asyncio.to_thread(unpack, body, MAX_STREAMED)
