"""The Cancer Imaging Archive, by its NBIA REST API, version 4: getSeries, getSeriesSize, getImageWithMD5Hash."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from ...hospital.importer.uids import is_uid
from .errors import FetchError, Unacceptable
from .licence import licence_of
from .offers import (
    DEFAULT_MODALITIES,
    MAX_FILES,
    MAX_SERIES_BYTES,
    Offer,
    Offered,
    Received,
    Wanted,
    Work,
    clean,
    in_order,
)
from .transfer import Client, disk
from .unpack import unpack

MAX_LIST_BYTES = 256 * 2**20
"""Of the list of a collection's series; about 1 KiB each, 200,000 in the largest."""

MAX_SIZE_BYTES = 2**16
"""Of the answer about one series."""

MARGIN = 2**20
"""Bytes that a ZIP may have beyond its objects, with `PER_FILE` for each: headers, the list of checksums."""

PER_FILE = 512

_Number = int | float | str | None
_Row = TypeVar("_Row")


class _Series(msgspec.Struct, rename="pascal"):
    """A row of getSeries, as far as it is used. Attributes that are empty are missing or null."""

    series_uid: str | None = msgspec.field(name="SeriesInstanceUID", default=None)
    patient_id: str | None = msgspec.field(name="PatientID", default=None)
    collection: str | None = None
    modality: str | None = None
    image_count: _Number = None
    file_size: _Number = None
    license_name: str | None = None
    license_address: str | None = msgspec.field(name="LicenseURI", default=None)
    description_address: str | None = msgspec.field(name="DataDescriptionURI", default=None)
    collection_address: str | None = msgspec.field(name="CollectionURI", default=None)
    third_party_analysis: str | None = None


class _Size(msgspec.Struct):
    """A row of getSeriesSize."""

    total: _Number = msgspec.field(name="TotalSizeInBytes", default=None)
    count: _Number = msgspec.field(name="ObjectCount", default=None)


class Tcia:
    """TCIA, or another NBIA, at the address of its version 4 services."""

    name = "TCIA"

    def __init__(self, client: Client) -> None:
        self._client = client

    def offers(self, wanted: Wanted, seed: str) -> Offered:
        """Series of a collection. Raises `FetchError`."""
        if not wanted.collection:
            raise FetchError("TCIA is asked for one collection: name it with --collection.")
        query = {"Collection": wanted.collection}
        if len(wanted.modalities) == 1:
            query["Modality"] = wanted.modalities[0]
        rows = self._rows(_Series, "getSeries", query, MAX_LIST_BYTES)
        if not rows:
            raise FetchError(f"TCIA has no such series in a collection {clean(wanted.collection)!r}.")
        passed_over: Counter[str] = Counter()
        found: dict[str, Offer] = {}
        for row in rows:
            offer = _offer(row, wanted.modalities or DEFAULT_MODALITIES, passed_over)
            if offer is not None:
                found[offer.uid] = offer
        order = in_order(((offer.uid, offer.patient_id) for offer in found.values()), seed)
        return Offered([found[uid] for uid in order], passed_over)

    def fetch(self, offer: Offer, folder: Path, received: Received) -> None:
        """Download the series' ZIP and unpack it. It is made anew for each request, so it can't be continued."""
        size, files = offer.size, offer.files
        if not size:
            for about in self._rows(_Size, "getSeriesSize", {"SeriesInstanceUID": offer.uid}, MAX_SIZE_BYTES):
                size, files = _integer(about.total), files or _integer(about.count)
        if size > MAX_SERIES_BYTES:
            raise Unacceptable(f"A series of {size} bytes is too large.")
        limit = size + MARGIN + PER_FILE * (files or MAX_FILES) if size else MAX_SERIES_BYTES
        packed = folder.with_name(f"{folder.name}.zip")
        url = self._url("getImageWithMD5Hash", {"SeriesInstanceUID": offer.uid})
        try:
            self._client.download(url, packed, limit, received)
            unpack(packed, folder, files=files, limit=limit)
        finally:
            with disk(folder):
                packed.unlink(missing_ok=True)

    def _rows(self, row: type[_Row], service: str, query: dict[str, str], limit: int) -> list[_Row]:
        body = self._client.body(self._url(service, query), limit)
        if not body.strip():
            return []  # nothing found
        try:
            return msgspec.json.decode(body, type=list[row])  # type: ignore[valid-type]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unacceptable(f"TCIA's answer to {service} is not understood: {str(error)[:200]}.") from None

    def _url(self, service: str, query: dict[str, str]) -> str:
        return f"{self._client.base_url}/{service}?{urlencode(query)}"


def _offer(row: _Series, modalities: tuple[str, ...], passed_over: Counter[str]) -> Offer | None:
    licence = licence_of(row.license_name, row.license_address)
    uid = (row.series_uid or "").strip()
    size, files = _integer(row.file_size), _integer(row.image_count)
    reason = ""
    if row.modality not in modalities:
        reason = "another modality"
    elif licence is None:
        reason = "licence"
    elif not is_uid(uid):
        reason = "no UID"
    elif size > MAX_SERIES_BYTES or files > MAX_FILES:
        reason = "too large"
    elif (row.third_party_analysis or "").upper() == "YES":
        reason = "an analysis"
    if reason or licence is None:
        passed_over[reason] += 1
        return None
    address = clean(row.description_address or row.collection_address)
    work = Work(Tcia.name, clean(row.collection), licence, address if address.startswith("http") else "")
    return Offer(uid, clean(row.patient_id), work, files, size)


def _integer(value: _Number) -> int:
    """Sizes come as numbers, or as text such as ``526342.0``; 0 for what is none."""
    try:
        number = float(value or 0)
    except ValueError:
        return 0
    return int(number) if 0 <= number < 2**60 else 0
