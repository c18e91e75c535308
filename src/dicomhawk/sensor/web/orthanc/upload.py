"""Uploads: one DICOM file, or a ZIP archive of them, for their visitor alone."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from ....evidence.events import WebStore
from ....evidence.objects import Captured, ObjectSink
from ....hospital.attributes import UNIQUE_KEYS, Level
from ....hospital.elements import EXPLICIT_LE, DataSet, decode, plain_text
from ....hospital.part10 import HEAD_SIZE, PREAMBLE, PREFIX, Part10Error, meta_of
from ....hospital.pixels import PIXEL_DATA
from ....hospital.products.objects import StoredObject
from ..formdata import FormError, Part, boundary_of, parts
from ..message import BodyBroken, Response
from ..state import StateError
from .problems import Fault, Problem, Refusal
from .service import FACE, Call, Handler, json_response
from .unpacking import MAX_ARCHIVE, Unpacking, UnpackingError
from .view import public_id

PLACE: Final = ["instances"]
"""Parts of the path that objects are uploaded to."""
LONGEST: Final = 2 << 30
"""Bytes of one file; the vault has limits of its own."""
MAX_HELD: Final = 1 << 30
"""Bytes of archives that a worker holds at once."""
MAX_MEMBERS: Final = 2000
"""Files of an archive that are looked at: those of a large study."""
WRITTEN_AT_ONCE: Final = 1 << 20
"""Bytes of a file that are put on record before others have a turn."""
_ZIPS: Final = (b"PK\x03\x04", b"PK\x05\x06")
"""What an archive begins with, and what an empty one does."""
_LONGEST_MARK: Final = 4
_NO_ARCHIVE: Final = "Cannot open ZIP archive from memory buffer"
_META: Final = b"\x02\0\0\0UL\x04\0"
"""What file meta information begins with (PS3.10 section 7.1)."""
_SOP_CLASS, _SYNTAX = 0x00080016, 0x00020010


class Refused(Exception):
    """A file that isn't taken, and the problem with it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Identity(NamedTuple):
    """What the head of a file says of it."""

    ids: tuple[str, ...]
    sop_class: str
    syntax: str
    head: DataSet


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    yield "POST", "/instances", upload


async def upload(call: Call) -> Response:
    """POST /instances."""
    boundary = boundary_of(call.request.headers.get("Content-Type"))
    if boundary is not None:
        return await _form(call, boundary)
    pieces = _Pieces(aiter(call.request.body))
    return await _file(call, pieces)


async def _form(call: Call, boundary: str) -> Response:
    """A form whose parts are files; what has become of them isn't told."""
    source = parts(call.request.body, boundary)
    try:
        async for first in source:
            with contextlib.suppress(Problem):
                await _file(call, _Pieces(_of_part(first, source)))
    except (FormError, BodyBroken):
        return Response(200)
    return Response(200)


async def _of_part(first: Part, source: AsyncIterator[Part]) -> AsyncIterator[bytes]:
    """The pieces of a part of a form, of which `first` is the first."""
    part = first
    yield part.data
    while not part.last:
        following = await anext(source, None)
        if following is None:
            return
        part = following
        yield part.data


async def _file(call: Call, pieces: _Pieces) -> Response:
    """Take what was sent."""
    begin = await pieces.until(_LONGEST_MARK)
    if not begin:
        _tell(call, 0, "failure", "empty")
        raise Problem(Fault.FILE, "Received an empty DICOM file")
    if begin.startswith(_ZIPS):
        return await _archive(call, pieces)
    try:
        return json_response(await _single(call, pieces))
    except Refused as refused:
        raise refused.problem from None


