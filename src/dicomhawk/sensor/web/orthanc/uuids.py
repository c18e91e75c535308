"""Identifiers that Orthanc draws at random: drawn here from the deployment's seed, so that all workers agree."""

from __future__ import annotations

import hashlib
import hmac
import uuid

from .service import Service


def uuid_of(service: Service, *what: str) -> str:
    """The random UUID (RFC 9562, version 4) of something."""
    key = service.backing.deployment.seed.encode()
    drawn = hmac.new(key, "/".join(("orthanc", *what)).encode("utf-8", "replace"), hashlib.sha256).digest()
    return str(uuid.UUID(bytes=drawn[:16], version=4))


def new_uuid() -> str:
    """One for something that is new."""
    return str(uuid.uuid4())
