"""A session as one ZIP archive for somebody else: what happened, byte for byte, and what vouches for it.

The same input gives the same bytes. Memory doesn't grow with the session but for the places of its connections and
the names of its files.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

import msgspec

from .. import __version__
from ..analyst.narrative import printable, sentence
from ..evidence import keys
from ..evidence.documents import Document, value_at
from ..evidence.stamps import rfc3339
from ..evidence.transcript import Record, TranscriptError, read_connection
from ..settings import Settings
from . import archive, covering
from .findings import findings_of
from .lines import Located, lines_of
from .objects import Resolver
from .pcap import export_session
from .summary import AmbiguousSession, Where, connections

_SHA256 = re.compile(r"[0-9a-f]{64}")
_encode = msgspec.json.encode


class Member(msgspec.Struct, frozen=True):
    """A file in the archive, as the manifest has it."""

    name: str
    bytes: int
    sha256: str


class Bundle(msgspec.Struct):
    """What was written."""

    session: str
    events: int = 0
    connections: int = 0
    files: int = 0
    """Captured files that are in it."""
    missing_files: list[str] = msgspec.field(default_factory=list)
    """SHA-256 of captured files that aren't to be had (any more)."""
    missing_transcripts: list[str] = msgspec.field(default_factory=list)
    """Connections whose bytes aren't to be had (any more)."""
    missing_bytes: int = 0
    """Of objects, which are zeros in the capture."""
    findings: bool = False
    """Whether the database knew the session."""
    uncovered: list[str] = msgspec.field(default_factory=list)
    """Segments with parts of the session that the chain has no entry of (yet)."""
    head: str = ""
    """The chain's last entry, as ``N:HASH``."""
    members: list[Member] = msgspec.field(default_factory=list)


def write_bundle(
    settings: Settings, session: str, target: Path, *, password: str | None = None, segments: bool = False
) -> Bundle:
    """Write everything about `session` (its whole identifier) to the file `target`, readable by its owner only.

    `password`: of the inner archive with captured files, by default ``evidence.password`` of the settings. With
    `segments`, the whole segments that have its events and transcripts are in it too: other sessions as well. Raises
    `AmbiguousSession` if there is no such session, and `OSError`.
    """
    secret = password or settings.evidence.password
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        work = _Work(settings, session, Path(folder))
        work.collect()
        partial = Path(folder) / "bundle"
        work.write(partial, secret, segments=segments)
        partial.chmod(0o600)
        partial.replace(target)
    return work.bundle


