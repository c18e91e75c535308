"""Files of a visitor's own: seen again by that visitor, by nobody else, and never as anything but files."""

from __future__ import annotations

import asyncio
import html
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from dicomhawk.sensor.web.backing import Backing
from dicomhawk.sensor.web.portal import listing as li
from dicomhawk.sensor.web.portal.listing import Wanted
from tests.sensor.web.portal.browser import Answer, Browser

Visit = Callable[[], Browser]
ROOT = "1.2.276.0.7230010.3.1.8.4711."
"""Another toolkit's, so that what comes back isn't taken for a word of ours."""
XSS = "<script>alert(1)</script>"


def image(**more: Any) -> tuple[bytes, Dataset]:
    """A small CT slice as a file."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = CTImageStorage, generate_uid(ROOT)
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.StudyInstanceUID, made.SeriesInstanceUID = generate_uid(ROOT), generate_uid(ROOT)
    made.PatientName, made.PatientID, made.StudyDate, made.Modality = "Own^File", "OWN1", "20240105", "CT"
    made.StudyDescription, made.AccessionNumber, made.SeriesNumber, made.InstanceNumber = "Own", "A1", "1", "1"
    made.Rows = made.Columns = 32
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 16
    made.HighBit, made.PixelRepresentation = 15, 0
    made.PixelData = np.arange(32 * 32, dtype="<u2").tobytes()
    for name, value in more.items():
        setattr(made, name, value)
    out = io.BytesIO()
    pydicom.dcmwrite(out, made, enforce_file_format=True)
    return out.getvalue(), made


def run(coroutine: Any) -> Any:
    return asyncio.run(coroutine)


async def send(browser: Browser, files: dict[str, bytes], token: str | None = None) -> Answer:
    if token is None:
        page = await browser.get(browser.href("upload"))
        token = page.hidden(browser.skin.parameters["token"])
    return await browser.send_files(files, token)


async def signed_in(visit: Visit) -> Browser:
    browser = visit()
    assert (await browser.sign_in()).status == 302
    return browser


def test_an_upload_is_seen_again_by_its_visitor_and_nobody_else(visit: Visit, shared: Backing) -> None:
    async def story() -> None:
        one, other = await signed_in(visit), await signed_in(visit)
        data, made = image()
        answer = await send(one, {"own.dcm": data})
        text = html.unescape(answer.text)
        assert one.desk.speech.of("upload.stored") in text
        study = one.href("study", study=made.StudyInstanceUID)
        assert study in text
        for browser, status in ((one, 200), (other, 404)):
            uids = {"study": made.StudyInstanceUID, "series": made.SeriesInstanceUID}
            sop = made.SOPInstanceUID
            for page in ("study", "viewer", "thumbnail", "download"):
                assert (await browser.get(browser.href(page, **uids))).status == status, page
            for page in ("image", "object"):
                assert (await browser.get(browser.href(page, **uids, object=sop))).status == status, page
            found = await browser.get(browser.href("worklist", identifier="OWN1"))
            assert (study in html.unescape(found.text)) == (status == 200)
        file = await one.get(one.href("object", study=made.StudyInstanceUID, object=made.SOPInstanceUID))
        assert pydicom.dcmread(io.BytesIO(file.data)).PixelData == made.PixelData
        assert file.header("Content-Type") == "application/dicom"
        assert file.header("Content-Disposition").startswith("attachment")
        one.record.transcript.close("test")

    run(story())


def test_a_report_of_any_length_is_set_in_a_moment(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        items = []
        for _ in range(300):
            item = Dataset()
            item.RelationshipType, item.ValueType, item.TextValue = "CONTAINS", "TEXT", "word " * 1500
            items.append(item)
        data, made = image(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR", ContentSequence=items)
        await send(browser, {"report.dcm": data})
        answer = await browser.get(browser.href("print", study=made.StudyInstanceUID))
        assert (answer.status, answer.header("Content-Type")) == (200, "application/pdf")
        assert len(answer.data) < 60_000, "some pages of it"

    run(story())


def test_texts_of_uploads_are_texts(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        data, made = image(
            PatientName=f"{XSS}^'\"><img src=x onerror=alert(1)>",
            PatientID="{{7*7}}<b>",
            StudyDescription=f"'\"><svg onload=alert(1)>{XSS}"[:64],
            AccessionNumber="<i>{%x%}",
            SeriesDescription=XSS,
            ReferringPhysicianName=XSS,
            Modality="<u>CT",
            BodyPartExamined="<s>",
        )
        await send(browser, {f"{XSS}.dcm": data})
        for page in ("study", "viewer"):
            answer = await browser.get(browser.href(page, study=made.StudyInstanceUID))
            assert answer.status == 200
            for bad in ("<script>alert", "<svg", "<img src=x", "<i>", "<u>", "<b>", "<s>", ">49<"):
                assert bad not in answer.text, (page, bad)
        answer = await browser.get(
            browser.href("worklist", period="all", **{"from": "05/01/2024", "to": "05/01/2024"})
        )
        assert "&lt;script&gt;alert(1)" in answer.text
        assert "<script>alert" not in answer.text

    run(story())


def test_a_report_that_a_visitor_sent_is_text_and_never_a_pdf(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        item = Dataset()
        item.RelationshipType, item.ValueType, item.TextValue = "CONTAINS", "TEXT", XSS
        item.ConceptNameCodeSequence = [Dataset()]
        item.ConceptNameCodeSequence[0].CodeMeaning = "<b>Finding"
        data, made = image(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR", ContentSequence=[item])
        await send(browser, {"sr.dcm": data})
        answer = await browser.get(browser.href("report", study=made.StudyInstanceUID))
        assert answer.status == 200
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
        pdf = b"%PDF-1.4 evil /JavaScript"
        data, made = image(
            SOPClassUID=li.ENCAPSULATED_PDF, Modality="DOC", EncapsulatedDocument=pdf + b" ", DocumentTitle=XSS
        )
        await send(browser, {"pdf.dcm": data})
        answer = await browser.get(browser.href("report", study=made.StudyInstanceUID))
        assert "<script>alert" not in answer.text
        printed = await browser.get(browser.href("print", study=made.StudyInstanceUID))
        assert b"/JavaScript" not in printed.data

    run(story())


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (b"<html><script>alert(1)</script>", "no_dicom"),
        (b"", "no_dicom"),
        (bytes(128) + b"DICM", "no_dicom"),
        (bytes(128) + b"DICM" + bytes(500), "no_dicom"),
        (image(StudyInstanceUID="../../etc/passwd")[0], "invalid"),
        (image(SOPInstanceUID="1.2.3'; DROP TABLE study;--")[0], "invalid"),
    ],
)
def test_what_is_no_dicom_object_is_refused_and_kept(visit: Visit, data: bytes, outcome: str) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        answer = await send(browser, {"x.html": data, "../../y.dcm": b"x"})
        assert browser.desk.speech.of(f"upload.{outcome}") in html.unescape(answer.text)
        desk = browser.desk
        found = await desk.listing.studies(Wanted(identifier="OWN1"), browser.visitor, desk.clock())
        assert found.studies == []

    run(story())


def test_a_form_of_another_session_stores_nothing(visit: Visit) -> None:
    async def story() -> None:
        one, other = await signed_in(visit), await signed_in(visit)
        page = await other.get(other.href("upload"))
        data, made = image()
        for token in ("", "x" * 300, page.hidden(one.skin.parameters["token"])):
            answer = await send(one, {"own.dcm": data}, token)
            assert one.desk.speech.of("login.expired") in html.unescape(answer.text)
            assert (await one.get(one.href("study", study=made.StudyInstanceUID))).status == 404

    run(story())


def test_a_torn_form_is_told(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        kind = ("Content-Type", "multipart/form-data; boundary=xyz")
        for body in (
            b"",
            b"--xyz\r\n",
            b'--xyz\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nabc',
        ):
            answer = await browser.ask("POST", browser.href("upload"), body, (kind,))
            assert browser.desk.speech.of("upload.broken") in html.unescape(answer.text)
        answer = await browser.post(browser.href("upload"), {"file": "x"})
        assert browser.desk.speech.of("upload.nothing") in html.unescape(answer.text)

    run(story())
