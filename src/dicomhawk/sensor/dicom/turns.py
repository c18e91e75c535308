"""Which of a visitor's connections have their turn, where the product serves only so many at a time.

A visitor's connections wait for one another only, in whichever worker they are: the places that they hold are
`Slots`. Within a worker, who waits is woken at once; across workers, within `RETRY_MOST` seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ...persona.model.capacity import Capacity
from .slots import Slots

MAX_WAITING = 256
"""Connections of one visitor that wait in one worker; further ones are dropped. A product's backlog is shorter."""
RETRY_FIRST, RETRY_MOST = 0.01, 0.25
"""Seconds between two looks at places that other workers hold: soon at first, then less and less often."""
RETRY_GIVEN = 0.3
"""The same after a place was given to others: they look within `RETRY_MOST`."""
_LISTENER, _WANTED, _SERVED, _MEMBERS = 0, 1, 2, 128  # places, from the visitor's base


class Waiting(Protocol):
    """A connection, as far as turns go."""

    @property
    def is_busy(self) -> bool:
        """Whether it can't be interrupted: the product would be in the middle of something with it."""

    def wait_turn(self) -> None:
        """Nothing more of it is looked at until `proceed`."""

    def proceed(self) -> None:
        """It has its turn."""


class _Visitor:
    """The connections of one visitor in this worker."""

    __slots__ = ("base", "inside", "line", "listener", "members", "name", "ring", "timer", "wanting")

    def __init__(self, name: str, base: int) -> None:
        self.name = name
        self.base = base
        self.listener: Waiting | None = None  # is being negotiated
        self.line: deque[Waiting] = deque()  # wait to be
        self.inside: dict[Waiting, tuple[int, float]] = {}  # are served: place, and since when
        self.ring: deque[Waiting] = deque()  # wait to be
        self.members: dict[Waiting, int] = {}  # associations that count
        self.timer: asyncio.TimerHandle | None = None
        self.wanting = False

    @property
    def is_gone(self) -> bool:
        """Whether nothing is left of it."""
        return self.listener is None and not (self.line or self.inside or self.ring or self.members)


