"""What the recorder has to say beside the persona: what it saw, and what it could not see."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Notes:
    """Collected while a persona is inferred."""

    seen: set[tuple[str | int, ...]] = field(default_factory=set)
    """Paths of fields that were observed."""
    unseen: dict[str, str] = field(default_factory=dict)
    """Fields, or tables, that could not be observed, and why."""
    remarks: list[str] = field(default_factory=list)

    def observed(self, path: tuple[str | int, ...]) -> None:
        """A field was observed."""
        self.seen.add(path)

    def missing(self, what: str, why: str) -> None:
        """A field could not be observed."""
        self.unseen.setdefault(what, why)

    def remark(self, text: str) -> None:
        """Something that has no field."""
        self.remarks.append(text)
