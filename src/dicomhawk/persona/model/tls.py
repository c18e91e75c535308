"""TLS on the doors: what the product's library agrees to, and where it listens."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Part, Seconds
from .http_faults import FaultModel

Port = Annotated[int, Field(ge=1, le=65535)]
Version = Literal["1.0", "1.1", "1.2", "1.3"]


class Tls(Part):
    """TLS, where the product has it."""

    dicom_ports: tuple[Port, ...] = Field(
        default=(), max_length=4, description="Where DICOM over TLS is usually found (PS3.15 B.1 and B.9: 2762)."
    )
    web_ports: tuple[Port, ...] = Field(default=(), max_length=4, description="Where HTTPS is usually found.")
    oldest: Version = Field(default="1.2", description="The oldest version that is agreed to.")
    newest: Version = Field(default="1.3", description="The newest version that is agreed to.")
    ciphers: str = Field(
        default="",
        max_length=1000,
        pattern=r"^[A-Za-z0-9:+!@=_-]*$",
        description="Cipher suites up to TLS 1.2, as OpenSSL writes a list; empty: the library's usual ones.",
    )
    server_order: bool = Field(default=True, description="Whether the server's order of cipher suites counts.")
    protocols: tuple[Annotated[str, Field(pattern=r"^[!-~]{1,32}$")], ...] = Field(
        default=(), max_length=8, description="Of ALPN on the web doors, as in http/1.1; none: it is not answered."
    )
    key: Literal["rsa-2048", "rsa-4096", "ec-256"] = Field(default="rsa-2048", description="Kind of the key.")
    plain: FaultModel = Field(
        default=FaultModel(), description="What a web door answers to whoever does not begin with TLS."
    )
    patience: Seconds = Field(default=60.0, gt=0, le=600, description="How long a handshake may take.")
