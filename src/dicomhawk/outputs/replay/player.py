"""The visitor's bytes of a session played against a build, and its answers compared with those that were recorded.

A connection is opened when those are over that had ended before it, and what a visitor sent after an answer is sent
after as many answers. What is compared, and what may differ, is in `compare` and `masks`.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path

import msgspec

from ...evidence.documents import Document, moment_of, number_at, value_at
from ...evidence.transcript import Ended, Opened, TranscriptError
from ..streams import Missing, Piece, Resolver, streams
from ..summary import Where, connections
from .answers import Answers
from .compare import differences
from .masks import Masks
from .units import Protocol, protocol_of, splitters

PATIENCE_SECONDS = 10.0
"""For an answer that was recorded, and for the end of a connection; and `SLOWER` times as long as it took then."""
SLOWER = 2
SETTLE_SECONDS = 0.1
"""For answers that nobody recorded."""
MAX_TOGETHER = 64
"""Connections that are open at the same time."""
MAX_TOLD = 20
"""Differences of one connection that are told; the others are counted."""
MAX_LEARNT = 1 << 18
"""Bytes of an answer that are looked through for tokens."""
_READ = 1 << 18
_LAST_WORDS = ("A-ABORT", "A-ASSOCIATE-RJ")
_OURS = frozenset(("closed", "aborted", "timeout"))
"""Reasons of ``connection.close`` that are the sensor's doing."""

Target = tuple[str, int]


class Heard(msgspec.Struct):
    """What came of one connection."""

    connection: str
    port: int
    """That the visitor had connected to."""
    protocol: str = "raw"
    answers: int = 0
    """That were recorded."""
    differences: list[str] = msgspec.field(default_factory=list)
    more: int = 0
    """Differences that aren't told."""


class Played(msgspec.Struct):
    """What came of a session."""

    session: str
    connections: list[Heard] = msgspec.field(default_factory=list)
    masked: dict[str, int] = msgspec.field(default_factory=dict)
    """How often values were passed over, by the name of the mask (`masks.MASKS`)."""
    not_played: dict[int, int] = msgspec.field(default_factory=dict)
    """Connections to ports that nothing was said of."""
    missing: list[str] = msgspec.field(default_factory=list)
    """Connections whose transcripts are gone."""

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not any(heard.differences for heard in self.connections)


class Pace(msgspec.Struct, frozen=True):
    """How the visitor's pauses become ours."""

    speed: float = 1.0
    """Times as fast as it was."""
    longest: float = 2.0
    """Seconds that a pause takes at most."""

    def seconds(self, us: int) -> float:
        """Of a pause of so many microseconds."""
        return min(max(0, us) / 1e6 / self.speed, self.longest)


class Visit(msgspec.Struct, frozen=True):
    """A connection of the session."""

    where: Where
    port: int
    """That the visitor had connected to."""
    end: int | None = None
    """When it ended (microseconds); None: that isn't on record."""


def visits_of(events: Iterable[Document]) -> list[Visit]:
    """The connections among a session's events."""
    found: dict[str, Visit] = {}
    for event in events:
        name = value_at(event, "honeypot.connection")
        for where in connections((event,)):
            found[where.connection] = Visit(where, number_at(event, "destination.port"))
        if event["event"]["action"] == "connection.close" and name in found:
            found[name] = msgspec.structs.replace(found[name], end=moment_of(event))
    return list(found.values())


class _Side:
    """One of the two conversations that are compared."""

    def __init__(self, protocol: Protocol) -> None:
        self._asks, self._answers = splitters(protocol)
        self.answers = Answers()

    @property
    def count(self) -> int:
        """Answers that are whole."""
        return len(self.answers.found)

    def asked(self, data: bytes) -> None:
        """What the visitor sent."""
        self._asks.feed(data)

    def answered(self, data: bytes | memoryview) -> None:
        """What came back."""
        self.answers.add(self._answers.feed(data))

    def finish(self) -> None:
        """Nothing more comes."""
        self.answers.add(self._answers.finish())
        self.answers.finish()


