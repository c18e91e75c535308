"""One worker process: its event loop, its doors, its part of the evidence."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import uvloop

from ..evidence import events as ev
from ..evidence.recorder import Recorder
from ..lures.bait import Lures, of_persona
from ..persona.model import Persona
from ..settings import Deployment, Settings
from .dicom.connection import Connection
from .dicom.door import SWEEP_SECONDS, Door
from .dicom.heads import Heads
from .dicom.slots import Slots
from .holdings import Holdings
from .ports import DoorKind
from .tls import certificate
from .tls.door import TlsDoor
from .web.backing import Backing
from .web.compose import site_of
from .web.door import Door as WebDoor
from .web.wire.connection import Connection as WebConnection

GOODBYE_SECONDS = 1.0
"""How long connections may take to close when the sensor ends; all of it must be over in 5 s."""
BACKLOG = 1024
"""Connections that wait to be accepted, on each socket."""
SLOTS_FILE = "turns.lock"
"""In the data folder: what the workers lock for visitors; nothing is ever in it."""
TICK_SECONDS = 30.0
"""How often the recorder looks after sessions, budgets and the disk."""


Listening: TypeAlias = Mapping[DoorKind, list[socket.socket]]
"""Sockets that a worker accepts connections on."""


def run(
    name: str,
    heads: Heads,
    listening: Listening,
    settings: Settings,
    deployment: Deployment,
    persona: Persona,
    ready: Callable[[], None],
) -> None:
    """Serve on these sockets until SIGTERM. `name` is the worker's in events and in the names of its files."""
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    recorder = Recorder(settings, name)
    holdings = Holdings(settings, deployment, persona)
    lures = of_persona(settings, deployment, persona)
    backing = Backing(settings, deployment, persona, holdings, recorder, time.time, lures)
    try:
        loop.run_until_complete(_serve(name, listening, backing, heads, lures, ready))
    finally:
        recorder.close()  # first: whatever the others do, nothing that happened is lost
        lures.close()
        holdings.close()
        loop.close()


async def _serve(
    name: str,
    listening: Listening,
    backing: Backing,
    heads: Heads,
    lures: Lures,
    ready: Callable[[], None],
) -> None:
    settings, deployment, persona, holdings, recorder = backing[:5]
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: _unforeseen(recorder, context))
    slots = Slots(settings.data / SLOTS_FILE, deployment.seed)
    door = Door(
        persona, deployment, recorder, holdings, time.monotonic, settings.dicom.remotes, (slots, heads), lures
    )
    doors: list[Door | WebDoor] = [door]
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    makers: dict[DoorKind, Callable[[], asyncio.Protocol]] = {"dicom": lambda: Connection(door)}
    if listening["web"] or listening["web-tls"]:
        web = WebDoor(backing, site_of(backing), time.monotonic)
        doors.append(web)
        makers["web"] = lambda: WebConnection(web)
    tls = persona.tls
    if listening["dicom-tls"]:
        context = certificate.context(settings, tls)
        makers["dicom-tls"] = TlsDoor(context, tls, recorder, makers["dicom"], capacity=door.capacity)
    if listening["web-tls"]:
        context = certificate.context(settings, tls, protocols=tls.protocols)
        plain = web.misspoken
        makers["web-tls"] = TlsDoor(context, tls, recorder, makers["web"], capacity=door.capacity, plain=plain)
    servers = [
        await loop.create_server(makers[kind], sock=each, backlog=BACKLOG)
        for kind, sockets in listening.items()
        for each in sockets
    ]
    recorder.emit(ev.WorkerStart(pid=os.getpid(), worker=name))
    recorder.flush()
    # What is there now stays; the collector needn't look at it again and again.
    gc.collect()
    gc.freeze()
    ready()
    tick_at = loop.time() + TICK_SECONDS
    while not ending.is_set():
        for one in doors:
            one.sweep()
        lures.flush()
        recorder.flush()
        if loop.time() > tick_at:
            tick_at = loop.time() + TICK_SECONDS
            recorder.tick()
        try:
            async with asyncio.timeout(SWEEP_SECONDS):
                await ending.wait()
        except TimeoutError:
            continue
    for server in servers:
        server.close()
    for one in doors:
        one.close()
    deadline = loop.time() + GOODBYE_SECONDS
    while any(one.connections for one in doors) and loop.time() < deadline:  # noqa: ASYNC110 - nothing tells us, and it ends
        await asyncio.sleep(0.02)


def _unforeseen(recorder: Recorder, context: dict[str, Any]) -> None:
    """An exception that nothing caught: the connection is lost, the worker goes on, and it is on record."""
    exception = context.get("exception")
    detail = "".join(traceback.format_exception(exception)) if exception else str(context.get("message"))
    print(detail, file=sys.stderr)
    recorder.emit(ev.SensorError(detail=detail))
    recorder.flush()
