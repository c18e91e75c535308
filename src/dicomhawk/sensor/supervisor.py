"""The sensor's parent process: opens the doors, starts the workers, and restarts what dies.

It holds the listening sockets, so that a connection that arrives while a worker is being replaced waits
instead of being refused, and it never reads a byte from one.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ..evidence import events as ev
from ..evidence import keys, vault
from ..evidence.fields import Event
from ..evidence.recorder import Recorder
from ..persona import model
from ..settings import Deployment, Settings, SettingsError
from . import holdings, worker
from .custody import Custody
from .dicom.heads import Heads, shared
from .lock import only_one
from .ports import KINDS, NAMES, DoorKind, ports_of
from .processes import die_with, raise_descriptor_limit
from .tls import certificate
from .upkeep import Upkeep

BACKLOG = 1024
"""Connections that wait to be accepted, on each worker's socket."""
STOP_SECONDS = 3.5
"""Patience with workers that were told to end; 5 s are promised for everything."""
CRASH_SECONDS = 2.0
"""A worker that lived shorter than this is replaced only after as long, lest a broken one be restarted in a loop."""
SWEEP_SECONDS = 30.0
"""How often the recorder looks after sessions, budgets and the disk."""
_FAILED_START = "a worker could not start"
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}


@dataclass
class _Worker:
    number: int
    listening: worker.Listening
    pid: int = 0
    started: float = 0.0
    restart_at: float | None = None

    @property
    def name(self) -> str:
        """In events and in the names of its files."""
        return f"w{self.number}"

    @property
    def sockets(self) -> list[socket.socket]:
        """Of every door."""
        return [sock for sockets in self.listening.values() for sock in sockets]


def serve(settings: Settings, ready_file: Path | None = None) -> int:
    """Run the sensor until SIGTERM or SIGINT; returns the exit status.

    `ready_file` is written when every door is open. Raises `SettingsError` before any door is open if
    something is wrong with what was configured.
    """
    if settings.deployment is None:
        raise SettingsError("There is no deployment in the settings: `dicomhawk init` draws one.")
    persona = model.load(settings.persona)
    persona.policy(settings.deployment)  # names of syntaxes are looked up only here
    raise_descriptor_limit()
    keys.signer(settings)  # what is wrong with it is said before any door is open
    with only_one(settings.data):
        vault.prepare(settings.vault_dir, settings.vault)
        holdings.prepare(settings)
        workers = [_Worker(number, {kind: [] for kind in KINDS}) for number in range(settings.worker_count)]
        wanted = ports_of(settings, persona, settings.deployment)
        if wanted["dicom-tls"] or wanted["web-tls"]:
            certificate.prepare(settings, settings.deployment, persona.tls)
            certificate.context(settings, persona.tls)  # what is wrong with it is said before any door is open
        ports = {
            kind: [_open(settings.host, port, [each.listening[kind] for each in workers]) for port in wanted[kind]]
            for kind in KINDS
        }
        return _Supervisor(settings, settings.deployment, persona, workers, ports, ready_file).run()


