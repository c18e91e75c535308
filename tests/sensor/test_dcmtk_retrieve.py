"""C-GET and C-MOVE, with DCMTK's clients."""

from __future__ import annotations

import re
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from pydicom import dcmread

from tests.sensor.dcmtk import find, get, move
from tests.sensor.oracle import Hospital
from tests.sensor.proxy import Visitor
from tests.support import Event, Sensor, at, find_tool, run_tool

FINAL = re.compile(r"DIMSE Status\s+: (0x[0-9a-fA-F]{4})")
COUNTER = r"{} Suboperations\s+: (\w+)"


class Fetched(NamedTuple):
    """A study that was fetched once, for several tests to look at."""

    study: sqlite3.Row
    announced: int
    files: list[Path]
    end: Event


@pytest.fixture(scope="module", params=["CT", "MR"])
def fetched(request: pytest.FixtureRequest, sensor: Sensor, tmp_path_factory: pytest.TempPathFactory) -> Fetched:
    """The smallest study of a modality, by getscu."""
    study = Hospital(sensor.data).small_study(request.param)
    key = f"StudyInstanceUID={study['study_uid']}"
    with Visitor(sensor) as visitor:
        (answer,) = find(visitor, "-S", "QueryRetrieveLevel=STUDY", key, "NumberOfStudyRelatedInstances")
        got = get(visitor, tmp_path_factory.mktemp(request.param), "-S", "QueryRetrieveLevel=STUDY", key)
        end = visitor.wait_event("dicom.c-get.end")
    return Fetched(study, int(answer.NumberOfStudyRelatedInstances), got.files, end)


def test_getscu_of_a_study(fetched: Fetched, hospital: Hospital) -> None:
    study = fetched.study
    assert len(fetched.files) == fetched.announced == study["n_instances"] > 0
    series = hospital.series(study["study_key"])
    sop_uids = {row["sop_uid"] for each in series for row in hospital.instances(each["series_key"])}
    modalities: set[str] = set()
    for path in fetched.files:
        image = dcmread(path)
        assert image.SOPInstanceUID == image.file_meta.MediaStorageSOPInstanceUID
        assert (image.StudyInstanceUID, image.PatientID) == (study["study_uid"], study["patient_id"])
        modalities.add(image.Modality)
        sop_uids.remove(image.SOPInstanceUID)
        if image.Modality in ("CT", "MR"):
            pixels = image.pixel_array
            assert pixels.shape == (image.Rows, image.Columns)
            assert pixels.max() > pixels.min()
    assert not sop_uids
    assert modalities == set(study["modalities"].split(","))
    assert at(fetched.end, "dicom.status") == "0x0000"
    assert at(fetched.end, "dicom.suboperations.completed") == study["n_instances"]


