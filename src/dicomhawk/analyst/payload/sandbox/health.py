"""What the kernel has to lock a process in with."""

from __future__ import annotations

from typing import NamedTuple

from . import landlock, seccomp


class Layers(NamedTuple):
    """Layers of the sandbox that this machine has. Limits and no-new-privileges are everywhere."""

    landlock: int
    """Version of the kernel's interface; 0: it has none."""
    seccomp: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """What isn't there, in words for the operator."""
        return (*(() if self.landlock else ("landlock",)), *(() if self.seccomp else ("seccomp",)))


def layers() -> Layers:
    """Ask the kernel."""
    return Layers(landlock.version(), seccomp.supported())
