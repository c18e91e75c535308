"""What the archive holds, as the services ask for it: the catalogue, visitors' uploads, and the objects.

One of these in each worker. Rendering goes to a process of its own, so that no visitor waits for another's
images.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import time
from collections.abc import Callable, Container, Generator, Hashable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ..evidence.transcript import Reference
from ..hospital.archive import Archive
from ..hospital.catalogue import Catalogue, CatalogueError
from ..hospital.displays import AS_IT_IS, DisplayError, Pictures, View
from ..hospital.elements import DEFLATED_LE, EXPLICIT_LE, MAX_ELEMENTS, DataSet, ElementsError
from ..hospital.errors import QueryError, QueryProblem
from ..hospital.instances import InstanceRef, Instances
from ..hospital.kept import classes_of
from ..hospital.part10 import Part10Error, dataset_offset, file_meta
from ..hospital.products.find import ProductArchive
from ..hospital.products.request import as_read
from ..hospital.query import Answering, Match, Model, find
from ..hospital.retrieval import PLAIN, Rules, retrieve
from ..hospital.rewriting import DECODED, Rewriting, label
from ..hospital.rows import Device
from ..hospital.steps import PerformedSteps, Scheduled, entries
from ..hospital.transcode import TRUSTED_ELEMENTS, can_transcode, transcode
from ..hospital.uploads import AddOutcome, Same, Uploads, UploadsError
from ..hospital.worklist import find_worklist
from ..persona import sopclasses
from ..persona.model import Persona
from ..settings import Deployment, Settings, SettingsError
from .renderer import Renderer

MAPPED_FROM = 4 << 20
"""Files of this size or more are mapped instead of read, so that a long multi-frame object costs no memory."""

MAX_REWRITTEN = 64 << 20
"""Bytes of a stranger's object that is still written in another transfer syntax: some seconds of work."""
REWRITTEN_AT_ONCE = 64 << 10
"""Bytes up to which that is done here and now: less than a millisecond; a larger one goes to a thread."""

LOOKED_UP_AT_ONCE = 500
"""Objects looked up before others have a turn; some 5 ms."""

_MODELS = {
    **dict.fromkeys(sopclasses.PATIENT_ROOT, Model.PATIENT_ROOT),
    **dict.fromkeys(sopclasses.STUDY_ROOT, Model.STUDY_ROOT),
    **dict.fromkeys(sopclasses.PATIENT_STUDY_ONLY, Model.PATIENT_STUDY_ONLY),
}
_UPLOAD = "upload"


class StoredObject(NamedTuple):
    """An object ready to be sent: its data set, and what a transcript calls it."""

    data: memoryview
    transfer_syntax: str
    origin: str  # "hospital" or "captured"
    key: str  # SOP instance UID, or SHA-256 of the captured file
    mark: str = ""  # what is added for its visitor, see `lured.handed_out`; of a captured one how it was written anew

    @property
    def reference(self) -> Reference:
        """What a transcript calls it."""
        return Reference(self.origin, self.key, self.transfer_syntax, self.mark)


def prepare(settings: Settings) -> None:
    """To be called once at the start of the sensor, before any worker: two that begin a file of uploads at the same
    moment lock each other out. Raises `SettingsError` if the hospital can't be opened."""
    try:
        Catalogue(_catalogue(settings)).close()
        uploads = Uploads(_uploads(settings))
        PerformedSteps(uploads)
        uploads.close()
    except (CatalogueError, UploadsError) as error:
        raise SettingsError(str(error)) from None


def _catalogue(settings: Settings) -> Path:
    return settings.hospital_dir / "catalogue.sqlite"


def _uploads(settings: Settings) -> Path:
    return settings.hospital_dir / "uploads.sqlite"


