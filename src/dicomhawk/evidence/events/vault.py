"""What is kept, and what can't be."""

from __future__ import annotations

from typing import Annotated, ClassVar

from ..fields import Event, Field, Kind
from .common import Sha256, SopClass, SopInstance


class FileCaptured(Event, frozen=True, kw_only=True):
    """An object that a visitor sent is in the vault, or was already."""

    kind: ClassVar[Kind] = Kind("file.captured", ("file",), ("creation",), 60)
    sha256: Sha256
    size: Annotated[int, Field("file.size", "Bytes of the captured file, with preamble and meta header.")]
    mime_type: Annotated[str, Field("file.mime_type", "Type that it was sent as.")] = "application/dicom"
    name: Annotated[str | None, Field("file.name", "Path below the vault; absent: only hash and size are kept.")] = (
        None
    )
    new: Annotated[bool, Field("honeypot.capture.new", "False: the same file was there before.")] = True
    complete: Annotated[bool, Field("honeypot.capture.complete", "False: the transfer broke off.")] = True
    sop_class: SopClass = None
    sop_instance: SopInstance = None


class VaultDropped(Event, frozen=True, kw_only=True):
    """The oldest transcripts were removed to stay within the budget."""

    kind: ClassVar[Kind] = Kind("vault.dropped", ("file",), ("deletion",), 10)
    segments: Annotated[tuple[str, ...], Field("honeypot.dropped.segments", "Transcript segments removed.")]
    bytes: Annotated[int, Field("honeypot.dropped.bytes", "Bytes removed.")]


class VaultLimit(Event, frozen=True, kw_only=True):
    """Something was not kept because a limit was reached; for an object, its hash and size are known still."""

    kind: ClassVar[Kind] = Kind("vault.limit", ("file",), ("error",), 40)
    limit: Annotated[str, Field("honeypot.limit", "objects_mib, object_mib (see vault in the settings) or disk.")]
    what: Annotated[str, Field("honeypot.limited", "object or transcript.")]
    bytes: Annotated[int, Field("honeypot.dropped.bytes", "Bytes not kept.")]
    sha256: Sha256 = None


class EvidenceHead(Event, frozen=True, kw_only=True):
    """The chain of hashes over closed segments has grown. Whoever keeps its head elsewhere can tell later whether
    anything before it was changed."""

    kind: ClassVar[Kind] = Kind("evidence.head", ("file",), ("info",), 0)
    entries: Annotated[int, Field("honeypot.chain.entries", "Entries of the chain.")]
    head: Annotated[str, Field("honeypot.chain.head", "SHA-256 of the last of them.")]
    key: Annotated[str | None, Field("honeypot.chain.key", "Key that signed it.")] = None


class EvidenceRemoved(Event, frozen=True, kw_only=True):
    """Evidence was removed for its age or size, as the settings want it. The chain has an entry for each file."""

    kind: ClassVar[Kind] = Kind("evidence.removed", ("file",), ("deletion",), 10)
    what: Annotated[str, Field("honeypot.limited", "journal, transcript or object.")]
    reason: Annotated[
        str, Field("event.reason", "age or size; unread: age or size, though it had not been analysed.")
    ]
    segments: Annotated[tuple[str, ...], Field("honeypot.dropped.segments", "Files removed.")]
    bytes: Annotated[int, Field("honeypot.dropped.bytes", "Bytes removed.")]


class EvidenceFailure(Event, frozen=True, kw_only=True):
    """The chain could not be continued; it is tried again, and nothing is lost meanwhile."""

    kind: ClassVar[Kind] = Kind("evidence.failure", ("file",), ("error",), 60)
    reason: Annotated[str, Field("event.reason", "Why.")]
