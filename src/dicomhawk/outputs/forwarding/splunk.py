"""Splunk's HTTP Event Collector. Splunk keeps doubles; ``| dedup event.id`` drops them in a search."""

from __future__ import annotations

import msgspec

from ...evidence.documents import moment_of, text_at
from ...settings import Settings
from ...settings.outputs import SplunkOutput
from .base import Batch, Output, Permanent, Record, Temporary, encode, rendered
from .http import Http, check, host_of, said_by

PATH = "/services/collector/event"
_WRONG_EVENT = frozenset({5, 6, 12, 13, 15})
"""Codes of answers that are about an event: no data, invalid format, event field missing, blank, or wrong fields."""


class _Answer(msgspec.Struct):
    code: int
    text: str = ""
    number: int | None = msgspec.field(name="invalid-event-number", default=None)


class Splunk(Output):
    """Posts batches of events, each with its own moment, host and source."""

    def __init__(self, output: SplunkOutput, settings: Settings) -> None:
        self._url = output.url.rstrip("/") + PATH
        self._common = {"source": "dicomhawk", "sourcetype": output.sourcetype}
        if output.index:
            self._common["index"] = output.index
        self._http = Http(output.ca, {"Authorization": f"Splunk {output.token.reveal()}"})

    @property
    def where(self) -> str:
        return host_of(self._url)

    async def send(self, batch: Batch) -> None:
        answer = await self._http.request(
            "POST", self._url, b"".join(rendered(batch, self._event)), {"Content-Type": "application/json"}
        )
        try:
            told = msgspec.json.decode(answer.content, type=_Answer)
        except msgspec.MsgspecError:
            check(answer)
            raise Temporary("the answer is none of an event collector") from None
        if answer.status_code == 200 and told.code == 0:
            return
        if told.code in _WRONG_EVENT:
            wrong = told.number if told.number is not None and 0 <= told.number < len(batch) else None
            raise Permanent(
                f"it answered code {told.code}{said_by(answer)}", refused=[] if wrong is None else [batch[wrong].id]
            )
        raise Temporary(f"it answered {answer.status_code}, code {told.code}{said_by(answer)}")

    async def close(self) -> None:
        await self._http.close()

    def _event(self, record: Record) -> bytes:
        document = record.document
        us = moment_of(document)
        head = {
            "time": f"{us // 1_000_000}.{us % 1_000_000 // 1000:03d}",
            "host": text_at(document, "observer.name") or "dicomhawk",
            **self._common,
        }
        return encode(head)[:-1] + b',"event":' + record.line + b"}"
