"""Journals that hold the numbers of a published talk: two sensors, half a year, one of them another honeypot.

The talk is "Introducing DICOMHawk: A High-Interaction Medical Honeypot" (June 2025). DICOMHawk stood on port 104 from
2025-01-01 to 2025-05-15 and saw scans only; dicompot stood on ports 104 and 11112 from 2025-01-12 to 2025-04-30, and
saw five interactions, all from one address.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import NamedTuple

from tests.analyst.import_logs import Dicompot, write
from tests.analyst.journals import Sensor, echo

PUBLISHED = {
    "DICOMHawk": {
        "Censys": (60, 163),
        "Shodan": (26, 408),
        "Internet Measurement": (25, 48),
        "Onyphe": (5, 10),
        "Cloud": (4, 12),
        "Internet Census": (3, 5),
        "China ISPs": (3, 9),
    },
    "dicompot": {
        "Censys": (173, 243),
        "Shodan": (15, 123),
        "Onyphe": (47, 49),
        "Cloud": (101, 966),
        "Internet Census": (13, 16),
        "China ISPs": (10, 11),
        "Palo Alto": (203, 260),
        "Other": (86, 221),
    },
}
"""Unique addresses and total seen, by category; a category that isn't there is a dash in the talk."""
ALL = {"DICOMHawk": (126, 655), "dicompot": (648, 1889)}
"""The sums. Of dicompot's connections the talk prints 1789, which its own parts contradict."""
INTERACTIONS = 5

NETWORKS = {
    "Censys": ("162.142.125.0/24", "167.94.138.0/24", "199.45.154.0/24"),
    "Shodan": (
        "86.54.31.32/28",
        "185.142.236.34/31",
        "185.165.191.26/31",
        *("66.240.192.138", "66.240.205.34", "71.6.135.131", "71.6.146.185", "71.6.165.200"),
        *("80.82.77.33", "80.82.77.139", "93.174.95.106", "94.102.49.193"),
    ),
    "Internet Measurement": ("87.236.176.0/24", "193.163.125.0/24"),
    "Onyphe": ("91.196.152.0/24", "91.230.168.0/24"),
    "Cloud": ("20.33.0.0/24", "159.65.4.0/24", "172.105.9.0/24"),
    "Internet Census": ("45.156.128.0/24", "185.180.140.0/24"),
    "China ISPs": ("218.92.0.0/24",),
    "Palo Alto": ("198.235.24.0/24", "205.210.31.0/24"),
    "Other": ("64.62.197.0/24", "85.217.140.0/24", "100.42.17.0/24"),
}
"""Published ranges of each; the last of Other is nobody's that is known."""
_FIRST, _LAST = (
    {"DICOMHawk": datetime(2025, 1, 1), "dicompot": datetime(2025, 1, 12)},
    {
        "DICOMHawk": datetime(2025, 5, 15),
        "dicompot": datetime(2025, 4, 30),
    },
)
_PAUSE = timedelta(seconds=20)
"""Between two connections, so that none begins before the one before it has ended."""


class Visit(NamedTuple):
    """A connection."""

    at: datetime
    address: str
    interacts: bool = False


def visits(sensor: str, seed: int = 7) -> list[Visit]:
    """As many connections from as many addresses of each category as were published, over the sensor's days."""
    draw = random.Random(f"{sensor} {seed}")
    addresses: list[str] = []
    interacting = ""
    for category, (unique, total) in PUBLISHED[sensor].items():
        pool = list(_addresses(category))
        chosen = draw.sample(pool, unique)
        addresses += chosen + draw.choices(chosen, k=total - unique)
        if category == "Other" and sensor == "dicompot":
            often = {address: addresses.count(address) for address in chosen}
            interacting = next(address for address in chosen if often[address] >= INTERACTIONS)
    draw.shuffle(addresses)
    start, days = _FIRST[sensor], (_LAST[sensor] - _FIRST[sensor]).days + 1
    step = timedelta(days=days) / len(addresses)
    made = []
    left = INTERACTIONS
    for number, address in enumerate(addresses):
        interacts = address == interacting and left > 0
        left -= interacts
        made.append(Visit(start + step * number + step * draw.random() * 0.5, address, interacts))
    return made


def journal(folder: Path) -> Path:
    """What DICOMHawk saw, as a journal of ours: an association, an echo, nothing more."""
    sensor = Sensor("DICOMHawk")
    for visit in visits("DICOMHawk"):
        sensor.now = int(visit.at.replace(tzinfo=UTC).timestamp() * 1_000_000)
        sensor.connection(visit.address, *echo(), port=104)
    return sensor.write(folder, writers=3)


def dicompot_log(path: Path) -> Path:
    """What dicompot saw, as it logs."""
    log = Dicompot()
    for visit in visits("dicompot"):
        log.at = visit.at
        if not visit.interacts:
            log.probe(visit.address)
            continue
        key = log.open(visit.address)
        log.client(key)
        log.find(key, 50, PatientName="*")
        log.wait(seconds=2)
        log.finish(key)
    return write(path, log.lines)


def _addresses(category: str) -> Iterator[str]:
    for network in NETWORKS[category]:
        for address in ip_network(network):
            if network.endswith("/24") and int(address) & 0xFF in (0, 255):
                continue
            yield str(address)
