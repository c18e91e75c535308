"""A stand-in for two public archives: NBIA's REST services, version 4, and an S3 endpoint with public buckets.

It keeps what the originals do as far as clients can tell: NBIA refuses parameters that it doesn't know, answers
nothing with 200 and an empty body, gives sizes as text, and streams a ZIP of unknown length with the checksums last;
S3 lists in pages, knows ranges and If-Match, and says ETags in quotes.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import NAMESPACE_OID, uuid5
from xml.sax.saxutils import escape

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from tests.hospital.importer_samples import ct

BY = "Creative Commons Attribution 3.0 Unported License", "http://creativecommons.org/licenses/by/3.0/"
BY_NC = (
    "Creative Commons Attribution-NonCommercial 3.0 Unported License",
    "https://creativecommons.org/licenses/by-nc/3.0/",
)
BUCKET = "open-data"

_SERIES_PARAMETERS = {
    "Collection", "format", "PatientID", "StudyInstanceUID", "Modality", "BodyPartExamined", "ManufacturerModelName",
    "Manufacturer", "SeriesInstanceUID",
}  # fmt: skip


def encoded(dataset: Dataset) -> bytes:
    """A Part 10 file."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@dataclass
class Held:
    """A series of the archive."""

    uid: str
    patient_id: str
    modality: str
    objects: list[bytes]
    collection: str = "CHESTS"
    licence: tuple[str | None, str | None] = BY
    hashes: list[str] | None = None  # as the archive states them
    row: dict[str, object] = field(default_factory=dict)  # what getSeries says otherwise

    @property
    def uuid(self) -> str:
        """The folder in the bucket."""
        return str(uuid5(NAMESPACE_OID, self.uid))

    @property
    def keys(self) -> dict[str, bytes]:
        """The objects in the bucket."""
        return {
            f"{self.uuid}/{uuid5(NAMESPACE_OID, f'{self.uid}.{number}')}.dcm": content
            for number, content in enumerate(self.objects)
        }

    def described(self) -> dict[str, object]:
        """A row of getSeries."""
        row: dict[str, object] = {
            "SeriesInstanceUID": self.uid,
            "Modality": self.modality,
            "SeriesDate": "2000-01-01 00:00:00.0",
            "SeriesNumber": 2,
            "Collection": self.collection,
            "PatientID": self.patient_id,
            "ImageCount": len(self.objects),
            "TimeStamp": "2020-01-01 00:00:00.0",
            "LicenseName": self.licence[0],
            "LicenseURI": self.licence[1],
            "DataDescriptionURI": "https://doi.org/10.0000/chests",
            "FileSize": sum(map(len, self.objects)),
            "ThirdPartyAnalysis": "NO",
            "Authorized": 1,
        }
        return {key: value for key, value in (row | self.row).items() if value is not None}

    def packed(self) -> bytes:
        """The answer of getImageWithMD5Hash."""
        hashes = self.hashes or [hashlib.md5(content).hexdigest() for content in self.objects]
        lines = [f"{number:08d}.dcm,{digest}" for number, digest in enumerate(hashes, 1)]
        entries = {f"{number:08d}.dcm": content for number, content in enumerate(self.objects, 1)}
        return zipped(entries | {"md5hashes.csv": "\n".join(["Filename,MD5Hash", *reversed(lines), ""]).encode()})


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@cache
def _images(number: int, count: int) -> tuple[str, str, tuple[bytes, ...]]:
    name = f"CHESTS-{number:04d}"
    images = [ct(image, study=number, PatientID=name, PatientName=name) for image in range(1, count + 1)]
    return str(images[0].SeriesInstanceUID), name, tuple(map(encoded, images))


def held(number: int, count: int = 3, **changed: object) -> Held:
    """Series `number`, of a patient of its own, with `count` CT images."""
    uid, patient_id, objects = _images(number, count)
    found = Held(uid, patient_id, "CT", list(objects))
    for name, value in changed.items():
        setattr(found, name, value)
    return found


Fault = Callable[["Handler"], bool]
"""Answers a request in the place of the archive; False: it does not."""


