"""DICOMweb without its wire: every resource of PS3.18, what it answers, and to whom."""

from __future__ import annotations

import asyncio
import io
import json
import random
import shutil
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pydicom
import pytest
from PIL import Image

from dicomhawk.hospital.attributes import ATTRIBUTES, Level
from dicomhawk.hospital.elements import EXPLICIT_LE, DataSet, decode
from dicomhawk.hospital.objects.head import OF_PIXELS
from dicomhawk.hospital.part10 import dataset_offset
from dicomhawk.hospital.query import encode_match
from dicomhawk.persona.model import load
from dicomhawk.persona.model.dicomweb import AET
from dicomhawk.sensor.listing import identifier
from dicomhawk.sensor.web.backing import Backing
from dicomhawk.sensor.web.dicomweb import mounted
from dicomhawk.sensor.web.dicomweb.turns import AT_ONCE, Turns
from dicomhawk.sensor.web.message import Request, Response, Site
from tests.sensor.web.bench import Answer, Bench

ME, SOMEBODY = "192.0.2.1", "192.0.2.2"
XML = 'multipart/related; type="application/dicom+xml"'
DICOM = 'multipart/related; type="application/dicom"'
AS_IT_IS = DICOM + "; transfer-syntax=*"
SLOW = frozenset(("CR", "DX", "MG", "US"))
"""Modalities whose images take seconds."""
JSON = dict[str, Any]


def site(backing: Backing) -> Site:
    async def nothing(request: Request) -> Response:
        return Response(404, [], b"elsewhere")

    return mounted(backing, nothing)


