"""Words that settings and findings share."""

from __future__ import annotations

from typing import Final, Literal, get_args

Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""In the order of the numbers 0 to 4 that findings have."""
Depth = Literal["touch", "scan", "enumeration", "query", "collection", "exfiltration", "tampering", "impact"]
DEPTHS: Final[tuple[Depth, ...]] = get_args(Depth)
"""In the order of a break-in."""
