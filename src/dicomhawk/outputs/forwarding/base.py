"""What an output is: something that takes batches of records."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from ...evidence.documents import Document
from ...settings import SettingsError
from ...settings.outputs import Kind
from ...settings.words import SEVERITIES

T = TypeVar("T")

decode = msgspec.json.Decoder(dict[str, Any]).decode
encode = msgspec.json.Encoder().encode


class Record:
    """An event, a session or an alert, as an ECS document."""

    def __init__(self, kind: Kind, identifier: str, severity: int, line: bytes) -> None:
        """`severity` is 0 to 4; `line` the document as JSON, in one line without newline."""
        self.kind = kind
        self.id = identifier
        self.severity = severity
        self.line = line

    @cached_property
    def document(self) -> Document:
        """To be looked at only."""
        return decode(self.line)

    @property
    def level(self) -> str:
        """`severity` as a word."""
        return SEVERITIES[self.severity]


Batch = Sequence[Record]


class Undelivered(Exception):
    """Something was not delivered; the message is for the operator, and has no secret in it."""

    def __init__(self, reason: str, *, taken: Collection[str] = (), refused: Collection[str] = ()) -> None:
        """`taken`: identifiers of what was delivered all the same; `refused`: of what never will be."""
        super().__init__(reason)
        self.taken = frozenset(taken)
        self.refused = frozenset(refused)


class Temporary(Undelivered):
    """The receiver is away, or doesn't let us in: to be tried again, later and later."""

    def __init__(
        self,
        reason: str,
        *,
        taken: Collection[str] = (),
        refused: Collection[str] = (),
        after: float | None = None,
    ) -> None:
        """`after`: seconds that the receiver asks us to wait."""
        super().__init__(reason, taken=taken, refused=refused)
        self.after = after


class Permanent(Undelivered):
    """The receiver looked at records and refused them. If it doesn't say which, each is tried alone."""


class Output(ABC):
    """Where records go. It is used by one task, one batch after the other."""

    @abstractmethod
    async def send(self, batch: Batch) -> None:
        """Deliver `batch`: return when the receiver has it. Raises `Temporary` or `Permanent`.

        A batch may come twice, after we were killed: a receiver tells by ``event.id`` what it has already.
        """

    async def open(self) -> None:  # noqa: B027 - most wait for something to send
        """Make ready. Raises `Temporary`."""

    async def close(self) -> None:  # noqa: B027 - some have nothing to close
        """Let go of connections."""

    @property
    @abstractmethod
    def where(self) -> str:
        """Where records go, for people, without secrets."""


def rendered(batch: Iterable[Record], render: Callable[[Record], T]) -> list[T]:
    """`render` of each record. Raises `Permanent` for those that can't be rendered: strangers have their say in
    documents, and one of them must not hold up the others."""
    found, wrong, reason = [], [], ""
    for record in batch:
        try:
            found.append(render(record))
        except Exception as error:
            wrong.append(record.id)
            reason = f"{record.id} can't be written in this format ({type(error).__name__})"
    if wrong:
        raise Permanent(reason, refused=wrong)
    return found


def missing(extra: str) -> SettingsError:
    """The error for a library that isn't installed."""
    return SettingsError(f"This output needs a library that isn't there: pip install 'dicomhawk[{extra}]'.")
