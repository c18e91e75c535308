"""All settings, and where they come from."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from .alerts import Alerts
from .analysis import Analyst
from .base import Section, SettingsError, first_problem
from .console import Console
from .evidence import Evidence
from .lookups import Lookups
from .outputs import Outputs
from .retention import Retention
from .sections import (
    Canary,
    Deployment,
    Dicom,
    Hospital,
    Journal,
    Lures,
    Sources,
    Tls,
    Vault,
    Web,
)

FILE_NAME = "dicomhawk.toml"
ENVIRONMENT_PREFIX = "DICOMHAWK_"
_LISTS = frozenset(
    (
        "keywords",
        "providers",
        "tries",
        "ports",
        "dicom_ports",
        "web_ports",
        "remotes",
        "kinds",
        "http_ports",
        "dns_ports",
        "geo",
        "names",
    )
)
"""Settings with several values, separated by commas in the environment."""


class Settings(Section):
    """Everything that an operator can set. All state lives below `data`."""

    data: Path = Path("data")
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 or :: for all.")
    workers: int = Field(0, ge=0, le=256, description="Worker processes; 0: one for each core.")
    persona: str = Field("plain", description="Name of a shipped persona, or path of a TOML file.")
    sensor_name: str = Field("", max_length=64, description="observer.name in events; empty: the host's name.")
    deployment: Deployment | None = None
    dicom: Dicom = Dicom()
    tls: Tls = Tls()
    web: Web = Web()
    journal: Journal = Journal()
    vault: Vault = Vault()
    hospital: Hospital = Hospital()
    lures: Lures = Lures()
    canary: Canary = Canary()
    sources: Sources = Sources()
    analyst: Analyst = Analyst()
    alerts: Alerts = Alerts()
    lookups: Lookups = Lookups()
    evidence: Evidence = Evidence()
    retention: Retention = Retention()
    console: Console = Console()
    outputs: Outputs = ()

    @property
    def journal_dir(self) -> Path:
        """Folder of the journal's NDJSON files."""
        return self.data / "journal"

    @property
    def vault_dir(self) -> Path:
        """Folder of transcripts and captured objects."""
        return self.data / "vault"

    @property
    def evidence_dir(self) -> Path:
        """Folder of the chain of hashes and its keys."""
        return self.data / "evidence"

    @property
    def hospital_dir(self) -> Path:
        """Folder of the catalogue, imported files and the cache of rendered ones."""
        return self.data / "hospital"

    @property
    def lures_file(self) -> Path:
        """What bait was handed out to whom."""
        return self.data / "lures.sqlite"

    @property
    def outputs_dir(self) -> Path:
        """Folder of what waits for receivers."""
        return self.data / "outputs"

    @property
    def previews_dir(self) -> Path:
        """Folder of pictures of captured images."""
        return self.data / "previews"

    @property
    def database_url(self) -> str:
        """Where findings are."""
        return self.analyst.database or f"sqlite:///{(self.data / 'findings.sqlite').absolute()}"

    @property
    def allow_file(self) -> Path:
        """Whose visits are no alarm."""
        return self.data / "allow.toml"

    @property
    def worker_count(self) -> int:
        """Number of worker processes, resolved."""
        return self.workers or os.cpu_count() or 1


def load(
    *,
    data: Path | None = None,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """Settings from `file` (default: ``dicomhawk.toml`` in the data folder), environment and flags.

    `flags` is nested as the model is; None values in it count as not given. A variable such as
    ``DICOMHAWK_DICOM__PORTS=104,11112`` sets ``dicom.ports``. Raises `SettingsError`.
    """
    environment = os.environ if environment is None else environment
    from_environment = _from_environment(environment)
    path = file or data_folder(data, environment) / FILE_NAME
    merged: dict[str, Any] = {}
    if path.exists() or file is not None:
        merged = _read(path)
    _merge(merged, from_environment)
    _merge(merged, dict(flags or {}))
    if data is not None:
        merged["data"] = data
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        where, what = first_problem(error, "the settings")
        if first["loc"][:1] == ("outputs",):  # there are passwords
            raise SettingsError(f"{where}: {what}.") from None
        raise SettingsError(f"{where}: {what} (given: {str(first['input'])[:80]!r}).") from None


def data_folder(data: Path | None, environment: Mapping[str, str]) -> Path:
    """The folder of all state: `data` if given, else what the environment says, else ``data``."""
    return data or Path(environment.get(f"{ENVIRONMENT_PREFIX}DATA", "data"))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not a TOML file: {error}.") from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX):
            continue
        *parents, leaf = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        at = found
        for parent in parents:
            at = at.setdefault(parent, {})
            if not isinstance(at, dict):
                raise SettingsError(f"{name}: {parent} is a value and a table at once in the environment.")
        at[leaf] = [part for part in value.split(",") if part] if leaf in _LISTS else value
    return found


def _merge(into: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(into.get(key, {}), dict):
            _merge(into.setdefault(key, {}), value)
        elif value is not None:
            into[key] = value
