"""The NCI Imaging Data Commons: its index from the package ``idc-index-data``, its objects from public buckets."""

from __future__ import annotations

import html
import importlib
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

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
from .s3 import get_objects, list_objects
from .transfer import Client

MAX_OFFERS = 10_000
"""Series of one choice: more than anybody imports, and little enough to describe each."""

MISSING = "The index of the IDC is not installed: install dicomhawk with its extra, `dicomhawk[idc]`."

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TAGS = re.compile(r"<[^<>]{1,40}>")
_MB = 1_000_000

_CHOICE = """
SELECT SeriesInstanceUID, PatientID, license_short_name FROM read_parquet($index)
WHERE analysis_result_id IS NULL AND list_contains($modalities, Modality)
AND ($collection = '' OR lower(collection_id) = $collection) AND SeriesInstanceUID IS NOT NULL
AND series_size_MB * 1e6 <= $most_bytes AND instanceCount <= $most_files
"""
_DETAILS = """
SELECT SeriesInstanceUID, PatientID, collection_id, license_short_name, instanceCount, series_size_MB,
aws_bucket, crdc_series_uuid, source_DOI FROM read_parquet($index)
WHERE SeriesInstanceUID IN (SELECT unnest($uids))
"""
_SOURCES = """
SELECT collection_name, lower(source.source_doi), source.citation
FROM (SELECT collection_name, unnest(sources) AS source FROM read_parquet($index))
"""


class Idc:
    """The IDC, its buckets at an S3 endpoint."""

    name = "IDC"

    def __init__(self, client: Client) -> None:
        self._client = client

    def offers(self, wanted: Wanted, seed: str) -> Offered:
        """Original series, as the index says; without a collection, of all. No connection is needed."""
        index = _Index()
        collection = re.sub(r"[ .-]", "_", wanted.collection.casefold())
        rows = index.rows(
            _CHOICE,
            modalities=list(wanted.modalities or DEFAULT_MODALITIES),
            collection=collection,
            most_bytes=MAX_SERIES_BYTES,
            most_files=MAX_FILES,
        )
        if not rows:
            raise FetchError(f"The IDC has no such series in {clean(wanted.collection) or 'any collection'!r}.")
        allowed = {name for name in {row[2] for row in rows} if licence_of(name, None)}
        passed_over = Counter({"licence": sum(row[2] not in allowed for row in rows)})
        order = in_order(((row[0], row[1] or "") for row in rows if row[2] in allowed), seed)[:MAX_OFFERS]
        found = {offer.uid: offer for offer in index.described(order)}
        return Offered([found[uid] for uid in order if uid in found], +passed_over)

    def fetch(self, offer: Offer, folder: Path, received: Received) -> None:
        """Download the series' objects; those of an earlier attempt are kept."""
        bucket, _, uuid = offer.place.partition("/")
        if not (_BUCKET.fullmatch(bucket) and _UUID.fullmatch(uuid)):
            raise Unacceptable("The index has no place for the series.")
        listed = list_objects(self._client, bucket, f"{uuid}/")
        if any(not _is_object(item.key, uuid) for item in listed) or len({item.key for item in listed}) < len(listed):
            raise Unacceptable("The bucket lists something that is no object of the series.")
        if len(listed) < max(offer.files, 1):
            raise Unacceptable(f"The bucket has {len(listed)} of the series' {offer.files} objects.")
        # The index rounds; what is listed may not be much more.
        if sum(item.size for item in listed) > 1.1 * offer.size + _MB:
            raise Unacceptable("The bucket has more of the series than the index says.")
        get_objects(self._client, bucket, listed, folder, received)


def _is_object(key: str, uuid: str) -> bool:
    folder, _, name = key.partition("/")
    return folder == uuid and name.endswith(".dcm") and _UUID.fullmatch(name.removesuffix(".dcm")) is not None


class _Index:
    """The index, which is a file of the package and is read by DuckDB. Raises `FetchError`."""

    def __init__(self) -> None:
        try:
            duckdb = importlib.import_module("duckdb")
            package = importlib.import_module("idc_index_data")
        except ImportError:
            raise FetchError(MISSING) from None
        self._trouble: type[Exception] = duckdb.Error
        self._series: Path = package.IDC_INDEX_PARQUET_FILEPATH
        collections = getattr(package, "INDEX_METADATA", {}).get("collections_index", {})
        self._collections: Path | None = collections.get("parquet_filepath")
        # What DuckDB would need more, it would get from the network by itself.
        options = {"autoinstall_known_extensions": False, "autoload_known_extensions": False, "threads": 2}
        self._database: Any = duckdb.connect(":memory:", config=options)

    def rows(self, query: str, index: Path | None = None, **parameters: object) -> list[tuple[Any, ...]]:
        try:
            found = self._database.execute(query, {"index": str(index or self._series), **parameters}).fetchall()
        except self._trouble as error:
            first = str(error).splitlines()[0][:200]
            raise FetchError(f"The index of the installed idc-index-data is not understood: {first}") from None
        return list(found)

    def described(self, uids: list[str]) -> Iterable[Offer]:
        sources = {} if self._collections is None else self._sources(self._collections)
        for uid, patient, collection, name, files, size, bucket, uuid, doi in self.rows(_DETAILS, uids=uids):
            licence = licence_of(name, None)
            if licence is None or not is_uid(uid):
                continue
            title, citation = sources.get((doi or "").lower(), (collection, ""))
            address = f"https://doi.org/{clean(doi)}" if doi else ""
            work = Work(Idc.name, clean(title), licence, address, citation)
            yield Offer(uid, patient or "", work, int(files or 0), int((size or 0) * _MB), f"{bucket}/{uuid}")

    def _sources(self, collections: Path) -> dict[str, tuple[str, str]]:
        """Names of collections and citations, by DOI."""
        found = {}
        for name, doi, citation in self.rows(_SOURCES, collections):
            found[doi or ""] = name, clean(html.unescape(_TAGS.sub("", citation or "")))
        return found
