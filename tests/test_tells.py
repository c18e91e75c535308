"""The check that nothing sent says what the sensor is made of can fail, and knows an echo from a slip."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dicomhawk.evidence.transcript import Framing, Reference, Transcript, TranscriptWriter
from dicomhawk.upperlayer import items as it
from dicomhawk.upperlayer import pdu
from tests.tells import TELLS, WORDS, assert_no_tell, assert_no_tell_in_vault

CALLED, CALLING = pdu.ae_title("ANY-SCP"), pdu.ae_title("PYNETDICOM")
VERSION = "PYNETDICOM_302"
VISITOR, OTHER = ("127.0.0.2", 1000), ("127.0.0.3", 1000)
SENSOR = ("127.0.0.1", 11112)


def user_information(version: str) -> tuple[it.ApplicationContext, it.UserInformation]:
    uid = it.ImplementationClassUID("1.2.3.4")
    items = (it.MaximumLength(16384), uid, it.ImplementationVersionName(version))
    return it.ApplicationContext("1.2.840.10008.3.1.1.1"), it.UserInformation(items)


REQUEST = pdu.encode(pdu.AssociateRQ(CALLED, CALLING, user_information(VERSION)))


def answer(version: str = "ARCHIVE_1") -> bytes:
    return pdu.encode(pdu.AssociateAC(CALLED, CALLING, user_information(version)))


class Case:
    """Transcripts of connections, written by hand."""

    def __init__(self, data: Path) -> None:
        self.data = data
        folder = data / "vault" / "transcripts"
        folder.mkdir(parents=True)
        self._writer = TranscriptWriter(folder, "w0", 1 << 20)
        self._count = 0

    def connection(self, source: tuple[str, int] = VISITOR) -> Transcript:
        self._count += 1
        return self._writer.open(f"connection{self._count}", source, SENSOR)

    def check(self) -> None:
        self._writer.close()
        assert_no_tell_in_vault(self.data)

    def fails(self, token: str) -> None:
        with pytest.raises(AssertionError, match=f"the sensor said b'{token}'"):
            self.check()


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@pytest.mark.parametrize("tell", TELLS)
def test_each_word_is_seen(case: Case, tell: bytes) -> None:
    one = case.connection()
    one.sent(b"\0 x" + tell[:4])
    one.sent(tell[4:])
    case.fails("x" + tell.decode())


@pytest.mark.parametrize("word", WORDS)
def test_each_word_is_seen_without_a_vault(word: bytes) -> None:
    assert_no_tell(word[1:])
    with pytest.raises(AssertionError):
        assert_no_tell(b"x" + word.upper())


def test_titles_that_come_back_are_the_visitors(case: Case) -> None:
    one = case.connection()
    one.received(REQUEST)
    one.sent(answer())
    case.check()


def test_a_version_that_comes_back_is_a_slip(case: Case) -> None:
    one = case.connection()
    one.received(REQUEST)
    one.sent(answer(VERSION))
    case.fails(VERSION)


def test_a_title_that_nobody_said_is_a_slip(case: Case) -> None:
    one = case.connection()
    one.received(pdu.encode(pdu.AssociateRQ(CALLED, CALLED, user_information(VERSION))))
    one.sent(answer())
    case.fails("PYNETDICOM")


def test_what_a_visitor_said_may_come_back_to_it(case: Case) -> None:
    one, two = case.connection(), case.connection()
    one.received(b"\x04 name pydicom^1")
    two.sent(b"\x04 name pydicom^1")
    case.check()


def test_but_to_nobody_else(case: Case) -> None:
    one, two = case.connection(), case.connection(OTHER)
    one.received(b"\x04 name pydicom^1")
    two.sent(b"\x04 name pydicom^1")
    case.fails("pydicom\\^1")


@pytest.mark.parametrize("words", ["", "made by pydicom"])
def test_uploads_are_the_visitors(case: Case, words: str) -> None:
    digest = hashlib.sha256(b"").hexdigest()
    path = case.data / "vault" / "objects" / digest[:2] / digest
    path.parent.mkdir(parents=True)
    path.write_bytes(words.encode())
    one = case.connection()
    one.object_stored(1, digest)
    one.sent(b"found: pydicom")
    if words:
        case.check()
    else:
        case.fails("pydicom")


@pytest.mark.parametrize("framing", [None, Framing(8, b"head", b"last")])
@pytest.mark.parametrize("words", ["clean", "drawn with Python"])
def test_objects_of_the_hospital(case: Case, framing: Framing | None, words: str) -> None:
    path = case.data / "hospital" / "cache" / ".4" / "1.2.3.4.dcm"
    path.parent.mkdir(parents=True)
    path.write_bytes(words.encode())
    one = case.connection()
    one.sent_object(Reference("hospital", "1.2.3.4", "1.2.840.10008.1.2"), 0, 100, framing)
    if words == "clean":
        case.check()
    else:
        case.fails("Python")


def test_headers_between_the_pieces_of_an_object(case: Case) -> None:
    one = case.connection()
    one.sent_object(Reference("captured", "00", "1.2.840.10008.1.2"), 0, 100, Framing(8, b"python ", b"last"))
    case.fails("python")
