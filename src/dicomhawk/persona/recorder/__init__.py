"""From what was observed of a system to a persona: docs/recording.md says how."""

from .record import Recorded, record

__all__ = ["Recorded", "record"]
