"""The receiver as a process: its sockets, its journal, and what becomes of a visit."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

from ..evidence import events as ev
from ..evidence.community import TCP, UDP
from ..evidence.fields import MAX_ENTRIES
from ..evidence.recorder import ConnectionRecord, Recorder
from ..settings import Port, Settings, SettingsError
from . import http, names
from .dns import Query, Type, Zone, zone_of
from .known import Hit, Known
from .opener import opener
from .rates import Rates, Seen

WRITER = "canary"
"""Name of the process in those of its files: no worker of a sensor has it."""
TICK_SECONDS = 10.0
"""How often exports are looked at again, and the recorder looks after its sessions and the disk."""


class Receiver:
    """What becomes of visits."""

    def __init__(self, known: Known, recorder: Recorder) -> None:
        self._known, self._recorder = known, recorder
        self._seen = Seen()

    def asked(self, record: ConnectionRecord, request: http.Asked) -> None:
        """A request over HTTP."""
        hit = self._known.find(f"{request.host} {request.target}")
        if hit is None or not self._is_new(hit, record.address, f"http {request.method} {request.target}"):
            return
        record.emit(
            _event(
                hit,
                record.address,
                "http",
                opener(request.user_agent),
                method=request.method,
                target=request.target,
                host=request.host or None,
                user_agent=request.user_agent,
                headers=request.headers[:MAX_ENTRIES],
            )
        )

    def looked_up(
        self, source: names.Endpoint, local: names.Endpoint, query: Query, data: bytes, *, over_udp: bool
    ) -> None:
        """A question of the DNS. It is on record only if it names a token: anybody may ask for anything."""
        hit = self._known.find(query.name)
        if hit is None or not self._is_new(hit, source[0], f"dns {query.type}"):
            return
        record = self._recorder.open(source, local, protocol="dns", transport=UDP if over_udp else TCP)
        record.received(data)
        name = Type(query.type).name if query.type in Type.__members__.values() else f"TYPE{query.type}"
        record.emit(_event(hit, source[0], "dns", "resolver", question=query.name, question_type=name))
        record.close("closed")
        self._recorder.flush()

    def _is_new(self, hit: Hit, address: str, what: str) -> bool:
        return self._seen.is_new((hit.token, address, what), time.monotonic())


def _event(hit: Hit, address: str, via: str, program: str, **more: object) -> ev.LureHit:
    minted = hit.minted
    return ev.LureHit(
        lure=hit.lure.id,
        lure_kind=hit.lure.kind,
        token=hit.token,
        minted=hit.session,
        visitor=minted.address if minted else None,
        connection=minted.connection if minted else None,
        taken=hit.taken,
        what=minted.what if minted else None,
        deployment=hit.deployment,
        same=minted.address == address if minted and via == "http" else None,
        opener=program,
        via=via,
        **more,  # type: ignore[arg-type]
    )


def run(settings: Settings, ready_file: Path | None = None) -> int:
    """Answer until SIGTERM or SIGINT; exit status 0. Raises `SettingsError` for what can't be used."""
    known = Known(settings)
    zone = _zone(settings)
    recorder = Recorder(settings, WRITER)
    try:
        asyncio.run(_serve(settings, known, recorder, zone, ready_file))
    finally:
        recorder.close()
        known.close()
    return 0


def _zone(settings: Settings) -> Zone | None:
    if not settings.canary.dns_ports:
        return None
    if not settings.lures.canary_zone or not settings.canary.address:
        raise SettingsError("DNS needs lures.canary_zone and canary.address: which names to answer for, and how.")
    return zone_of(settings.lures.canary_zone.lower(), IPv4Address(settings.canary.address))


async def _serve(
    settings: Settings, known: Known, recorder: Recorder, zone: Zone | None, ready_file: Path | None
) -> None:
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    receiver, host = Receiver(known, recorder), settings.canary.host
    servers: list[asyncio.Server] = []
    doors: dict[str, list[int]] = {"http": [], "dns": []}
    serve = http.Receiver(recorder, receiver.asked).serve
    for port in settings.canary.http_ports:
        sock = _listening(host, port)
        doors["http"].append(sock.getsockname()[1])
        servers.append(await asyncio.start_server(serve, sock=sock))
    transports: list[asyncio.DatagramTransport] = []
    for port in settings.canary.dns_ports if zone is not None else ():
        assert zone is not None
        sock, datagrams = _both(host, port)
        local = datagrams.getsockname()[:2]

        def visit(
            source: names.Endpoint, query: Query, data: bytes, over_udp: bool, local: names.Endpoint = local
        ) -> None:
            receiver.looked_up(source, local, query, data, over_udp=over_udp)

        doors["dns"].append(local[1])
        protocol = names.Datagrams(zone, Rates(), visit)
        transport, _ = await loop.create_datagram_endpoint(partial(_same, protocol), sock=datagrams)
        transports.append(transport)
        servers.append(await asyncio.start_server(names.Streams(zone, visit).serve, sock=sock))
    if ready_file is not None:
        unready = ready_file.with_name(f".{ready_file.name}.part")
        unready.write_text(json.dumps(doors))
        unready.replace(ready_file)
    while not ending.is_set():
        try:
            async with asyncio.timeout(TICK_SECONDS):
                await ending.wait()
        except TimeoutError:
            known.refresh()
            recorder.tick()
    for transport in transports:
        transport.close()
    for server in servers:
        server.close()


def _same(protocol: names.Datagrams) -> names.Datagrams:
    return protocol


def _listening(host: str, port: Port, kind: int = socket.SOCK_STREAM) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)[0]
        sock = socket.socket(family, kind)
        try:
            if kind == socket.SOCK_STREAM:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            if kind == socket.SOCK_STREAM:
                sock.listen(128)
        except OSError:
            sock.close()
            raise
    except OSError as error:
        raise SettingsError(f"Port {port} of {host} can't be opened: {error.strerror}.") from None
    sock.setblocking(False)
    return sock


def _both(host: str, port: Port) -> tuple[socket.socket, socket.socket]:
    """A port for TCP and UDP; of those that are free, one that is free for both."""
    stream = _listening(host, port)
    try:
        return stream, _listening(host, stream.getsockname()[1], socket.SOCK_DGRAM)
    except SettingsError:
        stream.close()
        raise
