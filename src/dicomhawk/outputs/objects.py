"""Objects that transcripts refer to, looked up again."""

from __future__ import annotations

import mmap
from pathlib import Path

from ..evidence.transcript import Reference
from ..hospital.archive import CATALOGUE, Archive, render
from ..hospital.catalogue import Catalogue, CatalogueError
from ..hospital.displays import DisplayError, uncompressed
from ..hospital.elements import EXPLICIT_LE, MAX_ELEMENTS, Element, ElementsError
from ..hospital.instances import InstanceRef
from ..hospital.part10 import Part10Error, dataset_offset
from ..hospital.query import Model, QueryError
from ..hospital.retrieval import retrieve
from ..hospital.rewriting import DECODED, of_label
from ..hospital.transcode import can_transcode, transcode
from ..lures.marks import marked
from ..settings import Settings

EVER = float(1 << 53)
"""A moment after all others: an instance that was sent was visible then."""

_NOT_TO_BE_HAD = (
    OSError, ValueError, LookupError, CatalogueError, QueryError, Part10Error, ElementsError, DisplayError,
)  # fmt: skip
_LEVEL, _SOP_INSTANCE_UID = 0x00080052, 0x00080018


class Resolver:
    """Data sets of objects, by what a transcript calls them: captured ones from the vault, the hospital's from its
    files or rendered once more."""

    def __init__(self, settings: Settings) -> None:
        self._data = settings.data
        self._objects = settings.vault_dir / "objects"
        self._budget = settings.hospital.cache_mib << 20
        self._archive = Archive(settings.data)
        self._catalogue: Catalogue | None = None

    def __call__(self, reference: Reference) -> bytes | memoryview | None:
        """The data set as it was sent or received, or for the origin ``body`` the whole file; None if it can't be
        had any more."""
        try:
            if reference.origin == "body":
                return _mapped(self._objects / reference.key[:2] / reference.key)
            if reference.origin == "captured":
                found = _dataset(self._objects / reference.key[:2] / reference.key)
                return _written_anew(found, reference) if reference.mark else found
            return self._of_hospital(reference)
        except _NOT_TO_BE_HAD:
            return None

    def close(self) -> None:
        """Close the catalogue."""
        if self._catalogue is not None:
            self._catalogue.close()

    def _of_hospital(self, reference: Reference) -> bytes | memoryview | None:
        instance = self._instance(reference.key)
        if instance is None:
            return None
        path = self._archive.path_of(instance) or Path(render(str(self._data), instance.instance_key, self._budget))
        data = _dataset(path)
        own, wanted = instance.transfer_syntax_uid, reference.transfer_syntax
        found: bytes | memoryview = data
        if own != wanted:
            if not can_transcode(EXPLICIT_LE, wanted):
                return None
            if not can_transcode(own, wanted):
                found, own = uncompressed(str(path), own, trusted=True), EXPLICIT_LE
            found = transcode(found, own, wanted) if own != wanted else found
        return marked(found, wanted, reference.mark) if reference.mark else found

    def _instance(self, sop_uid: str) -> InstanceRef | None:
        if self._catalogue is None:
            self._catalogue = Catalogue(self._data / CATALOGUE)
        uid = sop_uid.encode("ascii", "replace")
        keys = {
            _LEVEL: Element(_LEVEL, "CS", b"IMAGE "),
            _SOP_INSTANCE_UID: Element(_SOP_INSTANCE_UID, "UI", uid + b"\0" * (len(uid) % 2)),
        }
        found = retrieve(self._catalogue, Model.STUDY_ROOT, keys, now=EVER, relational=True)
        return next(iter(found), None)


def _written_anew(data: memoryview, reference: Reference) -> bytes | None:
    """A visitor's object as it was sent back. What was decompressed can't be had: that isn't done in this process."""
    own, rewriting = of_label(reference.mark)
    if own == DECODED:
        return None
    return transcode(data, own, reference.transfer_syntax, max_elements=MAX_ELEMENTS, rewriting=rewriting)


def _dataset(path: Path) -> memoryview:
    """The data set of a Part 10 file, mapped and not read."""
    content = _mapped(path)
    return content[dataset_offset(content) :]


def _mapped(path: Path) -> memoryview:
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
