"""Which of a visitor's connections have their turn, where the product serves only so many at a time.

A visitor's connections wait for one another only, in whichever worker they are: the places that they hold are
`Slots`, and which worker may take a free one say the `Heads`. Within a worker, who waits is woken at once; across
workers, within `RETRY` seconds as a rule.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ...persona.model.capacity import Capacity
from .heads import Heads, Queue
from .slots import Slots
from .waiters import Waiters, Waiting

MAX_WAITING = 256
"""Connections of one visitor that wait in one worker; further ones are dropped. A product's backlog is shorter."""
RETRY, RETRY_VISITORS = 0.01, 8
"""Seconds between two looks at places that other workers hold, for so many visitors; for more of them, less often."""
GRACE = 0.25
"""Seconds that one in another worker must have waited longer to be negotiated first: it saves the way to and fro."""
_LISTENER, _SERVED, _MEMBERS = 0, 2, 128  # places, from the visitor's base


class _Visitor:
    """The connections of one visitor in this worker."""

    __slots__ = ("base", "inside", "line", "listener", "members", "name", "ring", "timer")

    def __init__(self, name: str, base: int, heads: Heads) -> None:
        self.name = name
        self.base = base
        self.listener: Waiting | None = None  # is being negotiated
        self.line = Waiters(heads, Queue.LINE, base)
        self.inside: dict[Waiting, tuple[int, float]] = {}  # are served: place, and since when
        self.ring = Waiters(heads, Queue.RING, base)
        self.members: dict[Waiting, int] = {}  # associations that count
        self.timer: asyncio.TimerHandle | None = None

    @property
    def is_gone(self) -> bool:
        """Whether nothing is left of it."""
        return self.listener is None and not (self.line or self.inside or self.ring or self.members)


