"""Every lure of a deployment: its id, where it lies, and how much its use means."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ..settings import CanaryKind
from .bait import Lures
from .marks import MARKS
from .tokens import number_of

Kind = Literal["credential", "ae-title", "route", "file", "url"]
_FILES: dict[str, CanaryKind] = {
    "file/vpn": "docx",
    "file/oncall": "xlsx",
    "file/guide": "pdf",
    "file/shortcut": "shortcut",
    "file/uri": "shortcut",
}
_WHERE = {
    "page": "source of a page, as a comment",
    "study": "comments of studies",
    "config": "configuration files and backups",
    "environment": ".env, phpinfo, configuration files",
    "basic": "configuration of WADO clients",
    "dicom": "list of DICOM nodes",
    "document": "office documents and a PDF",
    "operator": "wherever you have put it",
}


class Lure(NamedTuple):
    """One lure."""

    id: str
    kind: Kind
    where: str
    severity: int
    """0 to 100. A visit of a canary's address means more than a scanner's request for a path that all of them try."""
    calls: bool
    """Whether it calls a canary."""

    @property
    def number(self) -> int:
        """What stands for it in a token."""
        return number_of(self.id)


def catalogue(lures: Lures) -> tuple[Lure, ...]:
    """The lures of a deployment, as its settings lay them out."""
    found: dict[str, Lure] = {}
    for credential in lures.credentials:
        what = f"{_WHERE[credential.place]}: {credential.username} ({credential.role})"
        found[credential.lure] = Lure(credential.lure, "credential", what, 95, False)
    for title in lures.titles:
        what = f"configuration files: {title.remote.ae_title}"
        found[title.lure] = Lure(title.lure, "ae-title", what, 90, False)
    for route in lures.routes.by_path.values():
        if route.lure in _FILES or route.lure == "file/backup":
            kind = _FILES.get(route.lure, "docx")
            found[route.lure] = Lure(route.lure, "file", route.path, 95, lures.addresses.has(kind))
        elif not route.lure.endswith(("/robots", "/sitemap")):
            found[route.lure] = Lure(route.lure, "route", route.path, 70, False)
    if lures.marks.active:
        for mark in MARKS:
            if lures.addresses.has(mark.canary):
                found[mark.lure] = Lure(mark.lure, "url", mark.where, 95, True)
    return tuple(found.values())
