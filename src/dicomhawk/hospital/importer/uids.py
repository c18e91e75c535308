"""New UIDs for old ones, all under the deployment's own root."""

from __future__ import annotations

import re

from dicomhawk.hospital.importer.keys import Keys
from dicomhawk.hospital.registry import UIDS

UID_PATTERN = re.compile(r"[0-9]+(\.[0-9]+)*")
MAX_UID = 64  # PS3.5 section 9.1

_HALF = 10**10
"""A new UID ends in two numbers of up to ten digits: with a root of 40 characters it is at most 62 long, and
among a million of them two are equal with a probability of some 1e-8."""


def is_uid(text: str) -> bool:
    """Whether `text` can be used as a UID: digits and dots, at most 64 (leading zeros, though wrong, occur)."""
    return len(text) <= MAX_UID and UID_PATTERN.fullmatch(text) is not None


def is_registered(uid: str) -> bool:
    """Whether the standard itself gave this UID: a class, a syntax, a well-known instance or frame of reference."""
    return uid in UIDS


class UidMap:
    """Maps each UID to one under `root`, always the same one; and remembers nothing."""

    def __init__(self, keys: Keys, root: str) -> None:
        self._keys = keys
        self._root = root

    def __call__(self, uid: str) -> str:
        """The new UID for `uid` (any text); those of PS3.6 annex A and the empty one stay as they are."""
        uid = uid.strip(" \0")
        if not uid or is_registered(uid):
            return uid
        return self.made("uid", uid)

    def made(self, purpose: str, value: str) -> str:
        """A UID that follows from `value`, for a purpose of our own."""
        high, low = divmod(self._keys.number(purpose, value) % _HALF**2, _HALF)
        return f"{self._root}.{high}.{low}"
