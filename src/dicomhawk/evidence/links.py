"""The lines of a chain, looked at one after the other: what is wrong with them, in words."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec

from .chain import BEFORE, Entry, Head, Line, Sealed
from .keys import PublicKey


class Verdict(msgspec.Struct):
    """What `verify` found."""

    entries: int = 0
    head: str = BEFORE
    segments: int = 0
    """Closed segments that were looked at."""
    bytes: int = 0
    objects: int = 0
    """Captured files that were looked at."""
    removed: int = 0
    """Segments and files that are gone, and whose removal is on record."""
    open: list[str] = msgspec.field(default_factory=list)
    """Segments without an entry: being written, or closed a moment ago. Nothing vouches for them."""
    problems: list[str] = msgspec.field(default_factory=list)
    """Sentences, each about something that isn't as it was."""
    notes: list[str] = msgspec.field(default_factory=list)
    """Sentences about what should be known, and is nobody's doing."""


class Links:
    """The lines of a chain, one after the other."""

    def __init__(self, verdict: Verdict, trusted: Collection[PublicKey], *, strict: bool) -> None:
        self._verdict = verdict
        self._trusted = {key.id: key for key in trusted}
        self._strict = strict
        self._numbers: set[int] = set()
        self._last = 0
        self._signed_by = ""
        self._signed_since = 0
        self._unknown: set[str] = set()
        self._time = ""
        self._bytes = 0
        self.lines = 0
        self.hashes: list[str] = []
        """Of each line, in order."""
        self.sealed: dict[str, tuple[int, Sealed]] = {}
        """Segments that should be there, and the entries that say so."""
        self.removed: dict[str, int] = {}
        self.time = ""
        """Of the last entry."""

    @property
    def head(self) -> Head:
        return Head(self._last, self.hashes[-1] if self.hashes else BEFORE)

    def take(self, line: Line) -> None:
        self.lines += 1
        self._bytes += len(line.data) + 1
        previous = self.hashes[-1] if self.hashes else BEFORE
        self.hashes.append(line.hash)
        entry = line.entry
        if entry is None:
            self._problem(f"Line {self.lines} of the chain is not an entry.")
            return
        self._order(entry)
        if entry.previous != previous:
            before = f"line {self.lines - 1}" if self.lines > 1 else "nothing"
            self._problem(
                f"Entry {entry.entry} does not continue {before}: something there was changed, inserted or taken out."
            )
        self._signature(line, entry)
        if entry.time < self.time:
            self._verdict.notes.append(f"Entry {entry.entry} is of {entry.time}, which is before the one before it.")
        self.time = entry.time
        self._fact(entry)

    def finish(self, path: Path) -> None:
        """At the end of the file."""
        rest = path.stat().st_size - self._bytes
        if rest > 0:
            self._problem(f"The chain ends with {rest} bytes that are not a whole line.")
        if not self.lines:
            self._problem("The chain is empty.")
        if self._strict and not self._signed_by:
            self._problem("No entry of the chain is signed by a key that is trusted.")
        elif self._signed_since > 1:
            self._verdict.notes.append(
                f"Entries before {self._signed_since} are not signed; the signatures behind them cover their hashes."
            )

    def _order(self, entry: Entry) -> None:
        number, last = entry.entry, self._last
        if number in self._numbers:
            self._problem(f"Entry {number} is there twice: one of them was inserted.")
        elif number < last:
            self._problem(f"Entry {number} comes behind entry {last}: the chain was reordered.")
        elif number > last + 1:
            gone = f"entry {last + 1} is" if number == last + 2 else f"entries {last + 1} to {number - 1} are"
            self._problem(f"There is a gap in the chain: {gone} not in front of entry {number}.")
        self._numbers.add(number)
        self._last = max(number, last)

    def _signature(self, line: Line, entry: Entry) -> None:
        signature = line.signature
        if not entry.key and signature is None:
            if self._signed_by:
                self._problem(f"Entry {entry.entry} is not signed, though entries before it are.")
            return
        key = self._trusted.get(entry.key)
        if key is None:
            if entry.key not in self._unknown:
                self._unknown.add(entry.key)
                self._problem(f"From entry {entry.entry} on, the key {entry.key} signs, which is not a trusted one.")
            self._signed_by = self._signed_by or entry.key
            return
        if signature is None or not key.verifies(signature, line.message):
            self._problem(f"The signature of entry {entry.entry} is wrong.")
            return
        if not self._signed_by:
            self._signed_since = entry.entry
        self._signed_by = entry.key

    def _fact(self, entry: Entry) -> None:
        name = entry.segment
        if entry.kind == "begun" and entry.entry != 1:
            self._problem(f"Entry {entry.entry} begins the chain anew.")
        elif entry.kind == "torn":
            self._verdict.notes.append(
                f"Entry {entry.entry}: a line of {entry.bytes} bytes before it had been cut short and was taken away."
            )
        elif entry.kind == "sealed":
            if name in self.sealed:
                self._problem(f"{name} has two entries, {self.sealed[name][0]} and {entry.entry}.")
            self.sealed[name] = entry.entry, Sealed(entry.bytes, entry.sha256)
            self.removed.pop(name, None)
        elif entry.kind == "removed":
            self.sealed.pop(name, None)
            self.removed[name] = entry.entry

    def _problem(self, sentence: str) -> None:
        self._verdict.problems.append(sentence)

    def compare(self, head: Head, what: str) -> None:
        """Whether the chain has that head, which `what` told of."""
        if not head.entry:
            return
        if head.entry > self.lines:
            self._problem(f"The chain was cut: it has {self.lines} entries, and {what} is of entry {head.entry}.")
        elif head.entry < 0 or self.hashes[head.entry - 1] != head.hash:
            self._problem(f"Entry {head.entry} is not the one of {what}: it, or one before it, was changed.")
