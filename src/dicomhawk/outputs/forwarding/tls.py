"""Contexts for outgoing TLS. The receiver's certificate is always checked."""

from __future__ import annotations

import ssl
from pathlib import Path

from ...settings import SettingsError


def context(ca: Path | None, certificate: Path | None = None) -> ssl.SSLContext:
    """A client's context. `ca`: PEM file of who signed the receiver's certificate, instead of the system's;
    `certificate`: PEM file with our own and its key. Raises `SettingsError`."""
    try:
        made = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"{ca} can't be used as a PEM file of certificates: {error}.") from None
    if certificate is not None:
        try:
            made.load_cert_chain(certificate)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"{certificate} can't be used as a PEM file with certificate and key: {error}."
            ) from None
    return made
