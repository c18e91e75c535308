"""Who an address is: the operator behind it, with what speaks for that. Offline; docs/origins.md tells how."""

from __future__ import annotations

from .model import CATEGORIES as CATEGORIES
from .model import HostName as HostName
from .model import Origin as Origin
from .origins import Origins as Origins
