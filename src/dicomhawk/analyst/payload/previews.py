"""Pictures of captured images, as files. What the sandbox tells is samples and no file: the file is written here."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image as Pillow

from .model import Image


def write(folder: Path, name: str, image: Image) -> str | None:
    """Write ``<name>.png``; the file's name, or None if the samples are not as many as they must be."""
    if len(image.data) != image.width * image.height * image.samples or image.samples not in (1, 3):
        return None
    picture = Pillow.frombytes("L" if image.samples == 1 else "RGB", (image.width, image.height), image.data)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = folder / f".{name}.{os.getpid()}"
    picture.save(partial, "PNG")
    partial.replace(folder / f"{name}.png")
    return f"{name}.png"
