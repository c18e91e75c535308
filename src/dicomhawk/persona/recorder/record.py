"""The recorder: a transcript in, a persona and a report out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from ...settings import SettingsError
from ..battery.run import STOPPED
from ..battery.transcript import Transcript
from ..model import Persona, parsed
from ..model.provenance import Source, set_fields
from . import contexts, direct, fields, timers
from .evidence import Evidence
from .fit import Fit, improve, nearest
from .matching import matching
from .notes import Notes
from .pace import pace
from .retrievals import retrievals
from .services import services
from .writing import toml

UPPER_LAYER = ("identity", "contexts", "request", "reject", "answer", "capacity", "wire")
"""Tables that the whole of the upper layer's experiments speaks for."""
RECORDING = "recording"
"""Name of the source in the file."""
LONGEST_TITLE = 200
MOST_LISTED = 12


class Recorded(NamedTuple):
    """What came of it."""

    persona: Persona
    toml: str
    report: tuple[str, ...]


def record(
    transcript: Transcript,
    *,
    name: str,
    title: str | None = None,
    against: str,
    remarks: tuple[str, ...] = (),
    now: datetime | None = None,
) -> Recorded:
    """The persona of the system that was observed. Raises `SettingsError` if nothing can be made of it.

    `against`: what it was, for the file's source; `remarks`: what else is to be said in it.
    """
    now = now or datetime.now(UTC)
    notes = Notes(remarks=list(remarks))
    evidence = Evidence(transcript)
    own = direct.identity(transcript, notes)
    if not own:
        if STOPPED in transcript.missing.values():
            raise SettingsError(f"{against} stopped answering at once: there is nothing to record.")
        raise SettingsError(f"{against} accepted no association: there is nothing to record.")
    start = nearest(evidence, ((_wearing(known, own, notes), _is_kin(known, own)) for known in fields.library()))
    relative = next(p for p in fields.library() if p.name == start.persona.name)
    fit = _fitted(start, transcript, own, notes)
    persona = _served(fit.persona, transcript, notes)
    said = persona.identity.implementation_version_name or persona.identity.implementation_class_uid or "an archive"
    persona = persona.model_copy(
        update={
            "name": name,
            "title": (title or f"Recorded from {said} at {against}")[:LONGEST_TITLE],
            "kind": "measured",
        }
    )
    persona = _explained(persona, relative, transcript, notes, against, now)
    comments = tuple(map(_line, _comments(fit, relative, notes, against, now)))
    text = toml(persona, comments)
    return Recorded(parsed(text, name), text, (*comments,))


def _wearing(known: Persona, own: dict[fields.Path, object], notes: Notes) -> Persona:
    """A known product with the identity of the one that was observed."""
    return direct.apply(known, own, notes)


def _is_kin(known: Persona, own: dict[fields.Path, object]) -> bool:
    """Whether a known product is made with the same toolkit, by what both say."""
    path: fields.Path = ("identity", "implementation_class_uid")
    return fields.get(known, path) is not None and fields.get(known, path) == own.get(path)


def _fitted(fit: Fit, transcript: Transcript, own: dict[fields.Path, object], notes: Notes) -> Fit:
    others = [_wearing(known, own, notes) for known in fields.library() if known.name != fit.persona.name]
    _offer_what_is_seen(fit, transcript, notes)
    if fit.wrong:
        improve(fit, others)
        # What was hidden behind another difference may count now.
        _offer_what_is_seen(fit, transcript, notes)
        timers.fit_times(fit, transcript)
        improve(fit, others)
    persona = direct.apply(fit.persona, direct.capacity(transcript, notes), notes)
    fit.persona = direct.apply(persona, direct.rhythm(transcript, notes), notes)
    return fit


def _offer_what_is_seen(fit: Fit, transcript: Transcript, notes: Notes) -> None:
    """Values that can be read from the answers, and are no known product's."""
    found = contexts.groups(transcript, fit.persona)
    if found is None:
        notes.missing("contexts", transcript.missing.get("syntaxes.abstract", "no context was accepted"))
    else:
        fit.offer(fields.changed(fit.persona, ("contexts", "groups"), found))
    fit.offer(fields.changed(fit.persona, ("answer", "user_items"), direct.user_items(transcript)))
    for window in direct.windows(transcript):
        fit.offer(fields.changed(fit.persona, ("answer", "asynchronous_window"), window))


def _served(persona: Persona, transcript: Transcript, notes: Notes) -> Persona:
    persona = direct.apply(persona, direct.in_service(transcript, persona, notes), notes)
    persona = direct.apply(persona, direct.packed(transcript, notes), notes)
    persona = direct.apply(persona, services(transcript, persona, notes), notes)
    persona = direct.apply(persona, retrievals(transcript, notes), notes)
    persona = matching(persona, transcript, notes)
    return direct.apply(persona, pace(transcript, notes), notes)


def _explained(
    persona: Persona, relative: Persona, transcript: Transcript, notes: Notes, against: str, now: datetime
) -> Persona:
    """The persona with the origin of each of its values."""
    source = Source(title=f"What {against} answered", version=f"{now:%Y-%m-%d %H:%M} UTC", url=f"dicom://{against}")
    bare = persona.model_copy(update={"sources": {}, "stated": {}, "inferred": {}})
    parsed_again = parsed(toml(bare), persona.name)
    leaves = list(set_fields(parsed_again))
    tables = dict.fromkeys(leaf.partition(".")[0] for leaf in leaves)
    stated = {table: RECORDING for table in tables if table in UPPER_LAYER}
    inferred = {
        table: f"as {relative.name} does, the nearest of the known products, where nothing else was observed"
        for table in tables
        if table not in UPPER_LAYER
    }
    for path in sorted(notes.seen, key=str):
        text = ".".join(map(str, path))
        if text.partition(".")[0] not in UPPER_LAYER and any(leaf.startswith(text) for leaf in leaves):
            stated[text] = RECORDING
    return persona.model_copy(update={"sources": {RECORDING: source}, "stated": stated, "inferred": inferred})


def _line(text: str) -> str:
    """Without what could end a comment: names of products come from outside."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _comments(fit: Fit, relative: Persona, notes: Notes, against: str, now: datetime) -> Iterator[str]:
    total = len(fit.evidence.seen)
    yield f"Recorded from {against} on {now:%Y-%m-%d %H:%M} UTC by dicomhawk persona record."
    yield f"Of {total} connections, this file foresees {total - len(fit.wrong)} to the byte."
    yield f"What was not observed is as {relative.name} does, the nearest of the known products."
    for remark in notes.remarks:
        yield f"Seen: {remark}."
    for what, why in notes.unseen.items():
        yield f"Could not be observed: {what}, because {why}."
    wrong = [fit.evidence.seen[number] for number in sorted(fit.wrong)]
    for seen in wrong[:MOST_LISTED]:
        label = f" ({seen.take.label})" if seen.take.label else ""
        yield f"Could not be put into the model: {seen.experiment}{label}."
    if len(wrong) > MOST_LISTED:
        yield f"And {len(wrong) - MOST_LISTED} more."
