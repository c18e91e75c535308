"""`dicomhawk forward`: all outputs that are set up, in one process, each failing alone."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ...evidence.ecs import VERSION
from ...evidence.lock import held
from ...evidence.stamps import Stamps, rfc3339
from ...settings import Settings, SettingsError
from ...settings.outputs import AnyOutput, Kind
from .base import Output, Record, Undelivered, encode
from .kinds import make
from .pump import Pump
from .queue import Queue
from .sources import Findings, Sources, Trouble

MIB = 1 << 20
END_SECONDS = 5.0
"""How long deliveries that are under way may take once we are told to end; what isn't sent then waits on disk."""
AGAIN_SECONDS = 30.0
"""After an error of ours, an output begins anew so much later."""
TEST_SECONDS = 30.0
QUEUE_FILE = "queue.sqlite"


def run(settings: Settings, ready_file: Path | None = None) -> int:
    """Forward until SIGTERM or SIGINT; exit status 0. Raises `SettingsError` for what can't be used."""
    chosen = [output for output in settings.outputs if output.enabled]
    if not chosen:
        raise SettingsError("There are no outputs: each is a table [[outputs]] in the settings; see docs/outputs.md.")
    taken = f"Another `dicomhawk forward` is at work in {settings.outputs_dir}."
    with held(settings.outputs_dir / "forward.lock", taken):
        findings = Findings(settings.database_url)
        outputs = [made(one, settings) for one in chosen]
        pumps = [_pump(settings, one, output, findings) for one, output in zip(chosen, outputs, strict=True)]
        try:
            asyncio.run(_serve(pumps, ready_file))
        finally:
            findings.close()
    return 0


def made(output: AnyOutput, settings: Settings) -> Output:
    """The output of a table of the settings. Raises `SettingsError`, which names it."""
    try:
        return make(output, settings)
    except SettingsError as error:
        raise SettingsError(f"Output {output.name}: {error}") from None


def named(settings: Settings, name: str) -> AnyOutput:
    """The table of the settings with that name. Raises `SettingsError` if there is none."""
    for output in settings.outputs:
        if output.name == name:
            return output
    known = ", ".join(output.name for output in settings.outputs)
    raise SettingsError(f"There is no output {name}; there are: {known}." if known else "There are no outputs.")


def attempt(settings: Settings, name: str) -> tuple[bool, str]:
    """Send a sample; whether it was taken, and a sentence that says what came of it. Raises `SettingsError`."""
    output = named(settings, name)
    return asyncio.run(_attempt(made(output, settings), output))


async def _attempt(output: Output, settings: AnyOutput) -> tuple[bool, str]:
    try:
        async with asyncio.timeout(TEST_SECONDS):
            await output.send([sample(settings.what[0])])
    except Undelivered as error:
        return False, f"The sample was not taken by {output.where}: {error}."
    except TimeoutError:
        return False, f"The sample was not taken by {output.where}: no answer within {TEST_SECONDS:g} s."
    finally:
        await output.close()
    return True, f"The sample was taken by {output.where}."


def sample(kind: Kind) -> Record:
    """A record that says that it is only a sample. Its addresses are of RFC 5737."""
    now = time.time_ns()
    identifier = Stamps().ulid(now).decode()
    action = {"events": "dicom.c-echo", "sessions": "session.verdict", "alerts": "alert"}[kind]
    module = action.partition(".")[0]
    document = {
        "@timestamp": rfc3339(now // 1000),
        "event": {
            "id": f"sample-{identifier}",
            "kind": "alert" if kind == "alerts" else "event",
            "action": action,
            "category": ["network", "intrusion_detection"],
            "type": ["info"],
            "module": module,
            "dataset": f"honeypot.{module}",
            "provider": "sample",
            "severity": 50,
        },
        "message": "A sample: nothing has happened.",
        "tags": ["sample"],
        "ecs": {"version": VERSION},
        "session": identifier,
        "source": {"ip": "192.0.2.1", "port": 40000},
        "destination": {"ip": "198.51.100.1", "port": 104},
        "network": {"transport": "tcp", "protocol": "dicom", "type": "ipv4", "direction": "inbound"},
        "observer": {"type": "honeypot", "vendor": "DICOMHawk", "product": "dicomhawk", "name": "sample"},
        "related": {"ip": ["192.0.2.1", "198.51.100.1"]},
    }
    return Record(kind, f"sample-{identifier}", 2, encode(document))


def _pump(settings: Settings, one: AnyOutput, output: Output, findings: Findings) -> Pump:
    folder = settings.outputs_dir / one.name
    try:
        queue = Queue(folder / QUEUE_FILE, one.queue_mib * MIB)
        return Pump(one, folder, output, queue, Sources(settings, one, queue, findings))
    except (OSError, sqlite3.Error, Trouble) as error:
        raise SettingsError(f"Output {one.name} can't keep its queue in {folder}: {error}.") from None


async def _serve(pumps: list[Pump], ready_file: Path | None) -> None:
    loop = asyncio.get_running_loop()
    # Each has a thread for its source and one for its receiver: one that hangs leaves the others theirs.
    loop.set_default_executor(ThreadPoolExecutor(2 * len(pumps) + 4))
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    tasks = [asyncio.create_task(_keep(pump, ending)) for pump in pumps]
    if ready_file is not None:
        await asyncio.to_thread(ready_file.write_text, "ready\n")
    await ending.wait()
    for pump in pumps:
        pump.end()
    _, late = await asyncio.wait(tasks, timeout=END_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(pump: Pump, ending: asyncio.Event) -> None:
    """Have `pump` run on, whatever happens in it."""
    while not ending.is_set():
        try:
            await pump.run()
        except Exception:
            traceback.print_exc(file=sys.stderr)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_SECONDS):
                    await ending.wait()
