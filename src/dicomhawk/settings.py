"""One settings model: TOML file < environment < flags.

`load` reads ``DIR/dicomhawk.toml`` (or another file), lets ``DICOMHAWK_...`` variables and then flags win, and
raises `SettingsError` with one clear sentence for anything wrong.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

FILE_NAME = "dicomhawk.toml"
ENVIRONMENT_PREFIX = "DICOMHAWK_"
_LISTS = frozenset(
    ("keywords", "tries", "ports", "dicom_ports", "web_ports", "remotes", "kinds", "http_ports", "dns_ports")
)
"""Settings with several values, separated by commas in the environment."""

Port = Annotated[int, Field(ge=0, le=65535)]
MiB = Annotated[int, Field(ge=1, description="mebibytes")]

AE_TITLE_LENGTH = 16
"""Of the value representation AE (PS3.5 section 6.2)."""
DOWN = "/down"
"""Behind a remote AE that is written in short: it seems not to answer."""
HOST_LENGTH = 253
"""Of a name in the DNS (RFC 1035 section 2.3.4), as text."""


class SettingsError(Exception):
    """The configuration can't be used; the message is one sentence for the operator."""


def _ae_title(text: str) -> str:
    title = text.strip(" ")
    if not 1 <= len(title) <= AE_TITLE_LENGTH or not title.isascii() or not title.isprintable() or "\\" in title:
        raise ValueError(f"an AE title has 1 to {AE_TITLE_LENGTH} printable ASCII characters and no backslash")
    return title


AETitle = Annotated[str, AfterValidator(_ae_title)]
"""Without its padding (PS3.5 section 6.2: leading and trailing spaces are not significant)."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Deployment(_Model):
    """What `dicomhawk init` drew: nothing in it is the same in two deployments."""

    seed: str = Field(min_length=16, description="Hexadecimal; everything that is drawn comes from it.")
    hospital: str = Field(min_length=1, max_length=64, description="Name of the institution.")
    locale: str = Field(pattern=r"^[a-z]{2}_[A-Z]{2}$", description="Language and country, as in da_DK.")
    ae_title: AETitle = Field(description="Our own AE title.")
    uid_root: str = Field(
        pattern=r"^[0-2](\.(0|[1-9][0-9]*))+$", max_length=40, description="Root of the UIDs made here."
    )


class Remote(_Model):
    """A remote AE that the archive is configured to know. It is never contacted.

    Written as a table, or in short as ``AET``, ``AET@HOST`` or ``AET@HOST:PORT`` (an IPv6 address in brackets), with
    ``/down`` behind the address if it shall seem not to answer.
    """

    ae_title: AETitle = Field(description="Its AE title.")
    host: str = Field("", max_length=HOST_LENGTH, pattern=r"^[!-~]*$", description="Name or IP address.")
    port: int | None = Field(None, ge=1, le=65535, description="Its listening port.")
    reachable: bool = Field(
        True, description="What a C-MOVE to it pretends: that it answers, or that it is down; nothing is ever tried."
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if "@" in value and value.endswith(DOWN):
            return _in_short(value.removesuffix(DOWN)) | {"reachable": False}
        return _in_short(value)


def _in_short(value: str) -> dict[str, Any]:
    # The last one: an AE title may have an @ in it, a host may not.
    title, at, address = value.rpartition("@")
    if not at:
        return {"ae_title": value}
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]") or (":" in host and not host.endswith("]")):
        return {"ae_title": title, "host": address.strip("[]")}
    return {"ae_title": title, "host": host.strip("[]"), "port": port}


def _all_different(remotes: tuple[Remote, ...]) -> tuple[Remote, ...]:
    seen: set[str] = set()
    for remote in remotes:
        if remote.ae_title in seen:
            raise ValueError(f"the AE title {remote.ae_title} is there twice")
        seen.add(remote.ae_title)
    return remotes


class Dicom(_Model):
    """The DICOM doors."""

    ports: tuple[Port, ...] = Field((11112,), min_length=1, description="Listening ports; 0 picks a free one.")
    remotes: Annotated[tuple[Remote, ...], AfterValidator(_all_different)] = Field(
        (), description="Remote AEs that the archive knows; they are never contacted."
    )


class Tls(_Model):
    """The doors with TLS. Without a certificate of the operator's, one is drawn for the deployment, and kept."""

    enabled: bool = Field(True, description="False: no door has TLS.")
    dicom_ports: tuple[Port, ...] | None = Field(
        None, description="For DICOM; unset: where the persona's product is found, if it has TLS."
    )
    web_ports: tuple[Port, ...] | None = Field(None, description="For the web; unset: as for DICOM.")
    certificate: Path | None = Field(None, description="PEM file: the certificate, those that it needs, and the key.")
    key: Path | None = Field(None, description="PEM file of the key, where it isn't with the certificate.")


class WebLogin(_Model):
    """Who may sign in to the web PACS."""

    required: bool = Field(
        True, description="False: a REST API serves whoever comes, as products do that nobody has set up with care."
    )
    policy: Literal["none", "pairs", "keyword", "delayed"] = Field(
        "pairs",
        description="Nobody; who has a bait pair; or also who gives a password with one of the keywords in it; or"
        " also whose guesses have been enough.",
    )
    keywords: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = Field(
        (), max_length=100, description="Words of which a password must have one, with the policy `keyword`."
    )
    tries: tuple[Annotated[int, Field(ge=1, le=1000)], Annotated[int, Field(ge=1, le=1000)]] = Field(
        (6, 20), description="Fewest and most guesses of a visitor before one is right, with the policy `delayed`."
    )