class _Pieces:
    """A body that is read twice at its beginning."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self.kept = bytearray()
        self.size = 0
        self.ended = False

    async def until(self, size: int) -> bytes:
        """The first bytes, at least so many if there are."""
        while len(self.kept) < size and await self.more() is not None:
            pass
        return bytes(self.kept)

    async def more(self) -> bytes | None:
        """The next piece, which is kept; None: that was all."""
        try:
            piece = await anext(self._source)
        except StopAsyncIteration:
            self.ended = True
            return None
        except BodyBroken:
            raise Refusal(400) from None
        self.kept += piece
        self.size += len(piece)
        return piece


@dataclass
class _Object:
    """An object on its way into the vault, and what has become of it."""

    sink: ObjectSink
    captured: Captured = field(init=False)


@contextlib.contextmanager
def _captured(call: Call, identity: Identity) -> Iterator[_Object]:
    """Keep an object, also if its visitor leaves in the middle of it: what came is evidence."""
    record = call.request.record
    found, complete = _Object(record.open_object(b"")), False
    try:
        yield found
        complete = True
    finally:
        found.captured = found.sink.finish()
        record.object_stored(
            found.captured,
            complete=complete,
            sop_class=identity.sop_class,
            sop_instance=identity.ids[Level.IMAGE],
        )


async def _single(call: Call, pieces: _Pieces) -> dict[str, str]:
    begin = await pieces.until(HEAD_SIZE)
    if begin.startswith(_META):  # which is taken without a preamble, too
        pieces.kept[:0] = bytes(PREAMBLE) + PREFIX
        begin = bytes(pieces.kept)
    try:
        identity = identified(call, begin[:HEAD_SIZE], begin if pieces.ended else None)
    except Refused:
        while pieces.size < LONGEST and await pieces.more() is not None:
            pieces.kept.clear()
        error = unreadable(pieces.size) if not is_part10(begin) else None
        _tell(call, pieces.size, "failure", "unreadable")
        if error is not None:
            raise Refused(error) from None
        raise
    with _captured(call, identity) as object_:
        object_.sink.write(begin)
        pieces.kept.clear()
        while pieces.size < LONGEST and await pieces.more() is not None:
            object_.sink.write(bytes(pieces.kept))
            pieces.kept.clear()
    captured = object_.captured
    _tell(call, captured.size, "success", None, identity, captured.sha256)
    return await keep(call, identity, captured)


async def keep(
    call: Call, identity: Identity, captured: Captured, came: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """Let the visitor find a captured file; what the API says of it. `came`: further metadata of the instance."""
    view = await call.view()
    names = [public_id(identity.ids[: level + 1]) for level in Level]
    found = {
        "ID": names[Level.IMAGE],
        "ParentPatient": names[Level.PATIENT],
        "ParentSeries": names[Level.SERIES],
        "ParentStudy": names[Level.STUDY],
        "Path": f"/instances/{names[Level.IMAGE]}",
    }
    if await view.find(Level.IMAGE, names[Level.IMAGE]) is not None:
        return found | {"Status": "AlreadyStored"}
    stored = captured.path is not None and call.service.backing.holdings.add_upload(
        call.visitor,
        identity.head,
        sop_class_uid=identity.sop_class,
        sop_uid=identity.ids[Level.IMAGE],
        transfer_syntax_uid=identity.syntax,
        path=captured.path,
        size=captured.size,
        overwrite=True,
        same=call.service.backing.persona.store.same_object,
    )
    if not stored:
        raise Refused(Problem(Fault.FULL))
    _remember(call, names, came)
    return found | {"Status": "Success"}


def _remember(call: Call, names: list[str], came: Mapping[str, str]) -> None:
    """That it came by the API."""
    try:
        for name in {names[Level.IMAGE], names[Level.SERIES]}:
            more = came if name == names[Level.IMAGE] else {}
            call.state.put(call.visitor, f"orthanc/posted/{name}", {"HttpUsername": call.user, **more})
    except StateError:
        return


def identified(call: Call, begin: bytes, whole: bytes | None) -> Identity:
    """What the beginning of a file says. Raises `Refused`."""
    if not is_part10(begin):
        raise Refused(unreadable(len(whole or begin)))
    try:
        meta, start = meta_of(begin, lenient=True)
    except Part10Error:
        raise Refused(unreadable(len(whole or begin))) from None
    syntax = plain_text(meta, _SYNTAX) or EXPLICIT_LE
    head = decode(begin[start:], syntax, stop_at=PIXEL_DATA, head=True, lenient=True)
    source = StoredObject(head, call.service.product.dialect)
    ids = tuple(source.value(tag) or "" for tag in UNIQUE_KEYS.values())
    if not all(ids[Level.STUDY :]):
        raise Refused(Problem(Fault.NO_TAG))
    return Identity(ids, source.value(_SOP_CLASS) or "", syntax, head)


def is_part10(begin: bytes) -> bool:
    """Whether a file has the preamble and prefix of PS3.10."""
    return begin[PREAMBLE : PREAMBLE + len(PREFIX)] == PREFIX


def unreadable(size: int) -> Problem:
    """What is said of a file that isn't DICOM."""
    return Problem(Fault.FILE, f"Cannot parse an invalid DICOM file (size: {size} bytes)")


async def _archive(call: Call, pieces: _Pieces) -> Response:
    service, held = call.service, 0
    with tempfile.TemporaryFile(dir=service.backing.settings.data) as file:
        try:
            while pieces.kept:
                held, service.held = held + len(pieces.kept), service.held + len(pieces.kept)
                if service.held > MAX_HELD:
                    _tell(call, pieces.size, "failure", "too many archives")
                    raise Problem(Fault.FULL)
                file.write(pieces.kept)
                pieces.kept.clear()
                if pieces.size < MAX_ARCHIVE:
                    await pieces.more()
            file.flush()
            found = await _unpacked(call, pieces.size, file.fileno())
        except OSError:
            raise Problem(Fault.FULL) from None
        finally:
            service.held -= held
    return json_response(found)


async def _unpacked(call: Call, size: int, fd: int) -> list[dict[str, str]]:
    """What became of the files in an archive."""
    try:
        archive = await asyncio.to_thread(Unpacking, fd)
    except UnpackingError:
        _tell(call, size, "failure", "no archive")
        raise Problem(Fault.FILE, _NO_ARCHIVE) from None
    found = []
    with archive:
        if not len(archive):
            _tell(call, size, "failure", "no archive")
            raise Problem(Fault.FILE, _NO_ARCHIVE)
        _tell(call, size, "success", None)
        for number in range(min(len(archive), MAX_MEMBERS)):
            content = await asyncio.to_thread(archive.member, number)
            if content is None:
                continue
            try:
                found.append(await _member(call, content))
            except Refused:
                continue
    return found


async def _member(call: Call, content: bytes) -> dict[str, str]:
    identity = identified(call, content[:HEAD_SIZE], content)
    with _captured(call, identity) as object_:
        for start in range(0, len(content), WRITTEN_AT_ONCE):
            object_.sink.write(content[start : start + WRITTEN_AT_ONCE])
            await asyncio.sleep(0)
    captured = object_.captured
    _tell(call, captured.size, "success", None, identity, captured.sha256)
    return await keep(call, identity, captured)


def _tell(
    call: Call,
    size: int,
    outcome: str,
    reason: str | None,
    identity: Identity | None = None,
    sha256: str | None = None,
) -> None:
    call.request.record.emit(
        WebStore(
            face=FACE,
            mime_type=call.request.headers.get("Content-Type"),
            sop_class=identity.sop_class if identity else None,
            sop_instance=identity.ids[Level.IMAGE] if identity else None,
            study_uid=identity.ids[Level.STUDY] if identity else None,
            size=size,
            sha256=sha256,
            outcome=outcome,
            reason=reason,
        )
    )
