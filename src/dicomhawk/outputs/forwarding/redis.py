"""Redis streams: one entry for each record, and none twice.

An entry is added by a script that first notes the record's identifier, so that both happen or neither does. The note
is kept for a day.
"""

from __future__ import annotations

from typing import Any

try:
    from redis import asyncio as library
    from redis.exceptions import RedisError, ResponseError
except ImportError as error:
    from .base import missing

    raise missing("redis") from error

from ...settings import Settings, SettingsError
from ...settings.outputs import RedisOutput
from .base import Batch, Output, Temporary
from .http import host_of

TIMEOUT_SECONDS = 15.0
KEPT_SECONDS = 86_400
_ADD = """
local added = 0
for at = 4, #ARGV, 3 do
  if redis.call('SET', KEYS[2] .. ARGV[at], '', 'NX', 'EX', ARGV[2]) then
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*',
               'id', ARGV[at], 'kind', ARGV[at + 1], 'document', ARGV[at + 2])
    added = added + 1
  end
end
return added
"""
_AT_ONCE = 100
"""Records in one call of the script: Redis does nothing else meanwhile."""


class Redis(Output):
    """One connection, made when it is needed."""

    def __init__(self, output: RedisOutput, settings: Settings) -> None:
        url = output.url.reveal()
        more: dict[str, Any] = {"ssl_ca_certs": str(output.ca)} if output.ca is not None else {}
        if output.ca is not None and not url.startswith("rediss://"):
            raise SettingsError("a ca needs an address that begins with rediss://.")
        try:
            self._client = library.from_url(
                url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, **more
            )
        except (ValueError, TypeError):
            raise SettingsError("the address is not one of Redis, as in redis://host:6379/0.") from None
        self._host = host_of(url)
        self._stream = output.stream
        # One slot of a cluster: what is in braces decides.
        self._notes = output.stream + ":" if "{" in output.stream else f"{{{output.stream}}}:"
        self._length = output.max_length

    @property
    def where(self) -> str:
        return f"{self._host}, stream {self._stream}"

    async def send(self, batch: Batch) -> None:
        taken: list[str] = []
        try:
            for at in range(0, len(batch), _AT_ONCE):
                part = batch[at : at + _AT_ONCE]
                arguments: list[Any] = [self._length, KEPT_SECONDS, 0]
                for record in part:
                    arguments += [record.id, record.kind, record.line]
                await self._client.eval(_ADD, 2, self._stream, self._notes, *arguments)
                taken += [record.id for record in part]
        except (RedisError, OSError) as error:
            if not isinstance(error, ResponseError):
                await self.close()
            raise Temporary(f"{self.where}: {str(error)[:200] or type(error).__name__}", taken=taken) from None

    async def close(self) -> None:
        await self._client.aclose()
