"""Archives that strangers made: whatever they say of themselves, little is read of them."""

from __future__ import annotations

import io
import tempfile
import zipfile

import pytest

from dicomhawk.sensor.web.orthanc.unpacking import MAX_MEMBER, Unpacking, UnpackingError
from tests.sensor.web.orthanc.client import Client, part10, secondary_capture
from tests.support import Sensor


def archive(files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as writer:
        for name, content in files.items():
            writer.writestr(name, content)
    return made.getvalue()


def unpacked(data: bytes) -> list[bytes | None]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        with Unpacking(file.fileno()) as found:
            return [found.member(number) for number in range(len(found))]


def test_files() -> None:
    assert unpacked(archive({"a": b"one", "b/c": b"two" * 1000})) == [b"one", b"two" * 1000]


@pytest.mark.parametrize("how", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_ways_of_packing_are_passed_over(how: int) -> None:
    assert unpacked(archive({"a": b"one"}, how)) == [None]


def test_what_becomes_too_long() -> None:
    assert unpacked(archive({"a": bytes(MAX_MEMBER + 1), "b": b"two"})) == [None, b"two"]


def test_a_directory_of_many() -> None:
    data = archive({f"{number}": b"" for number in range(15_000)})
    with pytest.raises(UnpackingError):
        unpacked(data)


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"PK\5\6" + b"\xff" * 18, b"PK\3\4" + b"x" * 70_000])
def test_what_is_none(data: bytes) -> None:
    with pytest.raises(UnpackingError):
        unpacked(data)


def test_uploads_that_are_archives(orthanc: Sensor, client: Client) -> None:
    own = part10(secondary_capture())
    found = client.post("/instances", archive({"a.dcm": own, "b": b"no"}))
    assert [each["Status"] for each in found] == ["Success"]
    assert client.post("/instances", archive({"a.dcm": own}, zipfile.ZIP_LZMA)) == []
    answer = client.ask("POST", "/instances", archive({f"{number}": b"" for number in range(15_000)}))
    assert (answer.status, answer.json["Details"]) == (400, "Cannot open ZIP archive from memory buffer")
    orthanc.check()
