"""A visitor of Orthanc's API with an address of its own."""

from __future__ import annotations

import base64
import http.client
import io
import json
import warnings
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

USER = PASSWORD = "orthanc"
ROOT = "1.2.276.0.99."
"""Of UIDs: not that of a library, which would be a tell if a sensor said it."""
_addresses = count(20)


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's value."""
        return json.loads(self.body)


class Client:
    """Asks from one loopback address; `user`: with the product's own credentials."""

    def __init__(self, port: int, *, user: str | None = USER, password: str = PASSWORD) -> None:
        self.port = port
        self.address = f"127.0.9.{next(_addresses)}"
        self.headers = {}
        if user is not None:
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            self.headers["Authorization"] = f"Basic {pair}"

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One request on a connection of its own."""
        if body is not None and not isinstance(body, bytes | str):
            body = json.dumps(body)
        data = body.encode() if isinstance(body, str) else body
        connection = http.client.HTTPConnection("127.0.0.1", self.port, 60, source_address=(self.address, 0))
        try:
            fields = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, data, fields)  # type: ignore[arg-type]
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Any:
        """The value at a path, which is there."""
        answer = self.ask("GET", path, **headers)
        assert answer.status == 200, f"{path}: {answer}"
        return answer.json

    def post(self, path: str, body: object) -> Any:
        """The value that a call answers, which succeeds."""
        answer = self.ask("POST", path, body)
        assert answer.status == 200, f"{path}: {answer}"
        return answer.json


def secondary_capture(**more: Any) -> Dataset:
    """A small object of a patient whom nobody else has."""
    found = Dataset()
    found.SOPClassUID = SecondaryCaptureImageStorage
    found.SOPInstanceUID = generate_uid(ROOT)
    found.StudyInstanceUID = generate_uid(ROOT)
    found.SeriesInstanceUID = generate_uid(ROOT)
    found.PatientID = f"ORTHANC-{found.SOPInstanceUID[-12:]}"
    found.PatientName = "Visitor^Own"
    found.Modality = "OT"
    found.InstanceNumber = 1
    found.SamplesPerPixel = 1
    found.PhotometricInterpretation = "MONOCHROME2"
    found.Rows = found.Columns = 4
    found.BitsAllocated = found.BitsStored = 8
    found.HighBit, found.PixelRepresentation = 7, 0
    found.PixelData = bytes(range(16))
    for name, value in more.items():
        setattr(found, name, value)
    return found


def part10(dataset: Dataset) -> bytes:
    """Its file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = "1.2.3.4"
    dataset.file_meta = meta
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def walked(value: Any) -> Iterator[Any]:
    """A JSON value and all that is in it."""
    yield value
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from walked(each)
