"""QIDO-RS (PS3.18 section 10.6)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from itertools import chain

from ....evidence import events as ev
from ....hospital import json_model, xml_model
from ....hospital.attributes import ATTRIBUTES, SERIES_UID, SOP_UID, STUDY_UID, UNIQUE_KEYS, Level
from ....hospital.charset import SPECIFIC_CHARACTER_SET
from ....hospital.errors import QueryError
from ....hospital.query import ONLINE
from ...listing import Attribute, Listing, Values
from ..message import Pair, Part, Request, Response
from . import criteria, media, multipart
from .attributes import RETRIEVE_URL, defaults, everything, vr_of
from .criteria import Criteria
from .errors import Refused
from .paths import Resource
from .service import Service

BATCH = 32
"""Matches that are written at a time."""

_LEVEL = 0x00080052
_AVAILABILITY = 0x00080056


class Search:
    """One search at work."""

    def __init__(self, service: Service, request: Request, resource: Resource) -> None:
        self._service = service
        self._persona = service.persona
        self._request = request
        self._resource = resource
        self._listing = Listing(service.backing.holdings, request.visitor)
        self._base = service.base(request)
        self._sent = 0

    async def response(self) -> Response:
        """The answer. Raises `Refused`."""
        wanted = media.accepted(self._request)
        kind = media.select(wanted, self._persona.json_type, media.JSON, media.PLAIN_JSON)
        if kind is None and not media.in_parts(wanted, media.XML):
            raise Refused(406)
        asked = criteria.read(self._request.query, self._resource, self._persona)
        try:
            return await self._found(asked, kind)
        except QueryError as error:
            self._record(asked, "failure", error.comment)
            raise Refused(400, "Invalid query") from None

    async def count(self) -> Response:
        """How many matches there are, as JSON. Raises `Refused`."""
        asked = criteria.read(self._request.query, self._resource, self._persona)
        try:
            number = 0 if asked.never else await self._listing.count(self._resource.level, self._keys(asked))
        except QueryError as error:
            self._record(asked, "failure", error.comment)
            raise Refused(400, "Invalid query") from None
        self._record(asked, "success")
        return Response(200, [("Content-Type", media.PLAIN_JSON)], b'{"count":%d}' % number)

    async def _found(self, asked: Criteria, kind: str | None) -> Response:
        level, persona = self._resource.level, self._persona
        keys = self._keys(asked)
        most = persona.most
        limit = asked.limit or None
        held_back = bool(most) and (limit is None or limit > most)
        size = most if held_back else limit
        headers: list[Pair] = []
        if persona.cache:
            headers.append(("Cache-Control", persona.cache))
        matches = self._listing.matches(level, keys, offset=asked.offset, limit=size)
        first = None if asked.never else await anext(matches, None)
        if first is None:
            await matches.aclose()
            self._record(asked, "success")
            if persona.empty == 204:
                return Response(204)
            return Response(200, [("Content-Type", kind or self._parts_type()[0]), *headers], b"[]")
        if held_back and persona.remaining:
            left = await self._listing.count(level, keys) - asked.offset - most
            if left > 0:
                headers.append(
                    ("Warning", self._warning(f"There are {left} additional results that can be requested"))
                )
        if asked.fuzzy and persona.fuzzy == "warned":
            headers.append(
                (
                    "Warning",
                    self._warning(
                        "The fuzzymatching parameter is not supported. Only literal matching has been performed."
                    ),
                )
            )
        models = self._models(first, matches, asked)
        if kind is not None:
            return Response(200, [("Content-Type", kind), *headers], self._json(models, asked))
        content_type, boundary = self._parts_type()
        body = multipart.written(boundary, self._documents(models))
        return Response(200, [("Content-Type", content_type), *headers], self._recorded(body, asked))

    def _keys(self, asked: Criteria) -> dict[int, str]:
        """What the catalogue is asked: the keys, and empty ones for what is to be answered."""
        level, resource = self._resource.level, self._resource
        if asked.everything:
            tags = everything(level)
        else:
            tags = list(defaults(level, study=bool(resource.study), series=bool(resource.series)))
        above = (UNIQUE_KEYS[each] for each in (Level.STUDY, Level.SERIES, Level.IMAGE) if each <= level)
        found = dict.fromkeys(chain(tags, asked.asked, above), "")
        found.pop(RETRIEVE_URL, None)
        found.pop(SPECIFIC_CHARACTER_SET, None)
        return found | asked.keys

    async def _models(
        self, first: Values, matches: AsyncGenerator[Values, None], asked: Criteria
    ) -> AsyncIterator[json_model.JSON]:
        async with contextlib.aclosing(matches):
            yield self._model(first, asked)
            self._sent += 1
            async for values in matches:
                yield self._model(values, asked)
                self._sent += 1

    def _model(self, values: Values, asked: Criteria) -> json_model.JSON:
        level = self._resource.level
        values.pop(_LEVEL, None)
        if asked.everything:
            named = asked.keys.keys() | set(asked.asked)
            values = {tag: each for tag, each in values.items() if each.value is not None or tag in named}
        found = {tag: (_json_vr(tag, each), each.value) for tag, each in values.items()}
        if level > Level.PATIENT:
            found[_AVAILABILITY] = ("CS", ONLINE)
            found[RETRIEVE_URL] = ("UR", self._url(values, level))
        texts = any(isinstance(each.value, str) and not each.value.isascii() for each in values.values())
        charset = self._service.charset(texts=texts)
        if charset:
            found[SPECIFIC_CHARACTER_SET] = ("CS", charset)
        return json_model.of_rows(found)

    def _url(self, values: Values, level: Level) -> str:
        names = zip(("studies", "series", "instances"), (STUDY_UID, SERIES_UID, SOP_UID), strict=True)
        shown = [f"/{name}/{values[tag].value}" for name, tag in list(names)[:level]]
        return self._base + "".join(shown)

    async def _json(self, models: AsyncIterator[json_model.JSON], asked: Criteria) -> AsyncIterator[Part]:
        before, batch, failed = b"[", list[bytes](), None
        try:
            async for model in models:
                batch.append(json_model.as_json(model))
                if len(batch) == BATCH:
                    yield before + b",".join(batch)
                    before, batch = b",", []
        except QueryError as error:
            failed = error.comment
        yield (before if batch or before == b"[" else b"") + b",".join(batch) + b"]"
        self._record(asked, "success" if failed is None else "failure", failed)

    async def _documents(
        self, models: AsyncIterator[json_model.JSON]
    ) -> AsyncIterator[tuple[list[Pair], list[Part]]]:
        with contextlib.suppress(QueryError):
            async for model in models:
                yield [("Content-Type", media.XML)], [xml_model.document(model)]

    async def _recorded(self, body: AsyncIterator[Part], asked: Criteria) -> AsyncIterator[Part]:
        async for part in body:
            yield part
        self._record(asked, "success")

    def _parts_type(self) -> tuple[str, str]:
        boundary = self._service.boundary(self._request)
        return f'multipart/related; type="{media.XML}"; boundary={boundary}', boundary

    def _warning(self, text: str) -> str:
        return f'299 {self._service.host(self._request)} "{text}"'

    def _record(self, asked: Criteria, outcome: str, reason: str | None = None) -> None:
        self._request.record.emit(
            ev.WebQuery(
                face="qido-rs",
                level=self._resource.level.name,
                keys=asked.sent
                | {
                    f"{tag:08X}": uid
                    for tag, uid in zip((STUDY_UID, SERIES_UID), self._resource.uids[:2], strict=True)
                    if uid
                },
                matches=self._sent,
                limit=asked.limit,
                offset=asked.offset or None,
                outcome=outcome,
                reason=reason,
            )
        )


def _json_vr(tag: int, attribute: Attribute) -> str:
    return attribute.vr if tag in ATTRIBUTES else vr_of(tag)
