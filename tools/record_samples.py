"""Records the samples of the rules for techniques: ``tools/record_samples.py [D06 ...] [--noise]``.

Sensors with small hospitals are started in a network namespace of their own, each scripted intruder of
tests/analyst/intruders/ plays against one, and what the journal has of it becomes a sample. Without names all are
recorded; `--check` writes nothing and says what the rules find.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.analyst.intruders import ORDINARY, PASSES, SCANNERS, TRIGGERS, Part, Target  # noqa: E402
from tests.sensor.conftest import DEPLOYMENT  # noqa: E402
from tests.sensor.proxy import Visitor  # noqa: E402
from tests.support import EVENT_SECONDS, Event, Sensor, at, dicomhawk, wait_until  # noqa: E402

from dicomhawk import settings  # noqa: E402
from dicomhawk.analyst.payload.examiner import Examiner  # noqa: E402
from dicomhawk.analyst.techniques import Rules  # noqa: E402
from dicomhawk.analyst.techniques.rules import FOLDER  # noqa: E402

SAMPLES = FOLDER / "samples"
NOISE = ROOT / "tests" / "analyst" / "noise"
STUDIES = 60
PATIENCE = EVENT_SECONDS + 180
"""Seconds: a slow visitor's connections end when their time is over."""


class Stage:
    """Sensors by persona, started when they are first asked for."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._sensors: dict[str, Sensor] = {}
        self._template = folder / "template"
        self._template.mkdir()
        (self._template / "dicomhawk.toml").write_text(DEPLOYMENT)
        built = dicomhawk("hospital", "build", "--data", self._template, "--studies", STUDIES)
        assert built.returncode == 0, built.stderr

    def sensor(self, persona: str) -> Sensor:
        """The sensor with that persona."""
        if persona not in self._sensors:
            data = Path(shutil.copytree(self._template, self._folder / persona))
            tls = persona != "orthanc"
            flags = ("--persona", persona)
            sensor = Sensor(data, workers=1, web_ports=(0,), tls=tls, flags=flags)
            self._sensors[persona] = self._stack.enter_context(sensor)
        return self._sensors[persona]

    def play(self, part: Part) -> list[Event]:
        """The events of a visit, in order. Nothing of ``lure.reused``: all visitors here share one recorder, and what
        each was told the next comes back with."""
        sensor = self.sensor(part.persona)
        tls = (sensor.tls_ports.get("web") or [0])[0]
        with Visitor(sensor) as dicom, Visitor(sensor, dicom.ip, port=sensor.web_port) as web:
            secure = Visitor(sensor, dicom.ip, port=tls) if tls else None
            if secure is not None:
                self._stack.enter_context(secure)
            port = secure.port if secure is not None else 0
            part.play(Target("127.0.0.1", dicom.port, web.port, port))
            doors = [door for door in (dicom, web, secure) if door is not None]
            count = sum(len(door.connections) for door in doors)
            seen: Callable[[], Any] = lambda: len(dicom.events(event__action="connection.close")) >= count  # noqa: E731
            wait_until(seen, f"end of {count} connections", PATIENCE)
            return [event for event in dicom.events() if event["event"]["action"] != "lure.reused"]


def given_with(stage: Stage, part: Part, name: str, events: list[Event]) -> dict[str, Any]:
    """What else belongs to a sample: what the rules look at of the files' examinations, and tags of the origin."""
    data = stage.sensor(part.persona).data
    given: dict[str, Any] = {"origin": ["tor"]} if name.startswith("D38") else {}
    captured = {
        at(event, "file.hash.sha256"): data / "vault" / at(event, "file.name")
        for event in events
        if event["event"]["action"] == "file.captured" and at(event, "file.name")
    }
    if captured:
        examiner = Examiner(settings.load(data=data))
        try:
            reports = {sha256: examiner.examine(sha256, path) for sha256, path in captured.items()}
        finally:
            examiner.close()
        given["files"] = {
            sha256: {name: report[name] for name in ("type", "size", "findings") if name in report}
            for sha256, report in reports.items()
        }
    return given


def write(path: Path, events: list[Event], given: dict[str, Any]) -> None:
    """One event, one line, and beside it what else was known."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(event, separators=(",", ":")) + "\n" for event in events))
    beside = path.with_suffix(".given.json")
    beside.unlink(missing_ok=True)
    if given:
        beside.write_text(json.dumps(given, indent=1) + "\n")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("names", nargs="*", help="of rules, or of scanners")
    arguments.add_argument("--check", action="store_true")
    asked = arguments.parse_args()
    parts = {SAMPLES / f"{name}.triggers.ndjson": part for name, part in TRIGGERS.items()}
    parts |= {SAMPLES / f"{name}.passes.ndjson": part for name, part in PASSES.items()}
    parts |= {NOISE / f"{name}.ndjson": part for name, part in (SCANNERS | ORDINARY).items()}
    if asked.names:
        parts = {
            path: part
            for path, part in parts.items()
            if re.split(r"\.(?:triggers|passes|ndjson)", path.name)[0] in asked.names
        }
    rules = Rules.load()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stage = Stage(Path(folder), stack)
        for path, part in sorted(parts.items()):
            try:
                events = stage.play(part)
            except Exception as error:
                print(f"{path.name}: {error!r}", flush=True)
                continue
            given = given_with(stage, part, path.name, events)
            found = rules.match(events, given.get("files", {}), given.get("origin", ()))
            print(f"{path.name}: {len(events)} events; {' '.join(match.rule for match in found)}", flush=True)
            if not asked.check:
                write(path, events, given)


if __name__ == "__main__":
    if os.environ.get("RECORDING") != "alone":
        inside = 'ip link set lo up && exec "$@"'
        os.environ["RECORDING"] = "alone"
        os.execvp("unshare", ["unshare", "-n", "sh", "-c", inside, "sh", sys.executable, *sys.argv])
    main()
