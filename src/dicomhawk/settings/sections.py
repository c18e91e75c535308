"""The sensor's sections, and the canary's."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from .base import MiB, Port, Section

AE_TITLE_LENGTH = 16
"""Of the value representation AE (PS3.5 section 6.2)."""
DOWN = "/down"
"""Behind a remote AE that is written in short: it seems not to answer."""
HOST_LENGTH = 253
"""Of a name in the DNS (RFC 1035 section 2.3.4), as text."""


def _ae_title(text: str) -> str:
    title = text.strip(" ")
    if not 1 <= len(title) <= AE_TITLE_LENGTH or not title.isascii() or not title.isprintable() or "\\" in title:
        raise ValueError(f"an AE title has 1 to {AE_TITLE_LENGTH} printable ASCII characters and no backslash")
    return title


AETitle = Annotated[str, AfterValidator(_ae_title)]
"""Without its padding (PS3.5 section 6.2: leading and trailing spaces are not significant)."""


class Deployment(Section):
    """What `dicomhawk init` drew: nothing in it is the same in two deployments."""

    seed: str = Field(min_length=16, description="Hexadecimal; everything that is drawn comes from it.")
    hospital: str = Field(min_length=1, max_length=64, description="Name of the institution.")
    locale: str = Field(pattern=r"^[a-z]{2}_[A-Z]{2}$", description="Language and country, as in da_DK.")
    ae_title: AETitle = Field(description="Our own AE title.")
    uid_root: str = Field(
        pattern=r"^[0-2](\.(0|[1-9][0-9]*))+$", max_length=40, description="Root of the UIDs made here."
    )


class Remote(Section):
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


class Dicom(Section):
    """The DICOM doors."""

    ports: tuple[Port, ...] = Field((11112,), min_length=1, description="Listening ports; 0 picks a free one.")
    remotes: Annotated[tuple[Remote, ...], AfterValidator(_all_different)] = Field(
        (), description="Remote AEs that the archive knows; they are never contacted."
    )


class Tls(Section):
    """The doors with TLS. Without a certificate of the operator's, one is drawn for the deployment, and kept."""

    enabled: bool = Field(True, description="False: no door has TLS.")
    dicom_ports: tuple[Port, ...] | None = Field(
        None, description="For DICOM; unset: where the persona's product is found, if it has TLS."
    )
    web_ports: tuple[Port, ...] | None = Field(None, description="For the web; unset: as for DICOM.")
    certificate: Path | None = Field(None, description="PEM file: the certificate, those that it needs, and the key.")
    key: Path | None = Field(None, description="PEM file of the key, where it isn't with the certificate.")


class WebLogin(Section):
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


class Web(Section):
    """The web doors. What they serve is the persona's."""

    enabled: bool = Field(True, description="False: there are none.")
    ports: tuple[Port, ...] | None = Field(
        None, description="Listening ports; 0 picks a free one; unset: where the persona's product is found."
    )
    login: WebLogin = WebLogin()


class Journal(Section):
    """The append-only files of events."""

    rotate_mib: MiB = Field(64, description="A file is closed at this size, and at midnight UTC.")


class Vault(Section):
    """What visitors sent or received, byte for byte."""

    transcripts_mib: MiB = Field(4096, description="Budget of the transcripts; the oldest go first.")
    objects_mib: MiB = Field(16384, description="Budget of captured objects; at the limit only their hash is kept.")
    object_mib: MiB = Field(2048, description="Largest single object that is captured.")
    passwords: bool = Field(True, description="False: the journal has only the SHA-256 of passwords.")


class Hospital(Section):
    """The generated default hospital."""

    studies: int = Field(5000, ge=0, description="Studies to generate on first use.")
    years: float = Field(3.0, ge=0.1, le=50, description="Over so many years up to the first use.")
    per_day: float = Field(0, ge=0, le=10_000, description="New ones on a working day; 0: by the number of studies.")
    cache_mib: MiB = Field(2048, description="Budget of rendered objects.")


class Sources(Section):
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


class HoneyCredential(Section):
    """A pair of the operator's own that works at the web doors and raises an alert."""

    username: str = Field(min_length=1, max_length=64, pattern=r"^[!-9;-~]+$", description="Without a colon.")
    password: str = Field(min_length=1, max_length=128, description="As it is typed.")
    role: Literal["reader", "administrator"] = Field("reader", description="What it opens.")


class Lures(Section):
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


class Canary(Section):
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
