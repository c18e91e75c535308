"""The tables ``[[outputs]]``: where events, sessions and alerts go."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from .base import MiB, Port, Section, SettingsError
from .words import Severity

Kind = Literal["events", "sessions", "alerts"]

MAX_SECRET = 1 << 16
"""Bytes of a file with a secret: a token, or a private key in PEM at the most."""


class Secret(Section):
    """A password, a token, or an address that is one.

    Written as text, or better as ``{ file = "PATH" }`` or ``{ env = "NAME" }``. Never printed.
    """

    text: SecretStr | None = Field(None, description="The secret itself.")
    env: str | None = Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Name of a variable that has it.")
    file: Path | None = Field(None, description="File that has it, on one line.")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(given is not None for given in (self.text, self.env, self.file)) != 1:
            raise ValueError('a secret is text, or { file = "PATH" }, or { env = "NAME" }')
        return self

    def reveal(self) -> str:
        """The secret. Raises `SettingsError` if it isn't where it is said to be."""
        if self.text is not None:
            found = self.text.get_secret_value()
        elif self.env is not None:
            found = os.environ.get(self.env, "")
            if not found:
                raise SettingsError(f"The variable {self.env}, which is to have a secret, is empty or not set.")
        else:
            assert self.file is not None
            try:
                with self.file.open("rb") as file:
                    found = file.read(MAX_SECRET).decode().strip()
            except OSError as error:
                raise SettingsError(f"The secret in {self.file} can't be read: {error.strerror}.") from None
            except UnicodeDecodeError:
                raise SettingsError(f"The secret in {self.file} is not text.") from None
        if not found or not found.isprintable():
            raise SettingsError(f"The secret {self.env or self.file or 'in the settings'} is not one line of text.")
        return found


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", text):
        raise ValueError("an address begins with http:// or https:// and has no user name in it")
    return text


Url = Annotated[str, Field(max_length=2000), AfterValidator(_url)]
Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$")]
Servers = Annotated[tuple[Annotated[str, Field(pattern=r"^[!-~]+$", max_length=300)], ...], Field(min_length=1)]
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")]


