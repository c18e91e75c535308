"""A site without its wire: requests in, responses out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from dicomhawk.evidence.recorder import ConnectionRecord, Recorder
from dicomhawk.persona.model import Persona, load
from dicomhawk.sensor.holdings import Holdings, prepare
from dicomhawk.sensor.web.backing import Backing
from dicomhawk.sensor.web.message import BodyTooLarge, Headers, Pair, Request, Site, Stored
from dicomhawk.settings import load as load_settings


class Answer(NamedTuple):
    """A response, whole."""

    status: int
    headers: Headers
    body: bytes

    @property
    def kind(self) -> str:
        """Its Content-Type."""
        return self.headers.get("Content-Type") or ""


class Body:
    """A request's content in pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            await asyncio.sleep(0)
            yield piece

    async def read(self, limit: int) -> bytes:
        whole = b"".join(self._pieces)
        if len(whole) > limit:
            raise BodyTooLarge
        return whole


class Bench:
    """What stands behind a site of a persona, over a data folder of its own."""

    def __init__(self, data: Path, persona: str, make: Callable[[Backing], Site]) -> None:
        settings = load_settings(data=data)
        assert settings.deployment is not None
        prepare(settings)
        model: Persona = load(persona)
        self.loop = asyncio.new_event_loop()
        self.recorder = Recorder(settings, "bench")
        self.holdings = Holdings(settings, settings.deployment, model)
        self.backing = Backing(settings, settings.deployment, model, self.holdings, self.recorder, time.time)
        self.site = make(self.backing)
        self._records: dict[str, ConnectionRecord] = {}

    def close(self) -> None:
        """End what it began."""
        self.holdings.close()
        self.recorder.close()
        self.loop.close()

    def ask(
        self,
        target: str,
        method: str = "GET",
        headers: Iterable[Pair] = (),
        body: Iterable[bytes] = (),
        visitor: str = "192.0.2.1",
    ) -> Answer:
        """A request from `visitor`, and the answer to it."""
        path, _, query = target.partition("?")
        if visitor not in self._records:
            self._records[visitor] = self.recorder.open((visitor, 4711), ("127.0.0.1", 80), protocol="http")
        request = Request(
            method=method,
            target=target,
            path=unquote(path),
            query=tuple(parse_qsl(query, keep_blank_values=True)),
            headers=Headers([("Host", "pacs.example:8080"), *headers]),
            body=Body(body),
            visitor=visitor,
            record=self._records[visitor],
        )
        return self.loop.run_until_complete(self._answer(request))

    async def _answer(self, request: Request) -> Answer:
        response = await self.site(request)
        whole = bytearray()
        if isinstance(response.body, bytes | memoryview):
            whole += response.body
        elif isinstance(response.body, Stored):
            whole += response.body.data
        else:
            async for part in response.body:
                whole += part.data if isinstance(part, Stored) else part
        if response.length is not None:
            assert len(whole) == response.length
        return Answer(response.status, Headers(response.headers), bytes(whole))
