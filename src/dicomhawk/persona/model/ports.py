"""Which of a product's usual ports a deployment has."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

_LOWEST_PORT = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def drawn_port(draw: str, usual: Sequence[int], otherwise: int) -> int:
    """One of the ports where the product is usually found, but none that only the administrator may open;
    `otherwise`: if there is no such port. `draw` names the draw, and has the deployment's seed."""
    try:
        lowest = int(_LOWEST_PORT.read_text())
    except (OSError, ValueError):
        lowest = 1024
    allowed = [port for port in usual if port >= lowest or os.geteuid() == 0]
    return random.Random(draw).choice(allowed or [otherwise])