def test_fetched_objects_are_valid(fetched: Fetched) -> None:
    find_tool("dciodvfy")
    some = fetched.files[:: len(fetched.files) // 8]
    assert some
    for path in some:
        said = run_tool("dciodvfy", path, status=None).output
        assert not [line for line in said.splitlines() if line.startswith("Error")], said


def test_getscu_of_a_series_and_of_an_image(visitor: Visitor, hospital: Hospital, tmp_path: Path) -> None:
    study = hospital.small_study("MR")
    series = hospital.series(study["study_key"])[0]
    instances = hospital.instances(series["series_key"])
    above = (f"StudyInstanceUID={study['study_uid']}", f"SeriesInstanceUID={series['series_uid']}")
    got = get(visitor, tmp_path / "series", "-S", "QueryRetrieveLevel=SERIES", *above)
    assert len(got.files) == len(instances)
    image = f"SOPInstanceUID={instances[0]['sop_uid']}"
    got = get(visitor, tmp_path / "image", "-S", "QueryRetrieveLevel=IMAGE", *above, image)
    assert [dcmread(path).SOPInstanceUID for path in got.files] == [instances[0]["sop_uid"]]


def test_the_same_object_has_the_same_bytes_every_time(visitor: Visitor, hospital: Hospital, tmp_path: Path) -> None:
    study = hospital.small_study("MR")
    series = hospital.series(study["study_key"])[0]
    keys = (
        "QueryRetrieveLevel=SERIES", f"StudyInstanceUID={study['study_uid']}",
        f"SeriesInstanceUID={series['series_uid']}",
    )  # fmt: skip
    one = get(visitor, tmp_path / "one", "-S", *keys, options=("+B",))
    two = get(visitor, tmp_path / "two", "-P", f"PatientID={study['patient_id']}", *keys, options=("+B",))
    assert [path.read_bytes() for path in one.files] == [path.read_bytes() for path in two.files]
    assert one.files


def test_getscu_of_what_is_not_there(visitor: Visitor, tmp_path: Path) -> None:
    got = get(visitor, tmp_path / "got", "-S", "QueryRetrieveLevel=STUDY", "StudyInstanceUID=1.2.3.4.5.6")
    assert got.files == []
    end = visitor.wait_event("dicom.c-get.end")
    assert at(end, "dicom.status") == "0x0000"


def test_movescu_to_an_unknown_destination(visitor: Visitor, hospital: Hospital) -> None:
    study = hospital.small_study("MR")
    ran = move(visitor, "NOBODY", "-S", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={study['study_uid']}")
    assert "0xa801" in ran.output.lower(), ran.output
    assert at(visitor.wait_event("dicom.c-move"), "dicom.move.destination") == "NOBODY"
    assert at(visitor.wait_event("dicom.c-move.end"), "dicom.status") == "0xA801"


def test_movescu_to_a_workstation(visitor: Visitor, hospital: Hospital) -> None:
    study = hospital.small_study("MR")
    station = hospital.workstation()
    ran = move(
        visitor, station["ae_title"], "-S", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={study['study_uid']}"
    )
    assert ran.status == 0, ran.output
    statuses = FINAL.findall(ran.output)
    assert statuses == ["0xff00"] * study["n_instances"] + ["0x0000"], ran.output
    remaining = [int(n) for n in re.findall(COUNTER.format("Remaining"), ran.output) if n.isdigit()]
    completed = [int(n) for n in re.findall(COUNTER.format("Completed"), ran.output) if n.isdigit()]
    number = study["n_instances"]
    assert remaining[:number] == list(range(number - 1, -1, -1))
    assert completed == [*range(1, number + 1), number]
    end = visitor.wait_event("dicom.c-move.end")
    assert at(end, "dicom.suboperations.completed") == number
    assert at(end, "event.duration") >= number * 20_000_000


def test_a_move_connects_to_nobody(start: Callable[..., Sensor], data: Path) -> None:
    hospital = Hospital(data)
    study, station = hospital.small_study("MR"), hospital.workstation()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(1.0)
        with closing(sqlite3.connect(data / "hospital" / "catalogue.sqlite")) as connection:
            connection.execute("UPDATE device SET host = '127.0.0.1', port = ?", (listener.getsockname()[1],))
            connection.commit()
        with start() as sensor, Visitor(sensor) as visitor:
            ran = move(
                visitor, station["ae_title"], "-S", "QueryRetrieveLevel=STUDY",
                f"StudyInstanceUID={study['study_uid']}",
            )  # fmt: skip
            assert ran.status == 0, ran.output
            with pytest.raises(TimeoutError):
                listener.accept()


def test_no_system_call_connects(start: Callable[..., Sensor], data: Path, tmp_path: Path) -> None:
    strace, log = find_tool("strace"), tmp_path / "strace"
    hospital = Hospital(data)
    study, station = hospital.small_study("MR"), hospital.workstation()
    series = hospital.series(study["study_key"])[0]
    instance = hospital.instances(series["series_key"])[0]
    keys = (
        "QueryRetrieveLevel=IMAGE", f"StudyInstanceUID={study['study_uid']}",
        f"SeriesInstanceUID={series['series_uid']}", f"SOPInstanceUID={instance['sop_uid']}",
    )  # fmt: skip
    wrapper = (
        strace,
        "-f",
        "-qq",
        "-e",
        "trace=connect,sendto,sendmsg,sendmmsg",
        "-e",
        "signal=none",
        "-o",
        str(log),
    )
    with start(workers=1, wrapper=wrapper) as sensor, Visitor(sensor) as visitor:
        for destination in ("NOBODY", station["ae_title"], f"{visitor.ip}"):
            move(visitor, destination, "-S", *keys)
        get(visitor, tmp_path / "got", "-S", *keys)
        run_tool("echoscu", *visitor.address)
    seen = log.read_text()
    assert "AF_INET" not in seen, seen
