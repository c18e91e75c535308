"""STOW-RS (PS3.18 section 10.5)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from ....evidence import events as ev
from ....hospital import json_model, xml_model
from ...listing import is_uid
from ..message import BodyBroken, Headers, Request, Response
from . import media, multipart
from .errors import Refused
from .service import Service
from .storing import Incoming, Outcome

MAX_REPORTED: Final = 5_000
"""Objects of one request of which the response tells; of more it says only that they are kept."""

_RETRIEVE_URL, _FAILED, _REFERENCED = "00081190", "00081198", "00081199"
_CLASS, _INSTANCE, _REASON = "00081150", "00081155", "00081197"


class Storing:
    """One request that stores."""

    def __init__(self, service: Service, request: Request, study: str) -> None:
        self._service = service
        self._request = request
        self._study = study
        self._kept: list[Outcome] = []
        self._failed: list[Outcome] = []
        self._studies: set[str] = set()
        self._counts = [0, 0]  # kept, failed

    async def response(self) -> Response:
        """What was kept. Raises `Refused`."""
        wanted = media.accepted(self._request)
        kind = media.select(wanted, self._service.persona.json_type, media.JSON, media.PLAIN_JSON, media.XML)
        if kind is None and not media.in_parts(wanted, media.XML):
            raise Refused(406)
        await self._read(self._boundary())
        return self._answer(kind or media.XML)

    def _boundary(self) -> str:
        types = media.parse(self._request.headers.get("Content-Type") or "")
        if not types or not types[0].is_multipart or types[0].inner not in (media.DICOM, "*/*"):
            raise Refused(415, "Unsupported Media Type")
        boundary = types[0].parameters.get("boundary")
        if not boundary:
            raise Refused(400, "Missing Boundary Parameter")
        return boundary

    async def _read(self, boundary: str) -> None:
        under_way: Incoming | None = None
        headers = Headers()
        try:
            reader = multipart.Reader(boundary)
            async for piece in self._request.body:
                for event in reader.feed(piece):
                    if isinstance(event, multipart.Begin):
                        headers = event.headers
                        under_way = self._begin(headers)
                    elif under_way is None:
                        continue
                    elif isinstance(event, multipart.Data):
                        under_way.write(event.data)
                    else:
                        done, under_way = under_way, None
                        self._finish(done, headers)
                        await asyncio.sleep(0)
            reader.finish()
        except (multipart.MultipartError, BodyBroken) as error:
            raise Refused(400, "Invalid multipart body") from error
        finally:
            if under_way is not None:
                under_way.abandon()

    def _begin(self, headers: Headers) -> Incoming | None:
        types = media.parse(headers.get("Content-Type") or media.DICOM)
        if not types or types[0].name != media.DICOM:
            return None
        return Incoming(self._service.backing.holdings, self._request.record, self._request.visitor)

    def _finish(self, incoming: Incoming, headers: Headers) -> None:
        persona, store = self._service.persona, self._service.backing.persona.store
        outcome = incoming.finish(
            study=self._study,
            overwrite=store.duplicates == "replace",
            same=store.same_object,
            not_dicom=persona.not_dicom,
            other_study=persona.stored_other_study,
        )
        failed = outcome.failure is not None
        self._counts[failed] += 1
        listed = self._failed if failed else self._kept
        if len(listed) < MAX_REPORTED:
            listed.append(outcome)
        if not failed and len(self._studies) < 2:
            self._studies.add(outcome.study)
        self._request.record.emit(
            ev.WebStore(
                face="stow-rs",
                name=headers.get("Content-Location"),
                mime_type=headers.get("Content-Type") or media.DICOM,
                sop_class=outcome.sop_class or None,
                sop_instance=outcome.sop_instance or None,
                study_uid=outcome.study or None,
                size=outcome.size,
                sha256=outcome.sha256,
                outcome="failure" if failed else "success",
                reason=outcome.reason or None,
            )
        )

    def _answer(self, kind: str) -> Response:
        kept, failed = self._counts
        status = 409 if not kept else 202 if failed else 200
        model: json_model.JSON = {}
        base = self._service.base(self._request)
        if len(self._studies) == 1:
            model[_RETRIEVE_URL] = {"vr": "UR", "Value": [f"{base}/studies/{next(iter(self._studies))}"]}
        else:
            model[_RETRIEVE_URL] = {"vr": "UR"}
        if self._failed:
            items = [self._item(each) | {_REASON: {"vr": "US", "Value": [each.failure]}} for each in self._failed]
            model[_FAILED] = {"vr": "SQ", "Value": items}
        if self._kept:
            model[_REFERENCED] = {
                "vr": "SQ",
                "Value": [self._item(each) | self._place(base, each) for each in self._kept],
            }
        body = xml_model.document(model) if kind == media.XML else json_model.as_json(model)
        return Response(status, [("Content-Type", kind)], body)

    def _item(self, outcome: Outcome) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for tag, uid in ((_CLASS, outcome.sop_class), (_INSTANCE, outcome.sop_instance)):
            found[tag] = {"vr": "UI", "Value": [uid]} if uid else {"vr": "UI"}
        return found

    def _place(self, base: str, outcome: Outcome) -> dict[str, Any]:
        uids = outcome.study, outcome.series, outcome.sop_instance
        if not all(map(is_uid, uids)):
            return {}
        url = f"{base}/studies/{uids[0]}/series/{uids[1]}/instances/{uids[2]}"
        return {_RETRIEVE_URL: {"vr": "UR", "Value": [url]}}
