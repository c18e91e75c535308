"""Captured files are given to the sandbox; what it tells is read with suspicion, and made into a report."""

from __future__ import annotations

import os
import re
import signal
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from ...settings import Settings
from . import previews
from .belonging import Belonging, Hospital, findings_of
from .model import (
    CRITICAL,
    HIGH,
    INFO,
    LOW,
    MEDIUM,
    VERSION,
    Comparison,
    Examination,
    Finding,
    Findings,
    Scan,
    Untrue,
    read,
)
from .sandbox import Ended, Layers, Sandbox, SandboxError, layers
from .summary import verdict

JOBS: Final = "dicomhawk.analyst.payload.jobs"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_UNSEEN: Final = "unknown"
"""Type of a file that couldn't be examined."""


class Examiner:
    """Examines captured files, one at a time, each in a process of its own that is locked in.

    To be used by one thread at a time.
    """

    def __init__(self, settings: Settings, *, jobs: str = JOBS) -> None:
        """`jobs`: the module of what is done in the sandbox."""
        self._seconds = float(settings.analyst.examination_seconds)
        self._previews = settings.previews_dir
        self._strict = settings.analyst.sandbox == "strict"
        yara = settings.analyst.yara
        options = {"yara": str(yara.absolute()) if yara is not None else ""}
        self._sandbox = Sandbox(jobs, options, strict=self._strict)
        self._hospital = Hospital(settings)

    @property
    def version(self) -> str:
        """Of the analyses and of all YARA rules. Raises `SandboxError`."""
        return f"{VERSION} {self._sandbox.told.get('rules', '')}".strip()

    @property
    def ignored_rules(self) -> Sequence[str]:
        """YARA rules that didn't compile, and why. Raises `SandboxError`."""
        return [str(each) for each in self._sandbox.told.get("ignored", ())]

    def health(self) -> dict[str, Any]:
        """Whether files can be examined, and how well that is locked in: ``layers``, ``missing``, ``ignored_rules``
        and ``error``, which is empty if all is well."""
        found = layers()
        error = ""
        ignored: Sequence[str] = ()
        try:
            ignored = self.ignored_rules
        except SandboxError as failure:
            error = str(failure)
        if self._strict and found.missing:
            error = f"the kernel has no {' and no '.join(found.missing)}, so that no file is examined"
        return {
            "layers": found._asdict(),
            "missing": list(found.missing),
            "ignored_rules": list(ignored),
            "error": error,
        }

    def examine(self, sha256: str, path: Path) -> dict[str, Any]:
        """The report on the captured file at `path`, whose digest is `sha256`; see docs/payload.md.

        Never raises because of what is in the file. Raises `SandboxError` if no sandbox can be started.
        """
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"{sha256[:80]!r} is no SHA-256")
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return absent(sha256)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                return absent(sha256)
            return self._examined(sha256, file)
        finally:
            os.close(file)

    def close(self) -> None:
        """End the sandbox."""
        self._sandbox.close()
        self._hospital.close()

    def _examined(self, sha256: str, file: int) -> dict[str, Any]:
        ended = self._sandbox.run("examine", [file], {}, self._seconds)
        found, findings = _read(Examination, ended)
        size = os.fstat(file).st_size
        if found is None:
            return _report(sha256, {"type": _UNSEEN, "size": size}, findings, None, ended)
        findings += found.findings + self._scanned(file)
        if found.sha256 and found.sha256 != sha256:
            findings += _one("sandbox.digest", "file in the vault is not what was captured", HIGH, found.sha256)
        belonging, comparison = self._compared(found, file)
        findings += findings_of(belonging, comparison)
        said: dict[str, Any] = msgspec.to_builtins(found)
        said |= {
            "size": size,
            "preview": previews.write(self._previews, sha256, found.preview) if found.preview else None,
            "difference": None,
            "hospital": None,
        }
        if belonging.level:
            said["hospital"] = {"level": belonging.level, "attributes": [], "pixels": None}
        if comparison is not None:
            said["hospital"] |= msgspec.to_builtins(
                {"attributes": comparison.attributes, "pixels": comparison.pixels}
            )
            if comparison.difference:
                said["difference"] = previews.write(self._previews, f"{sha256}.difference", comparison.difference)
        return _report(sha256, said, findings, found, ended)

    def _scanned(self, file: int) -> list[Finding]:
        """What YARA rules say."""
        ended = self._sandbox.run("scan", [file], {}, self._seconds)
        found, _ = _read(Scan, ended)
        if found is not None:
            return list(found.findings)
        if ended.outcome == "overdue":
            return _one("yara.timeout", "YARA rules took too long, and were left", LOW)
        return _one("yara.failed", "YARA rules couldn't be applied", LOW, ended.outcome)

    def _compared(self, found: Examination, file: int) -> tuple[Belonging, Comparison | None]:
        """Where it claims to belong, and how it differs from the hospital's own."""
        belonging = self._hospital.belonging(found.dicom) if found.dicom is not None else Belonging("")
        if belonging.instance is None:
            return belonging, None
        path = self._hospital.file_of(belonging.instance)
        if path is None:
            return belonging, None
        try:
            ours = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return belonging, None
        try:
            ended = self._sandbox.run("compare", [file, ours], {}, self._seconds)
        finally:
            os.close(ours)
        comparison, _ = _read(Comparison, ended)
        return belonging, comparison


