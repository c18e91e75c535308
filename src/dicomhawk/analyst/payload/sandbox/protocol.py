"""What both sides of the sandbox must know."""

from __future__ import annotations

from typing import Final

MAX_REQUEST: Final = 64 << 10
"""Bytes of a request: job and facts are ours, and short."""
MAX_FILES: Final = 4
NO_RESULT: Final = 3
"""Exit status of a process whose job raised an exception."""
NOT_LOCKED: Final = 4
"""Exit status of a process that couldn't lock itself in, and so looked at nothing."""
