"""Sessions of real programs with a sensor, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from tests.sensor.oracle import Hospital
from tests.support import Sensor, run_tool

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


class Recorded(NamedTuple):
    """A session that has ended, of a sensor that has as well."""

    data: Path
    session: str


def picture(path: Path, name: str = "Doe^John") -> Path:
    """A small object that nobody else has stored."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = SECONDARY_CAPTURE
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid(entropy_srcs=[name])
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[name, "study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[name, "series"])
    dataset.PatientName, dataset.PatientID, dataset.Modality = name, "P1", "OT"
    dataset.Rows = dataset.Columns = 64
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation, dataset.SamplesPerPixel = 7, 0, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = bytes(range(64)) * 64
    dataset.save_as(path, enforce_file_format=True)
    return path


def visit_dicom(sensor: Sensor, folder: Path) -> None:
    """What DCMTK's clients do: echo, queries, a retrieval, an upload."""
    host, port = sensor.address
    run_tool("echoscu", "-aec", "ANY-SCP", host, port)
    run_tool("findscu", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientName=A*", "-k", "StudyDate", host, port)
    hospital = Hospital(sensor.data)
    study = hospital.small_study("SR")
    series = next(each for each in hospital.series(study["study_key"]) if each["modality"] == "SR")
    keys = ("QueryRetrieveLevel=SERIES", f"StudyInstanceUID={study['study_uid']}")
    run_tool("findscu", "-S", "-k", keys[0], "-k", keys[1], "-k", "SeriesInstanceUID", host, port)
    folder.mkdir(exist_ok=True)
    one = f"SeriesInstanceUID={series['series_uid']}"
    run_tool("getscu", "-S", "-od", folder, "-k", keys[0], "-k", keys[1], "-k", one, host, port)
    run_tool("storescu", host, port, picture(folder.parent / "picture.dcm"))


def visit_web(sensor: Sensor, folder: Path) -> None:
    """What curl does: several requests on one connection, and others on one each."""
    base = f"http://127.0.0.1:{sensor.web_port}"
    run_tool("curl", "-s", f"{base}/", f"{base}/system", f"{base}/nowhere")
    run_tool("curl", "-s", "-u", "orthanc:orthanc", f"{base}/patients", status=None)
    run_tool("curl", "-s", "-d", "username=admin&password=admin", f"{base}/login", status=None)


def record(
    data: Path, folder: Path, *, persona: str = "plain", visits: Sequence[object] = (visit_dicom, visit_web)
) -> Recorded:
    """Start a sensor in the data folder, have it visited, and end it."""
    with Sensor(data, workers=1, web_ports=(0,), flags=("--persona", persona)) as sensor:
        for visit in visits:
            visit(sensor, folder)  # type: ignore[operator]
        opened = len(sensor.events(event__action="connection.open"))
        sensor.wait_events("connection.close", opened)
        (session,) = {event["session"] for event in sensor.events(event__action="connection.open")}
    return Recorded(data, session)
