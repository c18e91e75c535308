"""A sensor that was visited, and what the analyst made of it: by the programs themselves."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind as Find,
)
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelGet as Get,
)
from pynetdicom.sop_class import Verification

from tests.support import Sensor, dicomhawk

DEPLOYMENT = """\
[deployment]
seed = "5ee0d1c0a7b94e6f8a31f2d4c6b80917"
hospital = "Ashcombe General Hospital"
locale = "en_GB"
ae_title = "ASHPACS"
uid_root = "1.2.826.0.1.3680043.9.511.20417"
"""
STORED = tuple(
    f"1.2.840.10008.5.1.4.1.1.{number}"
    for number in (
        "1",
        "1.1",
        "2",
        "4",
        "6.1",
        "7",
        "9.1.1",
        "11.1",
        "88.11",
        "88.22",
        "88.33",
        "88.59",
        "88.67",
        "104.1",
    )
)
XSS = "<script>alert(1)</script>"


def visited(data: Path, *, studies: int = 30) -> Path:
    """Make a data folder, have it visited, and analyse it; returns it."""
    data.mkdir(parents=True)
    (data / "dicomhawk.toml").write_text(DEPLOYMENT)
    built = dicomhawk("hospital", "build", "--data", data, "--studies", studies)
    assert built.returncode == 0, built.stderr
    with Sensor(
        data, workers=1, web_ports=(0,), flags=("--persona", "orthanc", "--remote", "INTRUDER@127.0.0.1")
    ) as sensor:
        _dicom(sensor)
        _web(sensor)
    done = dicomhawk("analyse", "--data", data)
    assert done.returncode == 0, done.stderr
    return data


def _dicom(sensor: Sensor) -> None:
    ae = AE(ae_title="INTRUDER")
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 200  # images are rendered when they are first wanted
    ae.add_requested_context(Verification)
    ae.add_requested_context(Find)
    ae.add_requested_context(Get)
    for uid in STORED:
        ae.add_requested_context(uid)
    roles = [build_role(uid, scp_role=True, scu_role=True) for uid in STORED]
    got: list[Dataset] = []

    def keep(event: evt.Event) -> int:
        got.append(event.dataset)
        return 0x0000

    association = ae.associate(
        sensor.host, sensor.port, ae_title="ASHPACS", ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, keep)]
    )
    assert association.is_established
    association.send_c_echo()
    query = Dataset()
    query.QueryRetrieveLevel = "STUDY"
    query.PatientName = "*"
    query.StudyInstanceUID = ""
    query.ModalitiesInStudy = ""
    query.StudyDescription = XSS
    assert list(association.send_c_find(query, Find))
    query.StudyDescription = ""
    found = [answer for status, answer in association.send_c_find(query, Find) if answer is not None]
    for study in [answer.StudyInstanceUID for answer in found if _has(answer, {"CT", "MR"})][:2]:
        query = Dataset()
        query.QueryRetrieveLevel = "SERIES"
        query.StudyInstanceUID = study
        query.SeriesInstanceUID = query.Modality = query.NumberOfSeriesRelatedInstances = ""
        series = [answer for _, answer in association.send_c_find(query, Find) if answer is not None]
        images = [each for each in series if each.Modality in ("CT", "MR")]
        fewest = min(images, key=lambda each: int(each.NumberOfSeriesRelatedInstances))
        retrieve = Dataset()
        retrieve.QueryRetrieveLevel = "SERIES"
        retrieve.StudyInstanceUID, retrieve.SeriesInstanceUID = study, fewest.SeriesInstanceUID
        for _ in association.send_c_get(retrieve, Get):
            pass
    assert got
    association.release()
    _leave(sensor)


def _leave(sensor: Sensor) -> None:
    """An image with a program's beginning in its preamble, and markup in its texts."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3.4.5"
    image.StudyInstanceUID, image.SeriesInstanceUID = "1.2.3.4", "1.2.3.4.4"
    image.PatientName, image.PatientID, image.Modality = XSS, "X-1", "OT"
    image.ImageComments = f"\u202e{XSS}"
    image.SpecificCharacterSet = "ISO_IR 192"
    image.Rows = image.Columns = 64
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.PixelRepresentation = 7, 0
    image.PixelData = bytes((4 * x) ^ (4 * y) for y in range(64) for x in range(64))
    ae = AE(ae_title="<b>AE</b>")
    ae.add_requested_context(SecondaryCaptureImageStorage, ExplicitVRLittleEndian)
    association = ae.associate(sensor.host, sensor.port, ae_title="ASHPACS")
    assert association.is_established
    association.send_c_store(image)
    association.release()


def _web(sensor: Sensor) -> None:
    word = base64.b64encode(f"admin:{XSS}".encode()).decode()
    for path, headers in (
        ("/system", {"Authorization": f"Basic {word}"}),
        ("/.env", {"User-Agent": XSS}),
        ("/app/explorer.html", {"User-Agent": "\x1b[31mred"}),
        ("/patients?%3Cscript%3Ealert(1)%3C/script%3E", {}),
    ):
        request = urllib.request.Request(f"http://{sensor.host}:{sensor.web_port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                answer.read()
        except (urllib.error.HTTPError, ValueError):
            pass


def _has(answer: Dataset, wanted: set[str]) -> bool:
    found = answer.get("ModalitiesInStudy", "")
    return bool(wanted & ({found} if isinstance(found, str) else set(found)))
