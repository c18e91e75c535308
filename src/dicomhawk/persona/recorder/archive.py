"""What a system was given to keep, and what ours as a persona would answer to queries for it, on no network."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import NamedTuple, Self

from ...hospital import elements, part10
from ...hospital.answer import Answering, Match, encode_match
from ...hospital.catalogue import Catalogue, CatalogueWriter
from ...hospital.errors import QueryError, QueryProblem, UnkeptKeyError
from ...hospital.products.find import ProductArchive
from ...hospital.query import Model, find
from ...hospital.uploads import Uploads
from ...upperlayer.dimse import CommandField
from .. import sopclasses
from ..battery.building import IMPLEMENTATION_CLASS_UID as OURS
from ..battery.reading import Message, Splitter, messages
from ..battery.transcript import Answer, Step, Take, Transcript
from ..model import Persona
from ..model.commands import Disposal
from .contexts import results

SUCCESS, PENDING, PENDING_OPTIONAL, MISMATCH = 0x0000, 0xFF00, 0xFF01, 0xA900
"""Statuses of PS3.7 annex C and PS3.4 table C.4-1."""
VISITOR = "recorder"
NOW = 1.0
_MODELS = {
    sopclasses.PATIENT_ROOT_FIND: Model.PATIENT_ROOT,
    sopclasses.STUDY_ROOT_FIND: Model.STUDY_ROOT,
    sopclasses.PATIENT_STUDY_FIND: Model.PATIENT_STUDY_ONLY,
}


class Found(NamedTuple):
    """The answer to a query."""

    matches: tuple[tuple[int, bytes], ...]
    """Statuses and identifiers of the pending responses, in order."""
    end: Disposal
    """The status of the last response, or what else became of the query."""


class Asked(NamedTuple):
    """A query, and what was answered."""

    experiment: str
    sop_class: str
    syntax: str
    identifier: bytes
    found: Found


def sent(step: Step) -> Message | None:
    """The message that a step sent, if it was one."""
    found = messages(Answer(unit, 0.0) for unit in Splitter().feed(step.sent))
    return found[0] if len(found) == 1 and found[0].data is not None else None


def requests(take: Take, field: CommandField) -> Iterator[tuple[Step, Message, str]]:
    """The whole requests of a kind on a connection, and the transfer syntax of each."""
    agreed = results(take)
    for step in take.steps:
        request = sent(step) if step.sent_whole else None
        if request is not None and request.command.command_field == field and request.context_id in agreed:
            yield step, request, agreed[request.context_id][2]


def queries(transcript: Transcript, experiments: frozenset[str]) -> list[Asked]:
    """The queries of some experiments that were answered to the end."""
    return [
        Asked(name, request.command.sop_class_uid, syntax, request.data or b"", found)
        for name in transcript.observations
        if name in experiments
        for take in transcript.takes(name)
        for step, request, syntax in requests(take, CommandField.C_FIND_RQ)
        if request.command.sop_class_uid in _MODELS
        if (found := _answered(step)) is not None
    ]


def _answered(step: Step) -> Found | None:
    answers = messages(step.answers)
    if not answers or not answers[-1].final:
        return None
    pending = tuple((answer.command.status, answer.data or b"") for answer in answers[:-1])
    return Found(pending, answers[-1].command.status)


class Kept(AbstractContextManager["Kept"]):
    """The objects that were taken from us, in the order in which they came, as a persona keeps them."""

    def __init__(self, transcript: Transcript, persona: Persona) -> None:
        self._open = ExitStack()
        self._folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="dicomhawk-")))
        CatalogueWriter(self._folder / "catalogue.sqlite").close()
        self._catalogue = self._open.enter_context(Catalogue(self._folder / "catalogue.sqlite"))
        self._uploads = self._open.enter_context(Uploads(self._folder / "uploads.sqlite"))
        self._ae_title = transcript.called
        self._count = 0
        for name in transcript.observations:
            if name.startswith("storing."):
                for take in transcript.takes(name):
                    for step, request, syntax in requests(take, CommandField.C_STORE_RQ):
                        if any(answer.command.status == SUCCESS for answer in messages(step.answers)):
                            self._keep(request, syntax, persona)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _keep(self, request: Message, syntax: str, persona: Persona) -> None:
        self._count += 1
        path = self._folder / f"{self._count}.dcm"
        data, command = request.data or b"", request.command
        path.write_bytes(part10.file_meta(command.sop_class_uid, command.sop_instance_uid, syntax, OURS) + data)
        try:
            head = elements.decode(data, syntax, lenient=True)
        except elements.ElementsError:
            return
        self._uploads.add(
            VISITOR,
            head,
            sop_class_uid=command.sop_class_uid,
            sop_uid=command.sop_instance_uid,
            transfer_syntax_uid=syntax,
            path=path.name,
            size=path.stat().st_size,
            now=0.0,
            overwrite=persona.store.duplicates == "replace",
            same=persona.store.same_object,
        )

    def answering(self, persona: Persona) -> Archive:
        """What a persona would answer."""
        return Archive(persona, self._catalogue, self._uploads, self._folder, self._ae_title)


class Archive:
    """A persona's service of queries."""

    def __init__(self, persona: Persona, catalogue: Catalogue, uploads: Uploads, vault: Path, ae_title: str) -> None:
        dialect = persona.find.dialect()
        self._persona = persona
        self._catalogue, self._uploads, self._ae_title = catalogue, uploads, ae_title
        self._product = None if dialect is None else ProductArchive(dialect, catalogue, uploads, vault, ae_title)

    def ask(self, asked: Asked) -> Found:
        """The answer to a query."""
        failures = self._persona.find.failures
        found: list[tuple[int, bytes]] = []
        try:
            keys = elements.decode(asked.identifier, asked.syntax)
            for match in self._matches(_MODELS[asked.sop_class], keys):
                if match is not None and not self._persona.find.unsendable_tags.isdisjoint(keys):
                    return Found(tuple(found), failures.unsendable)
                if match is not None:
                    status = PENDING_OPTIONAL if match.unsupported else PENDING
                    found.append((status, encode_match(match, asked.syntax)))
        except elements.ElementsError:
            return Found(tuple(found), failures.unreadable)
        except UnkeptKeyError:
            return Found(tuple(found), failures.unkept)
        except QueryError as error:
            return Found(tuple(found), self._status(error))
        return Found(tuple(found), SUCCESS)

    def _matches(self, model: Model, keys: elements.DataSet) -> Iterator[Match | None]:
        if self._product is not None:
            if model is Model.PATIENT_STUDY_ONLY and not self._product.dialect.failures.patient_study_only:
                model = Model.PATIENT_ROOT
            return self._product.find(model.levels, keys, now=NOW, visitor=VISITOR)
        answering = Answering(retrieve_ae=self._ae_title, character_set="ISO_IR 100")
        return find(
            self._catalogue, model, keys, now=NOW, uploads=self._uploads, visitor=VISITOR, answering=answering
        )

    def _status(self, error: QueryError) -> int:
        if error.status is not None:
            return error.status
        return MISMATCH if error.kind is QueryProblem.IDENTIFIER_MISMATCH else self._persona.responses.unable
