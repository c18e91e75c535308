"""Any command on any presentation context, with or without a data set: whatever the persona makes of it, none of it
is an error of ours."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

from dicomhawk.persona.model import library
from dicomhawk.upperlayer import dimse, pdu
from dicomhawk.upperlayer.dimse import CommandField, Key
from tests.sensor.proxy import new_address
from tests.sensor.raw import connect, receive_pdu
from tests.sensor.scu import CT, PATIENT_FIND, STUDY_FIND, STUDY_GET, STUDY_MOVE, VERIFICATION, WORKLIST
from tests.support import Sensor
from tests.upperlayer.playbook import IMPLICIT, p_data, request

PERSONAS = sorted(library.shipped())
SEED = int(os.environ.get("SOAK_SEED", "1"))
AT_ONCE = 16
MOMENT = 0.15
"""Seconds in which something comes, if anything does: an operation has begun, and failed if it fails."""
COMMITMENT, MPPS = "1.2.840.10008.1.20.1", "1.2.840.10008.3.1.2.3.3"
CONTEXTS = (VERIFICATION, STUDY_FIND, PATIENT_FIND, WORKLIST, STUDY_GET, STUDY_MOVE, CT, COMMITMENT, MPPS)
CLASSES = (*CONTEXTS, "1.2.3.4", "", None)
UNDEFINED = (0x0000, 0x0123, 0x7FFF, 0xFFFF)
FIELDS = (*map(int, CommandField), *UNDEFINED)
IDENTIFIER = b"\x08\0\x52\0\6\0\0\0STUDY \x10\0\x10\0\0\0\0\0\x20\0\x0d\0\6\0\0\x001.2.3\0"
DATA = {
    "none": None,
    "announced only": b"",
    "identifier": IDENTIFIER,
    "cut": IDENTIFIER[:-9],
    "noise": b"\xff" * 30,
    "not announced": IDENTIFIER,
}
REQUEST = pdu.encode(request(*((2 * number + 1, uid, (IMPLICIT,)) for number, uid in enumerate(CONTEXTS))))


def message(field: int, context: int, sop_class: str | None, data: str) -> bytes:
    """A command with all elements that any command has, and its data set."""
    elements: dict[int, dimse.Value] = {
        Key.CommandField: field,
        Key.MessageID: 1,
        Key.MessageIDBeingRespondedTo: 1,
        Key.MoveDestination: "CALLING",
        Key.Priority: 0,
        Key.CommandDataSetType: dimse.NO_DATA_SET if data in ("none", "not announced") else 1,
        Key.Status: 0,
        Key.AffectedSOPInstanceUID: "1.2.3",
        Key.RequestedSOPInstanceUID: "1.2.3",
        Key.EventTypeID: 1,
        Key.ActionTypeID: 1,
    }
    if sop_class is not None:
        elements[Key.AffectedSOPClassUID] = elements[Key.RequestedSOPClassUID] = sop_class
    return p_data(2 * context + 1, dimse.encode(elements), DATA[data])


@pytest.fixture(scope="module", params=PERSONAS)
def sensor(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sensor]:
    """A sensor as each persona, with nothing to say on its standard error output in the end."""
    data = Path(shutil.copytree(template, tmp_path_factory.mktemp(request.param) / "data"))
    with Sensor(data, flags=("--persona", request.param, "--ae-title", "CALLED", "--remote", "CALLING")) as running:
        yield running
        running.stop()
        assert running.stderr == ""


def send_all(sensor: Sensor, cases: list[tuple[int, int, str | None, str]]) -> None:
    """Each on an association of its own."""

    def send(case: tuple[int, int, str | None, str]) -> None:
        with connect(sensor, new_address()) as sock:
            sock.sendall(REQUEST)
            assert receive_pdu(sock)[0] == pdu.AC
            sock.sendall(message(*case))
            sock.settimeout(MOMENT)
            try:
                sock.recv(1 << 16)
            except (TimeoutError, ConnectionResetError):
                return  # no answer is one, too

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(send, cases):
            pass


def test_commands_on_contexts(sensor: Sensor) -> None:
    source = random.Random(SEED)
    send_all(
        sensor,
        [
            (field, context, source.choice(CLASSES), source.choice(list(DATA)))
            for field, context in product(FIELDS, range(len(CONTEXTS)))
        ],
    )


@pytest.mark.soak
def test_every_command_of_every_class_on_every_context(sensor: Sensor) -> None:
    send_all(sensor, list(product(FIELDS, range(len(CONTEXTS)), CLASSES, DATA)))