def absent(sha256: str) -> dict[str, Any]:
    """The report on a file of which only digest and size were kept."""
    found = Findings()
    found.add("sandbox.absent", "only its digest and size were kept", INFO)
    said = {"type": "not kept", "size": 0}
    return _report(sha256, said, found.all, None, None) | {"verdict": "Only its digest and size were kept."}


def _read(kind: type[Any], ended: Ended) -> tuple[Any, list[Finding]]:
    """What was told, if it can be believed, and what follows from how it ended."""
    if ended.outcome == "done":
        try:
            return read(kind, ended.data), []
        except Untrue as error:
            return None, _one("sandbox.untrue", "what the sandbox told is not of its form", HIGH, str(error))
    if ended.outcome == "overdue":
        return None, _one("sandbox.timeout", "examination took too long, and was ended", MEDIUM)
    if ended.outcome == "failed":
        return None, _one("sandbox.failed", "examination failed", MEDIUM, ended.data[:40].decode("latin-1"))
    if ended.outcome == "unlocked":
        return None, _one("sandbox.unlocked", "not examined: the sandbox isn't complete", LOW)
    if ended.signal == signal.SIGSYS:
        detail = "it tried what only an intruder tries"
        return None, _one("sandbox.violation", "the file took over its examination", CRITICAL, detail)
    detail = signal.Signals(ended.signal).name if ended.signal in set(signal.Signals) else ""
    return None, _one("sandbox.died", "the file made its examination crash", HIGH, detail)


def _one(id: str, name: str, severity: int, detail: str = "") -> list[Finding]:
    found = Findings()
    found.add(id, name, severity, detail)
    return found.all


def _report(
    sha256: str, said: Mapping[str, Any], findings: Sequence[Finding], found: Examination | None, ended: Ended | None
) -> dict[str, Any]:
    ordered = sorted(findings, key=lambda each: (-each.severity, each.id, each.offset or 0))
    kind = str(said["type"])
    has: Layers = layers()
    return {
        **said,
        "version": VERSION,
        "sha256": sha256,
        "verdict": verdict(kind, found.dicom if found is not None else None, ordered),
        "severity": max((each.severity for each in ordered), default=INFO),
        "findings": msgspec.to_builtins(ordered),
        "sandbox": {
            "outcome": ended.outcome if ended is not None else "absent",
            "layers": dict(ended.layers) if ended is not None else {},
            "missing": list(has.missing),
        },
    }
