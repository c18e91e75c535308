"""The section ``[lookups]``: online services that are asked about visitors and files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, SecretStr, model_validator

from .base import Section

Provider = Literal["greynoise", "abuseipdb", "internetdb", "virustotal", "otx", "reverse-dns"]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)


def _key(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text or len(text) > 512 or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("a key is printable ASCII without spaces")
    return secret


Key = Annotated[SecretStr, AfterValidator(_key)]


class Lookups(Section):
    """Off by default. What is asked leaves this machine: addresses of visitors, and hashes of captured files."""

    providers: tuple[Provider, ...] = Field((), description=f"Of {', '.join(PROVIDERS)}; none: nothing is asked.")
    keys: dict[Provider, Key] = Field(
        {}, description="Of each provider that needs one; internetdb and reverse-dns need none."
    )
    keys_file: Path | None = Field(
        None,
        description="TOML file with keys: lines as in greynoise = '...'.",
    )
    interactions_only: bool = Field(
        True, description="Ask about those only who did more than scan; scanners' addresses would use up the quotas."
    )
    cache_hours: int = Field(72, ge=24, le=24 * 365, description="How long an answer is kept.")
    timeout_seconds: float = Field(10.0, ge=1.0, le=60.0, description="For one answer.")
    per_day: dict[Provider, Annotated[int, Field(ge=1, le=10_000_000)]] = Field(
        {}, description="Questions in a day, where your plan allows other numbers than the free ones."
    )
    addresses: dict[Provider, Annotated[str, Field(pattern=r"^https?://[!-~]{1,200}$")]] = Field(
        {}, description="Base addresses other than the services' own, as of a proxy."
    )

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len(set(self.providers)) != len(self.providers):
            raise ValueError("a provider is named twice")
        return self