class _Work:
    """A bundle in the making. `folder` holds what is needed twice."""

    def __init__(self, settings: Settings, session: str, folder: Path) -> None:
        self._settings = settings
        self._session = session
        self._folder = folder
        self._events = folder / "events"
        self._places = folder / "places"
        self._where: list[Where] = []
        self._captured: set[str] = set()
        self._segments: set[str] = set()
        self._address = self._first = self._last = ""
        self.bundle = Bundle(session)

    def collect(self) -> None:
        """The session's events, into files."""
        with self._events.open("wb") as events, self._places.open("wb") as places:
            for located in lines_of(self._settings.journal_dir, self._session):
                events.write(located.line)
                places.write(_encode(_place(located)) + b"\n")
                self._note(located)
        if not self.bundle.events:
            raise AmbiguousSession(f"There is no session {self._session}.")

    def _note(self, located: Located) -> None:
        event = located.event
        self.bundle.events += 1
        self._segments.add(f"journal/{located.segment}")
        self._first = self._first or event["@timestamp"]
        self._last = event["@timestamp"]
        self._address = self._address or str(value_at(event, "source.ip") or "")
        for where in connections((event,)):
            self._where.append(where)
            self._segments.add(f"vault/transcripts/{where.segment}")
        digest = value_at(event, "file.hash.sha256")
        if isinstance(digest, str) and _SHA256.fullmatch(digest):
            self._captured.add(digest)

    def write(self, target: Path, secret: str, *, segments: bool) -> None:
        """The archive."""
        bundle = self.bundle
        cover = covering.of(self._settings, self._segments)
        bundle.uncovered = cover.uncovered
        bundle.head = f"{cover.head.entry}:{cover.head.hash}"
        moment = _moment(self._last)
        with archive.open_archive(target) as zipped:
            put = _Putter(zipped, moment, bundle.members)
            with put("events.ndjson") as into:
                archive.copy(self._events, into)
            with put("session.txt") as into:
                for told in self._narrative():
                    into.write(told.encode() + b"\n")
            with put("transcripts.ndjson") as into:
                self._transcripts(into)
            with put("session.pcap") as into:
                self._pcap(into)
            self._files(put, secret, moment)
            self._findings(put)
            with put("proof/events.ndjson") as into:
                archive.copy(self._places, into)
            with put("proof/chain.ndjson") as into:
                for line in cover.lines():
                    into.write(line + b"\n")
            public = self._settings.evidence_dir / keys.PUBLIC_NAME
            if public.exists():
                with put("proof/public.pem") as into:
                    archive.copy(public, into)
            for name in sorted(self._segments) if segments else ():
                path = self._settings.data / name
                if path.exists():
                    with put(f"proof/segments/{name}") as into:
                        archive.copy(path, into)
            with put("README.txt") as into:
                into.write(covering.readme(self._facts(secret, segments), bundle).encode())
            with put("manifest.json") as into:
                into.write(self._manifest())
            with put("SHA256SUMS") as into:
                into.write("".join(f"{each.sha256}  {each.name}\n" for each in bundle.members).encode())

    def _narrative(self) -> Iterator[str]:
        yield f"Session {self._session} of {printable(self._address)}, {self._first} to {self._last}"
        yield ""
        with self._events.open("rb") as file:
            for line in file:
                event: Document = msgspec.json.decode(line)
                yield f"{event['@timestamp']}  {sentence(event)}"

    def _transcripts(self, into: Any) -> None:
        folder = self._settings.vault_dir / "transcripts"
        for where in sorted(self._where, key=lambda where: where.us):
            try:
                for record in read_connection(folder, where.segment, where.offset, where.connection):
                    into.write(_encode(_record(where.connection, record)) + b"\n")
                self.bundle.connections += 1
            except (TranscriptError, OSError):
                self.bundle.missing_transcripts.append(where.connection)

    def _pcap(self, into: Any) -> None:
        resolver = Resolver(self._settings)
        try:
            report = export_session(self._settings.vault_dir / "transcripts", self._where, resolver, into)
        finally:
            resolver.close()
        self.bundle.missing_bytes = sum(report.missing_objects.values()) + report.lost

    def _files(self, put: _Putter, secret: str, moment: archive.Moment) -> None:
        found: dict[str, Path] = {}
        for digest in sorted(self._captured):
            path = self._settings.vault_dir / "objects" / digest[:2] / digest
            if path.exists():
                found[digest] = path
            else:
                self.bundle.missing_files.append(digest)
        self.bundle.files = len(found)
        if found:
            inner = self._folder / "files"
            archive.write_protected(inner, found, secret, moment)
            with put("files.zip") as into:
                archive.copy(inner, into)
            inner.unlink()

    def _findings(self, put: _Putter) -> None:
        found = findings_of(self._settings, self._session, self._captured)
        if found is not None:
            self.bundle.findings = True
            with put("findings.json") as into:
                into.write(msgspec.json.format(_encode(found), indent=2) + b"\n")

    def _facts(self, secret: str, segments: bool) -> covering.Facts:
        return covering.Facts(
            session=self._session,
            address=self._address,
            first=self._first,
            last=self._last,
            sensor=self._settings.sensor_name,
            password=secret,
            segments=segments,
        )

    def _manifest(self) -> bytes:
        bundle = self.bundle
        document = {
            "made_by": f"DICOMHawk {__version__}",
            "session": self._session,
            "visitor": self._address,
            "first": self._first,
            "last": self._last,
            "events": bundle.events,
            "connections": bundle.connections,
            "missing_files": bundle.missing_files,
            "missing_transcripts": bundle.missing_transcripts,
            "missing_bytes": bundle.missing_bytes,
            "chain": {"head": bundle.head, "uncovered": bundle.uncovered},
            "files": bundle.members,
        }
        return msgspec.json.format(_encode(document), indent=2) + b"\n"


class _Putter:
    """``with put(NAME) as into`` writes a member, and notes what it was."""

    def __init__(self, zipped: ZipFile, moment: archive.Moment, members: list[Member]) -> None:
        self._zipped = zipped
        self._moment = moment
        self._members = members

    def __call__(self, name: str) -> _Put:
        return _Put(self._zipped, name, self._moment, self._members)


class _Put:
    def __init__(self, zipped: ZipFile, name: str, moment: archive.Moment, members: list[Member]) -> None:
        self._name = name
        self._members = members
        self._file: IO[bytes] = zipped.open(archive.info(name, moment), "w", force_zip64=True)

    def __enter__(self) -> archive.Hashing:
        self._hashing = archive.Hashing(self._file)
        return self._hashing

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._members.append(Member(self._name, self._hashing.bytes, self._hashing.sha256))


def _place(located: Located) -> dict[str, Any]:
    return {
        "event": located.event["event"]["id"],
        "segment": f"journal/{located.segment}",
        "offset": located.offset,
        "bytes": len(located.line),
    }


def _record(connection: str, record: Record) -> dict[str, Any]:
    """A record of a transcript; its bytes become base 64."""
    fields = msgspec.structs.asdict(record)
    us = fields.pop("us")
    fields.pop("connection", None)
    if "reference" in fields:
        fields["reference"] = fields["reference"]._asdict()
    return {"connection": connection, "time": rfc3339(us), "us": us, "what": type(record).__name__.lower(), **fields}


def _moment(text: str) -> archive.Moment:
    """A moment of the journal as ZIP files have it."""
    year, month, day, hour, minute, second = (int(part) for part in re.split(r"\D", text)[:6])
    return max(1980, year), month, day, hour, minute, second
