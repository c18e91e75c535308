"""A session of the journal, played against a build."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from ipaddress import ip_address

from ...persona.battery.ownership import addresses, target
from ...settings import Settings, SettingsError
from ..lines import lines_of
from ..objects import Resolver
from .player import Pace, Played, Player, Target, Visit, visits_of


def play(
    settings: Settings,
    session: str,
    to: Sequence[str],
    *,
    pace: Pace,
    force: bool = False,
    tls: bool = False,
) -> Played:
    """Play the visitor's bytes of `session` (its whole identifier) against a build, and compare the answers.

    `to`: ``HOST:PORT``, or for sessions with several ports ``RECORDED=HOST:PORT`` for each. Only loopback, unless
    `force`. `tls`: speak TLS to the ports that the sensor had TLS on. Raises `SettingsError`.
    """
    events = [located.event for located in lines_of(settings.journal_dir, session) if _wanted(located.event)]
    visits = visits_of(events)
    over_tls = {event["destination"]["port"] for event in events if event["event"]["action"] == "tls.handshake"}
    targets = targets_of(to, {visit.port for visit in visits}, force=force)
    resolver = Resolver(settings)
    try:
        player = Player(
            settings.vault_dir / "transcripts",
            targets,
            resolver,
            pace=pace,
            tls=frozenset(over_tls) if tls else frozenset(),
        )
        return asyncio.run(player.play(session, visits))
    finally:
        resolver.close()


def targets_of(to: Sequence[str], ports: Collection[int], *, force: bool = False) -> dict[int, Target]:
    """Where each of the recorded `ports` is now. Raises `SettingsError` for what isn't loopback, unless `force`."""
    found: dict[int, Target] = {}
    for text in to:
        recorded, given, place = text.rpartition("=")
        host, port = target(place)
        address = addresses(host)[0]
        if not force and not ip_address(address).is_loopback:
            raise SettingsError(f"{host} is not this machine, and what a visitor sent may do harm; --force plays it.")
        if given:
            if not recorded.isdecimal():
                raise SettingsError(f"{text[:80]!r} is not PORT=HOST:PORT, such as 11112=127.0.0.1:4242.")
            found[int(recorded)] = address, port
        elif len(ports) > 1:
            listed = ", ".join(str(each) for each in sorted(ports))
            raise SettingsError(
                f"The session has the ports {listed}: say which is where, as in --to {min(ports)}={text[:80]}."
            )
        else:
            found.update((each, (address, port)) for each in ports)
    return found


def _wanted(event: dict[str, object]) -> bool:
    inner = event["event"]
    return isinstance(inner, dict) and inner["action"] in ("connection.open", "connection.close", "tls.handshake")


__all__ = ["Pace", "Played", "Visit", "play", "targets_of"]
