"""The catalogue of event types: everything that the sensor can say.

Each class is one type. Its `kind` gives ``event.action`` and the ECS categorisation, each field's annotation
its path in the ECS document and its meaning; docs/events.md is generated from here. What is the same in all
events of a connection (addresses, session, sensor) isn't here but in the envelope, and ``event.duration``
(nanoseconds) is given when an event is emitted. Numbers are bytes or counts unless said otherwise.
"""

from __future__ import annotations

from types import ModuleType

from . import association, connection, dimse, http, lure, sensor, tls, vault, web
from .association import *  # noqa: F403
from .connection import *  # noqa: F403
from .dimse import *  # noqa: F403
from .http import *  # noqa: F403
from .lure import *  # noqa: F403
from .sensor import *  # noqa: F403
from .tls import *  # noqa: F403
from .vault import *  # noqa: F403
from .web import *  # noqa: F403

MODULES: tuple[ModuleType, ...] = (sensor, connection, tls, association, dimse, http, web, lure, vault)
"""Where event types are defined, in the order of the documentation."""
