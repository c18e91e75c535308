"""Pictures: of the hospital's own images, and previews of strangers' files that the analyst's sandbox made."""

from __future__ import annotations

import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..images import THUMBNAIL, WHOLE
from ..site import site_of
from .files import DIFFERENCE, SHA256

_UID = re.compile(r"[0-9.]{1,64}")
_KEEP = {"Cache-Control": "private, max-age=86400, immutable"}


def image(request: Request) -> Response:
    """An image of the hospital's, as a JPEG."""
    uid = request.path_params["uid"]
    side = WHOLE if request.query_params.get("size") == "whole" else THUMBNAIL
    picture = site_of(request).images.of_instance(uid, side) if _UID.fullmatch(uid) else None
    if picture is None:
        raise HTTPException(404, "There is no picture of that.")
    return Response(picture, media_type="image/jpeg", headers=_KEEP)


def preview(request: Request) -> Response:
    """What the sandbox made of a captured file, as a PNG."""
    name = request.path_params["name"]
    known = SHA256.fullmatch(name.removesuffix(DIFFERENCE))
    picture = site_of(request).images.preview(name) if known else None
    if picture is None:
        raise HTTPException(404, "There is no preview of that.")
    return Response(picture, media_type="image/png", headers=_KEEP)


ROUTES = [Route("/images/{uid}.jpg", image), Route("/previews/{name}.png", preview)]
