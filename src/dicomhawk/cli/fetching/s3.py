"""Public S3 buckets without an account: ListObjectsV2 and GetObject over HTTPS, as the S3 API reference has them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import quote, urlencode
from xml.parsers import expat

from .errors import Unacceptable
from .offers import MAX_FILES, Received
from .transfer import CHUNK, Client, Stopped, disk

MAX_PAGE_BYTES = 4 * 2**20
"""Of a listing: at most 1,000 objects, of some 500 bytes each."""

MAX_FIELD = 4096
"""Characters of one value in a listing; a continuation token is the longest."""

MAX_PAGES = MAX_FILES // 100

AT_ONCE = 6
"""Objects that are downloaded at once: slices are small, and one after the other would wait most of the time."""

_MD5 = re.compile(r'"([0-9a-f]{32})"')


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a bucket lists it; `etag` with its quotes, size in bytes."""

    key: str
    size: int
    etag: str


def list_objects(client: Client, bucket: str, prefix: str) -> list[Listed]:
    """The objects of `bucket` whose keys begin with `prefix`. Raises `FetchError`."""
    found: list[Listed] = []
    token = ""
    for _ in range(MAX_PAGES):
        query = {"list-type": "2", "prefix": prefix} | ({"continuation-token": token} if token else {})
        page = _Page()
        page.read(client.body(f"{client.base_url}/{quote(bucket)}?{urlencode(query)}", MAX_PAGE_BYTES))
        found += page.objects()
        if len(found) > MAX_FILES:
            raise Unacceptable(f"The bucket lists more than {MAX_FILES} objects.")
        if page.top.get("IsTruncated") != "true":
            return found
        token = page.top.get("NextContinuationToken", "")
        if not token:
            break
    raise Unacceptable("The bucket's listing has no end.")


class _Page:
    """One ListBucketResult, read without a tree; anything but elements and text is refused."""

    def __init__(self) -> None:
        self.top: dict[str, str] = {}
        self._contents: list[dict[str, str]] = []
        self._path: list[str] = []
        self._text: list[str] = []

    def read(self, body: bytes) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = _no_doctype  # no entities, so none that grow
        try:
            parser.Parse(body, True)
        except expat.ExpatError as error:
            raise Unacceptable(f"The bucket's listing is not XML: {error}.") from None

    def objects(self) -> Iterator[Listed]:
        for fields in self._contents:
            size = fields.get("Size", "")
            if not (size.isascii() and size.isdecimal() and len(size) < 16):
                raise Unacceptable("The bucket lists an object without its size.")
            yield Listed(fields.get("Key", ""), int(size), fields.get("ETag", "").strip())

    def _start(self, name: str, _: dict[str, str]) -> None:
        if not self._path and name != "ListBucketResult":
            raise Unacceptable("The bucket does not answer with a listing.")
        self._path.append(name)
        if len(self._path) == 2 and name == "Contents":
            self._contents.append({})
        self._text.clear()

    def _end(self, name: str) -> None:
        text = "".join(self._text)
        if len(text) > MAX_FIELD:
            raise Unacceptable("The bucket's listing has a value that is too long.")
        depth = len(self._path)
        if depth == 3 and self._path[1] == "Contents":
            self._contents[-1][name] = text
        elif depth == 2 and name != "Contents":
            self.top[name] = text
        self._path.pop()
        self._text.clear()


def _no_doctype(*_: object) -> None:
    raise Unacceptable("The bucket's listing has a document type.")


def get_objects(client: Client, bucket: str, listed: list[Listed], folder: Path, received: Received) -> None:
    """Download the objects into files of `folder` that have the last part of their key as name.

    What is there already and verified is kept; what was begun is continued. Raises `FetchError`.
    """
    lock = Lock()
    there: dict[str, int] = {}

    def count(key: str, size: int) -> None:
        with lock:
            there[key] = size
            received(sum(there.values()))

    def get(item: Listed) -> None:
        _get_object(client, bucket, item, folder / item.key.rpartition("/")[2], lambda size: count(item.key, size))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            running = [pool.submit(get, item) for item in listed]
            done, _ = wait(running, return_when=FIRST_EXCEPTION)
            failures = [future.exception() for future in done if not future.cancelled()]
        except BaseException:
            client.stop()
            pool.shutdown(cancel_futures=True)
            raise
        first = next((failure for failure in failures if failure and not isinstance(failure, Stopped)), None)
        if first is not None:
            for future in running:
                future.cancel()
            client.stop()
    if first is not None:
        client.resume()
        raise first


def _get_object(client: Client, bucket: str, item: Listed, target: Path, received: Received) -> None:
    plain = True

    def encrypted() -> None:
        nonlocal plain
        plain = False  # with a key of the service's, the ETag is no MD5

    with disk(target.parent):
        if target.exists():
            if _is_right(target, item, plain):
                received(item.size)
                return
            target.unlink()
    url = f"{client.base_url}/{quote(bucket)}/{quote(item.key)}"
    client.download(url, target, item.size, received, version=item.etag, encrypted=encrypted)
    with disk(target.parent):
        if not _is_right(target, item, plain):
            target.unlink()
            raise Unacceptable("An object is not what the bucket's listing says: size or checksum differ.")


def _is_right(path: Path, item: Listed, plain: bool) -> bool:
    """By its MD5 where the ETag is one: it is not for objects that were uploaded in parts."""
    if path.stat().st_size != item.size:
        return False
    digest = _MD5.fullmatch(item.etag)
    if digest is None or not plain:
        return True
    found = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest() == digest[1]
