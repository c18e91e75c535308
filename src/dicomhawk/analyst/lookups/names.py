"""Names of addresses by reverse DNS, confirmed by asking for the addresses of the names."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Sequence

from .verdict import MAX_LIST, MAX_TEXT, Verdict

REVERSE_DNS = "reverse-dns"
PER_MINUTE, PER_DAY = 120, 100_000

_TRY_AGAIN = 2
"""TRY_AGAIN of netdb.h: the server that would know didn't answer."""

Reverse = Callable[[str], Sequence[str]]
"""Names of an address; raises OSError."""
Forward = Callable[[str], Sequence[str]]
"""Addresses of a name; raises OSError."""


def reverse(address: str) -> Sequence[str]:
    """By the resolver of the system."""
    name, aliases, _ = socket.gethostbyaddr(address)
    return (name, *aliases)


def forward(name: str) -> Sequence[str]:
    """By the resolver of the system."""
    return [str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]


async def look_up(address: str, reverse: Reverse, forward: Forward) -> Verdict:
    """Its names. Raises OSError where the resolver doesn't answer; a name that isn't there is an answer."""
    try:
        names = await _aside(reverse, address)
    except socket.herror as error:
        if error.errno == _TRY_AGAIN:
            raise
        names = ()
    told = []
    for name in dict.fromkeys(one.rstrip(".").lower() for one in names[:MAX_LIST]):
        if not name or len(name) > MAX_TEXT or not name.isascii() or not name.isprintable():
            continue
        told.append({"name": name, "confirmed": await _confirmed(address, name, forward)})
    labels = tuple(str(one["name"]) for one in told if one["confirmed"])
    return Verdict(REVERSE_DNS, address, None, labels, {"names": told})


async def _confirmed(address: str, name: str, forward: Forward) -> bool:
    try:
        return address in await _aside(forward, name)
    except (OSError, UnicodeError):
        return False


async def _aside(ask: Callable[[str], Sequence[str]], subject: str) -> Sequence[str]:
    """What `ask` says, from a thread that nobody waits for: a resolver takes its time."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Sequence[str]] = loop.create_future()

    def settle(found: Sequence[str], error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(found)
        else:
            future.set_exception(error)

    def work() -> None:
        found: Sequence[str] = ()
        failed: Exception | None = None
        try:
            found = ask(subject)
        except (OSError, UnicodeError) as error:
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, found, failed)

    threading.Thread(target=work, name="resolver", daemon=True).start()
    return await future