def _open(host: str, port: int, into: list[list[socket.socket]]) -> int:
    """Give each worker, whose sockets are in `into`, one of its own on `port`; returns the port (0 picks one)."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICHOST
        )[0]
    except socket.gaierror:
        raise SettingsError(f"The host {host!r} is not an IP address.") from None
    try:
        if port:
            with socket.socket(family) as probe:  # SO_REUSEPORT would let us share it with somebody else's server
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        for sockets in into:
            sock = socket.socket(family)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind((address[0], port, *address[2:]))
            port = sock.getsockname()[1]  # the first one picks it, where that is left to us
            sock.listen(BACKLOG)
            sock.setblocking(False)
            sockets.append(sock)
    except OSError as error:
        raise SettingsError(f"Port {port} on {host} can't be opened: {error.strerror}.") from None
    return port


class _Supervisor:
    def __init__(
        self,
        settings: Settings,
        deployment: Deployment,
        persona: model.Persona,
        workers: list[_Worker],
        ports: dict[DoorKind, list[int]],
        ready_file: Path | None,
    ) -> None:
        self._settings = settings
        self._deployment = deployment
        self._persona = persona
        self._workers = workers
        self._heads = shared()
        self._ports = ports
        self._ready_file = ready_file

    def run(self) -> int:
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        # What there is now, the workers share with us, and stays: collecting it once more when the interpreter ends
        # would take most of the time that ending may take, on a busy machine.
        gc.collect()
        gc.freeze()
        read_end, self._ready_fd = os.pipe()
        for each in self._workers:
            self._start(each)
        self._recorder = Recorder(self._settings, "supervisor")
        self._upkeep = Upkeep(self._settings, self._deployment, self._tell)
        self._custody = Custody(self._settings, self._tell)
        status = 0
        try:
            reason = self._wait_for_workers(read_end)
            if reason is None:
                self._announce()
                reason = self._watch()
            elif reason == _FAILED_START:
                status = 1
            self._recorder.emit(ev.SensorStop(pid=os.getpid(), reason=reason))
            self._recorder.flush()
        finally:
            self._stop()
            self._recorder.close()
            self._custody.finish()
            if self._ready_file is not None:
                self._ready_file.unlink(missing_ok=True)
        return status

    def _wait_for_workers(self, read_end: int) -> str | None:
        """Until all workers answer; returns None, or why that will not be."""
        os.set_blocking(read_end, False)
        ready = 0
        while ready < len(self._workers):
            info = signal.sigtimedwait(_SIGNALS, 0.02)
            if info is not None and info.si_signo in (signal.SIGTERM, signal.SIGINT):
                return signal.Signals(info.si_signo).name
            self._reap(time.monotonic())
            if any(not each.pid for each in self._workers):
                return _FAILED_START
            with contextlib.suppress(BlockingIOError):
                ready += len(os.read(read_end, 64))
        return None

    def _announce(self) -> None:
        doors = tuple(f"{kind}:{port}" for kind, ports in self._ports.items() for port in ports)
        self._recorder.emit(
            ev.SensorStart(pid=os.getpid(), workers=len(self._workers), doors=doors, persona=self._persona.name)
        )
        self._recorder.flush()
        if self._ready_file is not None:
            partial = self._ready_file.with_name(self._ready_file.name + ".partial")
            partial.write_text(json.dumps({"pid": os.getpid(), **self._ports}) + "\n", encoding="utf-8")
            partial.chmod(0o644)  # it is for others to read
            partial.replace(self._ready_file)
        shown = [f"{NAMES[kind]} {', '.join(map(str, ports))}" for kind, ports in self._ports.items() if ports]
        print(f"Ready on {self._settings.host}, {', '.join(shown)}.", flush=True)

    def _start(self, each: _Worker) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            each.pid, each.started, each.restart_at = pid, time.monotonic(), None
            return
        status = 1
        try:
            die_with(parent)
            for other in self._workers:
                if other is not each:
                    for sock in other.sockets:
                        sock.close()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            worker.run(
                each.name,
                Heads(self._heads, each.number),
                each.listening,
                self._settings,
                self._deployment,
                self._persona,
                self._tell_ready,
            )
            status = 0
        except KeyboardInterrupt:
            status = 0
        except BaseException as error:  # the child must not return into the parent's code
            print(f"{each.name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(status)

    def _tell_ready(self) -> None:
        os.write(self._ready_fd, b".")

    def _watch(self) -> str:
        """Until told to end; returns by what."""
        swept = time.monotonic()
        while True:
            info = signal.sigtimedwait(_SIGNALS, 1.0)
            now = time.monotonic()
            if info is not None and info.si_signo in (signal.SIGTERM, signal.SIGINT):
                return signal.Signals(info.si_signo).name
            self._reap(now)
            for each in self._workers:
                if each.restart_at is not None and each.restart_at <= now:
                    self._start(each)
            self._upkeep.look_after(sock.fileno() for each in self._workers for sock in each.sockets)
            self._custody.look_after()
            if now - swept > SWEEP_SECONDS:
                swept = now
                self._recorder.tick()

    def _reap(self, now: float) -> None:
        for each in self._workers:
            if not each.pid:
                continue
            pid, code = os.waitpid(each.pid, os.WNOHANG)
            if not pid:
                continue
            exit_code = os.waitstatus_to_exitcode(code)
            self._tell(ev.WorkerExit(pid=pid, worker=each.name, exit_code=exit_code, outcome="failure"))
            each.pid = 0
            each.restart_at = now + (CRASH_SECONDS if now - each.started < CRASH_SECONDS else 0.0)

    def _tell(self, event: Event) -> None:
        self._recorder.emit(event)
        self._recorder.flush()

    def _stop(self) -> None:
        self._upkeep.stop()
        for each in self._workers:
            if each.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(each.pid for each in self._workers):
            for each in self._workers:
                if each.pid:
                    with contextlib.suppress(ChildProcessError):
                        if not os.waitpid(each.pid, os.WNOHANG)[0]:
                            continue
                    each.pid = 0
            if time.monotonic() > deadline:
                for each in self._workers:
                    if each.pid:
                        os.kill(each.pid, signal.SIGKILL)
            time.sleep(0.02)
