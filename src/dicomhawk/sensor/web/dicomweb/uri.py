"""WADO-URI (PS3.18 section 9)."""

from __future__ import annotations

from typing import cast

from ....evidence import events as ev
from ....hospital.displays import DisplayError, Media, Region, View, Window
from ....hospital.elements import EXPLICIT_LE
from ....hospital.errors import QueryError
from ....hospital.instances import InstanceRef
from ....hospital.pixels import Pixels, PixelsError
from ....hospital.transcode import can_transcode
from ...listing import Listing, is_uid
from ...lured import handed_out
from ..message import Request, Response, Stored
from . import media
from .errors import Refused
from .objects import whole
from .rendered import NOT_IMAGES, TYPES, middle, number
from .service import Service


class Uri:
    """One request for an object."""

    def __init__(self, service: Service, request: Request) -> None:
        self._service = service
        self._request = request
        self._holdings = service.backing.holdings

    async def response(self) -> Response:
        """The object, or its picture. Raises `Refused`."""
        request = self._request
        if request.argument("requestType") != "WADO":
            raise Refused(400, "Invalid value of query parameter requestType")
        study, series, sop = (self._uid(name) for name in ("studyUID", "seriesUID", "objectUID"))
        if not study:
            raise Refused(400, "Missing query parameter studyUID")
        wanted = media.parse(request.argument("contentType", "") or "")
        view = self._view()
        try:
            found = await Listing(self._holdings, request.visitor).objects(study, series, sop)
        except QueryError:
            found = []
        if not found:
            self._record("failure", reason="not found")
            raise Refused(404, "Not Found")
        instance = middle(found)
        image = not NOT_IMAGES.match(instance.sop_class_uid)
        offered = (*TYPES, media.DICOM) if image else (media.DICOM,)
        kind = media.select(wanted, *offered) if wanted else offered[0]
        if kind is None:
            raise Refused(406, "Not Acceptable")
        return await (self._object(instance) if kind == media.DICOM else self._picture(instance, kind, view))

    async def _object(self, instance: InstanceRef) -> Response:
        named = self._request.argument("transferSyntax", EXPLICIT_LE) or EXPLICIT_LE
        own = instance.transfer_syntax_uid
        syntax = named if can_transcode(own, named) else own
        stored = await self._holdings.fetch(instance, syntax)
        if stored is None:
            raise Refused(404, "Not Found")
        stored = await handed_out(self._service.backing.lures, stored, instance, self._request.record)
        meta = self._holdings.file_meta(instance.sop_class_uid, instance.sop_uid, stored.transfer_syntax)
        object_ = Stored(stored.data, stored.reference)
        size = len(meta) + len(stored.data)
        self._record("success", instance, kind=media.DICOM, size=size)
        kind = f"{media.DICOM};transfer-syntax={stored.transfer_syntax}"
        return Response(200, [("Content-Type", kind)], whole([meta, object_]), size)

    async def _picture(self, instance: InstanceRef, kind: str, view: View) -> Response:
        view = View(
            media=cast(Media, kind),
            window=view.window,
            columns=view.columns,
            rows=view.rows,
            region=await self._region(instance),
            quality=view.quality,
        )
        try:
            async with self._service.turns.of(self._request.visitor):
                picture = await self._holdings.display(instance, self._whole_number("frameNumber") or 1, view)
        except DisplayError as error:
            self._record("failure", instance, reason=str(error))
            raise Refused(404 if error.absent else 406, "Not Acceptable") from None
        self._record("success", instance, kind=kind, size=len(picture))
        return Response(200, [("Content-Type", kind)], picture)

    async def _region(self, instance: InstanceRef) -> Region | None:
        """A part of the picture: two corners, from 0 to 1 of its columns and rows (section 9.1.2.2)."""
        text = self._request.argument("region")
        if text is None:
            return None
        parts = [number("region", part) for part in text.split(",")[:5]]
        if (
            len(parts) != 4
            or not all(0 <= part <= 1 for part in parts)
            or parts[0] >= parts[2]
            or parts[1] >= parts[3]
        ):
            raise Refused(400, "Invalid value of query parameter region")
        stored = await self._holdings.fetch(instance, instance.transfer_syntax_uid)
        try:
            shape = Pixels(stored.data, stored.transfer_syntax).shape if stored is not None else None
        except PixelsError:
            shape = None
        if shape is None:
            return None
        left, top = int(parts[0] * shape.columns), int(parts[1] * shape.rows)
        right, bottom = round(parts[2] * shape.columns), round(parts[3] * shape.rows)
        return Region(left, top, max(1, right - left), max(1, bottom - top))

    def _view(self) -> View:
        center, width = self._request.argument("windowCenter"), self._request.argument("windowWidth")
        if (center is None) != (width is None):
            raise Refused(400, "windowCenter and windowWidth belong together")
        window = None
        if center is not None and width is not None:
            window = Window(number("windowCenter", center), number("windowWidth", width))
            if window.width < 1:
                raise Refused(400, "Invalid value of query parameter windowWidth")
        return View(
            window=window,
            columns=self._whole_number("columns"),
            rows=self._whole_number("rows"),
            quality=min(100, self._whole_number("imageQuality") or 90),
        )

    def _whole_number(self, name: str) -> int:
        """A number from 1; 0 if it isn't given. Raises `Refused`."""
        text = self._request.argument(name)
        if text is None:
            return 0
        if not (text.isdecimal() and text.isascii()) or len(text) > 5 or not int(text):
            raise Refused(400, f"Invalid value of query parameter {name}")
        return int(text)

    def _uid(self, name: str) -> str:
        uid = self._request.argument(name, "") or ""
        if uid and not is_uid(uid):
            raise Refused(404, "Not Found")
        return uid

    def _record(
        self,
        outcome: str,
        instance: InstanceRef | None = None,
        *,
        kind: str | None = None,
        size: int | None = None,
        reason: str | None = None,
    ) -> None:
        argument = self._request.argument
        self._request.record.emit(
            ev.WebRetrieve(
                face="wado-uri",
                what="file" if kind == media.DICOM else "rendered",
                level="IMAGE",
                study_uid=argument("studyUID"),
                series_uid=argument("seriesUID"),
                sop_instance=instance.sop_uid if instance is not None else argument("objectUID"),
                mime_type=kind,
                instances=None if instance is None else 1,
                bytes=size,
                outcome=outcome,
                reason=reason,
            )
        )
