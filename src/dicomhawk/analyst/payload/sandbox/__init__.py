"""A process for one hostile file: everything is loaded before it is locked in, and it is gone afterwards."""

from .health import Layers as Layers
from .health import layers as layers
from .pool import Ended as Ended
from .pool import Sandbox as Sandbox
from .pool import SandboxError as SandboxError
