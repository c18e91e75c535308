"""Alerts: somebody is told once of what really happens, and not at all of the daily scans."""

from __future__ import annotations

from .alerter import Alerter as Alerter
from .allow import AllowList as AllowList
from .allow import Entry as Entry
from .allow import load_allow as load_allow
from .allow import parse_allow as parse_allow
