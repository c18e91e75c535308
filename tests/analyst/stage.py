"""Where scripted intruders play: sensors with a small hospital, and what their journals and the examiner say."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from dicomhawk import settings
from dicomhawk.analyst.payload.examiner import Examiner
from tests.analyst.intruders import Part, Target
from tests.sensor.conftest import DEPLOYMENT
from tests.sensor.proxy import Visitor
from tests.support import EVENT_SECONDS, Event, Sensor, at, dicomhawk, wait_until

STUDIES = 60
PATIENCE = EVENT_SECONDS + 180
"""Seconds: a slow visitor's connections end when their time is over."""
WITHOUT_TLS = frozenset({"orthanc"})


class Stage:
    """Sensors by persona, started when they are first asked for, and ended with `stack`."""

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
            flags = ("--persona", persona)
            sensor = Sensor(data, workers=1, web_ports=(0,), tls=persona not in WITHOUT_TLS, flags=flags)
            self._sensors[persona] = self._stack.enter_context(sensor)
        return self._sensors[persona]

    def play(self, part: Part) -> list[Event]:
        """The events of a visit, in order. Nothing of ``lure.reused``: all visitors here share one recorder, and what
        each was told the next comes back with."""
        sensor = self.sensor(part.persona)
        with ExitStack() as doors:
            dicom = doors.enter_context(Visitor(sensor))
            web = doors.enter_context(Visitor(sensor, dicom.ip, port=sensor.web_port))
            opened = [dicom, web]
            for port in sensor.tls_ports.get("web", [])[:1]:
                opened.append(doors.enter_context(Visitor(sensor, dicom.ip, port=port)))
            part.play(Target("127.0.0.1", *(door.port for door in opened)))
            count = sum(len(door.connections) for door in opened)
            wait_until(
                lambda: len(dicom.events(event__action="connection.close")) >= count,
                f"end of {count} connections",
                PATIENCE,
            )
            return [event for event in dicom.events() if event["event"]["action"] != "lure.reused"]

    def files(self, part: Part, events: list[Event]) -> dict[str, dict[str, Any]]:
        """What rules look at of the examinations of files that were left, by SHA-256."""
        data = self.sensor(part.persona).data
        captured = {
            at(event, "file.hash.sha256"): data / "vault" / at(event, "file.name")
            for event in events
            if event["event"]["action"] == "file.captured" and at(event, "file.name")
        }
        if not captured:
            return {}
        examiner = Examiner(settings.load(data=data))
        try:
            reports = {sha256: examiner.examine(sha256, path) for sha256, path in captured.items()}
        finally:
            examiner.close()
        return {
            sha256: {name: report[name] for name in ("type", "size", "findings")}
            for sha256, report in reports.items()
        }