class Output(Section):
    """What all outputs have."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$", description="Of its folder below outputs/.")
    enabled: bool = Field(True, description="False: `dicomhawk forward` leaves it out.")
    what: tuple[Kind, ...] = Field(("events",), min_length=1, description="Of events, sessions, alerts.")
    severity: Severity = Field("info", description="Nothing below it: info, low, medium, high, critical.")
    actions: tuple[str, ...] = Field(
        (), description="Only events with these actions; one that ends with a dot stands for all that begin so."
    )
    history: bool = Field(True, description="Whether to begin with what is there already; False: from now on.")
    queue_mib: MiB = Field(256, description="Kept on disk for a receiver that is away; the oldest goes first.")
    batch: int = Field(500, ge=1, le=10_000, description="At most so many in one delivery.")
    every: float = Field(0.0, ge=0, le=86_400, description="Seconds between deliveries, at the least.")


class _Message(Output):
    what: tuple[Kind, ...] = Field(("alerts",), min_length=1, description="Of events, sessions, alerts.")
    history: bool = Field(False, description="Whether to begin with what is there already; False: from now on.")
    link: str = Field(
        "",
        max_length=500,
        description="Where a session can be looked at, as in http://127.0.0.1:8090/sessions/{session}.",
    )


class _Intelligence(Output):
    what: tuple[Kind, ...] = Field(("sessions",), min_length=1, description="Of sessions, alerts.")
    severity: Severity = Field("medium", description="Nothing below it: info, low, medium, high, critical.")
    tlp: Literal["clear", "green", "amber", "amber+strict", "red"] = Field("amber", description="TLP 2.0.")
    every: float = Field(60.0, ge=0, le=86_400, description="Seconds between deliveries, at the least.")

    @model_validator(mode="after")
    def _no_events(self) -> Self:
        if "events" in self.what:
            raise ValueError("single events can't be told there; what: sessions, alerts")
        return self


class FileOutput(Output):
    """One line of JSON for each, appended to a file."""

    type: Literal["file"]
    path: Path = Field(description="The file. It may be moved away, and is made again.")
    format: Literal["ecs", "tpot"] = Field("ecs", description="ECS documents, or flat ones as T-Pot wants them.")


class SyslogOutput(Output):
    """RFC 5424."""

    type: Literal["syslog"]
    host: Host
    port: Port | None = Field(None, description="514, or 6514 with TLS.")
    transport: Literal["udp", "tcp", "tls"] = Field("tls", description="RFC 5426, 6587 (octet counting) or 5425.")
    format: Literal["json", "cef"] = Field("json", description="What a message holds: an ECS document, or CEF.")
    facility: int = Field(16, ge=0, le=23, description="16 to 23: local0 to local7.")
    max_bytes: int = Field(8192, ge=480, le=65_000, description="Of one message; what is longer is told in short.")
    ca: Path | None = Field(None, description="PEM file of who signed the receiver's certificate.")
    certificate: Path | None = Field(None, description="PEM file with our certificate and key, if it asks for one.")


class WebhookOutput(_Message):
    """A POST over HTTP."""

    type: Literal["webhook"]
    url: Secret = Field(description="Address; of Slack, Teams and Discord it is a secret. Matrix: the homeserver.")
    template: Literal["generic", "slack", "teams", "discord", "matrix"] = "generic"
    room: str = Field("", max_length=255, description="Matrix: the room's identifier, as in !abc:example.org.")
    token: Secret | None = Field(None, description="Bearer token; Matrix: the access token.")
    key: Secret | None = Field(None, description="Generic: key of the HMAC-SHA256 in the field X-Signature-256.")
    ca: Path | None = Field(None, description="PEM file of who signed the receiver's certificate.")
    batch: int = Field(10, ge=1, le=500, description="At most so many in one message.")
    every: float = Field(5.0, ge=0, le=86_400, description="Seconds between messages, at the least.")


class EmailOutput(_Message):
    """Messages over SMTP."""

    type: Literal["email"]
    host: Host
    port: Port | None = Field(None, description="587 with STARTTLS, 465 with TLS, 25 without.")
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Text = ""
    password: Secret | None = None
    sender: Annotated[str, Field(max_length=254, pattern=r"^[!-~]+@[!-~]+$")]
    recipients: tuple[Annotated[str, Field(max_length=254, pattern=r"^[!-~]+@[!-~]+$")], ...] = Field(min_length=1)
    subject: Text = Field("DICOMHawk", description="What subjects begin with.")
    ca: Path | None = Field(None, description="PEM file of who signed the server's certificate.")
    batch: int = Field(200, ge=1, le=2000, description="At most so many in one message.")
    every: float = Field(900.0, ge=0, le=86_400, description="Seconds between messages: what comes meanwhile waits.")


class ElasticsearchOutput(Output):
    """The bulk API of Elasticsearch and OpenSearch."""

    type: Literal["elasticsearch"]
    url: Url
    index: str = Field(
        "logs-dicomhawk-default", pattern=r"^[a-z0-9][a-z0-9._-]{0,200}$", description="Or data stream."
    )
    username: Text = ""
    password: Secret | None = None
    api_key: Secret | None = Field(None, description="Base64, as Elasticsearch gives it.")
    ca: Path | None = Field(None, description="PEM file of who signed the server's certificate.")
    batch: int = Field(1000, ge=1, le=10_000, description="At most so many in one request.")


class SplunkOutput(Output):
    """Splunk's HTTP Event Collector."""

    type: Literal["splunk"]
    url: Url = Field(description="As in https://splunk.example.org:8088")
    token: Secret
    index: str = Field("", pattern=r"^[a-z0-9_-]*$", max_length=80, description="Empty: the token's own.")
    sourcetype: Name = "dicomhawk:json"
    ca: Path | None = Field(None, description="PEM file of who signed the server's certificate.")


