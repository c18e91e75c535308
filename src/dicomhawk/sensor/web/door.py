"""A web door: what all its connections share in one worker."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING

from ..processes import descriptor_limit
from .backing import Backing
from .message import Site
from .wire.head import NO_WORDS
from .wire.outbound import Writer

if TYPE_CHECKING:
    from .wire.connection import Connection

DESCRIPTORS_EACH = 3
"""Descriptors reckoned for a connection: its socket, and files that are written or read for it."""
LOOKED_AT = 64
"""Oldest connections of which one may have to give way to a new one: those that hold a server open are among them."""


class Door:
    """Persona, evidence and site for the connections of one worker."""

    def __init__(self, backing: Backing, site: Site, monotonic_clock: Callable[[], float]) -> None:
        """`monotonic_clock`: seconds, of which deadlines are made."""
        self.backing = backing
        self.http = backing.persona.http
        self.recorder = backing.recorder
        self.site = site
        self.clock = monotonic_clock
        self.now = backing.clock
        self.writer = Writer(self.http, self.http.server(backing.deployment))
        self.connections: dict[Connection, None] = {}  # in the order in which they came
        self.capacity = descriptor_limit() // DESCRIPTORS_EACH

    def admit(self, connection: Connection) -> bool:
        """Take a connection in, at the cost of an old one that waits for its visitor if there are too many; False:
        there is no room."""
        if len(self.connections) >= self.capacity:
            oldest = list(islice(self.connections, LOOKED_AT))
            waiting = next((old for old in oldest if old.is_waiting), None)
            if waiting is None:
                # So that the next visitor's look is at others: who is served slowly mustn't hide who only waits.
                for old in oldest:
                    self.connections[old] = self.connections.pop(old)
                return False
            waiting.give_way()
        self.connections[connection] = None
        return True

    def misspoken(self) -> bytes:
        """The answer to a visitor who does not speak TLS where it has to."""
        plain = self.backing.persona.tls.plain
        return self.writer.error(plain, NO_WORDS, method="", host="", now=self.now())

    def sweep(self) -> None:
        """Let connections act whose deadline has passed. To be called every quarter of a second or so."""
        now = self.clock()
        for connection in list(self.connections):
            connection.check_deadline(now)

    def close(self) -> None:
        """End all connections, as when the product is shut down."""
        for connection in list(self.connections):
            connection.shut_down()
