"""WADO-RS: whole objects, and what they hold (PS3.18 section 10.4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

from ....evidence import events as ev
from ....hospital import json_model, xml_model
from ....hospital.contents import LARGE, attributes_of
from ....hospital.elements import EXPLICIT_LE, decode
from ....hospital.errors import QueryError
from ....hospital.instances import InstanceRef
from ....hospital.transcode import can_transcode
from ...holdings import StoredObject
from ...listing import Listing
from ...lured import handed_out
from ..message import Pair, Part, Request, Response, Stored
from . import media, multipart
from .errors import Refused
from .media import MediaType
from .paths import Resource
from .service import Service

AHEAD = 3
"""Objects rendered ahead of the one being sent, so that the renderer works while the network does."""
BATCH = 16
"""Instances whose attributes are made at a time; others have their turn in between."""
ANY = "*"


class Retrieval:
    """One retrieval at work."""

    def __init__(self, service: Service, request: Request, resource: Resource) -> None:
        self.service = service
        self.request = request
        self.resource = resource
        self.holdings = service.backing.holdings
        self.wanted = media.accepted(request)

    async def instances(self) -> list[InstanceRef]:
        """What the path names. Raises `Refused`."""
        try:
            found = await Listing(self.holdings, self.request.visitor).objects(*self.resource.uids)
        except QueryError:
            found = []
        if not found:
            self.record("failure", reason="not found")
            raise Refused(404, "Not Found")
        return found

    async def objects(self) -> Response:
        """Study, series or instance as objects. Raises `Refused`."""
        parts = media.in_parts(self.wanted, media.DICOM)
        single = not parts and self.resource.uids[2] and media.select(self.wanted, media.DICOM) is not None
        if not parts and not single:
            raise Refused(406)
        instances = await self.instances()
        wished = _wished([each for each in self.wanted if each.covers(media.DICOM)] if single else parts)
        chosen = [(each, syntax) for each in instances if (syntax := _syntax(each, wished)) is not None]
        if not chosen:
            self.record("failure", reason="transfer syntax")
            raise Refused(406, "Not Acceptable")
        if single:
            return await self._one(*chosen[0])
        boundary = self.service.boundary(self.request)
        kind = f'multipart/related; type="{media.DICOM}"; boundary={boundary}'
        status = 200 if len(chosen) == len(instances) else 206
        return Response(status, [("Content-Type", kind)], multipart.written(boundary, self._parts(chosen)))

    async def _one(self, instance: InstanceRef, syntax: str) -> Response:
        stored = await self._fetched(instance, syntax)
        if stored is None:
            raise Refused(406, "Not Acceptable")
        kind = f"{media.DICOM}; transfer-syntax={stored.transfer_syntax}"
        self.record("success", count=1, size=len(stored.data), kind=media.DICOM)
        return Response(200, [("Content-Type", kind)], whole(self.file(instance, stored)))

    async def _parts(self, chosen: Sequence[tuple[InstanceRef, str]]) -> AsyncIterator[tuple[list[Pair], list[Part]]]:
        count = size = 0
        try:
            for place, (instance, syntax) in enumerate(chosen):
                for following, _ in chosen[place + 1 : place + 1 + AHEAD]:
                    self.holdings.prefetch(following)
                stored = await self._fetched(instance, syntax)
                if stored is None:
                    continue
                yield (
                    [("Content-Type", f"{media.DICOM};transfer-syntax={stored.transfer_syntax}")],
                    self.file(instance, stored),
                )
                count, size = count + 1, size + len(stored.data)
        finally:
            self.record("success" if count == len(chosen) else "failure", count=count, size=size, kind=media.DICOM)

    async def _fetched(self, instance: InstanceRef, syntax: str) -> StoredObject | None:
        """An instance in a transfer syntax or, if it can't be had in that, in its own."""
        own = instance.transfer_syntax_uid
        async with self.turn():
            stored = await self.holdings.fetch(instance, syntax, decodes=(own,))
            if stored is None and syntax != own:
                stored = await self.holdings.fetch(instance, own)
        if stored is None:
            return None
        return await handed_out(self.service.backing.lures, stored, instance, self.request.record)

    def file(self, instance: InstanceRef, stored: StoredObject) -> list[Part]:
        """A Part 10 file of it."""
        meta = self.holdings.file_meta(instance.sop_class_uid, instance.sop_uid, stored.transfer_syntax)
        return [meta, Stored(stored.data, stored.reference)]

    async def metadata(self) -> Response:
        """Attributes without bulk data (PS3.18 section 10.4.1.1.2). Raises `Refused`."""
        kind = media.select(self.wanted, self.service.persona.json_type, media.JSON, media.PLAIN_JSON)
        if kind is None and not media.in_parts(self.wanted, media.XML):
            raise Refused(406)
        models = self._models(await self.instances())
        if kind is not None:
            return Response(200, [("Content-Type", kind)], _array(models))
        boundary = self.service.boundary(self.request)
        content_type = f'multipart/related; type="{media.XML}"; boundary={boundary}'
        return Response(200, [("Content-Type", content_type)], multipart.written(boundary, _documents(models)))

    async def _models(self, instances: Sequence[InstanceRef]) -> AsyncIterator[json_model.JSON]:
        count = 0
        try:
            for start in range(0, len(instances), BATCH):
                batch = instances[start : start + BATCH]
                async with self.turn():
                    heads = await self.holdings.heads(batch)
                for instance, head in zip(batch, heads, strict=True):
                    model = await self._model(instance, head)
                    if model is not None:
                        yield model
                        count += 1
                    await asyncio.sleep(0)
        finally:
            outcome = "success" if count == len(instances) else "failure"
            self.record(outcome, count=count, kind=media.JSON)

    async def _model(self, instance: InstanceRef, head: bytes | None) -> json_model.JSON | None:
        manner, syntax = self.service.manner(self.url(instance)), instance.transfer_syntax_uid
        if head is not None:
            return json_model.model(decode(head, EXPLICIT_LE), manner)
        async with self.turn():
            stored = await self.holdings.fetch(instance, syntax)
        if stored is None:
            return None
        if instance.origin != "upload" or len(stored.data) < LARGE:
            return json_model.model(attributes_of(stored.data, syntax), manner)
        return await asyncio.to_thread(_described, stored.data, syntax, manner)

    def turn(self) -> AbstractAsyncContextManager[None]:
        """While something is made for the visitor."""
        return self.service.turns.of(self.request.visitor)

    def url(self, instance: InstanceRef) -> str:
        """Where the instance is, as the client sees it."""
        base = self.service.base(self.request)
        return f"{base}/studies/{instance.study_uid}/series/{instance.series_uid}/instances/{instance.sop_uid}"

    def record(
        self,
        outcome: str,
        *,
        count: int | None = None,
        size: int | None = None,
        kind: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Put the retrieval on record."""
        study, series, instance = self.resource.uids
        self.request.record.emit(
            ev.WebRetrieve(
                face="wado-rs",
                what="file" if self.resource.what == "objects" else self.resource.what,
                level=self.resource.level.name,
                study_uid=study,
                series_uid=series or None,
                sop_instance=instance or None,
                mime_type=kind,
                instances=count,
                bytes=size,
                outcome=outcome,
                reason=reason,
            )
        )


def _described(data: memoryview, syntax: str, manner: json_model.Manner) -> json_model.JSON:
    return json_model.model(attributes_of(data, syntax), manner)


async def whole(parts: Sequence[Part]) -> AsyncIterator[Part]:
    """A body of several parts."""
    for part in parts:
        yield part


def _wished(types: Sequence[MediaType]) -> list[str]:
    """The transfer syntaxes that a client takes, the most wanted first."""
    found: list[str] = []
    for each in types:
        named = each.transfer_syntax
        found += [EXPLICIT_LE, ANY] if named is None else [part.strip() for part in named.split(",")]
    return found


def _syntax(instance: InstanceRef, wished: Sequence[str]) -> str | None:
    """In which one an instance is sent; None: in none of these."""
    own = instance.transfer_syntax_uid
    for syntax in wished:
        if syntax in (ANY, own):
            return own
        if can_transcode(own, syntax) or (syntax == EXPLICIT_LE and instance.origin != "upload"):
            return syntax
    return None


async def _array(models: AsyncIterator[json_model.JSON]) -> AsyncIterator[Part]:
    before = b"["
    async for model in models:
        yield before + json_model.as_json(model)
        before = b","
    yield b"[]" if before == b"[" else b"]"


async def _documents(models: AsyncIterator[json_model.JSON]) -> AsyncIterator[tuple[list[Pair], list[Part]]]:
    async for model in models:
        yield [("Content-Type", media.XML)], [xml_model.document(model)]