class KafkaOutput(Output):
    """A topic of Kafka's."""

    type: Literal["kafka"]
    servers: Servers = Field(description="Bootstrap servers, as in kafka:9092.")
    topic: str = Field("dicomhawk", pattern=r"^[A-Za-z0-9._-]{1,249}$")
    tls: bool = False
    ca: Path | None = Field(None, description="PEM file of who signed the brokers' certificates.")
    username: Text = ""
    password: Secret | None = None
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"


class NatsOutput(Output):
    """A stream of NATS JetStream."""

    type: Literal["nats"]
    servers: Servers = Field(description="As in nats://nats:4222 or tls://nats:4222.")
    subject: str = Field("dicomhawk", pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$", description="Its beginning.")
    stream: str = Field("", pattern=r"^[A-Za-z0-9_-]*$", description="Made if it isn't there; empty: must be there.")
    username: Text = ""
    password: Secret | None = None
    token: Secret | None = None
    credentials: Path | None = Field(None, description="File of credentials (JWT and seed).")
    ca: Path | None = Field(None, description="PEM file of who signed the servers' certificates.")


class RedisOutput(Output):
    """A stream of Redis or Valkey."""

    type: Literal["redis"]
    url: Secret = Field(description="As in redis://host:6379/0 or rediss://user:password@host.")
    stream: Name = "dicomhawk"
    max_length: int = Field(1_000_000, ge=1, description="Entries kept in the stream, about.")
    ca: Path | None = Field(None, description="PEM file of who signed the server's certificate.")


class HpfeedsOutput(Output):
    """A broker of hpfeeds."""

    type: Literal["hpfeeds"]
    host: Host
    port: Port = 10000
    ident: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[!-~]+$")]
    secret: Secret
    channel: str = Field("dicomhawk", pattern=r"^[A-Za-z0-9._-]{1,200}$", description="Its beginning.")
    format: Literal["ecs", "tpot"] = Field("ecs", description="ECS documents, or flat ones as T-Pot wants them.")
    tls: bool = False
    ca: Path | None = Field(None, description="PEM file of who signed the broker's certificate.")


class MispFeedOutput(_Intelligence):
    """A folder that MISP can take as a feed."""

    type: Literal["misp-feed"]
    folder: Path
    organisation: Text = "DICOMHawk"


class MispOutput(_Intelligence):
    """The API of a MISP server."""

    type: Literal["misp"]
    url: Url
    key: Secret = Field(description="Authentication key of a user who may add events.")
    organisation: Text = "DICOMHawk"
    distribution: int = Field(0, ge=0, le=3, description="0 your organisation, 1 community, 2 connected, 3 all.")
    ca: Path | None = Field(None, description="PEM file of who signed the server's certificate.")


class StixOutput(_Intelligence):
    """A folder of STIX 2.1 bundles."""

    type: Literal["stix"]
    folder: Path


class PrometheusOutput(Output):
    """Counters for Prometheus to fetch."""

    type: Literal["prometheus"]
    what: tuple[Kind, ...] = Field(("events", "sessions", "alerts"), min_length=1, description="What is counted.")
    host: Host = "127.0.0.1"
    port: Port = 9464
    history: bool = Field(False, description="Whether to begin with what is there already; False: from now on.")


AnyOutput = Annotated[
    FileOutput
    | SyslogOutput
    | WebhookOutput
    | EmailOutput
    | ElasticsearchOutput
    | SplunkOutput
    | KafkaOutput
    | NatsOutput
    | RedisOutput
    | HpfeedsOutput
    | MispFeedOutput
    | MispOutput
    | StixOutput
    | PrometheusOutput,
    Field(discriminator="type"),
]


def _different(outputs: tuple[AnyOutput, ...]) -> tuple[AnyOutput, ...]:
    names = [output.name for output in outputs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"two outputs are named {twice}")
    return outputs


Outputs = Annotated[tuple[AnyOutput, ...], AfterValidator(_different)]
