"""Techniques: what a session did, by rules that are data. See docs/techniques.md."""

from .model import Rule
from .rules import Match, Rules

__all__ = ["Match", "Rule", "Rules"]
