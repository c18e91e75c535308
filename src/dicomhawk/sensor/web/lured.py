"""Bait on a web door: fake routes beside the face's own, and what of others is asked for."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from ...evidence import events as ev
from ...lures.bait import Asked, Lures, basic
from ..lured import asked, credential_used, taker, told
from .message import BodyBroken, BodyTooLarge, Request, Response, Site

_TOLD = re.compile(r"text/|application/(?:dicom\+)?(?:json|xml)", re.IGNORECASE)
"""Answers that are looked through for UIDs: lists and pages, not files."""

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
                return _noted(lures, request, response)
            return _bait(lures, request) or response
        if request.method == "POST" and lures.form(request.path):
            return await _typed(lures, request)
        return _bait(lures, request) or _noted(lures, request, await site(request))

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


def _noted(lures: Lures, request: Request, response: Response) -> Response:
    """What the face answers, noted as told."""
    kind = next((value for name, value in response.headers if name.lower() == "content-type"), "")
    if isinstance(response.body, bytes | memoryview) and response.status == 200 and _TOLD.match(kind):
        told(lures, request.record, response.body)
        lures.watch.told(taker(request.record), "credential", lures.given_away(response.body))
    return response
