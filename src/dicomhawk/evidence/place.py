"""How far the analyst has read the journal, where the sensor can see it.

The analyst's own place is in its database, which the sensor knows nothing of. So that retention removes nothing that
was not read, the analyst writes the same place into a small file after each of its rounds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

NAME = "analyst.place"
MAX_BYTES = 16 << 20
"""Of the file: some hundred thousand segments."""

_decode = msgspec.json.Decoder(dict[str, int]).decode


def write_place(data: Path, place: Mapping[str, int]) -> None:
    """Note below `data` how many bytes of each segment of the journal (by its file's name) were read, and
    will not be needed again. Segments that are left out count as unread. Raises `OSError`."""
    partial = data / f"{NAME}.{os.getpid()}.partial"
    partial.write_bytes(msgspec.json.encode(dict(place)))
    partial.replace(data / NAME)


def read_place(data: Path) -> dict[str, int] | None:
    """What was noted last; None if nothing was, or it can't be read."""
    try:
        with (data / NAME).open("rb") as file:
            return _decode(file.read(MAX_BYTES))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
