"""What all analyses read from."""

from __future__ import annotations

import mmap
from typing import TypeAlias

Buffer: TypeAlias = bytes | mmap.mmap
"""Content of a file; both can be searched, and slices of both are bytes."""
