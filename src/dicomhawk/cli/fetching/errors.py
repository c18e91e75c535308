"""What can go wrong while series are fetched."""

from __future__ import annotations


class FetchError(Exception):
    """Nothing can be fetched, or not this; the message is one sentence for the operator."""


class Unreachable(FetchError):
    """The archive doesn't answer, or breaks off: the same may work later, after `wait` seconds (0: not known)."""

    def __init__(self, sentence: str, wait: float = 0) -> None:
        super().__init__(sentence)
        self.wait = wait


class Unacceptable(FetchError):
    """The archive answered, and what it sent can't be taken."""


class NoRoom(FetchError):
    """The disk is full."""
