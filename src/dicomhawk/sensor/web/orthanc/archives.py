"""Archives of studies, series and patients, packed while they are sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from ....hospital.attributes import Level
from ..message import Part, Response
from . import jobs
from .bodies import ENDING
from .dicomdir import Directory
from .file import File, ahead, listed, opened
from .jsoncpp import JsonError, parsed
from .options import check_job
from .problems import Fault, Problem
from .sending import leaving
from .service import LEVELS, Call, Handler, readable
from .syntaxes import SYNTAXES
from .view import Item, View
from .zipping import ZipWriter

MAX_INSTANCES: Final = 20_000
"""Instances of one archive: several of the longest studies."""
MAX_MEMBER: Final = 256 << 20
"""Bytes of a file that is packed; what a visitor stored may have more, and is left out."""
_EMPTY: Final = 40
"""Bytes of an archive without members."""
_PATIENT: Final = (0x00100020, 0x00100010)
_STUDY: Final = (0x00080050, 0x00081030)
_NOT_IN_NAMES: Final = re.compile(r"[^0-9A-Za-z._-]+")
_SERIES: Final = (0x00080060, 0x0008103E)


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    for name, level in LEVELS.items():
        if level < Level.IMAGE:
            for kind in ("archive", "media"):
                yield "GET", f"/{name}/{{id}}/{kind}", _of_one(level, kind)
                yield "POST", f"/{name}/{{id}}/{kind}", _of_one(level, kind)
    for name in ("create-archive", "create-media", "create-media-extended"):
        yield "POST", f"/tools/{name}", _of_many(name)


def _of_one(level: Level, kind: str) -> Handler:
    async def handler(call: Call) -> Response:
        options: object = {}
        if call.request.method == "POST":
            try:
                options = parsed(await call.body())
            except JsonError:
                raise Problem(Fault.FILE) from None
        _check(options, call.request.argument("transcode"))
        view = await call.view()
        item = await view.find(level, call.arguments["id"])
        if item is None:
            raise Problem(Fault.RESOURCE)
        return await _archive(call, view, [item], f"{item.id}.zip", kind == "media", options)

    return handler


def _of_many(kind: str) -> Handler:
    async def handler(call: Call) -> Response:
        try:
            options = parsed(await call.body())
        except JsonError:
            options = None
        if not isinstance(options, dict | list):
            raise Problem(Fault.FILE, "Expected a list of resources to archive in the body")
        names = options.get("Resources") if isinstance(options, dict) else options
        if names is None:
            raise Problem(Fault.FILE, "Missing field Resources in the JSON body")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Problem(Fault.FILE, "Expected a list of strings (Orthanc identifiers)")
        _check(options)
        view = await call.view()
        items = await call.named(view, names)
        return await _archive(call, view, items, "Archive.zip", kind != "create-archive", options)

    return handler


def _check(options: object, transcode: str | None = None) -> None:
    """Raises `Problem` for options that are none."""
    given = options if isinstance(options, dict) else {}
    check_job(given)
    syntax = transcode if transcode is not None else given.get("Transcode")
    if isinstance(syntax, str) and syntax not in SYNTAXES:
        raise Problem(Fault.RANGE, f"Unknown transfer syntax: {syntax}")


async def _archive(
    call: Call, view: View, items: Sequence[Item], name: str, media: bool, options: object
) -> Response:
    number = size = 0
    for item in items:
        more, large = await view.size(item) if item.level < Level.IMAGE else (1, 0)
        number, size = number + more, size + large
        await asyncio.sleep(0)
    content = {
        "ArchiveSize": str(_EMPTY + size // 2),
        "ArchiveSizeMB": size >> 21,
        "Description": "REST API",
        "InstancesCount": number,
        "UncompressedSize": str(size),
        "UncompressedSizeMB": size >> 20,
    }
    kind = "Media" if media else "Archive"
    job = jobs.begin(call, kind, content, seconds=0.01 * max(number, 1))
    if isinstance(options, dict) and (options.get("Asynchronous") is True or options.get("Synchronous") is False):
        return jobs.submitted(job)
    for item in items:
        call.retrieved(kind.lower(), item, mime_type="application/zip", instances=number)
    fields = [*ENDING, ("Content-Disposition", f'filename="{name}"'), ("Content-Type", "application/zip")]
    return Response(200, fields, _packed(call, view, items, media), close=True)


async def _packed(call: Call, view: View, items: Sequence[Item], media: bool) -> AsyncIterator[Part]:
    writer = ZipWriter(datetime.fromtimestamp(call.now, UTC))
    names = _Names()
    directory = Directory(call.service.product) if media else None
    number = 0
    instances = (instance for item in items for instance in view.instances(item))
    async for instance in ahead(call.service, view, listed(islice(instances, MAX_INSTANCES))):
        file = await opened(call.service, view, instance)
        if file is None or file.size > MAX_MEMBER:
            continue
        before, stored = await leaving(call, view, instance, file)
        name = f"IMAGES/IM{number}" if media else names.of(instance, file)
        if directory is not None:
            directory.add(file, name)
        number += 1
        head, packed = await asyncio.to_thread(writer.member, name, before, stored.data)
        yield head
        yield packed
    if directory is not None:
        head, packed = writer.member("DICOMDIR", directory.encoded())
        yield head
        yield packed
    yield writer.directory()


@dataclass
class _Names:
    """Names of files: folders for patient, study and series, each of its own, and numbers within a series."""

    _folders: dict[tuple[str, ...], str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)
    _numbers: dict[str, int] = field(default_factory=dict)

    def of(self, instance: Item, file: File) -> str:
        """The name of an instance's file."""
        folder = ""
        for level, tags in ((Level.PATIENT, _PATIENT), (Level.STUDY, _STUDY), (Level.SERIES, _SERIES)):
            ids = instance.ids[: level + 1]
            if ids not in self._folders:
                self._folders[ids] = self._new(folder, _words(file, tags))
            folder = self._folders[ids]
        number = self._numbers[folder] = self._numbers.get(folder, -1) + 1
        modality = _plain(file.head.value(_SERIES[0]) or "")
        prefix = modality[:2].upper() if len(modality) >= 2 else "IM"
        return f"{folder}{prefix}{number:06d}.dcm"

    def _new(self, parent: str, words: str) -> str:
        name, number = f"{parent}{words}/", 1
        while name in self._taken:
            number += 1
            name = f"{parent}{words}-{number}/"
        self._taken.add(name)
        return name


def _words(file: File, tags: Sequence[int]) -> str:
    return " ".join(_plain(readable(file.head.value(tag) or "")) for tag in tags).strip() or "Unknown"


def _plain(text: str) -> str:
    """What remains of a text in the name of a file."""
    kept = (
        character if character.isascii() and (character.isalnum() or character in "-_. ") else " "
        for character in text
    )
    return " ".join("".join(kept).split())
