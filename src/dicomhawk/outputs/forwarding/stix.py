"""STIX 2.1: a file with a bundle for each session and each alert, in a folder that others fetch from."""

from __future__ import annotations

import asyncio
import hashlib
import re

from ...settings import Settings
from ...settings.outputs import StixOutput
from .base import Batch, Output, Record, Temporary, encode, rendered
from .formats.stix import bundle


class Stix(Output):
    """Writes each bundle at once or not at all; the same finding has the same file."""

    def __init__(self, output: StixOutput, settings: Settings) -> None:
        self._folder = output.folder if output.folder.is_absolute() else settings.data / output.folder
        self._tlp = output.tlp

    @property
    def where(self) -> str:
        return str(self._folder)

    async def send(self, batch: Batch) -> None:
        bundles = rendered(batch, self._file)
        try:
            await asyncio.to_thread(self._write, bundles)
        except OSError as error:
            raise Temporary(f"{self._folder} can't be written: {error.strerror}") from None

    def _file(self, record: Record) -> tuple[str, bytes]:
        day = str(record.document["@timestamp"])[:10]
        name = record.id
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", name):
            name = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
        return f"{day}.{name}.json", encode(bundle(record, self._tlp))

    def _write(self, bundles: list[tuple[str, bytes]]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, data in bundles:
            part = self._folder / f".{name}.part"
            part.write_bytes(data)
            part.chmod(0o644)
            part.replace(self._folder / name)
