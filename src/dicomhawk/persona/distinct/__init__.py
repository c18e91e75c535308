"""Whether deployments can be told to be ours: what all of them have in common and the real product has not."""

from .compare import Common, common
from .observe import Observed, observe

__all__ = ["Common", "Observed", "common", "observe"]
