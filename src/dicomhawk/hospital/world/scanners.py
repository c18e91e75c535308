"""Scanners at work: who is on the table, what they have counted, how they write."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from dicomhawk.hospital.objects.makers import model_of
from dicomhawk.hospital.rows import Device
from dicomhawk.hospital.world.draw import draw
from dicomhawk.hospital.world.locale import Locale
from dicomhawk.hospital.world.uids import DeviceUids

LONGEST_WAIT = timedelta(hours=3)
"""Whoever would wait longer for the table is taken at once, as on another one."""
OWN_LANGUAGE = 0.3  # of the scanners write body parts in the hospital's language
SHARED_ROOM = 0.3  # of the rooms are numbered whatever is in them
ROOMS = {"CT": 0, "MR": 1}
"""Place in the locale's list of rooms; other modalities are in numbered ones."""

State = tuple[int, int, str | None]
"""Counter of examinations, of UIDs, and until when the table is taken (ISO 8601)."""


class Scanner:
    """A modality of the hospital, with what it counts and until when it is in use."""

    def __init__(self, device: Device, number: int, locale: Locale, seed: str, epoch: str) -> None:
        """`number`: its place among the hospital's; `epoch` sets its counters, `seed` all the rest."""
        own = draw(seed, "scanner", number)
        counters = draw(epoch, "uids", number)
        maker = model_of(device.manufacturer, device.model).maker
        self.device = device
        self.siemens = maker == "siemens"  # writes as that maker's machines do
        self.uids = DeviceUids(device.uid_root or "", maker, counters)
        self.exam = counters.randrange(900, 9000)
        self._free: datetime | None = None
        rooms = locale.places["rooms"]
        kind = rooms[-1] if own.random() < SHARED_ROOM else rooms[ROOMS.get(device.modality or "", -1)]
        self.room = kind.replace("#", str(number + 1))
        in_own = own.random() < OWN_LANGUAGE
        self._body_parts = {part: own.choice(words) for part, words in locale.body_parts.items() if in_own}

    def body_part(self, term: str) -> str:
        """What it writes for a defined term of Body Part Examined."""
        return self._body_parts.get(term, term)

    def is_free(self, moment: datetime) -> bool:
        """Whether nobody is on the table."""
        return self._free is None or self._free <= moment

    def occupy(self, moment: datetime, minutes: int, latest: datetime | None, source: random.Random) -> datetime:
        """Take somebody for so long, who came at `moment`; returns when it begins, not after `latest`."""
        begins = moment
        if not self.is_free(moment):
            assert self._free is not None
            later = self._free + timedelta(seconds=source.randrange(20, 300))
            if later - moment <= LONGEST_WAIT and (latest is None or later <= latest):
                begins = later
        self._free = begins + timedelta(minutes=minutes)
        return begins

    def state(self) -> State:
        """What it has counted."""
        return self.exam, self.uids.counter, self._free.isoformat() if self._free else None

    def resume(self, state: State) -> None:
        """Go on from there."""
        self.exam, self.uids.counter, free = state
        self._free = datetime.fromisoformat(free) if free else None
