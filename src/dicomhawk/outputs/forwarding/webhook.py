"""Webhooks: Slack, Teams, Discord, Matrix, or whatever takes JSON over HTTP."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from ...settings import Settings, SettingsError
from ...settings.outputs import WebhookOutput
from .base import Batch, Output, encode, rendered
from .formats import messages
from .formats.messages import Told, told
from .http import Http, check, host_of

MAX_ITEMS = 10
"""Embeds that Discord takes in one message; Slack takes about as many sections, and more nobody reads."""
_BODIES: dict[str, Callable[[Sequence[Told]], dict[str, Any]]] = {
    "slack": messages.slack,
    "teams": messages.teams,
    "discord": messages.discord,
    "matrix": messages.matrix,
}


class Webhook(Output):
    """One POST (for Matrix, a PUT) for each batch."""

    def __init__(self, output: WebhookOutput, settings: Settings) -> None:
        self._url = output.url.reveal()
        if not self._url.startswith(("http://", "https://")) or not host_of(self._url).partition("//")[2]:
            raise SettingsError("its url is not an address that begins with http:// or https://.")
        self._template = output.template
        self._link = output.link
        self._room = output.room
        self._key = output.key.reveal().encode() if output.key is not None else b""
        if output.template == "matrix" and not (output.room and output.token):
            raise SettingsError("a webhook of Matrix needs room and token.")
        if output.template != "generic" and output.batch > MAX_ITEMS:
            raise SettingsError(f"a message of {output.template} can tell of {MAX_ITEMS} things; batch is more.")
        headers = {"Content-Type": "application/json"}
        if output.token is not None:
            headers["Authorization"] = f"Bearer {output.token.reveal()}"
        self._http = Http(output.ca, headers)

    @property
    def where(self) -> str:
        return f"{host_of(self._url)} ({self._template})"

    async def send(self, batch: Batch) -> None:
        digest = hashlib.sha256("\n".join(record.id for record in batch).encode("utf-8", "replace")).hexdigest()
        if self._template == "generic":
            headers = {"Idempotency-Key": digest}
            body = b'{"records":[' + b",".join(record.line for record in batch) + b"]}"
            if self._key:
                headers["X-Signature-256"] = "sha256=" + hmac.new(self._key, body, hashlib.sha256).hexdigest()
            await self._http.post(self._url, body, headers)
            return
        items = rendered(batch, lambda record: told(record, self._link))
        body = encode(_BODIES[self._template](items))
        if self._template == "matrix":
            room = f"{self._url.rstrip('/')}/_matrix/client/v3/rooms/{quote(self._room, safe='')}"
            check(await self._http.request("PUT", f"{room}/send/m.room.message/{digest}", body))
        else:
            await self._http.post(self._url, body)

    async def close(self) -> None:
        await self._http.close()
