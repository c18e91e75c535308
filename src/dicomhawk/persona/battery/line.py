"""A connection to the system under observation: sends bytes, and keeps all that comes back."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from typing import Protocol, Self

from ...upperlayer import pdu
from . import building as b
from .reading import Assembly, Message, Splitter, decoded
from .transcript import Answer, End, Step, Take

CONNECT_SECONDS = 10.0
"""A system on the operator's own network that needs longer is not there."""
REPLY_SECONDS = 4.0
"""Longest wait for the answer of a service, which may have to look into a database."""
SHORT_QUIET = 0.25
"""How much less is watched after an answer that leaves nothing to be said (A-ASSOCIATE-AC, A-RELEASE-RP)."""
PAUSE = 0.02
"""Seconds without a byte, in the middle of a PDU, that the other side's way of writing makes (40 ms with Nagle's
algorithm against delayed acknowledgements), and no network of an operator's own does."""
PIECE = 65536

Enough = Callable[["Line"], bool]


class Where(Protocol):
    """Where a line leads, and who it says that it is."""

    @property
    def address(self) -> tuple[str, int]: ...
    @property
    def called(self) -> str: ...
    @property
    def calling(self) -> str: ...
    @property
    def reply(self) -> float: ...
    @property
    def quiet(self) -> float: ...


def anything(line: Line) -> bool:
    """Something came back in this step."""
    return bool(line.answers)


def final(line: Line) -> bool:
    """The association is over, or the last response to a request is there."""
    return line.over or any(message.final for message in line.messages)


def answered(line: Line) -> bool:
    """As `final`, or the other side wants something itself."""
    return final(line) or any(message.complete and message.command.status < 0 for message in line.messages)


