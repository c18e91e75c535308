"""Playing the battery: against a system of the operator's, and against ours, started for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ..persona.battery import ownership
from ..persona.battery.experiments import ALL
from ..persona.battery.laboratory import Laboratory
from ..persona.battery.run import BatteryError, Plan, Tell, play
from ..persona.battery.transcript import Transcript
from ..settings import ENVIRONMENT_PREFIX, AETitle, SettingsError

ANY_CALLED = "ANY-SCP"
"""What clients call that don't know better; many products answer to every AE title."""
USUAL_CALLING = "RECORDER"
PATIENCE_SECONDS = 75.0
"""Most timers of products are 30 or 60 s."""
SAMPLES, FAST_SAMPLES = 200, 40
START_SECONDS = 60.0
STOP_SECONDS = 10.0
TENTHS = 10
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def _ae_title(title: str) -> str:
    try:
        return str(TypeAdapter(AETitle).validate_python(title))
    except ValidationError as error:
        raise typer.BadParameter(f"{title!r} is no AE title: {error.errors()[0]['msg']}.") from None


Called = Annotated[str, typer.Option(help="AE title of the system, if it minds.", callback=_ae_title)]
Calling = Annotated[
    str, typer.Option(help="Our AE title: one that the system knows, if it minds.", callback=_ae_title)
]
Store = Annotated[
    bool,
    typer.Option("--store", help="Store six small synthetic objects (patients REC-0001 to REC-0003) to ask for."),
]
Fast = Annotated[bool, typer.Option("--fast", help="Leave out timers, and take fewer response times.")]
Patience = Annotated[float, typer.Option(min=1, max=3600, help="Longest wait for a timer, in seconds.")]
Mine = Annotated[
    bool,
    typer.Option("--yes-it-is-mine", help="The address isn't private, but the system is yours; asks once more."),
]
Http = Annotated[str | None, typer.Option(metavar="URL", help="Its web page, too.", show_default=False)]


def own_address(host: str, *, mine: bool) -> str:
    """The address to connect to, if it is the operator's. Raises `SettingsError`, or `typer.Exit` at a no."""
    address, foreign = ownership.strangers(host)
    if not foreign:
        return address
    where = ", ".join(foreign)
    if not mine:
        raise SettingsError(f"{where} is not a private address: observe only systems of your own (--yes-it-is-mine).")
    question = f"{where} is not a private address. Is the system yours, and may it be probed?"
    try:
        sure = typer.confirm(question, default=False)
    except typer.Abort:  # nobody is there to be asked
        sure = False
    if not sure:
        raise SettingsError("Nothing was sent.")
    return address


class Manner(NamedTuple):
    """How the battery is played: with which AE titles, and how much of it."""

    called: str
    calling: str
    store: bool
    fast: bool
    patience: float
    only: Sequence[str] | None = None
    """Experiments and groups; None: all."""

    def at(self, address: tuple[str, int], *, looking: bool = False) -> tuple[Laboratory, Plan]:
        """What it takes to play it there. Raises `SettingsError` if there is no such experiment."""
        samples = FAST_SAMPLES if self.fast else SAMPLES
        only = frozenset(self.only) if self.only else None
        known = {word for found in ALL.experiments.values() for word in (found.name, found.group)}
        unknown = sorted((only or frozenset()) - known)
        if unknown:
            groups = ", ".join(dict.fromkeys(found.group for found in ALL.experiments.values()))
            raise SettingsError(f"There is no experiment or group {', '.join(unknown)}; groups are {groups}.")
        return (
            Laboratory(address, self.called, self.calling, patience=self.patience, samples=samples),
            Plan(timers=not self.fast, storing=self.store, looking=looking, only=only),
        )


def observe(against: str, manner: Manner, *, mine: bool, looking: bool = False) -> Transcript:
    """Play the battery against a system of the operator's. Raises `SettingsError`."""
    host, port = ownership.target(against)
    address = own_address(host, mine=mine)
    if manner.store:
        Console(stderr=True).print(
            "Six small synthetic objects of the patients REC-0001, REC-0002 and REC-0003 will be stored there;"
            " remove them afterwards.",
            highlight=False,
        )
    return _play(*manner.at((address, port), looking=looking), against)


def observe_persona(persona: str, manner: Manner) -> Transcript:
    """Play the battery against ours as a persona, with an empty hospital, on loopback. Raises `SettingsError`."""
    with running(persona, manner.called, manner.calling) as port:
        return _play(*manner.at(("127.0.0.1", port)), f"ours as {persona}")


def _play(lab: Laboratory, plan: Plan, what: str) -> Transcript:
    console = Console(stderr=True)
    try:
        with ExitStack() as stack:
            tell = _bar(stack, console, what) if console.is_terminal else _lines(what)
            return play(lab, plan, tell)
    except BatteryError as error:
        raise SettingsError(str(error)) from None


def _bar(stack: ExitStack, console: Console, what: str) -> Tell:
    """Progress for somebody who looks on."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = stack.enter_context(Progress(*columns, console=console, transient=True))
    task = progress.add_task(what, total=None)

    def tell(about: str, done: int, total: int) -> None:
        progress.update(task, description=f"{what}: {about}", completed=done, total=total)

    return tell


def _lines(what: str) -> Tell:
    """Progress for a file or a pipe: a line for each tenth."""
    last = -1

    def tell(about: str, done: int, total: int) -> None:
        nonlocal last
        if TENTHS * done // max(total, 1) > last:
            last = TENTHS * done // max(total, 1)
            print(f"{what}: {done} of {total}, {about}", file=sys.stderr, flush=True)

    return tell


@contextmanager
def stoppable() -> Iterator[None]:
    """Ctrl-C ends the command with a sentence."""
    try:
        yield
    except KeyboardInterrupt:
        print("\nStopped; nothing was written.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def running(persona: str, called: str, calling: str) -> Iterator[int]:
    """Our own sensor as a persona, empty, on a free port of loopback. Raises `SettingsError`."""
    with tempfile.TemporaryDirectory(prefix="dicomhawk-") as folder:
        ready = Path(folder) / "ready"
        log = Path(folder) / "log"
        command = [sys.executable, "-m", "dicomhawk", "serve", "--data", str(Path(folder) / "data")]
        command += ["--persona", persona, "--dicom-port", "0", "--host", "127.0.0.1", "--workers", "1"]
        command += ["--no-web", "--no-tls"]
        command += ["--ae-title", called, "--remote", calling, "--ready-file", str(ready)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIX)}
        environment[f"{ENVIRONMENT_PREFIX}HOSPITAL__STUDIES"] = "0"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
            )
        try:
            yield _port(process, ready, log)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _port(process: subprocess.Popen[bytes], ready: Path, log: Path) -> int:
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text("utf-8", "replace").strip().rpartition("\n")[2]
            raise SettingsError(f"Our own sensor did not start: {last}")
        time.sleep(0.05)
    return int(json.loads(ready.read_text())["dicom"][0])
