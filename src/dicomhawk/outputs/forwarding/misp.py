"""MISP: a folder that any MISP server can take as a feed, or the API of one."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import msgspec

from ...settings import Settings
from ...settings.outputs import MispFeedOutput, MispOutput
from .base import Batch, Output, Permanent, Temporary, encode, rendered
from .formats.misp import Json, days, merged, values
from .http import Http, check, host_of, said_by


class MispFeed(Output):
    """``<uuid>.json`` for each day, ``manifest.json`` and ``hashes.csv``, as MISP's feed format wants them."""

    def __init__(self, output: MispFeedOutput, settings: Settings) -> None:
        self._folder = output.folder if output.folder.is_absolute() else settings.data / output.folder
        self._settings = output

    @property
    def where(self) -> str:
        return str(self._folder)

    async def send(self, batch: Batch) -> None:
        rendered(batch, lambda record: days([record], self._settings.organisation, self._settings.tlp))
        events = days(batch, self._settings.organisation, self._settings.tlp)
        try:
            await asyncio.to_thread(self._write, events)
        except OSError as error:
            raise Temporary(f"{self._folder} can't be written: {error.strerror}") from None

    def _write(self, events: list[Json]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        manifest: Json = _read(self._folder / "manifest.json") or {}
        hashes = _lines(self._folder / "hashes.csv")
        for event in events:
            name = event["Event"]["uuid"]
            before = _read(self._folder / f"{name}.json")
            whole = merged(before, event) if before is not None else event
            _replace(self._folder / f"{name}.json", encode(whole))
            manifest[name] = {
                key: whole["Event"][key]
                for key in ("info", "Orgc", "analysis", "timestamp", "date", "threat_level_id", "Tag")
            }
            own = sorted({_digest(value) for value in values(whole)})
            hashes = [line for line in hashes if not line.endswith(f",{name}")] + [f"{one},{name}" for one in own]
        # The events first, so that the manifest never names one that isn't there.
        _replace(self._folder / "hashes.csv", "".join(f"{line}\n" for line in hashes).encode())
        _replace(self._folder / "manifest.json", encode(manifest))


class Misp(Output):
    """The REST API: the day's event is added once, and then edited; MISP merges objects by their UUID."""

    def __init__(self, output: MispOutput, settings: Settings) -> None:
        self._url = output.url.rstrip("/")
        self._settings = output
        self._http = Http(
            output.ca,
            {
                "Authorization": output.key.reveal(),
                "Accept": "application/json",
                "Content-Type": "application/json",
            },
        )

    @property
    def where(self) -> str:
        return host_of(self._url)

    async def send(self, batch: Batch) -> None:
        rendered(batch, lambda record: days([record], self._settings.organisation, self._settings.tlp))
        for event in days(batch, self._settings.organisation, self._settings.tlp):
            inner = event["Event"]
            inner["distribution"] = str(self._settings.distribution)
            inner["published"] = False
            del inner["publish_timestamp"]
            found = await self._http.request("HEAD", f"{self._url}/events/view/{inner['uuid']}")
            if found.status_code == 404:
                await self._save("add", event)
                continue
            check(found)
            del inner["timestamp"]  # MISP refuses an edit that isn't newer, and it needn't be
            await self._save(f"edit/{inner['uuid']}", event)

    async def close(self) -> None:
        await self._http.close()

    async def _save(self, call: str, event: Json) -> None:
        answer = await self._http.request("POST", f"{self._url}/events/{call}", encode(event))
        if answer.status_code == 403 and _errors(answer.content):
            raise Permanent(f"it can't save the event{said_by(answer)}")
        check(answer)
        try:
            saved = msgspec.json.decode(answer.content, type=dict[str, Any])["Event"]["uuid"]
        except (msgspec.MsgspecError, KeyError, TypeError):
            saved = None
        if saved != event["Event"]["uuid"]:
            raise Temporary("the answer is none of MISP")


def _errors(content: bytes) -> bool:
    try:
        return bool(msgspec.json.decode(content, type=dict[str, Any]).get("errors"))
    except msgspec.MsgspecError:
        return False


def _read(path: Path) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("ascii", "replace").splitlines()
    except FileNotFoundError:
        return []


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.chmod(0o644)  # a web server gives the feed to others
    part.replace(path)


def _digest(value: str) -> str:
    return hashlib.md5(value.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
