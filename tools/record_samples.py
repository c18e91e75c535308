"""Records the samples of the rules for techniques: ``tools/record_samples.py [--check] [D06 ... censys ...]``.

Sensors with small hospitals are started in a network namespace of their own, each scripted intruder of
tests/analyst/intruders/ plays against one, and what the journal has of it becomes a sample. Without names all are
recorded; `--check` writes nothing and says what the rules find.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.analyst.intruders import ORDINARY, PASSES, SCANNERS, TRIGGERS, Part  # noqa: E402
from tests.analyst.intruders.programs import PROGRAMS  # noqa: E402
from tests.analyst.stage import Stage  # noqa: E402

from dicomhawk.analyst.techniques import Rules  # noqa: E402
from dicomhawk.analyst.techniques.rules import FOLDER  # noqa: E402

SAMPLES = FOLDER / "samples"
NOISE = ROOT / "tests" / "analyst" / "noise"
VISITS = ROOT / "tests" / "analyst" / "programs"
ANONYMISED = frozenset({"D38"})
"""Rules about the origin of a visitor: in their samples it is of Tor."""


def parts() -> list[tuple[str, Path, Part]]:
    """By what name each part is asked for, where its sample is kept, and the part."""
    found = [(name, SAMPLES / f"{name}.triggers.ndjson", part) for name, part in TRIGGERS.items()]
    found += [(name, SAMPLES / f"{name}.passes.ndjson", part) for name, part in PASSES.items()]
    found += [(name, NOISE / f"{name}.ndjson", part) for name, part in (SCANNERS | ORDINARY).items()]
    return found + [
        (name, VISITS / f"{name}.ndjson", Part(each.play, each.persona)) for name, each in PROGRAMS.items()
    ]


def write(path: Path, events: list[dict[str, Any]], given: dict[str, Any]) -> None:
    """One event, one line, and beside it what else was known."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(event, separators=(",", ":")) + "\n" for event in events))
    beside = path.with_suffix(".given.json")
    beside.unlink(missing_ok=True)
    if given:
        beside.write_text(json.dumps(given, indent=1) + "\n")


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("names", nargs="*", help="of rules, or of scanners")
    arguments.add_argument("--check", action="store_true", help="write nothing")
    asked = arguments.parse_args()
    rules = Rules.load()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stage = Stage(Path(folder), stack)
        for name, path, part in parts():
            if asked.names and name not in asked.names:
                continue
            events = stage.play(part)
            given: dict[str, Any] = {"origin": ["tor"]} if name in ANONYMISED else {}
            files = stage.files(part, events)
            if files:
                given["files"] = files
            found = rules.match(events, files, given.get("origin", ()))
            print(f"{path.name}: {len(events)} events; {' '.join(match.rule for match in found)}", flush=True)
            if not asked.check:
                write(path, events, given)


if __name__ == "__main__":
    if os.environ.get("RECORDING") != "alone":
        inside = 'ip link set lo up && exec "$@"'
        os.environ["RECORDING"] = "alone"
        os.execvp("unshare", ["unshare", "-n", "sh", "-c", inside, "sh", sys.executable, *sys.argv])
    main()
