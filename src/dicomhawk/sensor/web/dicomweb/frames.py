"""WADO-RS: frames and bulk data (PS3.18 sections 10.4.1.1.5 and 10.4.1.1.6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from ....hospital.contents import LARGE, value_of
from ....hospital.displays import DisplayError
from ....hospital.elements import EXPLICIT_BE, EXPLICIT_LE
from ....hospital.instances import InstanceRef
from ....hospital.pixels import Pixels, PixelsError
from ....hospital.transcode import can_transcode
from ....hospital.vr import swapped
from ...holdings import StoredObject
from ..message import Pair, Part, Request, Response
from . import media, multipart
from .errors import Refused
from .objects import ANY, Retrieval, whole
from .paths import Resource
from .service import Service

COMPRESSED: Final = {
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}
"""Media types of compressed frames (PS3.18 table 8.7.3-5)."""

_PIXEL_DATA: Final = "7FE00010"
_DOCUMENT: Final = "00420011"


class Frames(Retrieval):
    """Frames and bulk data of one instance."""

    def __init__(self, service: Service, request: Request, resource: Resource) -> None:
        super().__init__(service, request, resource)
        self._size = 0

    async def frames(self) -> Response:
        """The frames that the path lists. Raises `Refused`."""
        instance, stored = await self._first()
        try:
            pixels = Pixels(stored.data, stored.transfer_syntax)
        except PixelsError:
            raise Refused(404, "Not an image.") from None
        numbers = [number for number in self.resource.frames if 1 <= number <= pixels.count]
        if not numbers:
            raise Refused(400 if self.resource.frames == (0,) else 404, "No such frame.")
        syntax = self._syntax(stored.transfer_syntax)
        kind = media.OCTETS if can_transcode(syntax, syntax) else COMPRESSED[syntax]
        boundary = self.service.boundary(self.request)
        fields = [("Content-Type", f"{kind};transfer-syntax={syntax}")]
        parts = self._frames(instance, pixels, numbers, syntax, fields)
        content_type = f'multipart/related; type="{kind}"; boundary={boundary}'
        return Response(200, [("Content-Type", content_type)], multipart.written(boundary, parts))

    async def _first(self) -> tuple[InstanceRef, StoredObject]:
        """The instance that the path names. Raises `Refused`."""
        (instance,) = (await self.instances())[:1]
        async with self.turn():
            stored = await self.holdings.fetch(instance, instance.transfer_syntax_uid)
        if stored is None:
            raise Refused(404, "Not Found")
        return instance, stored

    def _syntax(self, own: str) -> str:
        """In which transfer syntax the frames are sent. Raises `Refused`."""
        compressed = COMPRESSED.get(own)
        if compressed is not None:
            for each in media.in_parts(self.wanted, compressed):
                if each.inner != "*/*" and each.transfer_syntax in (None, own, ANY):
                    return own
        for each in media.in_parts(self.wanted, media.OCTETS):
            if each.transfer_syntax in (None, ANY, EXPLICIT_LE, own):
                return EXPLICIT_LE
        raise Refused(406, "Not Acceptable")

    async def _frames(
        self,
        instance: InstanceRef,
        pixels: Pixels,
        numbers: list[int],
        syntax: str,
        fields: list[Pair],
    ) -> AsyncIterator[tuple[list[Pair], list[Part]]]:
        outcome = "failure"
        try:
            for number in numbers:
                frame: bytes | memoryview
                if pixels.encapsulated and pixels.syntax != syntax:
                    async with self.turn():
                        frame = await self.holdings.frame(instance, number)
                elif pixels.syntax == EXPLICIT_BE:
                    frame = swapped("OW", bytes(pixels.frame(number)))
                else:
                    frame = pixels.frame(number)
                self._size += len(frame)
                yield [*fields, ("Content-Location", f"{self.url(instance)}/frames/{number}")], [frame]
            outcome = "success"
        except (DisplayError, PixelsError):
            pass  # the response has begun
        finally:
            self.record(outcome, count=1, size=self._size, kind=media.OCTETS)

    async def bulkdata(self) -> Response:
        """The value that the path names; of the whole object its pixels or its document. Raises `Refused`."""
        instance, stored = await self._first()
        for path in (self.resource.path,) if self.resource.path else (_PIXEL_DATA, _DOCUMENT):
            value = await self._value_of(stored, path)
            if value is not None:
                return self._value(instance, stored, path, value)
        raise Refused(404, "Not Found")

    async def _value_of(self, stored: StoredObject, path: str) -> memoryview | bytes | None:
        arguments = stored.data, stored.transfer_syntax, path
        return value_of(*arguments) if len(stored.data) < LARGE else await asyncio.to_thread(value_of, *arguments)

    def _value(self, instance: InstanceRef, stored: StoredObject, path: str, value: bytes | memoryview) -> Response:
        kind = media.OCTETS
        if path == _PIXEL_DATA:
            kind = COMPRESSED.get(stored.transfer_syntax, media.OCTETS)
        in_parts = media.in_parts(self.wanted, kind) or media.in_parts(self.wanted, media.OCTETS)
        if not in_parts and media.select(self.wanted, kind, media.OCTETS) is None:
            raise Refused(406, "Not Acceptable")
        self.record("success", count=1, size=len(value), kind=kind)
        url = f"{self.url(instance)}/bulkdata/{path}"
        if not in_parts:
            return Response(200, [("Content-Type", kind)], value)
        boundary = self.service.boundary(self.request)
        fields = [("Content-Type", kind), ("Content-Location", url)]
        content_type = f'multipart/related; type="{kind}"; boundary={boundary}'
        body = [multipart.opening(boundary, fields, first=True), value, multipart.closing(boundary)]
        return Response(200, [("Content-Type", content_type)], whole(body), sum(map(len, body)))