class Turns:
    """The turns of all connections of one worker."""

    def __init__(self, capacity: Capacity, slots: Slots, heads: Heads, clock: Callable[[], float]) -> None:
        """`clock`: the same for all workers, as CLOCK_MONOTONIC is."""
        self._capacity = capacity
        self._slots = slots
        self._heads = heads
        self._clock = clock
        self._visitors: dict[str, _Visitor] = {}
        self._pending: set[_Visitor] = set()  # wait for other workers
        self._retry: asyncio.TimerHandle | None = None

    def _visitor(self, name: str) -> _Visitor:
        visitor = self._visitors.get(name)
        if visitor is None:
            visitor = self._visitors[name] = _Visitor(name, self._slots.base(name), self._heads)
        return visitor

    # Negotiation

    def arrive(self, name: str, connection: Waiting) -> bool | None:
        """A connection is there: whether it is its turn. None: too many wait already."""
        if not self._capacity.serial_negotiation and not self._capacity.serial_associations:
            return True
        visitor, now = self._visitor(name), self._clock()
        if visitor.listener is None and not visitor.line and self._may_listen(visitor, now):
            visitor.listener = connection
            return True
        if len(visitor.line) >= MAX_WAITING:
            return None
        visitor.line.append(connection, now)
        if visitor.listener is None:
            self._wait_for_others(visitor)
        return False

    def _may_listen(self, visitor: _Visitor, now: float) -> bool:
        """Take the place of who is negotiated, if it is free and our turn."""
        return not visitor.line.must_wait(now, GRACE) and self._slots.take(visitor.base + _LISTENER)

    def _next_in_line(self, visitor: _Visitor) -> None:
        """The listener is free again, and the place ours still."""
        visitor.listener = None
        if visitor.line and not visitor.line.must_wait(self._clock(), GRACE):
            visitor.listener = visitor.line.pop()
            asyncio.get_running_loop().call_soon(visitor.listener.proceed)
            return
        self._slots.give(visitor.base + _LISTENER)
        if visitor.line:
            self._wait_for_others(visitor)

    # Associations

    def admit(self, name: str, connection: Waiting) -> bool:
        """Whether there may be one more association, which this one is then."""
        most = self._capacity.max_associations
        if most is None:
            return True
        visitor = self._visitor(name)
        held = set(visitor.members.values())
        for place in range(most):
            if place not in held and self._slots.take(visitor.base + _MEMBERS + place):
                visitor.members[connection] = place
                return True
        return False

    def accepted(self, name: str, connection: Waiting) -> bool:
        """A connection has become an association: whether it is served at once."""
        visitor = self._visitor(name)
        if visitor.listener is connection and not self._capacity.serial_associations:
            self._next_in_line(visitor)
        if self._capacity.served_associations is None:
            self._forget(visitor)
            return True
        now = self._clock()
        if not visitor.ring and not visitor.ring.must_wait(now) and self._enter(visitor, connection, now):
            return True
        self._queue(visitor, connection, now)
        return False

    def _enter(self, visitor: _Visitor, connection: Waiting, now: float) -> bool:
        served = self._capacity.served_associations or 0
        if len(visitor.inside) < served:
            held = {place for place, _ in visitor.inside.values()}
            for place in range(served):
                if place not in held and self._slots.take(visitor.base + _SERVED + place):
                    visitor.inside[connection] = place, now
                    return True
        return False

    def _queue(self, visitor: _Visitor, connection: Waiting, now: float) -> None:
        visitor.ring.append(connection, now)
        if len(visitor.inside) < (self._capacity.served_associations or 0):
            self._wait_for_others(visitor)
        self._arm(visitor)

    def step_over(self, name: str, connection: Waiting) -> bool:
        """A command is done with: whether the association goes on at once. If not, it is the next one's turn."""
        visitor = self._visitors.get(name)
        if visitor is None or connection not in visitor.inside:
            return True
        place, _ = visitor.inside[connection]
        now = self._clock()
        # To hand a place over to another worker takes longer than a command: only for who has waited a turn longer.
        elsewhere = visitor.ring.must_wait(now, self._capacity.turn)
        if not visitor.ring and not elsewhere:
            visitor.inside[connection] = place, now
            return True
        visitor.ring.append(connection, now)
        del visitor.inside[connection]
        self._hand_on(visitor, place, away=elsewhere)
        return False

    def _hand_on(self, visitor: _Visitor, place: int, *, away: bool) -> None:
        """A place is free: for the next one here, or for other workers."""
        if visitor.ring and not away:
            successor = visitor.ring.pop()
            visitor.inside[successor] = place, self._clock()
            asyncio.get_running_loop().call_soon(successor.proceed)
        else:
            self._slots.give(visitor.base + _SERVED + place)
            if visitor.ring:
                self._wait_for_others(visitor)
        self._arm(visitor)

    def _arm(self, visitor: _Visitor) -> None:
        """Have the turns of those inside end in time, if others wait."""
        if visitor.timer is not None or not visitor.ring or not visitor.inside:
            return
        turn, now = self._capacity.turn, self._clock()
        delay = turn
        for connection, (place, since) in visitor.inside.items():
            visitor.inside[connection] = place, now - (now - since) % turn
            delay = min(delay, turn - (now - since) % turn)
        visitor.timer = asyncio.get_running_loop().call_later(delay, self._turn_over, visitor)

    def _turn_over(self, visitor: _Visitor) -> None:
        visitor.timer = None
        self._end_turns(visitor)
        self._arm(visitor)

    def _end_turns(self, visitor: _Visitor) -> None:
        """Let those inside whose turn is over go to the end of the ring, if anyone waits."""
        now = self._clock()
        latest = now - self._capacity.turn * 0.99  # a timer may fire a little early
        for connection in [c for c, (_, since) in visitor.inside.items() if since <= latest and not c.is_busy]:
            away = visitor.ring.must_wait(now)
            if not visitor.ring and not away:
                break
            place, _ = visitor.inside.pop(connection)
            connection.wait_turn()
            visitor.ring.append(connection, now)
            self._hand_on(visitor, place, away=away)

    def left(self, name: str, connection: Waiting) -> None:
        """The connection is over."""
        visitor = self._visitors.get(name)
        if visitor is None:
            return
        if visitor.listener is connection:
            self._next_in_line(visitor)
        elif connection in visitor.line:
            visitor.line.remove(connection)
        if connection in visitor.members:
            self._slots.give(visitor.base + _MEMBERS + visitor.members.pop(connection))
        if connection in visitor.inside:
            place, _ = visitor.inside.pop(connection)
            self._hand_on(visitor, place, away=visitor.ring.must_wait(self._clock()))
        elif connection in visitor.ring:
            visitor.ring.remove(connection)
        self._forget(visitor)

    def _forget(self, visitor: _Visitor) -> None:
        if visitor.is_gone:
            if visitor.timer is not None:
                visitor.timer.cancel()
            self._pending.discard(visitor)
            self._visitors.pop(visitor.name, None)

    # Other workers

    def _wait_for_others(self, visitor: _Visitor) -> None:
        self._pending.add(visitor)
        if self._retry is None:
            self._retry_soon()

    def _retry_soon(self) -> None:
        seconds = RETRY * max(1.0, len(self._pending) / RETRY_VISITORS)
        self._retry = asyncio.get_running_loop().call_later(seconds, self._look_again)

    def _look_again(self) -> None:
        now = self._clock()
        for visitor in list(self._pending):
            if visitor.line and visitor.listener is None and self._may_listen(visitor, now):
                self._next_in_line(visitor)
            while visitor.ring and not visitor.ring.must_wait(now) and self._enter(visitor, visitor.ring.first, now):
                visitor.ring.pop().proceed()
            outside = visitor.ring and len(visitor.inside) < (self._capacity.served_associations or 0)
            if not outside and not (visitor.line and visitor.listener is None):
                self._pending.discard(visitor)
            self._arm(visitor)
        self._retry = None
        if self._pending:
            self._retry_soon()

    def sweep(self) -> None:
        """Let go of places that other workers wait for. To be called now and then."""
        if self._capacity.served_associations is None:
            return
        for visitor in list(self._visitors.values()):
            if visitor.inside and not visitor.ring:
                self._end_turns(visitor)