class Line:
    """One TCP connection. Every method returns the line, so that an experiment reads as a sentence."""

    def __init__(self, where: Where, label: str = "") -> None:
        self._where = where
        self._label = label
        self._steps: list[Step] = []
        self._splitter = Splitter()
        self._assembly = Assembly()
        self._socket: socket.socket | None = None
        self._end: End | None = None
        self._ended = 0.0
        self.accepted: dict[int, tuple[str, str]] = {}
        """Abstract and transfer syntax of the contexts that were accepted, by identifier."""
        self._proposed: dict[int, str] = {}
        self.take: Take | None = None
        """What is on record, once `finish` was called."""
        self._begin("the connection", b"")
        try:
            self._socket = socket.create_connection(where.address, CONNECT_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            self._end = End.UNREACHED

    # What has come

    @property
    def open(self) -> bool:
        """Whether an association was accepted and the connection still stands."""
        return bool(self.accepted) and self._end is None

    @property
    def over(self) -> bool:
        """Whether this step ended the association, or the connection."""
        kinds = (pdu.Abort, pdu.AssociateRJ, pdu.ReleaseRP)
        return self._end is not None or any(isinstance(decoded(a.pdu), kinds) for a in self.answers)

    # What is done

    def _begin(self, label: str, sent: bytes, *, whole: bool = True) -> None:
        self._keep()
        self._current = (label, sent, whole)
        self.answers: list[Answer] = []
        self.messages: list[Message] = []
        self._began = self._arrived = time.monotonic()
        self._pauses: list[int] = []
        self._first = 0.0

    def _keep(self) -> None:
        if hasattr(self, "_current"):
            label, sent, whole = self._current
            self._steps.append(Step(label, sent, tuple(self.answers), whole))

    def send(self, data: bytes, label: str) -> Self:
        """Send bytes, as a new step."""
        reached = self._socket is not None and self._end is None
        self._begin(label, data, whole=reached)
        if reached and self._socket is not None:
            self._socket.settimeout(CONNECT_SECONDS)
            with contextlib.suppress(OSError):  # the next read sees how it ended
                self._socket.sendall(data)
        return self

    def send_slowly(self, pieces: Sequence[bytes], pause: float, label: str) -> Self:
        """Send bytes in segments of their own, as one step."""
        self.send(pieces[0], label)
        for piece in pieces[1:]:
            time.sleep(pause)
            if self._socket is not None and self._end is None:
                with contextlib.suppress(OSError):
                    self._socket.sendall(piece)
        self._current = (label, b"".join(pieces), self._current[2])
        self._began = time.monotonic()
        return self

    def half_close(self) -> Self:
        """Say that nothing more will be sent."""
        self._begin("the end of what we send", b"")
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
        return self

    def hear(self, enough: Enough = anything, seconds: float | None = None) -> Self:
        """Read until it is enough, the connection ends, or the time is over: `seconds`, or as long as an answer of
        the upper layer takes at most."""
        deadline = time.monotonic() + (self._where.reply if seconds is None else seconds)
        while not enough(self) and self._read(deadline):
            pass
        return self

    def watch(self, seconds: float) -> Self:
        """Read for that long, or until the connection ends."""
        return self.hear(lambda _: False, seconds)

    def _read(self, deadline: float) -> bool:
        left = deadline - time.monotonic()
        if self._socket is None or self._end is not None or left <= 0:
            return False
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(PIECE)
        except TimeoutError:
            return False
        except OSError:
            self._ends(End.RESET)
            return False
        if not data:
            self._ends(End.FIN)
            return False
        now = time.monotonic()
        if self._splitter.buffer and now - self._arrived > PAUSE:
            self._pauses.append(len(self._splitter.buffer))
        self._arrived = now
        if not self._splitter.buffer:
            self._first = now
        for unit in self._splitter.feed(data):
            self._heard(Answer(unit, now - self._began, tuple(self._pauses), self._first - self._began))
            self._pauses, self._first = [], now
        return True

    def _ends(self, how: End) -> None:
        self._end, self._ended = how, time.monotonic() - self._began

    def _heard(self, answer: Answer) -> None:
        self.answers.append(answer)
        self.messages += self._assembly.add(answer)
        unit = decoded(answer.pdu)
        if isinstance(unit, pdu.AssociateAC):
            for context in unit.contexts:
                if context.result == 0:
                    abstract = self._proposed.get(context.context_id, "")
                    self.accepted[context.context_id] = (abstract, context.transfer_syntax)

    def _usual_quiet(self) -> float:
        kinds = [answer.pdu[:1] for answer in self.answers]
        return self._where.quiet * (SHORT_QUIET if kinds in ([b"\2"], [b"\6"]) else 1.0)

    def finish(self, seconds: float | None = None) -> Take:
        """Watch for the end, close, and put everything on record. `seconds`: how long to watch, if not as usual."""
        if self.take is not None:
            return self.take
        seconds = self._usual_quiet() if seconds is None else seconds
        self.watch(seconds)
        if self._splitter.buffer:
            self.answers.append(Answer(bytes(self._splitter.buffer), time.monotonic() - self._began))
        self._keep()
        if self._socket is not None:
            self._socket.close()
        end = self._end or End.OPEN
        self.take = Take(self._label, tuple(self._steps), end, seconds if end is End.OPEN else self._ended)
        return self.take

    # DICOM on top of it

    def propose(self, proposals: Sequence[b.Proposal]) -> None:
        """Remember what is proposed by bytes that `associate` didn't make."""
        self._proposed.update((number, abstract or "") for number, abstract, _ in proposals)

    def associate(
        self,
        proposals: Sequence[b.Proposal] = ((1, b.VERIFICATION, (b.IMPLICIT,)),),
        *,
        called: str | bytes | None = None,
        calling: str | bytes | None = None,
        application: bytes = b.APPLICATION_CONTEXT,
        information: bytes | None = None,
        version: int = 1,
        seconds: float | None = None,
    ) -> Self:
        """Ask for an association and read the answer."""
        self.propose(proposals)
        request = b.associate(
            self._where.called if called is None else called,
            self._where.calling if calling is None else calling,
            b.items(proposals, application=application, information=information),
            version=version,
        )
        return self.send(request, "A-ASSOCIATE-RQ").hear(anything, seconds)

    def echo(self, number: int = 1, message_id: int = 1) -> Self:
        """C-ECHO."""
        return self.send(b.echo(number, message_id), "C-ECHO-RQ").hear(final)

    def release(self) -> Take:
        """Release, and put everything on record."""
        return self.send(b.RELEASE_RQ, "A-RELEASE-RQ").hear().finish()