class Web(_Model):
    """The web doors. What they serve is the persona's."""

    enabled: bool = Field(True, description="False: there are none.")
    ports: tuple[Port, ...] | None = Field(
        None, description="Listening ports; 0 picks a free one; unset: where the persona's product is found."
    )
    login: WebLogin = WebLogin()


class Journal(_Model):
    """The append-only files of events."""

    rotate_mib: MiB = Field(64, description="A file is closed at this size, and at midnight UTC.")


class Vault(_Model):
    """What visitors sent or received, byte for byte."""

    transcripts_mib: MiB = Field(4096, description="Budget of the transcripts; the oldest go first.")
    objects_mib: MiB = Field(16384, description="Budget of captured objects; at the limit only their hash is kept.")
    object_mib: MiB = Field(2048, description="Largest single object that is captured.")
    passwords: bool = Field(True, description="False: the journal has only the SHA-256 of passwords.")


class Hospital(_Model):
    """The generated default hospital."""

    studies: int = Field(5000, ge=0, description="Studies to generate on first use.")
    years: float = Field(3.0, ge=0.1, le=50, description="Over so many years up to the first use.")
    per_day: float = Field(0, ge=0, le=10_000, description="New ones on a working day; 0: by the number of studies.")
    cache_mib: MiB = Field(2048, description="Budget of rendered objects.")


class Sources(_Model):
    """Public archives that `dicomhawk hospital import --from` fetches from; nothing else contacts them."""

    tcia_url: str = Field(
        "https://nbia.cancerimagingarchive.net/nbia-api/services/v4",
        max_length=2000,
        description="The Cancer Imaging Archive: its NBIA REST services, version 4.",
    )
    idc_url: str = Field(
        "https://s3.amazonaws.com", max_length=2000, description="The S3 endpoint of the Imaging Data Commons."
    )


LureKind = Literal["credential", "route", "file", "url"]
CanaryKind = Literal["docx", "xlsx", "pdf", "shortcut", "image", "report"]
"""Where an address of a canary can be: in a document, a shortcut, an object's header, a report's text."""


class HoneyCredential(_Model):
    """A pair of the operator's own that works at the web doors and raises an alert."""

    username: str = Field(min_length=1, max_length=64, pattern=r"^[!-9;-~]+$", description="Without a colon.")
    password: str = Field(min_length=1, max_length=128, description="As it is typed.")
    role: Literal["reader", "administrator"] = Field("reader", description="What it opens.")


class Lures(_Model):
    """Bait, and where it calls when it has left. Without an address of a canary, none is put into anything."""

    kinds: tuple[LureKind, ...] = Field(
        ("credential", "route", "file", "url"), description="Kinds of bait that are laid out."
    )
    canary_url: str = Field(
        "",
        max_length=200,
        pattern=r"^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*)?$",
        description="Base of the addresses put into bait, as in http://img.example.net; `dicomhawk canary` answers.",
    )
    canary_zone: str = Field(
        "",
        max_length=180,
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+)?$",
        description="Zone of the names in bait, as in img.example.net; `dicomhawk canary` is its name server.",
    )
    own: dict[CanaryKind, Annotated[str, Field(max_length=500, pattern=r"^https?://[!-~]+$")]] = Field(
        {}, description="Addresses of other canaries by kind, in place of ours, as canarytokens.org gives them."
    )
    credentials: tuple[HoneyCredential, ...] = Field((), max_length=100, description="Further pairs that work.")


class Canary(_Model):
    """The callback receiver, `dicomhawk canary`."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 or :: for all.")
    http_ports: tuple[Port, ...] = Field((8088,), description="Ports for HTTP; 0 picks a free one.")
    dns_ports: tuple[Port, ...] = Field((), description="Ports for DNS, each over UDP and TCP.")
    address: str = Field("", description="IPv4 address that the names of the zone have: the receiver's public one.")
    imports: tuple[Path, ...] = Field((), description="Files that `dicomhawk lures export` made on other hosts.")

    @model_validator(mode="after")
    def _an_address(self) -> Self:
        if self.address:
            try:
                IPv4Address(self.address)
            except ValueError:
                raise ValueError(f"{self.address[:40]} is not an IPv4 address") from None
        return self


class Settings(_Model):
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

    @property
    def journal_dir(self) -> Path:
        """Folder of the journal's NDJSON files."""
        return self.data / "journal"

    @property
    def vault_dir(self) -> Path:
        """Folder of transcripts and captured objects."""
        return self.data / "vault"

    @property
    def hospital_dir(self) -> Path:
        """Folder of the catalogue, imported files and the cache of rendered ones."""
        return self.data / "hospital"

    @property
    def lures_file(self) -> Path:
        """What bait was handed out to whom."""
        return self.data / "lures.sqlite"

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
        where = ".".join(str(part) for part in first["loc"]) or "the settings"
        what = first["msg"].removeprefix("Value error, ")
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
