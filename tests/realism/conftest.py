"""The tools are programs, not a package: their folder goes on the path."""

from __future__ import annotations

import sys

from tests.realism.support import TOOLS

sys.path.insert(0, str(TOOLS))
