"""How the deployment itself is: disk, processes, how far the analyst is."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from ..analyst.database import schema
from ..analyst.origin.origins import Origins
from ..settings import ENVIRONMENT_PREFIX, Settings
from .findings import Findings

MAX_FILES = 50_000
"""Of one folder that are looked at: beyond that its size is a lower bound."""
PERSONA_GATE = "persona-gate.json"
"""In the data folder: how the persona came out beside its product, where a comparison left it."""
MAX_RESULT = 1 << 20
TROUBLE = ("sensor.error", "journal.gap", "worker.exit", "vault.dropped", "vault.limit")
"""Events of the sensor itself that an operator should know of."""


@dataclass(frozen=True)
class Folder:
    """What a part of the data folder takes."""

    name: str
    files: int
    bytes: int
    complete: bool
    budget: int | None = None


@dataclass(frozen=True)
class Process:
    """One of ours. `seconds`: processor time."""

    pid: int
    command: str
    resident: int
    seconds: float
    age: float


@dataclass(frozen=True)
class Reading:
    """How far a file of the journal was read."""

    segment: str
    size: int
    read: int
    torn: int

    @property
    def behind(self) -> int:
        """Bytes that the analyst hasn't read."""
        return max(0, self.size - self.read)


def disk(settings: Settings) -> tuple[int, int]:
    """Bytes free and in all, where the data folder is."""
    usage = shutil.disk_usage(settings.data)
    return usage.free, usage.total


def folders(settings: Settings) -> list[Folder]:
    """What takes room, with its budget where it has one."""
    data = settings.data
    vault, mib = settings.vault, 1 << 20
    parts: tuple[tuple[str, Path, int | None], ...] = (
        ("journal", settings.journal_dir, None),
        ("transcripts", settings.vault_dir / "transcripts", vault.transcripts_mib * mib),
        ("captured objects", settings.vault_dir / "objects", vault.objects_mib * mib),
        ("rendered images", data / "hospital" / "cache", settings.hospital.cache_mib * mib),
        ("previews", settings.previews_dir, None),
    )
    found = [_measured(name, path, budget) for name, path, budget in parts]
    database = [path for path in data.glob("findings.sqlite*") if path.is_file()]
    if database:
        found.append(Folder("findings", len(database), sum(path.stat().st_size for path in database), True))
    return found


def readings(settings: Settings, findings: Findings) -> list[Reading]:
    """The files of the journal, the last first."""
    rows = findings.all(select(schema.places))
    read: dict[str, tuple[int, int]] = {}
    for row in rows:
        offset, torn = read.get(row.segment, (0, 0))
        read[row.segment] = max(offset, row.offset), torn + row.torn
    sizes: dict[str, int] = {}
    for path in settings.journal_dir.glob("*.ndjson"):
        with suppress(OSError):
            sizes[path.name] = path.stat().st_size
    names = sorted(sizes | {Path(name).name: 0 for name in read}, reverse=True)
    by_name = {Path(name).name: place for name, place in read.items()}
    return [
        Reading(name, sizes.get(name, by_name.get(name, (0, 0))[0]), *by_name.get(name, (0, 0))) for name in names
    ]


def processes(settings: Settings) -> list[Process]:
    """Those of this user that run `dicomhawk` on the data folder of `settings`, the oldest first."""
    found = []
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    up = float(Path("/proc/uptime").read_text().split()[0]) if Path("/proc/uptime").exists() else time.monotonic()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
            words = [word.decode("utf-8", "replace") for word in arguments if word]
            if not _ours(words) or _data_of(folder, words) != settings.data.resolve():
                continue
            numbers = (folder / "stat").read_text().rpartition(")")[2].split()
            seconds = (int(numbers[11]) + int(numbers[12])) / ticks
            age = up - int(numbers[19]) / ticks
            found.append(Process(int(folder.name), _command(words), int(numbers[21]) * page, seconds, age))
    return sorted(found, key=lambda each: (-each.age, each.pid))


def persona_gate(settings: Settings) -> dict[str, Any] | None:
    """What a comparison of the persona with its product left; None: there is none that can be read."""
    file = settings.data / PERSONA_GATE
    try:
        with file.open("rb") as opened:
            found = json.loads(opened.read(MAX_RESULT))
        changed = int(file.stat().st_mtime * 1_000_000)
    except (OSError, ValueError):
        return None
    return {"changed": changed, **found} if isinstance(found, dict) else None


def list_dates() -> list[tuple[str, str]]:
    """The lists by which scanners are known, and the days that they are of, the oldest first."""
    return sorted(Origins.load().dates().items(), key=lambda each: each[1])


def list_warning(now: int) -> str | None:
    """That those lists have grown old, in a sentence. `now` in microseconds since the epoch."""
    return Origins.load().warning(datetime.fromtimestamp(now / 1_000_000, UTC).date())


def trouble(findings: Findings, since: int) -> list[Any]:
    """How often what an operator should know of has happened."""
    events = schema.events.c
    return findings.all(
        select(events.action, func.count(), func.max(events.moment))
        .where(events.action.in_(TROUBLE), events.moment >= since)
        .group_by(events.action)
        .order_by(events.action)
    )


def _measured(name: str, path: Path, budget: int | None) -> Folder:
    files = total = 0
    waiting = [path]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                        continue
                    with suppress(OSError):
                        total += entry.stat(follow_symlinks=False).st_size
                    files += 1
                    if files >= MAX_FILES:
                        return Folder(name, files, total, False, budget)
        except OSError:
            continue
    return Folder(name, files, total, True, budget)


def _ours(words: list[str]) -> bool:
    if len(words) > 1 and Path(words[1]).name == "dicomhawk":
        return True
    return any(one == "-m" and other == "dicomhawk" for one, other in itertools.pairwise(words))


def _data_of(folder: Path, words: list[str]) -> Path:
    """The data folder of a process, by its command line, or else its environment."""
    given = next((other for one, other in itertools.pairwise(words) if one == "--data"), "")
    if not given:
        name = f"{ENVIRONMENT_PREFIX}DATA=".encode()
        variables = (folder / "environ").read_bytes().split(b"\0")
        given = next((os.fsdecode(each.removeprefix(name)) for each in variables if each.startswith(name)), "data")
    return ((folder / "cwd").resolve() / given).resolve()


def _command(words: list[str]) -> str:
    at = words.index("dicomhawk") if "dicomhawk" in words else 1
    return " ".join(["dicomhawk", *words[at + 1 :]])[:200]
