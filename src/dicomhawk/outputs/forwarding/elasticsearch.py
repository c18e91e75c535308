"""The bulk API of Elasticsearch and OpenSearch. ``event.id`` is the document's ``_id``: a second one isn't made."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from ...settings import Settings, SettingsError
from ...settings.outputs import ElasticsearchOutput
from .base import Batch, Output, Permanent, Temporary, encode
from .http import Http, host_of

FILTER = "filter_path=errors,items.*._id,items.*.status,items.*.error.type,items.*.error.reason"
_THERE = 409
"""Status of a document whose ``_id`` there is already."""
_LATER = frozenset({401, 403, 404, 408, 429})
"""404: no such index, and it isn't made by itself."""


class _Item(msgspec.Struct):
    status: int
    id: str = msgspec.field(name="_id", default="")
    error: dict[str, Any] = {}


class _Answer(msgspec.Struct):
    errors: bool
    items: list[dict[str, _Item]]


class Elasticsearch(Output):
    """Bulk requests with ``create``, which data streams want."""

    def __init__(self, output: ElasticsearchOutput, settings: Settings) -> None:
        headers = {}
        if output.api_key is not None:
            headers["Authorization"] = f"ApiKey {output.api_key.reveal()}"
        elif output.username:
            if output.password is None:
                raise SettingsError("a username needs a password.")
            pair = f"{output.username}:{output.password.reveal()}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        self._url = output.url.rstrip("/")
        self._index = output.index
        self._http = Http(output.ca, headers)

    @property
    def where(self) -> str:
        return f"{host_of(self._url)}, index {self._index}"

    async def send(self, batch: Batch) -> None:
        parts = []
        for record in batch:
            parts += [encode({"create": {"_index": self._index, "_id": record.id}}), record.line]
        answer = await self._http.post(
            f"{self._url}/_bulk?{FILTER}", b"\n".join([*parts, b""]), {"Content-Type": "application/x-ndjson"}
        )
        try:
            told = msgspec.json.decode(answer.content, type=_Answer)
        except msgspec.MsgspecError:
            raise Temporary("the answer is none of a bulk API") from None
        if not told.errors:
            return
        taken, refused, reason, later = [], [], "", False
        for record, item in zip(batch, told.items, strict=False):
            (found,) = item.values()
            if 200 <= found.status < 300 or found.status == _THERE:
                taken.append(record.id)
                continue
            why = f"{found.error.get('type', '')}: {found.error.get('reason', '')}"[:200]
            if found.status in _LATER or found.status >= 500:
                later = True
                reason = f"it answered {found.status} ({why})"
            else:
                refused.append(record.id)
                reason = reason or f"it refused {record.id} with {found.status} ({why})"
        if later or len(told.items) < len(batch):
            raise Temporary(reason or "it left records without an answer", taken=taken, refused=refused)
        if refused:
            raise Permanent(reason, taken=taken, refused=refused)

    async def close(self) -> None:
        await self._http.close()
