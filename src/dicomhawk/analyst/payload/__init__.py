"""Captured objects, looked at without being run: what they truly are, what is hidden in them, whose they claim to be.

What a stranger sent is read in a process of its own that can open nothing and reach nobody (`sandbox`); what that
process says is believed only as far as its form goes (`model`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .examiner import Examiner as Examiner
    from .model import VERSION as VERSION
    from .pending import examine_pending as examine_pending

_PLACES = {"Examiner": ".examiner", "VERSION": ".model", "examine_pending": ".pending"}


def __getattr__(name: str) -> Any:
    """Loaded when it is first asked for: the sandbox, which is in this package, needs neither database nor settings,
    and has the less in its memory."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name], __name__), name)