class _Line(_Side):
    """A connection to the build."""

    def __init__(self, protocol: Protocol, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(protocol)
        self.end = ""
        """How the other side ended it: closed or reset; empty: not yet."""
        self._writer = writer
        self._news = asyncio.Event()
        self._listening = asyncio.create_task(self._listen(reader))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        end = "closed"
        try:
            while data := await reader.read(_READ):
                self.answered(data)
                self._news.set()
        except OSError:
            end = "reset"
        self.end = end
        self._news.set()

    @property
    def over(self) -> bool:
        """Whether nothing more can come: it has ended, or its last word was said."""
        said = self.answers.found[-1:]
        return bool(self.end) or any(each.kind == "pdu" and each.title.startswith(_LAST_WORDS) for each in said)

    async def send(self, data: bytes) -> None:
        """What the visitor sent; nothing happens if nobody listens any more."""
        self.asked(data)
        with contextlib.suppress(OSError):
            self._writer.write(data)
            await self._writer.drain()

    async def until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait for `condition`, the end, or so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not condition() and not self.over:
                    self._news.clear()
                    await self._news.wait()

    async def ended(self, seconds: float) -> None:
        """Wait until the other side ends it, or so many seconds."""
        await asyncio.wait([self._listening], timeout=seconds)

    async def close(self) -> None:
        """Leave, as the visitor does."""
        self._listening.cancel()
        await asyncio.wait([self._listening])
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        self.finish()


class Player:
    """Plays a session. `targets`: where each port of the sensor's is now; `resolve` gives objects again."""

    def __init__(
        self,
        transcripts: Path,
        targets: Mapping[int, Target],
        resolve: Resolver,
        *,
        pace: Pace,
        tls: frozenset[int] = frozenset(),
    ) -> None:
        """`tls`: ports that are spoken to over TLS, whatever certificate they show."""
        self._transcripts = transcripts
        self._targets = targets
        self._resolve = resolve
        self._pace = pace
        self._tls = tls
        self._masks = Masks()
        self._together = asyncio.Semaphore(MAX_TOGETHER)

    async def play(self, session: str, visits: Sequence[Visit]) -> Played:
        """Play the connections of a session, in the order of their beginnings."""
        played = Played(session)
        tasks: list[asyncio.Task[None]] = []
        under_way: list[tuple[int, int, int]] = []  # end, begin, task
        over: list[tuple[int, int, int]] = []
        first = min((visit.where.us for visit in visits), default=0)
        for visit in sorted(visits, key=lambda visit: visit.where.us):
            if visit.port not in self._targets:
                played.not_played[visit.port] = played.not_played.get(visit.port, 0) + 1
                continue
            begin = visit.where.us
            while under_way and under_way[0][0] <= begin:
                over.append(heapq.heappop(under_way))
            # One that had ended before another of them began is waited for by that other.
            latest = max((each[1] for each in over), default=0)
            over = [each for each in over if each[0] > latest]
            pause = begin - max((each[0] for each in over), default=first)
            if visit.end is not None:
                heapq.heappush(under_way, (visit.end, begin, len(tasks)))
            tasks.append(asyncio.create_task(self._after([tasks[each[2]] for each in over], pause, visit, played)))
        for task in tasks:
            await task
        order = {visit.where.connection: visit.where.us for visit in visits}
        played.connections.sort(key=lambda heard: order[heard.connection])
        played.masked = dict(self._masks.used)
        return played

    async def _after(self, before: list[asyncio.Task[None]], pause: int, visit: Visit, played: Played) -> None:
        for task in before:
            await asyncio.wait([task])
        await asyncio.sleep(self._pace.seconds(pause))
        async with self._together:
            try:
                played.connections.append(await self._connection(visit))
            except TranscriptError:
                played.missing.append(visit.where.connection)

    async def _connection(self, visit: Visit) -> Heard:
        heard = Heard(visit.where.connection, visit.port)
        missing = Missing()
        line: _Line | None = None
        recorded = _Side("raw")
        reason, us, source = "", visit.where.us, ""
        learnt = pause = 0
        asked = us
        try:
            for part in streams(self._transcripts, visit.where, self._resolve, missing):
                pause, us = part.us - us, part.us
                if isinstance(part, Opened):
                    source = part.source[0]
                elif isinstance(part, Ended):
                    reason = part.reason
                elif line is None:
                    heard.protocol = protocol_of(bytes(part.data[:64])) if part.inbound else "raw"
                    recorded = _Side(heard.protocol)
                    line = await self._open(visit.port, source, heard.protocol)
                if isinstance(part, Piece) and line is not None:
                    if part.inbound:
                        if not await self._turn(line, recorded.count, pause, us - asked):
                            heard.differences.append(f"answer {line.count + 1} does not come")
                            break
                        asked = us
                        learnt = self._learn(recorded, line, learnt)
                        data = bytes(part.data)
                        recorded.asked(data)
                        await line.send(self._masks.renewed(data) if heard.protocol == "http" else data)
                    else:
                        recorded.answered(part.data)
            if line is None:
                line = await self._open(visit.port, source, "raw")
            recorded.finish()
            if not heard.differences:
                heard.differences += await self._end(line, recorded.count, reason, pause, us - asked)
        except OSError as error:
            heard.differences.append(f"no connection: {error.strerror or error}")
        finally:
            if line is not None:
                await line.close()
        if line is not None:
            self._compare(heard, recorded, line, missing)
        return heard

    async def _open(self, port: int, source: str, protocol: Protocol) -> _Line:
        host, there = self._targets[port]
        context = _anyone() if port in self._tls else None
        # Visitors on loopback may have been several; elsewhere their addresses aren't ours to use.
        local = (source, 0) if _loopback(source) and _loopback(host) and (":" in source) == (":" in host) else None
        return _Line(protocol, *await asyncio.open_connection(host, there, ssl=context, local_addr=local))

    async def _turn(self, line: _Line, answers: int, pause: int, took: int) -> bool:
        """Until it is the visitor's turn again, who had got so many answers and waited `pause` (microseconds); False
        if they don't come in time. `took` is how long they took then (microseconds)."""
        await line.until(lambda: line.count >= answers, PATIENCE_SECONDS + SLOWER * took / 1e6)
        if line.count < answers and not line.over:
            return False
        await asyncio.sleep(self._pace.seconds(pause))
        return True

    def _learn(self, recorded: _Side, line: _Line, learnt: int) -> int:
        """Note tokens in answers from number `learnt` on; returns how many were looked at."""
        known = min(recorded.count, line.count)
        for one, other in zip(recorded.answers.found[learnt:known], line.answers.found[learnt:known], strict=True):
            if one.kind == other.kind == "response":
                for first, second in zip(one.lines, other.lines, strict=False):
                    self._masks.learn(first, second)
                if one.data is not None and other.data is not None and one.size + other.size < MAX_LEARNT:
                    self._masks.learn(one.data.decode("latin-1"), other.data.decode("latin-1"))
        return known

    async def _end(self, line: _Line, answers: int, reason: str, pause: int, took: int) -> list[str]:
        """What differs in how the connection ended; `pause` is the time (microseconds) before it did."""
        await line.until(lambda: line.count >= answers, PATIENCE_SECONDS + SLOWER * took / 1e6)
        if reason in _OURS:
            await line.ended(pause / 1e6 + PATIENCE_SECONDS)
            how = {"closed": "closed it", "aborted": "reset it"}.get(reason, "closed it after a while")
            return [] if line.end else [f"the sensor {how}, and now leaves it open"]
        await asyncio.sleep(SETTLE_SECONDS)
        if reason.startswith("peer-") and line.end:
            return [f"the visitor left, and now the sensor has {line.end} it before"]
        return []

    def _compare(self, heard: Heard, recorded: _Side, line: _Line, missing: Missing) -> None:
        heard.answers = recorded.count
        for sentence in differences(recorded.answers.found, line.answers.found, self._masks):
            if len(heard.differences) < MAX_TOLD:
                heard.differences.append(sentence)
            else:
                heard.more += 1
        for reference, size in list(missing.objects.items())[:MAX_TOLD]:
            heard.differences.append(f"{size} bytes of the object {reference.key} can't be had: zeros were used")


def _anyone() -> ssl.SSLContext:
    """Talks to whoever is there: certificates of a sensor are drawn."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
