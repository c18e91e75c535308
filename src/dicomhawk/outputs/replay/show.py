"""A session on a terminal, at its own pace: what happened in sentences, and what went over the wire in PDUs.

Everything that came from a stranger is escaped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from ...analyst.narrative import printable, sentence, size
from ...evidence.documents import moment_of
from ...evidence.stamps import rfc3339
from ...evidence.transcript import Ended, Opened, TranscriptError
from ...persona.battery import words
from ...persona.battery.reading import decoded
from ...persona.battery.transcript import Answer as Pdu
from ...settings import Settings
from ...upperlayer import dimse, pdu
from ...upperlayer.errors import ProtocolError
from ..lines import lines_of
from ..objects import Resolver
from ..streams import Missing, in_order, streams
from ..summary import Where, connections
from .player import Pace
from .units import Splitter, Unit, protocol_of, splitters

MAX_TEXT = 160
"""Characters of one line of a stranger's."""
_STYLES = {">": "cyan", "<": "green", "*": "bold"}


class Line(NamedTuple):
    """Something that is shown."""

    us: int
    mark: str
    """``>`` from the visitor, ``<`` to the visitor, ``*`` what it amounts to."""
    port: int | None
    """The visitor's."""
    text: str
    """Harmless."""


def show(
    settings: Settings,
    session: str,
    console: Console,
    pace: Pace,
    *,
    sleep: Callable[[float], object] = time.sleep,
) -> int:
    """Show `session` (its whole identifier); returns the number of lines. Pauses are as `pace` has them."""
    count, before = 0, None
    for line in timeline(settings, session):
        if before is not None:
            seconds = pace.seconds(line.us - before)
            if seconds > 0:
                sleep(seconds)
        before = line.us
        count += 1
        port = "" if line.port is None else str(line.port)
        text = Text(f"{rfc3339(line.us)[11:-1]} {port:>5} {line.mark} ", style="dim")
        text.append(line.text, style=_STYLES[line.mark])
        console.print(text, soft_wrap=True)
    return count


def timeline(settings: Settings, session: str) -> Iterator[Line]:
    """What `show` shows, in the order of time. Memory is bounded by the connections that were open together."""
    resolver = Resolver(settings)
    try:
        sources: list[tuple[int, Iterator[Line]]] = [(0, _events(settings, session))]
        for located in lines_of(settings.journal_dir, session):
            for where in connections((located.event,)):
                sources.append((where.us, _Wire(settings, where, resolver).lines()))
        yield from in_order(sources)
    finally:
        resolver.close()


def _events(settings: Settings, session: str) -> Iterator[Line]:
    for located in lines_of(settings.journal_dir, session):
        source = located.event.get("source")
        port = source.get("port") if isinstance(source, dict) else None
        # Events have milliseconds only; what they tell of came first.
        yield Line(
            moment_of(located.event) + 999, "*", port if isinstance(port, int) else None, sentence(located.event)
        )


class _Wire:
    """What went over one connection."""

    def __init__(self, settings: Settings, where: Where, resolver: Resolver) -> None:
        self._transcripts = settings.vault_dir / "transcripts"
        self._where = where
        self._resolver = resolver
        self._port: int | None = None

    def lines(self) -> Iterator[Line]:
        both: tuple[Splitter, Splitter] | None = None
        us = self._where.us
        runs = {True: _Run(), False: _Run()}
        try:
            for part in streams(self._transcripts, self._where, self._resolver, Missing()):
                us = part.us
                if isinstance(part, Opened):
                    self._port = part.source[1]
                    continue
                if isinstance(part, Ended):
                    break
                if both is None:
                    both = splitters(protocol_of(bytes(part.data[:64])) if part.inbound else "raw")
                for unit in both[0 if part.inbound else 1].feed(part.data):
                    yield from self._told(runs, unit, us, part.inbound)
        except TranscriptError:
            yield Line(us, "*", self._port, "the transcript of this connection is gone")
        for inbound in (True, False):
            for unit in both[0 if inbound else 1].finish() if both is not None else ():
                yield from self._told(runs, unit, us, inbound)
            yield from self._rest(runs[inbound], us, inbound)

    def _told(self, runs: dict[bool, _Run], unit: Unit, us: int, inbound: bool) -> Iterator[Line]:
        if runs[inbound].takes(unit):
            return
        for way in (inbound, not inbound):
            yield from self._rest(runs[way], us, way)
        yield Line(us, ">" if inbound else "<", self._port, told(unit))

    def _rest(self, run: _Run, us: int, inbound: bool) -> Iterator[Line]:
        text = run.take()
        if text:
            yield Line(us, ">" if inbound else "<", self._port, text)


class _Run:
    """P-DATA-TFs with nothing but a data set: a transfer has thousands, which are one line."""

    def __init__(self) -> None:
        self._count = self._bytes = 0

    def takes(self, unit: Unit) -> bool:
        """Whether the unit is one of them."""
        if unit.protocol != "dicom" or unit.data[0] != pdu.P_DATA:
            return False
        found = decoded(unit.data)
        if not isinstance(found, pdu.PDataTF) or any(value.control & 1 for value in found.pdvs):
            return False
        self._count += 1
        self._bytes += sum(len(value.data) for value in found.pdvs)
        return True

    def take(self) -> str:
        """What there was of them, in words; empty if there was nothing."""
        count, self._count = self._count, 0
        sent, self._bytes = self._bytes, 0
        if not count:
            return ""
        return f"P-DATA-TF: data set, {size(sent)}" + (f" in {count} PDUs" if count > 1 else "")


def told(unit: Unit) -> str:
    """A PDU, or a message of HTTP, in words."""
    if unit.protocol == "dicom":
        return printable(_pdu(unit.data), MAX_TEXT)
    if unit.protocol == "http":
        first = unit.data[: unit.head].split(b"\r\n", 1)[0].decode("latin-1")
        body = len(unit.data) - unit.head
        return printable(first, MAX_TEXT) + (f", body of {size(body)}" if body else "")
    return f"{size(len(unit.data))}: {printable(unit.data[:64].decode('latin-1'), MAX_TEXT)}"


def _pdu(data: bytes) -> str:
    found = decoded(data)
    if isinstance(found, pdu.AssociateRQ):
        return (
            f"A-ASSOCIATE-RQ: {found.calling_ae_title} calls {found.called_ae_title}, {len(found.contexts)} contexts,"
            f" PDUs up to {found.maximum_length}"
        )
    if isinstance(found, pdu.AssociateAC):
        accepted = sum(not context.result for context in found.contexts)
        return f"A-ASSOCIATE-AC: {accepted} of {len(found.contexts)} contexts, PDUs up to {found.maximum_length}"
    if isinstance(found, pdu.PDataTF):
        return f"P-DATA-TF: {', '.join(map(_value, found.pdvs))}"
    return words.headlines((Pdu(data, 0.0),))[0]


def _value(value: pdu.PDV) -> str:
    part = "" if value.control & 2 else ", not its end"
    if not value.control & 1:
        return f"data set, {size(len(value.data))}{part}"
    try:
        found = dimse.decode(bytes(value.data))
    except ProtocolError:
        return f"command, {size(len(value.data))}{part}"
    status = f", status {found.status:04X}" if found.status >= 0 else ""
    number = found.message_id or found.number(dimse.Key.MessageIDBeingRespondedTo)
    subject = words.uid(found.sop_class_uid) if found.sop_class_uid else ""
    return f"{found.name} {number}{f' of {subject}' if subject else ''} on context {value.context_id}{status}{part}"
