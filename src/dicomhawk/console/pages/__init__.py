"""The pages, one module for each subject."""

from __future__ import annotations

from starlette.routing import BaseRoute

from . import (
    actors,
    alerts,
    downloads,
    entry,
    feed,
    files,
    health,
    hospital,
    lures,
    origins,
    overview,
    pictures,
    report,
    rules,
    sessions,
    techniques,
    transcript,
    tried,
)

_MODULES = (
    entry,
    overview,
    feed,
    alerts,
    downloads,
    sessions,
    transcript,
    origins,
    actors,
    tried,
    files,
    lures,
    techniques,
    hospital,
    health,
    rules,
    report,
    pictures,
)

ROUTES: list[BaseRoute] = [route for module in _MODULES for route in module.ROUTES]
