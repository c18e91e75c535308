"""An anonymised data set for research: who came, with what, doing what, without saying where, or what we are."""

from __future__ import annotations

from .export import Exported as Exported
from .export import Options as Options
from .export import export as export
