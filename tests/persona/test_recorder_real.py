"""A real Orthanc that takes unknown SOP classes, recorded, and ours as that recording beside it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomhawk.cli.probing import running
from dicomhawk.persona.battery import building as b
from dicomhawk.persona.battery.datasets import SPARE, contents, data_set
from dicomhawk.persona.battery.experiments.storing import command
from dicomhawk.persona.battery.laboratory import Laboratory
from dicomhawk.persona.battery.line import final
from dicomhawk.persona.battery.run import Plan, play
from dicomhawk.persona.recorder import record
from tests.support import wait_until

CALLED, CALLING = "ORTHANC", "RECORDER"
PROPOSED = ("1.2.826.0.1.3680043.2.1143.999", "9.9", "", "1.2.840.10008.5.1.1.2", "1.2.840.10008.1.2.4.50")
"""Invented classes, none, a film box, and a transfer syntax."""


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[int]:
    """Its port."""
    program = shutil.which("Orthanc", path=os.pathsep.join([*os.get_exec_path(), "/usr/sbin"]))
    if program is None:
        pytest.skip("Orthanc is not installed; `make packages` installs what the tests use")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = {"DicomAet": CALLED, "DicomPort": port, "HttpServerEnabled": False, "UnknownSopClassAccepted": True}
    folders = {"StorageDirectory": str(tmp_path / "db"), "IndexDirectory": str(tmp_path / "db"), "Plugins": []}
    config = tmp_path / "orthanc.json"
    config.write_text(json.dumps({**own, **folders}))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([program, str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until(lambda: process.poll() is not None or listens(port), "Orthanc that listens", 60)
        yield port
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> list[tuple[str, bool, list[int]]]:
    """Abstract syntax, whether it is accepted, and what a C-STORE on it gets."""
    lab = Laboratory(("127.0.0.1", port), CALLED, CALLING)
    found = []
    for uid in PROPOSED:
        line = lab.line().associate([(1, uid, (b.EXPLICIT,)), (3, b.VERIFICATION, (b.IMPLICIT,))])
        accepted = 1 in line.accepted
        statuses: list[int] = []
        if accepted:
            data = data_set(contents(SPARE[2], SOPClassUID=uid), b.EXPLICIT)
            line.send(b.message(1, command(SPARE[2], AffectedSOPClassUID=uid), data), "C-STORE-RQ").hear(final, 4.0)
            statuses = [message.command.status for message in line.messages]
        line.finish(0.0)
        found.append((uid, accepted, statuses))
    return found


@pytest.mark.soak
def test_orthanc_with_unknown_classes_is_recorded(orthanc: int, tmp_path: Path) -> None:
    lab = Laboratory(("127.0.0.1", orthanc), CALLED, CALLING)
    seen = play(lab, Plan(timers=False, only=frozenset({"syntaxes", "association"})))
    found = record(seen, name="again", against="127.0.0.1:104")
    assert found.persona.contexts.groups[-1].abstract_syntaxes == ("*",)
    file = tmp_path / "again.toml"
    file.write_text(found.toml, encoding="utf-8")
    real = answers(orthanc)
    assert [accepted for _, accepted, _ in real] == [True, True, True, False, False]
    with running(str(file), CALLED, CALLING) as port:
        assert answers(port) == real
