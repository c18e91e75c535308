"""The hospital through Orthanc's API: what is said in one place is what is said in all others."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
import zipfile
from typing import Any

import pydicom
import pytest

from tests.sensor.web.orthanc.client import Client
from tests.support import Sensor, at

LEVELS = ("patients", "studies", "series", "instances")
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")


def public_id(*ids: str) -> str:
    text = hashlib.sha1("|".join(ids).encode("latin-1"), usedforsecurity=False).hexdigest()
    return "-".join(text[start : start + 8] for start in range(0, 40, 8))


@pytest.fixture
def series(client: Client) -> dict[str, Any]:
    """A short series of images."""
    found = client.get("/series?expand&since=0&limit=60")
    return min((each for each in found if each["MainDicomTags"]["Modality"] in ("CT", "MR", "DX")), key=_length)


def _length(series: dict[str, Any]) -> int:
    return len(series["Instances"])


def read(data: bytes) -> pydicom.Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(io.BytesIO(data))


@pytest.mark.parametrize("level", LEVELS)
def test_lists_count_and_are_paged(client: Client, level: str) -> None:
    everything = client.get(f"/{level}")
    assert all(map(ID.fullmatch, everything))
    assert len(everything) == len(set(everything))
    assert abs(client.get("/statistics")[f"Count{level.capitalize()}"] - len(everything)) <= 2  # some have just come
    assert client.get(f"/{level}?since=3&limit=5") == everything[3:8]
    assert client.get(f"/{level}?since=0&limit=0") == []
    assert client.get(f"/{level}?since=1000000000&limit=5") == []


def test_a_list_says_its_length(client: Client) -> None:
    answer = client.ask("GET", "/instances")
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("level", "below"), [("patients", "Studies"), ("studies", "Series"), ("series", "Instances")]
)
def test_what_is_below_names_what_is_above(client: Client, level: str, below: str) -> None:
    for item in client.get(f"/{level}?expand&since=2&limit=3"):
        assert client.get(f"/{level}/{item['ID']}") == item
        children = client.get(f"/{level}/{item['ID']}/{below.lower()}")
        assert [child["ID"] for child in children] == item[below]
        parent = "ParentPatient" if level == "patients" else f"Parent{item['Type']}"
        assert {child[parent] for child in children} == {item["ID"]}
        for child in children[:2]:
            assert client.get(f"/{below.lower()}/{child['ID']}/{item['Type'].lower()}") == item


def test_ids_are_those_of_the_identifiers(client: Client, series: dict[str, Any]) -> None:
    name = series["Instances"][0]
    tags = client.get(f"/instances/{name}/simplified-tags")
    ids = [tags[key] for key in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")]
    assert public_id(*ids) == name
    assert public_id(*ids[:3]) == series["ID"]
    for level, identifier, length in (("patient", ids[0], 1), ("study", ids[1], 2), ("series", ids[2], 3)):
        found = client.get(f"/instances/{name}/{level}")
        assert found["ID"] == public_id(*ids[:length])
        assert {"ID": found["ID"]}.items() <= next(
            each for each in client.post("/tools/lookup", identifier) if each["ID"] == found["ID"]
        ).items()


def test_tags_are_those_of_the_file(client: Client, series: dict[str, Any]) -> None:
    name = series["Instances"][-1]
    dataset = read(client.ask("GET", f"/instances/{name}/file").body)
    simple = client.get(f"/instances/{name}/simplified-tags")
    full = client.get(f"/instances/{name}/tags")
    short = client.get(f"/instances/{name}/tags?short")
    assert full.keys() == short.keys()
    for keyword in ("PatientName", "StudyDate", "Modality", "Rows", "SOPInstanceUID", "Manufacturer"):
        assert simple[keyword] == str(dataset[keyword].value)
    assert full["0010,0020"] == {"Name": "PatientID", "Type": "String", "Value": dataset.PatientID}
    assert full["7fe0,0010"] == {"Name": "PixelData", "Type": "Null", "Value": None}
    assert client.ask("GET", f"/instances/{name}/content/0010-0020").body == dataset.PatientID.encode()
    assert {f"{each.tag.group:04x}-{each.tag.element:04x}" for each in dataset} == set(
        client.get(f"/instances/{name}/content")
    )


def test_attachments_describe_the_file(client: Client, series: dict[str, Any]) -> None:
    name = series["Instances"][0]
    described = client.get(f"/instances/{name}")
    info = client.get(f"/instances/{name}/attachments/dicom/info")
    assert info["Uuid"] == described["FileUuid"]
    assert info["UncompressedSize"] == described["FileSize"]
    answer = client.ask("GET", f"/instances/{name}/file")
    assert answer.headers["Content-Type"] == "application/dicom"
    assert answer.headers["Content-Disposition"] == f'filename="{described["FileUuid"]}.dcm"'
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    metadata = client.get(f"/instances/{name}/metadata?expand")
    assert metadata["SopClassUid"] == client.get(f"/instances/{name}/simplified-tags")["SOPClassUID"]
    assert list(metadata) != []


def test_pictures(client: Client, series: dict[str, Any]) -> None:
    name = series["Instances"][0]
    for kind in ("preview", "rendered", "image-uint8", "frames/0/preview"):
        answer = client.ask("GET", f"/instances/{name}/{kind}")
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.body.startswith(b"\x89PNG\r\n\x1a\n")
    assert client.ask("GET", f"/instances/{name}/preview", Accept="image/jpeg").body.startswith(b"\xff\xd8")
    assert client.ask("GET", f"/instances/{name}/frames/99/preview").status == 404


@pytest.mark.parametrize(("kind", "first"), [("archive", r".+/.+/.+/\w\w000000\.dcm"), ("media", "IMAGES/IM0")])
def test_archives_hold_every_instance(client: Client, series: dict[str, Any], kind: str, first: str) -> None:
    answer = client.ask("GET", f"/series/{series['ID']}/{kind}")
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Connection"] == "close"
    assert answer.headers["Content-Disposition"] == f'filename="{series["ID"]}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert re.fullmatch(first, names[0])
        assert len(names) == len(series["Instances"]) + (kind == "media")
        found = {str(read(archive.read(name)).SOPInstanceUID) for name in names if name != "DICOMDIR"}
        if kind == "media":
            directory = read(archive.read("DICOMDIR"))
            types = [str(record.DirectoryRecordType) for record in directory.DirectoryRecordSequence]
            assert types[:3] == ["PATIENT", "STUDY", "SERIES"]
            assert types.count("IMAGE") == len(found)
    wanted = {each["MainDicomTags"]["SOPInstanceUID"] for each in client.get(f"/series/{series['ID']}/instances")}
    assert found == wanted


def test_search_finds_what_lists_have(client: Client) -> None:
    study = client.get("/studies?expand&since=5&limit=1")[0]
    patient = study["PatientMainDicomTags"]["PatientID"]
    found = client.post("/tools/find", {"Level": "Study", "Query": {"PatientID": patient}, "Expand": True})
    assert study in found
    everything = client.post("/tools/find", {"Level": "Study", "Query": {}})
    assert everything == sorted(everything)
    assert set(client.get("/studies?since=0&limit=50")) <= set(everything)
    some = client.post("/tools/find", {"Level": "Study", "Query": {}, "Limit": 3, "Since": 2})
    assert some == everything[2:5]
    name = study["PatientMainDicomTags"]["PatientName"].split("^")[0]
    query = {"Level": "Patient", "Query": {"PatientName": f"{name.lower()}*"}}
    assert study["ParentPatient"] in client.post("/tools/find", query)
    assert study["ParentPatient"] not in client.post("/tools/find", query | {"CaseSensitive": True})


def test_what_is_told_of_a_search_is_how_many_it_found(client: Client, orthanc: Sensor) -> None:
    for ask in (
        lambda: client.get("/patients?expand"),
        lambda: client.get("/studies?expand&since=3&limit=4"),
        lambda: client.get("/series?since=0&limit=6"),
        lambda: client.post("/tools/find", {"Level": "Patient", "Query": {"PatientName": "*"}, "Expand": True}),
    ):
        before = len(orthanc.events(event__action="web.query"))
        number = len(ask())
        told = orthanc.wait_events("web.query", before + 1)[-1]
        assert number > 3 and abs(at(told, "dicom.query.matches") - number) <= 2  # some have just come


def test_changes_are_numbered_and_name_what_is_there(client: Client) -> None:
    begin = client.get("/changes?limit=5")
    assert [change["ChangeType"] for change in begin["Changes"]] [:4] == [
        "NewInstance", "NewSeries", "NewStudy", "NewPatient",
    ]  # fmt: skip
    assert [change["Seq"] for change in begin["Changes"]] == [1, 2, 3, 4, 5]
    assert begin["Done"] is False
    for change in begin["Changes"]:
        assert client.get(change["Path"])["ID"] == change["ID"]
    last = client.get("/changes?last")["Last"]
    # What came within the last minute isn't stable yet: the numbers of those changes are missing.
    tail = [change["Seq"] for change in client.get(f"/changes?since={last - 50}&limit=50")["Changes"]]
    assert tail == sorted(set(tail)) and last - 50 < tail[0] and tail[-1] <= last
    middle = [change["Seq"] for change in client.get("/changes?since=700&limit=200")["Changes"]]
    assert middle == sorted(set(middle)) and len(middle) == 200 and middle[0] > 700


def test_shared_tags_are_shared(client: Client, series: dict[str, Any]) -> None:
    shared = client.get(f"/series/{series['ID']}/shared-tags?simplify")
    every = client.get(f"/series/{series['ID']}/instances-tags?simplify")
    assert sorted(every) == sorted(series["Instances"])
    for keyword, value in shared.items():
        assert all(tags[keyword] == value for tags in every.values())
    assert "SeriesInstanceUID" in shared


def test_what_comes_compressed_is_the_same(client: Client) -> None:
    import gzip

    answer = client.ask("GET", "/system", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == client.ask("GET", "/system").body


def test_every_retrieval_is_on_record(client: Client, orthanc: Sensor, series: dict[str, Any]) -> None:
    client.ask("GET", f"/instances/{series['Instances'][0]}/file")
    found = orthanc.wait_event("web.retrieve", source__ip=client.address, honeypot__web__what="file")
    assert found["honeypot"]["web"]["face"] == "orthanc"
