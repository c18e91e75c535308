"""A data folder with a journal and transcripts that are closed, and ways to tamper with it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dicomhawk.evidence import chain as chains
from dicomhawk.evidence.journal import Journal
from dicomhawk.evidence.seal import Sealer, Work
from dicomhawk.evidence.transcript import TranscriptWriter
from dicomhawk.evidence.verify import Verdict, verify
from dicomhawk.settings import Settings

START = 1_728_043_200 * 10**9
DAY = 86_400 * 10**9


class Clock:
    """Stands still unless it is told."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class Folder:
    """The data folder, and what writes into it."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self.settings = Settings(data=data, **settings)
        self.data = data
        self.clock = Clock()
        self.lines = 0

    @property
    def chain(self) -> Path:
        return self.data / "evidence" / "chain.ndjson"

    @property
    def chained(self) -> list[dict[str, Any]]:
        """The entries, as others read them."""
        return [json.loads(line) for line in self.chain.read_text().splitlines()]

    def journal(self, writer: str = "w0", rotate: int = 1000) -> Journal:
        return Journal(self.settings.journal_dir, writer, rotate, self.clock)

    def event(self, journal: Journal, **more: Any) -> None:
        """Append an event, and hand it to the kernel."""
        self.lines += 1
        document = {
            "@timestamp": f"2024-10-04T12:00:{self.lines % 60:02}.000Z",
            "event": {"id": f"{self.lines:026}", "action": "connection.open"},
            **more,
        }
        journal.append(json.dumps(document).encode() + b"\n", self.clock.now)
        journal.flush()

    def written(self, segments: int = 3, writer: str = "w0") -> list[Path]:
        """So many closed segments of a journal, with five events each."""
        journal = self.journal(writer, rotate=1)
        for _ in range(segments):
            for _ in range(4):
                journal.append(b'{"@timestamp":"2024-10-04T12:00:00.000Z","event":{"id":"0"}}\n', self.clock.now)
            self.event(journal)
        journal.close()
        return [p for p in sorted(self.settings.journal_dir.glob(f"*.{writer}.*")) if p.stat().st_size]

    def transcript(self) -> Path:
        """A closed segment of transcripts."""
        folder = self.settings.vault_dir / "transcripts"
        writer = TranscriptWriter(folder, "w0", 1 << 20, clock=self.clock)
        transcript = writer.open("C", ("198.51.100.7", 1), ("203.0.113.1", 104))
        transcript.received(b"hello")
        transcript.close("peer-fin")
        writer.close()
        return folder / transcript.segment

    def seal(self) -> Work:
        return Sealer(self.settings).work()

    def verify(self, **how: Any) -> Verdict:
        return verify(self.settings, **how)

    def rewrite(self, path: Path, change: Callable[[bytes], bytes]) -> None:
        """Change a file as who has the rights can, and leave its times as they were."""
        before = path.stat()
        data = change(path.read_bytes())
        path.chmod(0o600)
        path.write_bytes(data)
        path.chmod(before.st_mode & 0o777)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def relink(self, lines: list[dict[str, Any]]) -> None:
        """Write the chain anew, with hashes that fit, as whoever knows how but hasn't got the key."""
        before, data = chains.BEFORE, b""
        for entry in lines:
            entry["previous"] = before
            line = chains.Line(json.dumps(entry, separators=(",", ":")).encode(), None)
            before = line.hash
            data += line.data + b"\n"
        self.chain.write_bytes(data)
