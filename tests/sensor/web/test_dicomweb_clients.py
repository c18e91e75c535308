"""DICOMweb as clients that nobody here wrote see it, over the wire."""

from __future__ import annotations

import http.client
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image

from tests.support import Sensor


@pytest.fixture(scope="module")
def served(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sensor]:
    data = Path(shutil.copytree(template, tmp_path_factory.mktemp("clients") / "data"))
    with Sensor(data, workers=1, web_ports=(0,), flags=("--persona", "plain")) as sensor:
        yield sensor


@pytest.fixture
def client(served: Sensor) -> DICOMwebClient:
    return DICOMwebClient(f"http://127.0.0.1:{served.web_port}/dicom-web")


def uid(model: dict[str, dict[str, list[str]]], tag: str) -> str:
    return model[tag]["Value"][0]


def test_search_retrieve_and_look(client: DICOMwebClient) -> None:
    study = uid(client.search_for_studies(search_filters={"ModalitiesInStudy": "CT"}, limit=1)[0], "0020000D")
    found = client.search_for_series(study, search_filters={"Modality": "CT"})
    smallest = min(found, key=lambda each: each["00201209"]["Value"][0])
    series = uid(smallest, "0020000E")
    metadata = client.retrieve_series_metadata(study, series)
    assert len(metadata) == smallest["00201209"]["Value"][0]
    read = pydicom.Dataset.from_json(metadata[0], bulk_data_uri_handler=lambda uri: b"")
    instance = str(read.SOPInstanceUID)
    whole = client.retrieve_instance(study, series, instance)
    assert whole.PatientName == read.PatientName
    assert len(client.retrieve_series(study, series)) == len(metadata)
    (frame,) = client.retrieve_instance_frames(study, series, instance, [1])
    assert frame == whole.PixelData
    bulk = client.retrieve_bulkdata(
        metadata[0]["7FE00010"]["BulkDataURI"].replace("127.0.0.1", f"127.0.0.1:{port(client)}")
    )
    assert bulk[0] == whole.PixelData
    rendered = client.retrieve_instance_rendered(study, series, instance, media_types=("image/png",))
    with Image.open(io.BytesIO(rendered)) as image:
        assert image.size == (whole.Columns, whole.Rows)


def port(client: DICOMwebClient) -> int:
    return int(client.base_url.rpartition(":")[2].partition("/")[0])


def test_what_a_client_stores_only_it_finds(served: Sensor, client: DICOMwebClient) -> None:
    sample = pydicom.dcmread(pydicom.data.get_testdata_file("MR_small.dcm"))
    sample.PatientID, sample.StudyInstanceUID, sample.SOPInstanceUID = "WEB-7", "1.2.77.1", "1.2.77.1.1"
    sample.file_meta.MediaStorageSOPInstanceUID = sample.SOPInstanceUID
    told = client.store_instances([sample])
    assert told.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == sample.SOPInstanceUID
    assert uid(client.search_for_studies(search_filters={"PatientID": "WEB-7"})[0], "0020000D") == "1.2.77.1"
    back = client.retrieve_study("1.2.77.1")
    assert [each.PixelData for each in back] == [sample.PixelData]
    with pytest.raises(requests.HTTPError):
        client.retrieve_study("1.2.77.2")
    other = http.client.HTTPConnection("127.0.0.1", served.web_port, source_address=("127.0.0.2", 0))
    other.request("GET", "/dicom-web/studies?PatientID=WEB-7")
    assert other.getresponse().status == 204
    other.close()
    event = served.wait_event("web.store")
    assert event["dicom"]["sop"]["instance_uid"] == "1.2.77.1.1"
    assert event["file"]["hash"]["sha256"]
    assert served.wait_event("web.retrieve", source__ip="127.0.0.1")["event"]["outcome"] == "success"


def test_a_viewer_in_a_browser(served: Sensor) -> None:
    """What OHIF asks for, as it asks for it."""
    base = f"http://127.0.0.1:{served.web_port}/dicom-web"
    accept = {"Accept": "application/dicom+json"}
    fields = "00081030%2C00080060"
    studies = requests.get(
        f"{base}/studies?limit=101&offset=0&fuzzymatching=false&includefield={fields}", headers=accept, timeout=60
    )
    assert studies.status_code == 200
    study = next(each for each in studies.json() if "MR" in each["00080061"]["Value"])
    number = uid(study, "0020000D")
    same = requests.get(
        f"{base}/studies?StudyInstanceUID={number}&limit=101&includefield={fields}", headers=accept, timeout=60
    )
    assert [uid(each, "0020000D") for each in same.json()] == [number]
    patient = requests.get(f"{base}/studies?00100020={uid(study, '00100020')}&limit=101", headers=accept, timeout=60)
    assert number in [uid(each, "0020000D") for each in patient.json()]
    series = requests.get(
        f"{base}/studies/{number}/series?includefield=00080021%2C00080031", headers=accept, timeout=60
    ).json()
    first = next(uid(each, "0020000E") for each in series if each["00080060"]["Value"] == ["MR"])
    metadata = requests.get(f"{base}/studies/{number}/series/{first}/metadata", headers=accept, timeout=60)
    assert json.loads(metadata.content)[0]["00280010"]["Value"] == [512]
    instance = uid(metadata.json()[0], "00080018")
    wanted = {"Accept": "multipart/related; type=application/octet-stream; transfer-syntax=*"}
    frame = requests.get(
        f"{base}/studies/{number}/series/{first}/instances/{instance}/frames/1", headers=wanted, timeout=60
    )
    assert frame.status_code == 200
    assert len(frame.content) > 512 * 512 * 2
