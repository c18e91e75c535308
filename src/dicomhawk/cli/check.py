"""``dicomhawk check``: is the configuration right?"""

from __future__ import annotations

import os
from pathlib import Path

from ..settings import Settings, SettingsError
from .common import Config, Data, Json, print_json, print_table, settings_of

PRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def check(data: Data = None, config: Config = None, json: Json = False) -> None:
    """Validate the configuration. Exit status 2 and one sentence if something is wrong."""
    settings = settings_of(data, config)
    found = validate(settings)
    check_analyst(settings)
    if json:
        print_json(found)
    else:
        print_table(("setting", "value"), list(found.items()))


def validate(settings: Settings) -> dict[str, str]:
    """Everything that can be wrong before a door is opened; the facts, for people. Raises `SettingsError`."""
    if settings.deployment is None:
        raise SettingsError("There is no deployment in the settings: `dicomhawk init` draws one.")
    from ..persona import model  # half a second, which other commands needn't wait

    persona = model.load(settings.persona)
    persona.policy(settings.deployment)
    _check_ports(settings)
    _check_folder(settings.data)
    _check_outputs(settings)
    deployment = settings.deployment
    return {
        "data": str(settings.data.absolute()),
        "hospital": f"{deployment.hospital} ({deployment.locale})",
        "AE title": deployment.ae_title,
        "UID root": deployment.uid_root,
        "persona": f"{persona.name}: {persona.title}",
        "address": settings.host,
        "DICOM ports": ", ".join(map(str, settings.dicom.ports)),
        "workers": str(settings.worker_count),
    }


def check_analyst(settings: Settings) -> None:
    """Raises `SettingsError` for what `dicomhawk analyse` would refuse. It is nothing to the sensor."""
    if settings.allow_file.exists():
        from ..analyst.alerting import load_allow

        load_allow(settings.allow_file)
    if settings.lookups.providers:
        from ..analyst.lookups import Lookups

        Lookups(settings)


def _check_outputs(settings: Settings) -> None:
    """What `dicomhawk forward` would refuse."""
    chosen = [output for output in settings.outputs if output.enabled]
    if chosen:
        from ..outputs.forwarding.service import made

        for output in chosen:
            made(output, settings)


def _check_ports(settings: Settings) -> None:
    try:
        first = int(PRIVILEGED.read_text())
    except (OSError, ValueError):
        first = 1024
    for port in settings.dicom.ports:
        if 0 < port < first and os.geteuid() != 0:
            raise SettingsError(
                f"Port {port} needs a privilege: `sysctl net.ipv4.ip_unprivileged_port_start={port}` gives it to all."
            )


def _check_folder(folder: Path) -> None:
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise SettingsError(f"The data folder {folder} can't be written to.")