class Holdings:
    """See the module's docstring. Times of visibility are compared with `clock` (POSIX seconds)."""

    def __init__(
        self,
        settings: Settings,
        deployment: Deployment,
        persona: Persona,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._class_uid = persona.implementation_class_uid(deployment)
        self._version_name = persona.implementation_version_name(deployment)
        self._vault = settings.vault_dir
        self._catalogue = Catalogue(_catalogue(settings))
        self.character_set = self._catalogue.info("character_set") or "ISO_IR 100"
        """Specific Character Set of the hospital's objects."""
        self._rewriting = Rewriting(frozenset(persona.get.dropped_groups))
        self._answering = Answering(retrieve_ae=deployment.ae_title, character_set=self.character_set)
        self._uploads = Uploads(_uploads(settings))
        self._accepted, self._others = persona.contexts.policies(), persona.contexts.others()
        dialect = persona.find.dialect()
        self.steps = PerformedSteps(self._uploads)
        """Performed procedure steps of visitors."""
        self.product: ProductArchive | None = None
        """What the persona's product would have stored, where it has its own way of answering."""
        if dialect is not None:
            self.product = ProductArchive(dialect, self._catalogue, self._uploads, self._vault, deployment.ae_title)
        self._archive = Archive(settings.data)
        self._renderer = Renderer(settings.data, settings.hospital.cache_mib << 20)
        self._pictures = Pictures()
        self._being_made: dict[Hashable, asyncio.Future[bytes]] = {}

    def close(self) -> None:
        """Close files and end the renderer."""
        self._renderer.close()
        self._catalogue.close()
        self._uploads.close()

    def find(
        self, sop_class_uid: str, keys: DataSet, visitor: str, *, relational: bool
    ) -> Generator[Match | None, None, None]:
        """Matches of a query in the information model of `sop_class_uid`, as `find` has them. Raises `QueryError`.

        A class that is none of a query is answered at all levels.
        """
        model = self._model(sop_class_uid)
        if self.product is not None:
            return self.product.find(model.levels, keys, now=self._clock(), visitor=visitor)
        return find(
            self._catalogue,
            model,
            keys,
            now=self._clock(),
            uploads=self._uploads,
            visitor=visitor,
            relational=relational,
            answering=self._answering,
        )

    def search(self, keys: DataSet, visitor: str) -> Generator[Match | None, None, None]:
        """Matches at the level that `keys` say, as `find` has them, with keys of all levels: for faces of the web,
        which no product's way of answering C-FIND concerns. Raises `QueryError`."""
        return find(
            self._catalogue,
            Model.PATIENT_ROOT,
            keys,
            now=self._clock(),
            uploads=self._uploads,
            visitor=visitor,
            relational=True,
            answering=self._answering,
        )

    def instances(self, keys: DataSet, visitor: str) -> Instances:
        """The instances below the UIDs in `keys`, at the level that they say. Raises `QueryError`."""
        return retrieve(
            self._catalogue,
            Model.PATIENT_ROOT,
            keys,
            now=self._clock(),
            uploads=self._uploads,
            visitor=visitor,
            relational=True,
        )

    def find_worklist(self, keys: DataSet, visitor: str) -> Generator[Match | None, None, None]:
        """Matches in the modality worklist, as `find_worklist` has them, after what `visitor` has done of it.
        Raises `QueryError`."""
        try:
            performed = self.steps.of_worklist(visitor)
        except UploadsError as error:
            raise QueryError(QueryProblem.UNABLE_TO_PROCESS, "") from error
        now = self._clock()
        return find_worklist(self._catalogue, keys, now=now, answering=self._answering, performed=performed)

    def scheduled(self, named: Iterable[Scheduled]) -> tuple[Scheduled, ...]:
        """Those of the entries `named` that are in the worklist. Raises `sqlite3.Error`."""
        return entries(self._catalogue, named, now=self._clock())

    def class_of(self, sop_uid: str, visitor: str) -> str | None:
        """The SOP class of an object that `visitor` could retrieve; None: there is none. Raises `sqlite3.Error`."""
        return self._classes_of([sop_uid], visitor).get(sop_uid)

    async def classes_of(self, sop_uids: Sequence[str], visitor: str) -> dict[str, str]:
        """The SOP class of each object that `visitor` could retrieve. Raises `sqlite3.Error`."""
        found: dict[str, str] = {}
        for start in range(0, len(sop_uids), LOOKED_UP_AT_ONCE):
            found |= self._classes_of(sop_uids[start : start + LOOKED_UP_AT_ONCE], visitor)
            await asyncio.sleep(0)
        return found

    def _classes_of(self, sop_uids: Sequence[str], visitor: str) -> dict[str, str]:
        return classes_of(sop_uids, self._catalogue, self._uploads, visitor=visitor, now=self._clock())

    def retrieve(
        self, sop_class_uid: str, keys: DataSet, visitor: str, *, relational: bool, rules: Rules = PLAIN
    ) -> Instances:
        """The instances that a retrieval asks for. Raises `QueryError`."""
        if self.product is not None:
            dialect = self.product.dialect
            keys, unreadable = as_read(keys, dialect)
            rules = replace(rules, compare=dialect.comparison, supported=dialect.keys, unreadable=unreadable)
        return retrieve(
            self._catalogue,
            self._model(sop_class_uid),
            keys,
            now=self._clock(),
            uploads=self._uploads,
            visitor=visitor,
            relational=relational,
            rules=rules,
        )

    def _model(self, sop_class_uid: str) -> Model:
        """The information model of a SOP class, as the product has it."""
        found = _MODELS.get(sop_class_uid, Model.PATIENT_ROOT)
        if found is Model.PATIENT_STUDY_ONLY and self.product is not None:
            return found if self.product.dialect.failures.patient_study_only else Model.PATIENT_ROOT
        return found

    def knows(self, ae_title: str) -> bool:
        """Whether a device of the hospital has that AE title."""
        return self._catalogue.device_by_ae(ae_title) is not None

    def devices(self) -> list[Device]:
        """The devices of the hospital."""
        return self._catalogue.devices()

    def prefetch(self, instance: InstanceRef) -> None:
        """Have an instance rendered that will soon be fetched."""
        if instance.origin != _UPLOAD and self._archive.path_of(instance) is None:
            self._renderer.make_ahead(instance.instance_key)

    def syntax_of(self, instance: InstanceRef) -> str:
        """The transfer syntax that the archive keeps an instance in.

        It is the one that the device sends it in, unless the product doesn't take it so: then devices send it
        uncompressed.
        """
        own = instance.transfer_syntax_uid
        if instance.origin == _UPLOAD:
            return own
        policy = self._accepted.get(instance.sop_class_uid, self._others)
        return own if policy is None or own in policy.transfer_syntaxes else EXPLICIT_LE

    async def fetch(
        self, instance: InstanceRef, syntax: str, *, rewritten: bool = False, decodes: Container[str] = ()
    ) -> StoredObject | None:
        """An instance in the transfer syntax `syntax`; None if it can't be had in it.

        With `rewritten`, uncompressed objects of visitors are written anew as the product does: with defined lengths,
        right group lengths, and no needless padding. Those of the hospital are so already. What is in one of
        `decodes` is decompressed where `syntax` is uncompressed; if it is a visitor's, only where that is simple.
        """
        path = await self.file(instance)
        if path is None:
            return None
        captured = instance.origin == _UPLOAD
        origin, key = ("captured", path.name) if captured else ("hospital", instance.sop_uid)
        try:
            data = _read(path)
        except (OSError, Part10Error):
            return None
        own, mark = instance.transfer_syntax_uid, ""
        decoded = own in decodes or (not captured and self.syntax_of(instance) != own)
        inflates = own == DEFLATED_LE and can_transcode(EXPLICIT_LE, syntax)
        if can_transcode(EXPLICIT_LE, syntax) and not can_transcode(own, syntax) and not inflates:
            if not decoded:
                return None
            try:
                data, own, mark = memoryview(await self.uncompressed(instance)), EXPLICIT_LE, DECODED
            except DisplayError:
                return None
        as_it_is = StoredObject(data, own, origin, key, mark if captured else "") if own == syntax else None
        if not (can_transcode(own, syntax) or inflates) or (as_it_is and not (rewritten and captured)):
            return as_it_is
        if captured and len(data) > MAX_REWRITTEN:
            return as_it_is
        limit = MAX_ELEMENTS if captured else TRUSTED_ELEMENTS
        rewriting = self._rewriting if rewritten and captured else None
        write = partial(transcode, data, own, syntax, max_elements=limit, rewriting=rewriting)
        try:
            written = write() if len(data) < REWRITTEN_AT_ONCE else await asyncio.to_thread(write)
        except ElementsError:
            return as_it_is
        mark = label(mark or own, rewriting) if captured else ""
        return StoredObject(memoryview(written), syntax, origin, key, mark)

    async def file(self, instance: InstanceRef) -> Path | None:
        """The Part 10 file of an instance, rendered if it has to be; None if it can't be had."""
        if instance.origin == _UPLOAD:
            return None if instance.path is None else self._vault / instance.path
        found = self._archive.path_of(instance)
        if found is None:
            try:
                found = Path(await asyncio.shield(self._renderer.begin(instance.instance_key)))
            except Exception as error:
                self._unforeseen(error)
        return found

    def _unforeseen(self, error: Exception) -> None:
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "an object can't be rendered", "exception": error})

    async def heads(self, instances: Sequence[InstanceRef]) -> list[bytes | None]:
        """The attributes of instances in Explicit VR Little Endian, without making their pixels, as `archive.heads`
        has them; None for those that are files already, or quickly made."""
        made = [each for each in instances if each.origin != _UPLOAD and each.path is None]
        try:
            found = await self._renderer.heads([each.instance_key for each in made]) if made else []
        except Exception as error:
            self._unforeseen(error)
            return [None] * len(instances)
        by_key = {each.instance_key: head for each, head in zip(made, found, strict=True)}
        return [None if each.origin == _UPLOAD else by_key.get(each.instance_key) for each in instances]

    async def display(self, instance: InstanceRef, frame: int = 1, view: View = AS_IT_IS) -> bytes:
        """Frame `frame`, from 1, of an instance as a picture. Raises `DisplayError`.

        What a visitor stored is decoded only if it is simple (see `displays`), and never in this process.
        """
        view = replace(view, frame=frame)
        key = instance.origin, instance.path or instance.sop_uid, view
        picture = self._pictures.get(key)
        if picture is None:
            making = self._being_made.get(key)
            if making is None:
                making = self._being_made[key] = asyncio.ensure_future(self._picture(instance, view))
                making.add_done_callback(lambda done: self._made(key, done))
            picture = await asyncio.shield(making)  # whoever leaves doesn't take it from the others
        return picture

    async def _picture(self, instance: InstanceRef, view: View) -> bytes:
        path, syntax = await self._existing(instance), instance.transfer_syntax_uid
        return await self._renderer.picture(path, syntax, view, trusted=instance.origin != _UPLOAD)

    async def _existing(self, instance: InstanceRef) -> Path:
        path = await self.file(instance)
        if path is None:
            raise DisplayError("the object can't be had")
        return path

    def _made(self, key: Hashable, done: asyncio.Future[bytes]) -> None:
        del self._being_made[key]
        if not done.cancelled() and done.exception() is None:
            self._pictures.put(key, done.result())

    async def frame(self, instance: InstanceRef, number: int) -> bytes:
        """Frame `number`, from 1, of an instance, uncompressed and in little endian. Raises `DisplayError`."""
        path, syntax = await self._existing(instance), instance.transfer_syntax_uid
        return await self._renderer.frame(path, syntax, number, trusted=instance.origin != _UPLOAD)

    async def uncompressed(self, instance: InstanceRef) -> bytes:
        """The data set of a compressed instance in Explicit VR Little Endian. Raises `DisplayError`."""
        path, syntax = await self._existing(instance), instance.transfer_syntax_uid
        return await self._renderer.uncompressed(path, syntax, trusted=instance.origin != _UPLOAD)

    def file_meta(self, sop_class_uid: str, sop_uid: str, transfer_syntax_uid: str) -> bytes:
        """Preamble and file meta information for an object that is being received (PS3.10 7.1)."""
        return file_meta(
            sop_class_uid,
            sop_uid,
            transfer_syntax_uid,
            self._class_uid,
            implementation_version_name=self._version_name or None,
        )

    def add_upload(
        self,
        visitor: str,
        head: DataSet,
        *,
        sop_class_uid: str,
        sop_uid: str,
        transfer_syntax_uid: str,
        path: Path,
        size: int,
        overwrite: bool = True,
        same: Same = "uid",
    ) -> bool:
        """Let a visitor find what it stored, the captured file `path`; False if there is no room for it."""
        try:
            outcome = self._uploads.add(
                visitor,
                head,
                sop_class_uid=sop_class_uid,
                sop_uid=sop_uid,
                transfer_syntax_uid=transfer_syntax_uid,
                path=path.relative_to(self._vault).as_posix(),
                size=size,
                now=self._clock(),
                overwrite=overwrite,
                same=same,
            )
        except UploadsError:
            return False
        return outcome is not AddOutcome.FULL

    def delete(self, visitor: str, ids: Sequence[str], uploaded: Sequence[int]) -> None:
        """Let something be gone for a visitor, as `Uploads.delete` has it; what is too much, or can't be remembered,
        stays."""
        with contextlib.suppress(UploadsError):
            self._uploads.delete(visitor, self._catalogue, ids, uploaded)


def _read(path: Path) -> memoryview:
    """The data set of a Part 10 file."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(fd).st_size
        if size < MAPPED_FROM:
            content = memoryview(os.read(fd, size))
        else:
            content = memoryview(mmap.mmap(fd, size, access=mmap.ACCESS_READ))
    finally:
        os.close(fd)
    return content[dataset_offset(content) :]
