"""The table of known clients (known.toml): validation, and who it says that a request comes from."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...upperlayer import items as it
from ...upperlayer.pdu import AssociateRQ
from .fingerprint import DIGITS, fingerprint, reserved_mask

WILDCARD = "*"
"""At the end of a text in the table: anything may follow."""

Dfp = Annotated[str, Field(pattern=rf"^[0-9a-f]{{{DIGITS}}}$")]
AfterAccept = Literal["silent_fin", "rst", "abort", "release", "dimse"]
"""What a client does first on an association that was accepted; as in ``connection.close``."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Match(_Model):
    """Properties of a request; all that are given must hold. Texts may end in `WILDCARD`."""

    class_uid: str | None = None
    """Implementation class UID."""
    version_name: str | None = None
    """Implementation version name."""
    max_length: int | None = None
    """Maximum length received."""
    reserved: str | None = None
    """Reserved bytes that are not zero, as `fingerprint.reserved_mask` writes them."""
    called: str | None = None
    """Called AE title."""
    calling: str | None = None
    """Calling AE title."""
    abstract_syntaxes: str | None = None
    """What each proposed abstract syntax is."""
    offers: tuple[tuple[str, ...], ...] | None = None
    """The different lists of transfer syntaxes, in the order in which they appear."""

    @model_validator(mode="after")
    def _not_empty(self) -> Match:
        if not self.model_fields_set:
            raise ValueError("a match without properties would be everybody")
        return self

    def holds(self, rq: AssociateRQ) -> bool:
        """Whether `rq` has all these properties."""
        class_uid = rq.user_item(it.ImplementationClassUID)
        version = rq.user_item(it.ImplementationVersionName)
        return (
            _is(self.class_uid, None if class_uid is None else it.trimmed(class_uid.uid))
            and _is(self.version_name, None if version is None else it.trimmed(version.name))
            and self.max_length in (None, rq.maximum_length)
            and _is(self.called, rq.called_ae_title)
            and _is(self.calling, rq.calling_ae_title)
            and (self.reserved is None or self.reserved == reserved_mask(rq))
            and (
                self.abstract_syntaxes is None
                or all(_is(self.abstract_syntaxes, context.abstract_syntax) for context in rq.contexts)
            )
            and (self.offers is None or self.offers == _offers(rq))
        )


class Client(_Model):
    """A row of the table."""

    name: str
    """Of the program, with the tool where it has several."""
    versions: str | None = None
    """Versions that are known to ask like this."""
    dfp: tuple[Dfp, ...] = ()
    """Its fingerprints, one for each way of using it that makes a difference."""
    match: Match | None = None
    """What holds for requests whose fingerprint depends on options; weaker than a fingerprint."""
    after_ac: tuple[AfterAccept, ...] = ()
    """What it was seen to do after an accept: tells apart who sends the same bytes."""
    known: Literal["measured", "published", "inferred"]
    """How sure: seen from the real program; its bytes or source are public; concluded from something else."""
    source: str
    """Where from."""
    note: str | None = None

    @model_validator(mode="after")
    def _recognisable(self) -> Client:
        if not self.dfp and self.match is None:
            raise ValueError(f"{self.name} has neither a fingerprint nor properties to match")
        return self


class _Table(_Model):
    client: tuple[Client, ...]


class Identified(NamedTuple):
    """What is known about the program behind a request."""

    fingerprint: str
    name: str | None = None
    """Several names, joined by " or ", where several programs send exactly this."""
    versions: str | None = None
    match: Literal["dfp", "properties"] | None = None
    """By what it was recognised; None: it was not."""


class Clients:
    """The table, indexed."""

    def __init__(self, rows: tuple[Client, ...]) -> None:
        self.rows = rows
        self._by_dfp: defaultdict[str, list[Client]] = defaultdict(list)
        for row in rows:
            for dfp in row.dfp:
                self._by_dfp[dfp].append(row)

    def identify(self, rq: AssociateRQ, length: int) -> Identified:
        """Who sends `rq`, which has `length` bytes without its header. Never raises.

        A fingerprint beats properties, and among these the row that comes first.
        """
        dfp = fingerprint(rq, length)
        rows = self._by_dfp.get(dfp)
        if rows:
            names = " or ".join(dict.fromkeys(row.name for row in rows))
            return Identified(dfp, names, rows[0].versions if len(rows) == 1 else None, "dfp")
        for row in self.rows:
            if row.match is not None and row.match.holds(rq):
                return Identified(dfp, row.name, row.versions, "properties")
        return Identified(dfp)


def parse(text: str) -> Clients:
    """The table in `text` (TOML). Raises `tomllib.TOMLDecodeError` and `pydantic.ValidationError`."""
    return Clients(_Table.model_validate(tomllib.loads(text)).client)


@cache
def load() -> Clients:
    """The table that is shipped."""
    return parse(files(__package__).joinpath("known.toml").read_text(encoding="utf-8"))


def _is(wanted: str | None, found: str | None) -> bool:
    if wanted is None:
        return True
    if found is None:
        return False
    return found.startswith(wanted[:-1]) if wanted.endswith(WILDCARD) else found == wanted


def _offers(rq: AssociateRQ) -> tuple[tuple[str, ...], ...]:
    return tuple(dict.fromkeys(context.transfer_syntaxes for context in rq.contexts))
