"""Bait laid out without a sensor."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dicomhawk.hospital.deployment import draw_deployment
from dicomhawk.lures.bait import Asked, Bait, Lures
from dicomhawk.lures.ledger import Taker
from dicomhawk.lures.routes import Platform
from dicomhawk.settings import Deployment, Settings
from dicomhawk.settings import Lures as LuresSettings

NOW = 1_795_000_000_123_456_789
ANNA = Taker("192.0.2.1", "01KB0ABCDE2ABCDE", "01KB0ABCDE00000000000000AA")
BERT = Taker("198.51.100.2", "01KB0ABCDF2ABCDE", "01KB0ABCDE00000000000000BB")
SERVERS: dict[Platform, str] = {
    "apache": "Apache/2.4.25 (Debian)",
    "nginx": "nginx/1.14.2",
    "iis": "Microsoft-IIS/8.5",
    "java": "Apache-Coyote/1.1",
    "cocoa": "",
    "orthanc": "",
}


def deployment(number: int = 1, locale: str = "en_GB") -> Deployment:
    return draw_deployment(seed=f"{number:032x}", locale=locale)


@contextmanager
def laid(
    data: Path,
    platform: Platform = "java",
    *,
    number: int = 1,
    locale: str = "en_GB",
    deployed: str = "",
    **settings: Any,
) -> Iterator[Lures]:
    """Lures of a deployment, or that of the configuration file `deployed`; `settings` are of their table."""
    own = Deployment.model_validate(tomllib.loads(deployed)["deployment"]) if deployed else None
    lures = Lures(
        Settings(data=data, lures=LuresSettings(**settings)),
        own or deployment(number, locale),
        platform=platform,
        server=SERVERS[platform],
        clock=lambda: NOW,
    )
    try:
        yield lures
    finally:
        lures.close()


def take(lures: Lures, path: str, taker: Taker = ANNA, **asked: str) -> Bait:
    """What lies at a path, which must be something."""
    found = lures.bait(Asked(path, taker, **asked))
    assert found is not None, path
    return found


def path_of(lures: Lures, lure: str) -> str:
    """Where a lure lies."""
    return next(path for path, route in lures.routes.by_path.items() if route.lure == lure)
