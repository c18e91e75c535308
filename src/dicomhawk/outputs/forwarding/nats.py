"""NATS JetStream: one message for each record, acknowledged by the stream, doubles dropped by ``Nats-Msg-Id``.

A stream knows the identifiers of its ``duplicate_window``; one that is made here has a window of an hour. A record
comes twice only if we are killed between its acknowledgement and our note of it, so that is plenty.
"""

from __future__ import annotations

import asyncio
import contextlib
from importlib.util import find_spec
from typing import Any

try:
    import nats as library
    from nats.errors import Error, MaxPayloadError
    from nats.js.api import StreamConfig
    from nats.js.errors import BadRequestError, NotFoundError
except ImportError as error:
    from .base import missing

    raise missing("nats") from error

from ...settings import Settings, SettingsError
from ...settings.outputs import NatsOutput
from .base import Batch, Output, Permanent, Temporary
from .http import host_of
from .tls import context

CONNECT_SECONDS = 10
WINDOW_SECONDS = 3600.0


class Nats(Output):
    """One connection. The library's own reconnecting is off: we have a queue, and try again ourselves."""

    def __init__(self, output: NatsOutput, settings: Settings) -> None:
        self._settings = output
        self._options: dict[str, Any] = {
            "allow_reconnect": False,
            "max_reconnect_attempts": 1,  # for each server, while we connect; 0 would be without end
            "reconnect_time_wait": 0.2,
            "connect_timeout": CONNECT_SECONDS,
            "name": "dicomhawk",
            "error_cb": self._trouble,
        }
        if output.username:
            self._options["user"] = output.username
        if output.password is not None:
            self._options["password"] = output.password.reveal()
        if output.token is not None:
            self._options["token"] = output.token.reveal()
        if output.credentials is not None:
            if find_spec("nkeys") is None:
                raise SettingsError("credentials need a library that isn't there: pip install 'nats-py[nkeys]'.")
            if not output.credentials.is_file():
                raise SettingsError(f"there is no file {output.credentials}.")
            self._options["user_credentials"] = str(output.credentials)
        if output.ca is not None or any(server.startswith("tls:") for server in output.servers):
            self._options["tls"] = context(output.ca)
        self._client: Any = None
        self._stream: Any = None
        self._last: Exception | None = None
        """What the library said last, which its exceptions don't."""

    @property
    def where(self) -> str:
        servers = ", ".join(host_of(server) if "@" in server else server for server in self._settings.servers)
        return f"{servers}, subjects {self._settings.subject}.*"

    async def send(self, batch: Batch) -> None:
        taken: list[str] = []
        refused: list[str] = []
        self._last = None
        waiting: list[tuple[str, asyncio.Future[Any]]] = []
        try:
            stream = await self._connected()
            limit = self._client.max_payload
            for record in batch:
                if len(record.line) + 256 > limit:  # headers count too
                    refused.append(record.id)
                    continue
                subject = f"{self._settings.subject}.{record.kind}"
                future = await stream.publish_async(
                    subject, record.line, headers={"Nats-Msg-Id": record.id}, wait_stall=CONNECT_SECONDS
                )
                waiting.append((record.id, future))
            await self._client.flush(CONNECT_SECONDS)
            async with asyncio.timeout(CONNECT_SECONDS):
                for identifier, future in waiting:
                    await future
                    taken.append(identifier)
        except (Error, MaxPayloadError, OSError, TimeoutError) as error:
            for _, future in waiting:
                future.cancel()
                future.add_done_callback(_looked_at)
            await self.close()
            raise Temporary(f"{self.where}: {_reason(self._last or error)}", taken=taken, refused=refused) from None
        if refused:
            raise Permanent(f"longer than the server's limit of {limit} bytes", taken=taken, refused=refused)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Error, OSError):
                await client.close()

    async def _trouble(self, error: Exception) -> None:
        self._last = error

    async def _connected(self) -> Any:
        if self._client is not None and not self._client.is_connected:
            await self.close()
        if self._client is None:
            async with asyncio.timeout(3 * CONNECT_SECONDS):
                self._client = await library.connect(list(self._settings.servers), **self._options)
            self._stream = self._client.jetstream(timeout=CONNECT_SECONDS)
            if self._settings.stream:
                await self._make()
        return self._stream

    async def _make(self) -> None:
        """The stream, unless it is there."""
        try:
            await self._stream.stream_info(self._settings.stream)
        except NotFoundError:
            config = StreamConfig(
                name=self._settings.stream,
                subjects=[f"{self._settings.subject}.*"],
                duplicate_window=WINDOW_SECONDS,
            )
            try:
                await self._stream.add_stream(config)
            except BadRequestError as error:
                raise Temporary(f"the stream {self._settings.stream} can't be made: {error.description}") from None


def _looked_at(future: asyncio.Future[Any]) -> None:
    """Have asyncio not complain of what nobody waits for any longer."""
    if not future.cancelled():
        future.exception()


def _reason(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__
