"""The base pack: the volumes that every generated image is rendered from, read slice by slice.

``tools/build_base_pack.py`` makes the pack and ``docs/images.md`` says what is in it. Axes are (z, y, x): z up
towards the head, y towards the back, x towards the patient's left.
"""

from __future__ import annotations

import io
import json
import lzma
import zipfile
from functools import cache
from importlib import resources
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


class Pack:
    """A reader of the ZIP archive; it keeps nothing that it has decoded."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file)
        self.index: dict[str, Any] = json.loads(self._zip.read("index.json"))

    def plane(self, volume: str, k: int) -> NDArray[Any]:
        """Slice `k` of a volume as stored (unsigned integers), from its JPEG 2000 code stream."""
        with Image.open(io.BytesIO(self._zip.read(f"{volume}/{k:03d}.j2k"))) as image:
            return np.asarray(image)

    def array(self, name: str) -> NDArray[Any]:
        """A small array."""
        stored = np.load(io.BytesIO(lzma.decompress(self._zip.read(f"{name}.npy.xz"))), allow_pickle=False)
        return np.asarray(stored)


@cache
def base_pack() -> Pack:
    """The pack that is shipped with the package."""
    return Pack(resources.files(__package__).joinpath("base.zip").open("rb"))
