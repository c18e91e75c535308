"""How long the analyst takes for a journal: ``tools/bench_analyst.py [--events 100000]``.

The labelled corpus of the tests is replayed from many addresses, written as a journal, and analysed from an empty
database, on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.analyst.corpus import ADDRESSES, corpus, examined, visits  # noqa: E402

from dicomhawk.analyst.database.schema import files  # noqa: E402
from dicomhawk.analyst.database.store import open_database, put, store  # noqa: E402
from dicomhawk.analyst.payload import Examiner  # noqa: E402
from dicomhawk.analyst.service import Service  # noqa: E402
from dicomhawk.settings import Settings  # noqa: E402


def journal(folder: Path, wanted: int) -> int:
    """Write a journal of about `wanted` events; the number of events."""
    folder.mkdir()
    written = 0
    events: list[dict[str, Any]] = []
    for _, more in corpus(ADDRESSES, each=1 << 30):
        events += more
        if len(events) >= wanted:
            break
    for writer in range(2):
        with (folder / f"2026-03-01.w{writer}.0001.ndjson").open("w") as file:
            for event in events[writer::2]:
                file.write(json.dumps(event, separators=(",", ":")) + "\n")
                written += 1
    return written


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--events", type=int, default=100_000)
    wanted = arguments.parse_args().events
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        number = journal(folder / "journal", wanted)
        settings = Settings(data=folder)
        engine = open_database(settings.database_url)
        service = Service(settings, engine, [folder / "journal"])
        examiner = Examiner(settings)
        with engine.begin() as connection:
            put(connection, files, examined(visits()))  # the corpus has no vault
            store(connection, "examiner", examiner.version)
        examiner.close()
        began, cpu = time.monotonic(), time.process_time()
        done = service.once()
        took, used = time.monotonic() - began, time.process_time() - cpu
        service.close()
        size = (folder / "findings.sqlite").stat().st_size >> 20
        print(
            f"{number:,} events, {done.sessions:,} analyses: {took:.1f} s, CPU {used:.1f} s on one core, {size} MiB"
        )


if __name__ == "__main__":
    main()
