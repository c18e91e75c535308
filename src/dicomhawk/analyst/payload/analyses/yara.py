"""YARA rules (yara-x): ours and the operator's, compiled before the process is locked in, applied afterwards."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import yara_x

from ..model import CRITICAL, INFO, MEDIUM, Findings, clean
from .buffers import Buffer

OURS: Final = Path(__file__).parent.parent / "rules"
MAX_SCANNED: Final = 64 << 20
"""Bytes that are scanned; of larger files the first, and a quarter of that at the end."""
MAX_MATCHES: Final = 1000
"""Matches of one pattern: a rule that is about their number can count so far."""
MAX_SOURCE: Final = 8 << 20
"""Bytes of one file of rules."""
_SUFFIXES: Final = (".yar", ".yara")


class Yara:
    """Compiled rules. `ignored`: what didn't compile, and why, in a line each."""

    def __init__(self, further: Path | None) -> None:
        """Load our rules, and those below the folder `further`."""
        self.ignored: list[str] = []
        self._digest = hashlib.sha256()
        self._rules = [self._compiled(OURS, "")]
        if further is not None:
            self._rules.append(self._compiled(further, "user"))
        self._scanners: list[yara_x.Scanner] = []

    @property
    def version(self) -> str:
        """Of all rules together."""
        return self._digest.hexdigest()[:16]

    def prepare(self) -> None:
        """Make the scanners. They have no timeout of their own, which would take a thread: who calls has one."""
        self._scanners = []
        for rules in self._rules:
            scanner = yara_x.Scanner(rules)
            scanner.max_matches_per_pattern(MAX_MATCHES)
            self._scanners.append(scanner)

    def look(self, data: Buffer, size: int, findings: Findings) -> None:
        """Report the rules that match."""
        parts = [(0, data[: min(size, MAX_SCANNED)])]
        if size > MAX_SCANNED:
            start = max(MAX_SCANNED, size - MAX_SCANNED // 4)
            parts.append((start, data[start:size]))
        for scanner in self._scanners:
            for start, part in parts:
                try:
                    found = scanner.scan(part)
                except yara_x.ScanError as error:
                    findings.add("yara.failed", "YARA rules couldn't be applied", INFO, str(error))
                    continue
                for rule in found.matching_rules:
                    _report(rule, start, findings)

    def _compiled(self, folder: Path, namespace: str) -> yara_x.Rules:
        compiler = _compiler()
        for path in sorted(folder.rglob("*")):
            if path.suffix not in _SUFFIXES or not path.is_file():
                continue
            compiler.new_namespace(clean(f"{namespace}{path.stem}", 100))
            try:
                if path.stat().st_size > MAX_SOURCE:
                    raise ValueError(f"more than {MAX_SOURCE} bytes")
                # What doesn't compile would be carried on into the rules after it.
                trial = _compiler()
                source = path.read_text("utf-8")
                self._digest.update(source.encode())
                trial.add_source(source, origin=path.name)
                compiler.add_source(source, origin=path.name)
                for each in trial.errors():
                    self.ignored.append(clean(f"{path.name}, line {each['line']}: {each['title']}"))
            except (yara_x.CompileError, ValueError, OSError) as error:
                self.ignored.append(clean(f"{path.name}: {' '.join(str(error).split())}"))
        built: yara_x.Rules = compiler.build()
        return built


def _compiler() -> Any:
    """Rules that don't compile are left out, and others of the same file aren't. (Its type stubs lag behind it.)"""
    return yara_x.Compiler(includes_enabled=False, ignore_invalid_rules=True)  # type: ignore[call-arg]


def _report(rule: yara_x.Rule, start: int, findings: Findings) -> None:
    meta: dict[str, Any] = dict(rule.metadata)
    severity = meta.get("severity")
    if not isinstance(severity, int) or not INFO <= severity <= CRITICAL:
        severity = MEDIUM
    offsets = [match.offset for pattern in rule.patterns for match in pattern.matches]
    description = meta.get("description")
    name = description if isinstance(description, str) and description else rule.identifier
    detail = " ".join(filter(None, (str(meta.get("reference", "")), " ".join(rule.tags))))
    findings.add(f"yara.{rule.identifier[:120]}", name, severity, detail, start + min(offsets) if offsets else None)
