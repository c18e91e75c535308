"""The same study has the same values wherever one looks: C-FIND, QIDO-RS, the portal, Orthanc's API and the file."""

from __future__ import annotations

import asyncio
import io
import json
import random
import time
from html import unescape
from typing import Any
from urllib.request import Request, urlopen

from pydicom import dcmread

from tests.sensor.oracle import Hospital
from tests.sensor.scu import STUDY_FIND, associate, find, keys
from tests.sensor.web.conftest import WebSensor
from tests.sensor.web.orthanc.client import Client
from tests.sensor.web.portal.conftest import Visit

SAMPLE = 200
STILL = 2 * 86400
"""Seconds: studies that are older don't get anything more while the test runs."""
KEYWORDS = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyDate", "StudyTime",
    "StudyDescription", "StudyID", "ReferringPhysicianName",
)  # fmt: skip
TAGS = {
    "PatientID": "00100020", "PatientName": "00100010", "PatientBirthDate": "00100030", "PatientSex": "00100040",
    "AccessionNumber": "00080050", "StudyDate": "00080020", "StudyTime": "00080030", "StudyDescription": "00081030",
    "StudyID": "00200010", "ReferringPhysicianName": "00080090",
}  # fmt: skip

Values = dict[str, dict[str, str]]
"""By Study Instance UID: keyword -> text."""


def sampled(hospital: Hospital) -> list[str]:
    studies = hospital.studies("t.visible_from < :v1", time.time() - STILL)
    return random.Random(7).sample([study["study_uid"] for study in studies], SAMPLE)


def by_find(address: tuple[str, int]) -> Values:
    wanted = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="", **dict.fromkeys(KEYWORDS, ""))
    with associate(address, [STUDY_FIND]) as association:
        matches, status = find(association, wanted)
    assert status == 0
    return {str(each.StudyInstanceUID): {name: str(each[name].value or "") for name in KEYWORDS} for each in matches}


def by_qido(port: int) -> Values:
    request = Request(f"http://127.0.0.1:{port}/dicom-web/studies?includefield=all&limit=1000")
    with urlopen(request, timeout=60) as answer:
        models = json.load(answer)

    def text(model: dict[str, Any], tag: str) -> str:
        value = model.get(tag, {}).get("Value", [""])[0]
        return str(value["Alphabetic"] if isinstance(value, dict) else value)

    return {model["0020000D"]["Value"][0]: {name: text(model, tag) for name, tag in TAGS.items()} for model in models}


def by_orthanc(client: Client) -> Values:
    found = client.post("/tools/find", {"Level": "Study", "Query": {}, "Expand": True})
    values = {}
    for each in found:
        tags = each["MainDicomTags"] | each["PatientMainDicomTags"]
        values[tags["StudyInstanceUID"]] = {name: tags.get(name, "") for name in KEYWORDS} | {"ID": each["ID"]}
    return values


def test_they_all_say_the_same(web_sensor: WebSensor, visit: Visit) -> None:
    plain, orthanc = web_sensor("plain"), web_sensor("orthanc")
    uids = sampled(Hospital(plain.data))
    client = Client(orthanc.web_port)
    found, searched, rest = by_find(plain.address), by_qido(plain.web_port), by_orthanc(client)
    for uid in uids:
        assert searched[uid] == found[uid]
        # Orthanc keeps no more of some values than its main tags.
        assert {name: rest[uid][name] for name in KEYWORDS} == found[uid]
    for uid in uids:
        report = smallest(client, rest[uid]["ID"])
        file = dcmread(io.BytesIO(client.ask("GET", f"/instances/{report}/file").body))
        assert {name: str(file.get(name, "") or "") for name in KEYWORDS} == found[uid], uid
    asyncio.run(look_up(visit, [found[uid] for uid in uids]))


def smallest(client: Client, study: str) -> str:
    """An object of a study that is soon made: a report, if it has one."""
    series = client.get(f"/studies/{study}/series")
    soon = [each for each in series if each["MainDicomTags"]["Modality"] == "SR"] or series
    return str(soon[0]["Instances"][0])


async def look_up(visit: Visit, studies: list[dict[str, str]]) -> None:
    """Find each study in the portal's worklist."""
    browser = visit()
    assert (await browser.sign_in("reader")).status == 302
    for study in studies:
        answer = await browser.get(browser.href("worklist", accession=study["AccessionNumber"]))
        shown = unescape(answer.text)
        for name in ("PatientID", "AccessionNumber", "StudyDescription"):
            assert study[name] in shown, f"{name} {study[name]!r} of {study['AccessionNumber']}"
        for part in study["PatientName"].split("^")[:2]:
            assert part.lower() in shown.lower()
        assert browser.desk.speech.day(study["StudyDate"]) in shown