class Turns:
    """The turns of all connections of one worker."""

    def __init__(self, capacity: Capacity, slots: Slots, clock: Callable[[], float]) -> None:
        self._capacity = capacity
        self._slots = slots
        self._clock = clock
        self._visitors: dict[str, _Visitor] = {}
        self._pending: set[_Visitor] = set()  # wait for other workers
        self._retry: asyncio.TimerHandle | None = None
        self._retry_in = RETRY_FIRST

    def _visitor(self, name: str) -> _Visitor:
        visitor = self._visitors.get(name)
        if visitor is None:
            visitor = self._visitors[name] = _Visitor(name, self._slots.base(name))
        return visitor

    # Negotiation

    def arrive(self, name: str, connection: Waiting) -> bool | None:
        """A connection is there: whether it is its turn. None: too many wait already."""
        if not self._capacity.serial_negotiation:
            return True
        visitor = self._visitor(name)
        if visitor.listener is None and not visitor.line and self._slots.take(visitor.base + _LISTENER):
            visitor.listener = connection
            return True
        if len(visitor.line) >= MAX_WAITING:
            return None
        visitor.line.append(connection)
        if visitor.listener is None:
            self._wait_for_others(visitor)
        return False

    def _next_in_line(self, visitor: _Visitor) -> None:
        """The listener is free again."""
        visitor.listener = None
        if visitor.line:
            visitor.listener = visitor.line.popleft()
            asyncio.get_running_loop().call_soon(visitor.listener.proceed)
        else:
            self._slots.give(visitor.base + _LISTENER)

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
        if visitor.listener is connection:
            self._next_in_line(visitor)
        if self._capacity.served_associations is None:
            self._forget(visitor)
            return True
        if not visitor.ring and self._enter(visitor, connection):
            return True
        self._queue(visitor, connection)
        return False

    def _enter(self, visitor: _Visitor, connection: Waiting) -> bool:
        served = self._capacity.served_associations or 0
        if len(visitor.inside) < served:
            held = {place for place, _ in visitor.inside.values()}
            for place in range(served):
                if place not in held and self._slots.take(visitor.base + _SERVED + place):
                    visitor.inside[connection] = place, self._clock()
                    return True
        return False

    def _queue(self, visitor: _Visitor, connection: Waiting) -> None:
        visitor.ring.append(connection)
        if len(visitor.inside) < (self._capacity.served_associations or 0):
            self._wait_for_others(visitor)
        self._arm(visitor)

    def step_over(self, name: str, connection: Waiting) -> bool:
        """A command is done with: whether the association goes on at once. If not, it is the next one's turn."""
        visitor = self._visitors.get(name)
        if visitor is None or connection not in visitor.inside:
            return True
        place, _ = visitor.inside[connection]
        if not visitor.ring:
            visitor.inside[connection] = place, self._clock()
            return True
        visitor.ring.append(connection)
        del visitor.inside[connection]
        self._hand_on(visitor, place)
        return False

    def _hand_on(self, visitor: _Visitor, place: int) -> None:
        """A place is free: for the next one here, or for other workers, who get some as long as we have the most."""
        most = len(visitor.inside) >= (self._capacity.served_associations or 0) // 2
        if visitor.ring and most and not visitor.wanting and self._wanted(visitor):
            self._slots.give(visitor.base + _SERVED + place)
            self._wait_for_others(visitor, RETRY_GIVEN)
        elif visitor.ring:
            successor = visitor.ring.popleft()
            visitor.inside[successor] = place, self._clock()
            asyncio.get_running_loop().call_soon(successor.proceed)
        else:
            self._slots.give(visitor.base + _SERVED + place)
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
        for connection in self._idle(visitor):
            if not visitor.ring:
                break
            place, _ = visitor.inside.pop(connection)
            connection.wait_turn()
            visitor.ring.append(connection)
            self._hand_on(visitor, place)
        self._arm(visitor)

    def _idle(self, visitor: _Visitor) -> list[Waiting]:
        """Those inside whose turn is over."""
        latest = self._clock() - self._capacity.turn * 0.99  # a timer may fire a little early
        return [c for c, (_, since) in visitor.inside.items() if since <= latest and not c.is_busy]

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
            self._hand_on(visitor, place)
        elif connection in visitor.ring:
            visitor.ring.remove(connection)
        self._forget(visitor)

    def _forget(self, visitor: _Visitor) -> None:
        if visitor.is_gone:
            if visitor.timer is not None:
                visitor.timer.cancel()
            self._stop_waiting(visitor)
            self._visitors.pop(visitor.name, None)

    # Other workers

    def _wait_for_others(self, visitor: _Visitor, seconds: float = RETRY_FIRST) -> None:
        self._pending.add(visitor)
        if visitor.ring and not visitor.wanting:
            visitor.wanting = self._slots.take(visitor.base + _WANTED)
        if self._retry is not None:
            self._retry.cancel()
        self._retry_in = seconds
        self._retry = asyncio.get_running_loop().call_later(self._retry_in, self._look_again)

    def _stop_waiting(self, visitor: _Visitor) -> None:
        self._pending.discard(visitor)
        if visitor.wanting:
            visitor.wanting = False
            self._slots.give(visitor.base + _WANTED)

    def _look_again(self) -> None:
        self._retry = None
        for visitor in list(self._pending):
            if visitor.line and visitor.listener is None and self._slots.take(visitor.base + _LISTENER):
                self._next_in_line(visitor)
            while visitor.ring and self._enter(visitor, visitor.ring[0]):
                visitor.ring.popleft().proceed()
            outside = visitor.ring and len(visitor.inside) < (self._capacity.served_associations or 0)
            if not outside and not (visitor.line and visitor.listener is None):
                self._stop_waiting(visitor)
            self._arm(visitor)
        if self._pending:
            self._retry_in = min(self._retry_in * 1.5, RETRY_MOST)
            self._retry = asyncio.get_running_loop().call_later(self._retry_in, self._look_again)

    def sweep(self) -> None:
        """Let go of places that other workers wait for. To be called now and then."""
        if self._capacity.served_associations is None:
            return
        for visitor in list(self._visitors.values()):
            if not visitor.inside or visitor.ring or visitor.wanting or not self._wanted(visitor):
                continue
            for connection in self._idle(visitor):
                place, _ = visitor.inside.pop(connection)
                self._slots.give(visitor.base + _SERVED + place)
                connection.wait_turn()
                self._queue(visitor, connection)

    def _wanted(self, visitor: _Visitor) -> bool:
        """Whether another worker waits for a place of this visitor's."""
        if not self._slots.take(visitor.base + _WANTED):
            return True
        self._slots.give(visitor.base + _WANTED)
        return False