class Archives(ThreadingHTTPServer):
    """The stand-in; `asked` has the requests so far."""

    daemon_threads = True

    def __init__(self, series: list[Held]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.series = {item.uid: item for item in series}
        self.asked: list[str] = []
        self.ranges: list[str] = []
        self.faults: list[Fault] = []
        self.page = 1000

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def nbia(self) -> str:
        """The base of NBIA's services."""
        return f"{self.url}/nbia-api/services/v4"

    def handle_error(self, *_: object) -> None:
        """Clients that break off are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Archives

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        """As GET, without a body."""
        self.do_GET()

    def do_GET(self) -> None:
        """NBIA or S3, by the path."""
        self.server.asked.append(self.path)
        if any(fault(self) for fault in list(self.server.faults)):
            return
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        base, _, service = parts.path.rpartition("/")
        if base == "/nbia-api/services/v4":
            self._nbia(service, query)
        else:
            self._s3(unquote(parts.path).strip("/"), query)

    def answer(self, status: int, kind: str, body: bytes, **headers: str) -> None:
        """A whole response."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def streamed(self, body: bytes) -> None:
        """A response of unknown length."""
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(body), 1000):
            part = body[start : start + 1000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def _nbia(self, service: str, query: dict[str, str]) -> None:
        known = _SERIES_PARAMETERS if service == "getSeries" else {"SeriesInstanceUID"}
        if service == "getImage":
            known |= {"NewFileNames"}
        if set(query) - known:
            self.answer(400, "text/plain", b"Invalid query parameter")
            return
        rows = [item.described() for item in self.server.series.values()]
        query.pop("format", "")
        rows = [row for row in rows if all(str(row.get(key)) == value for key, value in query.items()
                                           if key != "NewFileNames")]  # fmt: skip
        if service == "getSeries":
            self.answer(200, "application/json", json.dumps(rows).encode() if rows else b"")
        elif service == "getSeriesSize":
            found = [self.server.series[str(row["SeriesInstanceUID"])].objects for row in rows]
            sizes = [
                {"TotalSizeInBytes": str(float(sum(map(len, item)))), "ObjectCount": len(item)} for item in found
            ]
            self.answer(200, "application/json", json.dumps(sizes).encode() if sizes else b"")
        elif service in ("getImage", "getImageWithMD5Hash") and rows:
            self.streamed(self.server.series[str(rows[0]["SeriesInstanceUID"])].packed())
        else:
            self.answer(400, "application/json", b"The user has not been granted the access")

    def _s3(self, path: str, query: dict[str, str]) -> None:
        bucket, _, key = path.partition("/")
        objects = {key: content for item in self.server.series.values() for key, content in item.keys.items()}
        if bucket != BUCKET:
            self.answer(404, "application/xml", b"<Error><Code>NoSuchBucket</Code></Error>")
        elif not key:
            self._listing(query, objects)
        elif key not in objects:
            self.answer(404, "application/xml", b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self._object(objects[key])

    def _listing(self, query: dict[str, str], objects: dict[str, bytes]) -> None:
        prefix, after = query.get("prefix", ""), query.get("continuation-token", "")
        keys = sorted(key for key in objects if key.startswith(prefix) and key > after)
        page = keys[: self.server.page]
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>&quot;{hashlib.md5(objects[key]).hexdigest()}&quot;</ETag><Size>{len(objects[key])}</Size>"
            "<StorageClass>INTELLIGENT_TIERING</StorageClass></Contents>"
            for key in page
        )
        more = len(page) < len(keys)
        token = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>{BUCKET}</Name>'
            f"<Prefix>{escape(prefix)}</Prefix>{token}<KeyCount>{len(page)}</KeyCount><MaxKeys>1000</MaxKeys>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{contents}</ListBucketResult>"
        )
        self.answer(200, "application/xml", text.encode())

    def _object(self, content: bytes) -> None:
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        headers = {"ETag": etag, "Last_Modified": "Mon, 01 Jan 2024 00:00:00 GMT", "Accept_Ranges": "bytes"}
        if self.headers.get("If-Match", etag) != etag:
            self.answer(412, "application/xml", b"<Error><Code>PreconditionFailed</Code></Error>")
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            self.answer(200, "application/dicom", content, **headers)
            return
        self.server.ranges.append(asked[0])
        start, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        if start >= len(content):
            self.answer(416, "application/xml", b"<Error><Code>InvalidRange</Code></Error>")
            return
        headers["Content_Range"] = f"bytes {start}-{end}/{len(content)}"
        self.answer(206, "application/dicom", content[start : end + 1], **headers)


@contextmanager
def archives(*series: Held) -> Iterator[Archives]:
    """The stand-in, while it runs."""
    with Archives(list(series)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
