"""pynetdicom's own thread, paused for good while somebody else waits for a message.

It says that it is paused before it looks whether it is to pause. A caller who asks for a pause between the two
believes what was said before, and the thread takes the answer that the caller waits for: rarely, on busy machines.
"""

from __future__ import annotations

import threading
from typing import Any

from pynetdicom.association import Association


class _Checkpoint(threading.Event):
    """What the thread passes by. Once it is cleared, the thread either waits at it, or has said that it does not."""

    def __init__(self, association: Association) -> None:
        super().__init__()
        self._association = association
        self._deciding = threading.Lock()

    def clear(self) -> None:
        with self._deciding:
            super().clear()

    def wait(self, timeout: float | None = None) -> bool:
        while True:
            with self._deciding:
                paused = not self.is_set()
                self._association._is_paused = paused
                if not paused:
                    return True
            if not super().wait(timeout):
                return False


def install() -> None:
    """For every association from now on."""
    plain = Association.__init__

    def made(self: Association, *arguments: Any, **named: Any) -> None:
        plain(self, *arguments, **named)
        self._reactor_checkpoint = _Checkpoint(self)
        self._reactor_checkpoint.set()

    Association.__init__ = made  # type: ignore[method-assign]