@pytest.fixture(scope="module")
def bench(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    data = Path(shutil.copytree(template, tmp_path_factory.mktemp("dicomweb") / "data"))
    made = Bench(data, "plain", site)
    yield made
    made.close()


@pytest.fixture(scope="module")
def chee(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    data = Path(shutil.copytree(template, tmp_path_factory.mktemp("chee") / "data"))
    made = Bench(data, "dcm4chee-arc", site)
    yield made
    made.close()


def found(answer: Answer) -> list[JSON]:
    assert answer.status == 200, answer
    assert answer.kind == "application/dicom+json"
    return list(json.loads(answer.body))


def value(model: JSON, tag: str) -> Any:
    return model[tag].get("Value", [None])[0]


def parts(answer: Answer) -> list[tuple[str, bytes]]:
    message = message_from_bytes(
        b"Content-Type: " + answer.kind.encode() + b"\r\n\r\n" + answer.body, policy=policy.HTTP
    )
    assert message.get_content_type() == "multipart/related"
    return [(part["Content-Type"], part.get_payload(decode=True)) for part in message.iter_parts()]


def study_of(bench: Bench, modality: str, place: int = 0) -> str:
    return str(value(found(bench.ask(f"/dicom-web/studies?ModalitiesInStudy={modality}"))[place], "0020000D"))


def first_series(bench: Bench, study: str, modality: str) -> str:
    return str(value(found(bench.ask(f"/dicom-web/studies/{study}/series?Modality={modality}"))[0], "0020000E"))


def instances(bench: Bench, study: str, series: str) -> list[str]:
    models = found(bench.ask(f"/dicom-web/studies/{study}/series/{series}/instances"))
    return [value(model, "00080018") for model in models]


def file_with(content: str, **changes: str) -> bytes:
    """pydicom's sample CT with other values, as a file."""
    sample = pydicom.dcmread(pydicom.data.get_testdata_file(content))
    for keyword, new in changes.items():
        setattr(sample, keyword, new)
    if "SOPInstanceUID" in changes:
        sample.file_meta.MediaStorageSOPInstanceUID = changes["SOPInstanceUID"]
    out = io.BytesIO()
    sample.save_as(out)
    return out.getvalue()


def stored(bench: Bench, *files: bytes, to: str = "/dicom-web/studies", visitor: str = ME) -> Answer:
    body = b"".join(b"\r\n--b\r\nContent-Type: application/dicom\r\n\r\n" + each for each in files) + b"\r\n--b--"
    pieces = [body[at : at + 5000] for at in range(0, len(body), 5000)]
    return bench.ask(to, "POST", [("Content-Type", f"{DICOM}; boundary=b")], pieces, visitor)


# Search


def test_studies_have_the_attributes_of_the_standard(bench: Bench) -> None:
    for model in found(bench.ask("/dicom-web/studies?limit=20")):
        for tag in [
            "00080020",
            "00080030",
            "00080050",
            "00080061",
            "00080090",
            "00081190",
            "00100010",
            "00100020",
            "0020000D",
            "00201206",
        ]:
            assert tag in model
        assert value(model, "00081190") == f"http://pacs.example:8080/dicom-web/studies/{value(model, '0020000D')}"
        assert list(model) == sorted(model)


def test_series_and_instances_at_all_their_paths(bench: Bench) -> None:
    study = study_of(bench, "CT")
    series = found(bench.ask(f"/dicom-web/studies/{study}/series"))
    assert {value(each, "0020000D") for each in series} == {study}
    same = found(bench.ask(f"/dicom-web/series?StudyInstanceUID={study}"))
    assert [value(each, "0020000E") for each in series] == [value(each, "0020000E") for each in same]
    assert "00100010" in same[0] and "00100010" not in series[0]
    of_study = found(bench.ask(f"/dicom-web/studies/{study}/instances"))
    assert len(of_study) == sum(value(each, "00201209") for each in series)
    uid = value(series[0], "0020000E")
    of_series = found(bench.ask(f"/dicom-web/studies/{study}/series/{uid}/instances"))
    assert len(of_series) == value(series[0], "00201209")
    alone = found(
        bench.ask(f"/dicom-web/instances?SOPInstanceUID={value(of_series[0], '00080018')}&0020000D={study}")
    )
    assert [value(each, "0020000E") for each in alone] == [uid]


def test_keys_by_tag_keyword_and_list(bench: Bench) -> None:
    first, second = found(bench.ask("/dicom-web/studies?limit=2"))
    patient = value(first, "00100020")
    by_tag = bench.ask(f"/dicom-web/studies?00100020={patient}")
    assert by_tag.body == bench.ask(f"/dicom-web/studies?PatientID={patient}").body
    uids = f"{value(first, '0020000D')},{value(second, '0020000D')}"
    assert len(found(bench.ask(f"/dicom-web/studies?StudyInstanceUID={uids}"))) == 2
    date = value(first, "00080020")
    assert all(
        value(each, "00080020") == date for each in found(bench.ask(f"/dicom-web/studies?StudyDate={date}-{date}"))
    )
    name = value(first, "00100010")["Alphabetic"]
    some = found(bench.ask(f"/dicom-web/studies?PatientName={name[:3].lower()}*"))
    assert any(value(each, "0020000D") == value(first, "0020000D") for each in some)


def test_includefield(bench: Bench) -> None:
    assert "00101010" not in found(bench.ask("/dicom-web/studies?limit=1"))[0]
    assert "00101010" in found(bench.ask("/dicom-web/studies?limit=1&includefield=PatientAge,00081060"))[0]
    asked = found(bench.ask("/dicom-web/studies?limit=1&includefield=00400275.00321060&includefield=ImageComments"))[
        0
    ]
    assert asked["00400275"] == {"vr": "SQ"}
    everything = found(bench.ask("/dicom-web/series?limit=1&includefield=all"))[0]
    assert {"00181030", "00081090", "00101010", "00100030"} <= everything.keys()


def test_pages_are_the_whole(bench: Bench) -> None:
    whole = [value(each, "0020000D") for each in found(bench.ask("/dicom-web/studies"))]
    pages = []
    for offset in range(0, len(whole), 37):
        pages += [
            value(each, "0020000D") for each in found(bench.ask(f"/dicom-web/studies?limit=37&offset={offset}"))
        ]
    assert pages == whole
    assert bench.ask(f"/dicom-web/studies?offset={len(whole)}").status == 204


def test_nothing_found_is_no_content(bench: Bench) -> None:
    for target in ("studies?PatientName=Nobody^At^All", "studies/1.2.3/series", "studies/1.2.3/series/1.2/instances"):
        answer = bench.ask(f"/dicom-web/{target}")
        assert (answer.status, answer.body) == (204, b"")


def test_what_is_wrong_with_a_search(bench: Bench) -> None:
    for query in (
        "limit=x",
        "offset=-1",
        "NoSuchKeyword=1",
        "includefield=NoSuchKeyword",
        "fuzzymatching=maybe",
        "0010001=x",
    ):
        assert bench.ask(f"/dicom-web/studies?{query}").status == 400, query
    assert bench.ask("/dicom-web/studies", headers=[("Accept", "image/png")]).status == 406
    assert bench.ask("/dicom-web/studies", "DELETE").status == 405
    assert bench.ask("/dicom-web/nothing").status == 404
    warned = bench.ask("/dicom-web/studies?fuzzymatching=true&limit=1")
    assert (warned.headers.get("Warning") or "").startswith('299 pacs.example:8080 "The fuzzymatching')


def test_matches_as_xml(bench: Bench) -> None:
    models = found(bench.ask("/dicom-web/studies?limit=3"))
    documents = parts(bench.ask("/dicom-web/studies?limit=3", headers=[("Accept", XML)]))
    assert [kind for kind, _ in documents] == ["application/dicom+xml"] * 3
    for model, (_, document) in zip(models, documents, strict=True):
        tags = [each.get("tag") for each in ElementTree.fromstring(document)]
        assert tags == list(model)


def test_the_product_says_how_many_more_there_are(chee: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = load("dcm4chee-arc").dicomweb.prefix.replace(AET, "ASHPACS")
    monkeypatch.setattr(chee, "site", mounted_with(chee, most=100))
    answer = chee.ask(f"{prefix}/studies")
    assert len(found(answer)) == 100
    left = len(found(chee.ask(f"{prefix}/studies?limit=100&offset=100"))) + 100
    warning = answer.headers.get("Warning") or ""
    assert warning == f'299 pacs.example:8080 "There are {300 - 100} additional results that can be requested"', left
    assert chee.ask(f"{prefix}/studies?limit=5").headers.get("Warning") is None


def mounted_with(bench: Bench, **changes: Any) -> Site:
    persona = bench.backing.persona
    web = persona.dicomweb.model_copy(update=changes)
    return site(bench.backing._replace(persona=persona.model_copy(update={"dicomweb": web})))


def test_paths_and_errors_of_a_product(chee: Bench) -> None:
    assert chee.ask("/dcm4chee-arc/aets/ASHPACS/rs/studies?limit=1").status == 200
    assert chee.ask("/dcm4chee-arc/aets/AS_RECEIVED/rs/studies?limit=1").status == 200
    unknown = chee.ask("/dcm4chee-arc/aets/SOMEBODY/rs/studies")
    assert (unknown.status, unknown.kind) == (404, "text/plain")
    assert unknown.body == b'{"errorMessage":"No such Application Entity: SOMEBODY"}'
    absent = chee.ask("/dcm4chee-arc/aets/ASHPACS/rs/studies/1.2.3/metadata")
    assert (absent.status, absent.body) == (404, b'{"errorMessage":"No matches found."}')
    assert chee.ask("/dicom-web/studies").body == b"elsewhere"


def test_a_product_has_patients_and_counts(chee: Bench, bench: Bench) -> None:
    rs = "/dcm4chee-arc/aets/ASHPACS/rs"
    count = chee.ask(f"{rs}/studies/count")
    assert (count.kind, json.loads(count.body)["count"]) == (
        "application/json",
        len(found(chee.ask(f"{rs}/studies"))),
    )
    some = json.loads(chee.ask(f"{rs}/studies/count?ModalitiesInStudy=MR").body)["count"]
    assert some == len(found(chee.ask(f"{rs}/studies?ModalitiesInStudy=MR")))
    patient = found(chee.ask(f"{rs}/patients?limit=1"))[0]
    assert "00081190" not in patient
    assert "00201200" in patient
    assert bench.ask("/dicom-web/patients").status == bench.ask("/dicom-web/studies/count").status == 404


# Retrieve


def test_an_object_is_a_file(bench: Bench) -> None:
    study = study_of(bench, "CT")
    series = first_series(bench, study, "CT")
    uid = instances(bench, study, series)[0]
    target = f"/dicom-web/studies/{study}/series/{series}/instances/{uid}"
    ((kind, content),) = parts(bench.ask(target, headers=[("Accept", DICOM)]))
    assert kind.replace(" ", "").replace('"', "") == "application/dicom;transfer-syntax=1.2.840.10008.1.2.1"
    read = pydicom.dcmread(io.BytesIO(content))
    assert (read.SOPInstanceUID, read.file_meta.MediaStorageSOPInstanceUID) == (uid, uid)
    implicit = bench.ask(target, headers=[("Accept", f"{DICOM}; transfer-syntax=1.2.840.10008.1.2")])
    ((kind, content),) = parts(implicit)
    assert pydicom.dcmread(io.BytesIO(content)).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2"
    alone = bench.ask(target, headers=[("Accept", "application/dicom")])
    assert alone.kind.startswith("application/dicom;") and alone.body[128:132] == b"DICM"


def test_series_and_study_have_all_their_objects(bench: Bench) -> None:
    study = study_of(bench, "ECG")
    series = [value(each, "0020000E") for each in found(bench.ask(f"/dicom-web/studies/{study}/series"))]
    whole = [
        pydicom.dcmread(io.BytesIO(content)).SOPInstanceUID
        for _, content in parts(bench.ask(f"/dicom-web/studies/{study}"))
    ]
    one_by_one = []
    for each in series:
        one_by_one += [
            pydicom.dcmread(io.BytesIO(content)).SOPInstanceUID
            for _, content in parts(bench.ask(f"/dicom-web/studies/{study}/series/{each}"))
        ]
    assert whole == one_by_one and len(whole) >= 1


def test_compressed_objects_are_sent_as_the_client_takes_them(bench: Bench) -> None:
    for modality in ("DX", "US"):
        for model in found(bench.ask(f"/dicom-web/instances?Modality={modality}&includefield=00083002&limit=40")):
            if value(model, "00083002") != EXPLICIT_LE:
                break
        else:
            continue
        target = "/dicom-web" + value(model, "00081190").partition("/dicom-web")[2]
        own = pydicom.dcmread(io.BytesIO(parts(bench.ask(target, headers=[("Accept", AS_IT_IS)]))[0][1]))
        assert own.file_meta.TransferSyntaxUID == value(model, "00083002")
        plain = pydicom.dcmread(io.BytesIO(parts(bench.ask(target, headers=[("Accept", DICOM)]))[0][1]))
        assert plain.file_meta.TransferSyntaxUID == EXPLICIT_LE
        difference = np.abs(plain.pixel_array.astype(int) - own.pixel_array.astype(int))
        assert difference.max() <= (3 if modality == "US" else 0), "of lossy JPEG decoders round differently"
        assert (
            bench.ask(target, headers=[("Accept", f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.4.80")]).status == 406
        )
        return
    pytest.fail("nothing compressed in this hospital")


def test_frames(bench: Bench) -> None:
    study = study_of(bench, "CT")
    series = first_series(bench, study, "CT")
    uid = instances(bench, study, series)[0]
    target = f"/dicom-web/studies/{study}/series/{series}/instances/{uid}"
    whole = pydicom.dcmread(io.BytesIO(parts(bench.ask(target))[0][1]))
    octets = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
    ((kind, frame),) = parts(bench.ask(f"{target}/frames/1", headers=[("Accept", octets)]))
    assert kind.startswith("application/octet-stream") and frame == whole.PixelData
    ((_, bulk),) = parts(bench.ask(f"{target}/bulkdata/7FE00010", headers=[("Accept", octets)]))
    assert bulk == whole.PixelData
    assert bench.ask(f"{target}/frames/2").status == 404
    assert bench.ask(f"{target}/frames/x").status == 400
    assert bench.ask(f"{target}/frames/1", headers=[("Accept", "text/html")]).status == 406


def test_pictures(bench: Bench) -> None:
    study = study_of(bench, "CT")
    series = first_series(bench, study, "CT")
    uid = instances(bench, study, series)[0]
    base = f"/dicom-web/studies/{study}"
    target = f"{base}/series/{series}/instances/{uid}"
    for path in (f"{target}/rendered", f"{target}/frames/1/rendered", f"{base}/rendered", f"{target}/thumbnail"):
        answer = bench.ask(path)
        assert (answer.status, answer.kind) == (200, "image/jpeg")
    view = bench.ask(f"{target}/rendered?viewport=100,50&window=40,400,linear", headers=[("Accept", "image/png")])
    with Image.open(io.BytesIO(view.body)) as image:
        assert (
            image.format == "PNG"
            and image.width <= 100
            and image.height <= 50
            and 1 in (100 // image.width, 50 // image.height)
        )
    other = bench.ask(f"{target}/rendered?viewport=100,50&window=4000,10", headers=[("Accept", "image/png")])
    assert other.body != view.body
    for wrong in ("viewport=1", "viewport=0,0", "window=a,b", "window=1,2,bent", "quality=many"):
        assert bench.ask(f"{target}/rendered?{wrong}").status == 400
    assert bench.ask(f"{target}/rendered", headers=[("Accept", "video/mp4")]).status == 406


def test_documents_have_no_picture(bench: Bench) -> None:
    study = study_of(bench, "SR")
    series = first_series(bench, study, "SR")
    assert bench.ask(f"/dicom-web/studies/{study}/series/{series}/rendered").status == 406


def test_wado_uri(bench: Bench) -> None:
    study = study_of(bench, "MR")
    series = first_series(bench, study, "MR")
    uid = instances(bench, study, series)[0]
    named = f"/wado?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={uid}"
    assert bench.ask(named).kind == "image/jpeg"
    png = bench.ask(
        f"{named}&contentType=image/png&rows=64&columns=64&windowCenter=300&windowWidth=600&frameNumber=1"
    )
    with Image.open(io.BytesIO(png.body)) as image:
        assert max(image.size) == 64
    part = bench.ask(f"{named}&contentType=image/png&region=0.25,0.25,0.75,0.5")
    with Image.open(io.BytesIO(part.body)) as image:
        assert image.width == 2 * image.height
    file = bench.ask(f"{named}&contentType=application/dicom&transferSyntax=1.2.840.10008.1.2")
    assert file.kind == "application/dicom;transfer-syntax=1.2.840.10008.1.2"
    assert pydicom.dcmread(io.BytesIO(file.body)).SOPInstanceUID == uid
    for wrong, status in (
        ("/wado?requestType=WADO", 400),
        (f"/wado?requestType=ODAW&studyUID={study}", 400),
        (f"{named}&windowCenter=1", 400),
        (f"{named}&rows=0", 400),
        (f"{named}&frameNumber=9", 404),
        (f"{named}1", 404),
        (f"{named}&contentType=video/mpeg", 406),
    ):
        assert bench.ask(wrong).status == status, wrong


# One hospital everywhere


def dimse(bench: Bench, level: Level, keys: dict[int, str]) -> DataSet:
    """The first match as C-FIND answers it."""
    for match in bench.holdings.find("1.2.840.10008.5.1.4.1.2.1.1", identifier(level, keys), ME, relational=True):
        if match is not None:
            return decode(encode_match(match, EXPLICIT_LE), EXPLICIT_LE)
    raise AssertionError("no match")


@pytest.mark.soak
def test_find_search_metadata_and_file_agree(bench: Bench) -> None:
    everything = found(bench.ask("/dicom-web/series?includefield=all"))
    by_modality: dict[str, list[JSON]] = {}
    for model in everything:
        by_modality.setdefault(value(model, "00080060"), []).append(model)
    chosen = random.Random(11)
    compared = 0
    for modality, models in by_modality.items():
        for model in chosen.sample(models, min(1 if modality in SLOW else 2, len(models))):
            study, series = value(model, "0020000D"), value(model, "0020000E")
            base = f"/dicom-web/studies/{study}/series/{series}"
            uid = instances(bench, study, series)[0]
            searched = found(bench.ask(f"{base}/instances?SOPInstanceUID={uid}&includefield=all"))[0]
            read = dict(
                pydicom.dcmread(
                    io.BytesIO(parts(bench.ask(f"{base}/instances/{uid}", headers=[("Accept", AS_IT_IS)]))[0][1])
                ).to_json_dict()
            )
            metadata = found(bench.ask(f"{base}/instances/{uid}/metadata"))[0]
            assert {int(tag, 16) for tag in read.keys() - metadata.keys()} <= OF_PIXELS
            assert metadata.keys() - read.keys() <= {"7FE00010"}
            keys = dict.fromkeys(ATTRIBUTES, "") | {0x00080018: uid, 0x0020000E: series, 0x0020000D: study}
            listed = dimse(bench, Level.IMAGE, keys)
            for tag, attribute in ATTRIBUTES.items():
                name = f"{tag:08X}"
                if name in read and name in searched and tag != 0x00080005:
                    compared += 1
                    assert same(read[name], searched[name]), (name, read[name], searched[name])
                    assert same(read[name], metadata[name]), (name, read[name], metadata[name])
                    if attribute.vr not in ("US", "PN", "SQ"):
                        text = listed[tag].value.decode(bench_charset(listed)).strip(" \0")
                        told = [each for each in text.split("\\") if each]
                        assert same({"Value": told}, read[name]), (name, told, read[name])
    assert compared > 150


def bench_charset(data_set: DataSet) -> str:
    element = data_set.get(0x00080005)
    return "utf-8" if element is not None and b"192" in bytes(element.value) else "latin-1"  # type: ignore[arg-type]


def same(one: JSON, other: JSON) -> bool:
    first, second = (
        [each for each in model.get("Value", []) if each not in (None, "", {})] for model in (one, other)
    )
    if first == second or [str(each) for each in first] == [str(each) for each in second]:
        return True
    try:
        return [float(each) for each in first] == [float(each) for each in second]
    except (TypeError, ValueError):
        return False


def test_metadata_are_the_same_before_and_after_rendering(bench: Bench) -> None:
    for modality in ("CT", "MR", "US", "CR", "SR", "PR"):
        study = study_of(bench, modality, 1)
        series = first_series(bench, study, modality)
        uid = instances(bench, study, series)[-1]
        target = f"/dicom-web/studies/{study}/series/{series}/instances/{uid}"
        before = bench.ask(f"{target}/metadata").body
        content = parts(bench.ask(target, headers=[("Accept", AS_IT_IS)]))[0][1]
        assert bench.ask(f"{target}/metadata").body == before
        head = decode(content[dataset_offset(content) :], EXPLICIT_LE, head=True, stop_at=0x7FE00000)
        told = {int(tag, 16) for tag in json.loads(before)[0]} - {0x7FE00010}
        assert head.keys() - OF_PIXELS == told


# Store


def test_what_is_stored_is_found_by_who_stored_it(bench: Bench) -> None:
    file = file_with("CT_small.dcm", PatientID="STOW-1", StudyInstanceUID="1.2.99.1", SOPInstanceUID="1.2.99.1.1")
    answer = stored(bench, file)
    assert (answer.status, answer.kind) == (200, "application/dicom+json")
    model = json.loads(answer.body)
    (kept,) = model["00081199"]["Value"]
    assert value(kept, "00081155") == "1.2.99.1.1"
    url = "/dicom-web" + value(kept, "00081190").partition("/dicom-web")[2]
    ((_, content),) = parts(bench.ask(url))
    again, sent = (pydicom.dcmread(io.BytesIO(each)) for each in (content, file))
    assert again.PixelData == sent.PixelData
    assert len(found(bench.ask("/dicom-web/studies?PatientID=STOW-1"))) == 1
    picture = bench.ask(f"{url}/rendered", headers=[("Accept", "image/png")])
    assert picture.status == 200
    for target in (
        url,
        f"{url}/metadata",
        f"{url}/rendered",
        f"{url}/frames/1",
        f"{url}/bulkdata/7FE00010",
        f"{url}/thumbnail",
    ):
        assert bench.ask(target, visitor=SOMEBODY).status == 404, target
    by_uri = "/wado?requestType=WADO&studyUID=1.2.99.1&objectUID=1.2.99.1.1"
    assert bench.ask(by_uri).status == 200
    assert bench.ask(by_uri, visitor=SOMEBODY).status == 404
    for target in ("studies?PatientID=STOW-1", "studies/1.2.99.1/series", "instances?SOPInstanceUID=1.2.99.1.1"):
        assert bench.ask(f"/dicom-web/{target}", visitor=SOMEBODY).status == 204, target


def test_some_kept_and_some_not(bench: Bench) -> None:
    good = file_with("CT_small.dcm", StudyInstanceUID="1.2.99.2", SOPInstanceUID="1.2.99.2.1")
    other = file_with("CT_small.dcm", StudyInstanceUID="1.2.99.3", SOPInstanceUID="1.2.99.3.1")
    answer = stored(bench, good, b"no file", other, to="/dicom-web/studies/1.2.99.2")
    assert answer.status == 202
    model = json.loads(answer.body)
    assert [value(each, "00081155") for each in model["00081199"]["Value"]] == ["1.2.99.2.1"]
    reasons = [value(each, "00081197") for each in model["00081198"]["Value"]]
    assert reasons == [0xC000, 0xA900]
    assert bench.ask("/dicom-web/studies?StudyInstanceUID=1.2.99.3").status == 204
    assert stored(bench, b"nothing", b"at all").status == 409
    as_xml = bench.ask(
        "/dicom-web/studies",
        "POST",
        [("Content-Type", f"{DICOM}; boundary=b"), ("Accept", "application/dicom+xml")],
        [b"--b\r\n\r\nx\r\n--b--"],
    )
    assert as_xml.kind == "application/dicom+xml"
    ElementTree.fromstring(as_xml.body)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"", 415),
        ("multipart/form-data; boundary=b", b"--b--", 415),
        ("multipart/related; type=application/dicom+json; boundary=b", b"--b--", 415),
        (DICOM, b"--b--", 400),
        (f"{DICOM}; boundary=b", b"--c--", 400),
        (f"{DICOM}; boundary=b", b"--b\r\n\r\n" + b"x" * 100, 400),
        (f"{DICOM}; boundary=b", b"--b--", 409),
    ],
)
def test_bodies_that_are_none(bench: Bench, kind: str, body: bytes, status: int) -> None:
    assert bench.ask("/dicom-web/studies", "POST", [("Content-Type", kind)], [body]).status == status


def test_capabilities(bench: Bench) -> None:
    wadl = bench.ask("/dicom-web/", "OPTIONS")
    assert wadl.kind == "application/vnd.sun.wadl+xml"
    assert b"studies/{study}/series" in wadl.body
    ElementTree.fromstring(wadl.body)
    told = json.loads(bench.ask("/dicom-web", headers=[("Accept", "application/json")]).body)
    assert told["base"] == "http://pacs.example:8080/dicom-web"


def test_events_say_what_was_asked(bench: Bench) -> None:
    bench.ask("/dicom-web/studies?PatientName=Z*&limit=2")
    bench.recorder.flush()
    journal = Path(bench.backing.settings.journal_dir)
    events = [json.loads(line) for path in journal.glob("*.ndjson") for line in path.read_text().splitlines()]
    assert any(
        each["event"]["action"] == "web.query" and each["dicom"]["query"]["keys"] == {"00100010": "Z*"}
        for each in events
    )


def test_a_visitor_waits_for_itself_alone(bench: Bench) -> None:
    turns, order = Turns(), list[str]()

    async def work(visitor: str) -> None:
        async with turns.of(visitor):
            await asyncio.sleep(0.01)
            order.append(visitor)

    async def all_() -> None:
        many = [asyncio.create_task(work(ME)) for _ in range(20 * AT_ONCE)]
        await asyncio.sleep(0)
        await work(SOMEBODY)
        await asyncio.gather(*many)

    bench.loop.run_until_complete(all_())
    assert order.index(SOMEBODY) <= 2 * AT_ONCE
    assert not turns._visitors, "nobody is remembered"
