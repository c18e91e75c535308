"""What a picture of a frame shall look like. The picture itself is made by `pictures`, in another process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from .elements import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE

MAX_SIDE: Final = 4096
"""Rows and columns of a picture at most: no screen has more, and 16 million pixels take a tenth of a second."""

MAX_VISITORS_SIDE: Final = 4096
"""Rows and columns of a visitor's object that is rendered: a mammogram has as many."""
MAX_VISITORS_FRAMES: Final = 1000
"""Frames of a visitor's object that is rendered: a long loop of ultrasound has some hundred."""
MAX_VISITORS_BYTES: Final = 256 << 20
"""Bytes of such an object."""
VISITORS_SYNTAXES: Final = frozenset((IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, "1.2.840.10008.1.2.4.50"))
"""Transfer syntaxes of visitors' objects that are rendered: decoders are not fed with what strangers made, but for
baseline JPEG's, which every browser feeds with that."""

MAX_KEPT: Final = 16 << 20
"""Bytes of pictures that a worker keeps: the thumbnails of some thousand series."""

Media = Literal["image/png", "image/jpeg"]
Function = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]
Manner = Literal["window", "stretch", "uint8", "uint16", "int16"]


class DisplayError(Exception):
    """There is no picture of that. `absent`: because there is no such frame."""

    def __init__(self, message: str, *, absent: bool = False) -> None:
        super().__init__(message)
        self.absent = absent


class Window(NamedTuple):
    """Window Center, Window Width and VOI LUT Function (PS3.3 C.11.2)."""

    center: float
    width: float
    function: Function = "LINEAR"


class Region(NamedTuple):
    """A part of the frame, in its pixels."""

    left: int
    top: int
    columns: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Frame `frame`, from 1, as a picture.

    `window`: one of the object's own by number, from 0, or another one; else the first, or all values that there are.
    `region`: only this part of it. `columns`, `rows`: the picture fits into these, and fills one of them; 0: as it
    is. `manner`: other ways from values to greys: all that there are from black to white, or as they are, cut off
    where 8 or 16 bits end; of 16 bits there is no JPEG. `quality`: of JPEG, 1 to 100. `mirror`: sides exchanged.
    """

    frame: int = 1
    media: Media = "image/jpeg"
    window: Window | int | None = None
    region: Region | None = None
    columns: int = 0
    rows: int = 0
    manner: Manner = "window"
    quality: int = 90
    flip: bool = False
    mirror: bool = False


AS_IT_IS: Final = View()


class Pictures:
    """The pictures that were last asked for, up to `MAX_KEPT` bytes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable) -> bytes | None:
        """The picture of `key`; None if it isn't kept."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key]

    def put(self, key: Hashable, picture: bytes) -> None:
        """Keep a picture, as long as it is among the last."""
        self._size += len(picture) - len(self._kept.pop(key, b""))
        self._kept[key] = picture
        while self._size > MAX_KEPT:
            self._size -= len(self._kept.popitem(last=False)[1])


def render(path: str, syntax: str, view: View, trusted: bool) -> bytes:
    """A picture of the object in the Part 10 file `path`. Raises `DisplayError`. Loads the image code."""
    from .pictures import picture_of

    return picture_of(path, syntax, view, trusted=trusted)


def frame(path: str, syntax: str, number: int, trusted: bool) -> bytes:
    """Frame `number`, from 1, uncompressed and in little endian. Raises `DisplayError`. Loads the image code."""
    from .expansion import frame_of

    return frame_of(path, syntax, number, trusted=trusted)


def uncompressed(path: str, syntax: str, trusted: bool) -> bytes:
    """The data set in Explicit VR Little Endian. Raises `DisplayError`. Loads the image code."""
    from .expansion import object_of

    return object_of(path, syntax, trusted=trusted)
