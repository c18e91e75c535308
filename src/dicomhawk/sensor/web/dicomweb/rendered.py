"""WADO-RS: pictures (PS3.18 sections 10.4.1.1.3 and 10.4.1.1.4) and what asks for them (section 8.3.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast

from ....hospital.displays import MAX_SIDE, DisplayError, Function, Media, Region, View, Window
from ....hospital.instances import InstanceRef
from ..message import Request, Response
from . import media
from .errors import Refused
from .objects import Retrieval
from .paths import Resource
from .service import Service

TYPES: Final = ("image/jpeg", "image/png")
NOT_IMAGES: Final = re.compile(
    r"1\.2\.840\.10008\.5\.1\.4\.1\.1\.(88|11|9|104)\.|1\.2\.840\.10008\.5\.1\.4\.1\.1\.66"
)
"""SOP classes of documents, presentation states, waveforms and raw data."""

_FUNCTIONS: Final[Mapping[str, Function]] = {
    "linear": "LINEAR",
    "linear-exact": "LINEAR_EXACT",
    "linear_exact": "LINEAR_EXACT",
    "sigmoid": "SIGMOID",
}
_NUMBER: Final = re.compile(r"[+-]?(\d{1,9}(\.\d{0,9})?|\.\d{1,9})")


class Rendered(Retrieval):
    """One picture."""

    def __init__(self, service: Service, request: Request, resource: Resource) -> None:
        super().__init__(service, request, resource)
        self._thumbnail = resource.what == "thumbnail"

    async def picture(self) -> Response:
        """The picture of the frame, or of one in the middle. Raises `Refused`."""
        kind = media.select(self.wanted, *TYPES)
        if kind is None:
            raise Refused(406)
        view = view_of(self.request, cast(Media, kind), self.service.persona.thumbnail if self._thumbnail else 0)
        frames = self.resource.frames
        if frames == (0,):
            raise Refused(400, "Invalid list of frames")
        instance = middle(await self.instances())
        try:
            async with self.turn():
                picture = await self.holdings.display(instance, frames[0] if frames else 1, view)
        except DisplayError as error:
            self.record("failure", reason=str(error))
            raise Refused(404 if error.absent else 406, "Not Acceptable") from None
        self.record("success", count=1, size=len(picture), kind=kind)
        return Response(200, [("Content-Type", kind)], picture)


def middle(instances: list[InstanceRef]) -> InstanceRef:
    """The instance in the middle of the first series that has pictures; else of all."""
    first = next((each for each in instances if not NOT_IMAGES.match(each.sop_class_uid)), None)
    series = [each for each in instances if first is None or each.series_uid == first.series_uid]
    return series[len(series) // 2]


def view_of(request: Request, kind: Media, thumbnail: int) -> View:
    """How the query says that the picture shall look. Raises `Refused`."""
    window = _window(request.argument("window"))
    columns, rows, region = _viewport(request.argument("viewport"))
    quality = request.argument("quality")
    if quality is not None and not (quality.isdecimal() and quality.isascii() and 1 <= len(quality) <= 3):
        raise Refused(400, "Invalid value of query parameter quality")
    side = thumbnail if not columns and not rows else 0
    return View(
        media=kind,
        window=window,
        columns=columns or side,
        rows=rows or side,
        region=region,
        quality=min(100, max(1, int(quality))) if quality else 90,
    )


def _window(text: str | None) -> Window | None:
    if text is None:
        return None
    parts = text.split(",")
    function = _FUNCTIONS.get(parts[2].lower()) if len(parts) == 3 else "LINEAR"
    if len(parts) not in (2, 3) or function is None:
        raise Refused(400, "Invalid value of query parameter window")
    center, width = number("window", parts[0]), number("window", parts[1])
    return Window(center, width, function)


def _viewport(text: str | None) -> tuple[int, int, Region | None]:
    """Columns and rows, and the part of the frame: ``vw,vh[,sx,sy,sw,sh]``."""
    if text is None:
        return 0, 0, None
    parts = text.split(",")
    if len(parts) not in (2, 6):
        raise Refused(400, "Invalid value of query parameter viewport")
    sides = [int(number("viewport", part)) for part in parts[:2]]
    if min(sides) < 1 or max(sides) > 100_000:
        raise Refused(400, "Invalid value of query parameter viewport")
    columns, rows = (min(side, MAX_SIDE) for side in sides)
    if len(parts) == 2:
        return columns, rows, None
    left, top, width, height = (int(number("viewport", part)) if part else 0 for part in parts[2:])
    whole = 1 << 20
    return columns, rows, Region(left, top, abs(width) or whole, abs(height) or whole)


def number(name: str, text: str) -> float:
    """A decimal number. Raises `Refused`."""
    if not _NUMBER.fullmatch(text.strip()) or not text.isascii():
        raise Refused(400, f"Invalid value of query parameter {name}")
    return float(text)
