"""The console's section."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from .base import Port, Section

SHORTEST_SECRET = 16
"""Characters of a token or password that others than this host may try."""


class Console(Section):
    """The operator's web pages. They show what strangers sent: they belong on loopback, or behind a good secret."""

    enabled: bool = Field(True, description="False: `dicomhawk serve` starts no console.")
    host: str = Field("127.0.0.1", description="Address to listen on; others than this host's own need a secret.")
    port: Port = Field(8089, description="Listening port; 0 picks a free one.")
    token: str = Field("", max_length=200, description="Secret to sign in with; unset: one is drawn, and kept.")
    password: str = Field("", max_length=200, description="The same, chosen to be remembered.")
    names: tuple[Annotated[str, Field(max_length=253, pattern=r"^[A-Za-z0-9.-]+$")], ...] = Field(
        (), max_length=20, description="Host names that it is reached by, beside localhost and addresses."
    )
    certificate: Path | None = Field(None, description="PEM file of a certificate, for HTTPS.")
    key: Path | None = Field(None, description="PEM file of its key, where it isn't with the certificate.")

    @property
    def on_loopback(self) -> bool:
        """Whether nobody but this host reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @model_validator(mode="after")
    def _a_secret_for_others(self) -> Self:
        for name in ("token", "password"):
            secret = getattr(self, name)
            if secret and len(secret) < (8 if self.on_loopback else SHORTEST_SECRET):
                least = 8 if self.on_loopback else SHORTEST_SECRET
                raise ValueError(f"the {name} of the console needs {least} characters on {self.host[:60]}")
        if not self.on_loopback and not (self.token or self.password):
            raise ValueError(
                f"a console on {self.host[:60]} needs a token or password of {SHORTEST_SECRET} characters or more"
            )
        return self
