"""Pictures of captured images, as files. What the sandbox tells is samples and no file: the file is written here."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from PIL import Image as Pillow

from .model import Image


def write(folder: Path, name: str, image: Image) -> str | None:
    """Write ``<name>.png``; the file's name; None: not as many samples as there must be, or no room."""
    if len(image.data) != image.width * image.height * image.samples or image.samples not in (1, 3):
        return None
    picture = Pillow.frombytes("L" if image.samples == 1 else "RGB", (image.width, image.height), image.data)
    partial = folder / f".{name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        picture.save(partial, "PNG")
        partial.replace(folder / f"{name}.png")
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        return None
    return f"{name}.png"
