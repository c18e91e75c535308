"""``dicomhawk serve``: sensor, analyst, outputs and console, each a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from ..settings import Settings
from .check import check_analyst, validate
from .common import Config, Data
from .family import Child, run
from .hospital import build_if_absent
from .sensor import (
    DicomPort,
    Host,
    OwnTitle,
    Persona,
    ReadyFile,
    Remote,
    Tls,
    Web,
    WebPort,
    Workers,
    drawn_settings,
    flags_of,
)

READY = "sensor.ready"
"""Written into the data folder when every door is open, where no other file is asked for."""


def serve(
    data: Data = None,
    config: Config = None,
    host: Host = None,
    dicom_port: DicomPort = None,
    web_port: WebPort = None,
    web: Web = None,
    tls: Tls = None,
    persona: Persona = None,
    ae_title: OwnTitle = None,
    remote: Remote = None,
    workers: Workers = None,
    ready_file: ReadyFile = None,
) -> None:
    """Run the honeypot: sensor, analyst, outputs, console. The data folder is made and filled on first use.

    SIGTERM or Ctrl-C ends it.
    """
    flags = flags_of(host, dicom_port, web_port, web, tls, persona, ae_title, remote, workers)
    settings = drawn_settings(data, config, flags)
    validate(settings)
    check_analyst(settings)
    build_if_absent(settings)
    # The sensor is given what we were given: by the same command line it comes to the same settings.
    after = sys.argv[sys.argv.index("serve") + 1 :]
    ready = ready_file or settings.data / READY
    ready.unlink(missing_ok=True)
    sensor = Child("sensor", ("sensor", *after, "--ready-file", str(ready)), ready=ready)
    raise typer.Exit(run([sensor, *_companions(settings, data, config)]))


def _companions(settings: Settings, data: Path | None, config: Path | None) -> list[Child]:
    where = [*(("--data", str(data)) if data else ()), *(("--config", str(config)) if config else ())]
    wanted = {
        "analyst": (settings.analyst.enabled, ("analyse", "--follow")),
        "outputs": (any(one.enabled for one in settings.outputs), ("forward",)),
        "console": (settings.console.enabled, ("console",)),
    }
    return [Child(name, (*command, *where)) for name, (there, command) in wanted.items() if there]
