"""What counts as a difference between two answers, and what doesn't."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.hospital.elements import IMPLICIT_LE, Element, encode
from dicomhawk.outputs.replay.answers import MAX_KEPT, Answer, Answers
from dicomhawk.outputs.replay.compare import differences
from dicomhawk.outputs.replay.masks import Masks
from dicomhawk.outputs.replay.units import MAX_PDU, Messages, Pdus, Raw, Unit, protocol_of, splitters
from dicomhawk.persona.battery import building as b
from dicomhawk.upperlayer.dimse import CommandField

PATIENT_NAME, RETRIEVE_URL = 0x00100010, 0x00081190
UUIDS = "3f2b8c1e-0000-4a1b-9c3d-112233445566", "77777777-aaaa-4bbb-8ccc-999999999999"


def answers(*units: Unit) -> list[Answer]:
    found = Answers()
    found.add(units)
    found.finish()
    return found.found


def pdus(*data: bytes) -> list[Answer]:
    return answers(*(Unit("dicom", each) for each in data))


def match(name: str, url: str = "", *, cut: int = 0) -> list[bytes]:
    """The PDUs of a C-FIND-RSP with a match."""
    keys = {PATIENT_NAME: Element(PATIENT_NAME, "PN", name.encode())}
    if url:
        keys = {RETRIEVE_URL: Element(RETRIEVE_URL, "UR", url.encode())} | keys
    data = encode(keys, IMPLICIT_LE)
    command = b.command(CommandField.C_FIND_RSP, data_set=True, MessageIDBeingRespondedTo=1, Status=0xFF00)
    if cut:
        parts = [b.p_data(b.pdv(1, 0, data[:cut])), b.p_data(b.pdv(1, 2, data[cut:]))]
    else:
        parts = [b.p_data(b.pdv(1, 2, data))]
    return [b.p_data(b.pdv(1, 3, command)), *parts]


def response(body: str, *headers: str, status: str = "200 OK") -> list[Answer]:
    head = "\r\n".join((f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""))
    return answers(Unit("http", (head + body).encode(), len(head)))


def told(one: list[Answer], other: list[Answer]) -> list[str]:
    return list(differences(one, other, Masks()))


def test_the_same_is_the_same() -> None:
    assert told(pdus(*match("DOE^J ")), pdus(*match("DOE^J "))) == []
    assert told(response("x"), response("x")) == []
    assert told([], []) == []


def test_a_value_of_a_match() -> None:
    (sentence,) = told(pdus(*match("DOE^J ")), pdus(*match("ROE^J ")))
    assert sentence == "answer 1, C-FIND-RSP (0xff00): PatientName is PN 'DOE^J ', now PN 'ROE^J '"


def test_a_match_that_is_new_and_one_that_is_gone() -> None:
    first, second, third = (match(name) for name in ("A^A ", "B^B ", "C^C "))
    assert told(pdus(*first, *third), pdus(*first, *second, *third)) == ["answer 2 is new: C-FIND-RSP (0xff00)"]
    (sentence,) = told(pdus(*first, *second, *third), pdus(*first, *third))
    assert sentence == "answer 2, C-FIND-RSP (0xff00), does not come any more"


def test_an_abort_instead() -> None:
    abort = b.unit(7, b"\0\0\2\1")
    assert told(pdus(*match("A^A ")), pdus(abort)) == [
        "answer 1, C-FIND-RSP (0xff00): is now A-ABORT (source 2, reason 1)"
    ]


def test_another_cut_into_pdus() -> None:
    (sentence,) = told(pdus(*match("DOE^J ")), pdus(*match("DOE^J ", cut=4)))
    assert "is cut into PDUs in another way: P-DATA-TF with values of 14 (0x02) on 1, now" in sentence


def test_a_token_in_an_element_may_differ() -> None:
    masks = Masks()
    urls = [f"http://pacs.example/wado/{token}" for token in ("abcdefgh12345678abcd", "zyxwvuts87654321zyxw")]
    one, other = (pdus(*match("DOE^J ", url)) for url in urls)
    assert list(differences(one, other, masks)) == []
    assert masks.used == {"tokens": 1}
    other = pdus(*match("DOE^J ", urls[1].replace("pacs.example", "other.example")))
    assert "RetrieveURL is UR" in told(one, other)[0]


def test_what_is_too_long_to_keep_is_compared_by_its_hash() -> None:
    def long(last: bytes) -> list[Answer]:
        command = b.command(CommandField.C_STORE_RQ, data_set=True, MessageID=1)
        parts = [b.p_data(b.pdv(1, 0, bytes(100_000))) for _ in range(MAX_KEPT // 100_000 + 1)]
        return pdus(b.p_data(b.pdv(1, 3, command)), *parts, b.p_data(b.pdv(1, 2, last)))

    assert long(b"aa")[0].data is None
    assert told(long(b"aa"), long(b"aa")) == []
    assert "differs somewhere in its" in told(long(b"aa"), long(b"bb"))[0]


def test_an_answer_that_breaks_off() -> None:
    whole = match("DOE^J ")
    (sentence,) = told(pdus(*whole), pdus(whole[0]))
    assert sentence == "answer 1, C-FIND-RSP (0xff00): is now C-FIND-RSP (0xff00), not complete"


@pytest.mark.parametrize(
    ("one", "other", "name"),
    [
        ("at Sun, 22 Nov 2026 11:00:00 GMT", "at Mon, 23 Nov 2026 12:01:02 GMT", "moments"),
        ('"20261122T110000"', '"20261123T120102"', "moments"),
        ("2026-11-22T11:00:00.123Z", "2026-11-23T12:01:02.456Z", "moments"),
        (f'"ID":"{UUIDS[0]}"', f'"ID":"{UUIDS[1]}"', "generated identifiers"),
        ("2.25.123456789", "2.25.987654321", "generated identifiers"),
        ("<p>Reference: 6CE13350</p>", "<p>Reference: CA7F3507</p>", "generated identifiers"),
        ("csrf=0a1b2c3d4e5f60718293", "csrf=ffeeddccbbaa99887766", "tokens"),
    ],
)
def test_what_may_differ_in_a_body(one: str, other: str, name: str) -> None:
    masks = Masks()
    assert list(differences(response(one), response(other), masks)) == []
    assert masks.used[name] == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("abc", "abd"),
        ("StudyDate 20261122", "StudyDate 20261123"),
        ("<p>Date: 20261122<", "<p>Date: 20261123<"),
        ("1.2.826.0.1.3680043.9.511.1", "1.2.826.0.1.3680043.9.511.2"),
        ("66c8e41e-ac3a9029-0b85e42a-8195ee0a-92c2e62e", "0ac3a902-ac3a9029-0b85e42a-8195ee0a-92c2e62e"),
        ("csrf=0a1b2c3d4e5f60718293", "csrf=short"),
        ("InternationalHospital", "InternationalHospitals"),
    ],
)
def test_what_may_not(one: str, other: str) -> None:
    assert len(told(response(one), response(other))) == 1


def test_a_token_stays_the_same_within_a_session() -> None:
    masks = Masks()
    token, now, later = "0a1b2c3d4e5f60718293", "ffeeddccbbaa99887766", "11223344556677889900aa"
    assert list(differences(response(token), response(now), masks)) == []
    assert len(list(differences(response(token), response(later), masks))) == 1


def test_lengths_follow_what_may_differ_and_nothing_else() -> None:
    masks = Masks()
    one, other = response("id 0a1b2c3d4e5f60718293 x"), response("id 0a1b2c3d4e5f60718293ab x")
    assert list(differences(one, other, masks)) == []
    assert masks.used == {"tokens": 1, "lengths": 1}
    (sentence,) = told(response("abc"), response("abcd"))
    assert "differs from byte 3 on" in sentence


def test_heads_are_compared() -> None:
    (sentence,) = told(response("x", "Server: A"), response("x", "Server: B"))
    assert sentence == "answer 1, HTTP/1.1 200 OK: header Server is A, now B"
    (sentence,) = told(response("x", "A: 1", "B: 2"), response("x", "B: 2", "A: 1"))
    assert "has the headers A, B, Content-Length, now B, A, Content-Length" in sentence
    (sentence,) = told(response("x"), response("x", status="401 Unauthorized"))
    assert sentence == "answer 1, HTTP/1.1 200 OK: is now HTTP/1.1 401 Unauthorized"
    cookies = "Set-Cookie: SID=0a1b2c3d4e5f/607182+93==; Path=/", "Set-Cookie: SID=ffeeddccbbaa/998877+66==; Path=/"
    masks = Masks()
    assert list(differences(response("x", cookies[0]), response("x", cookies[1]), masks)) == []
    assert len(told(response("x", cookies[0]), response("x", cookies[1].replace("Path=/", "Path=/a")))) == 1


def test_tokens_of_today_are_put_into_what_was_sent() -> None:
    masks = Masks()
    masks.learn("SID=0a1b2c3d4e5f60718293; Path=/", "SID=ffeeddccbbaa99887766; Path=/")
    assert masks.renewed(b"Cookie: SID=0a1b2c3d4e5f60718293\r\n") == b"Cookie: SID=ffeeddccbbaa99887766\r\n"
    masks.learn("t=abcdefgh1234567890", "t=abcdefgh1234567890longer")
    assert masks.renewed(b"t=abcdefgh1234567890") == b"t=abcdefgh1234567890"


# Streams

ASSOCIATION = [b.unit(2, bytes(200)), *match("DOE^J "), b.unit(6, bytes(4))]
RESPONSES = [
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",  # to HEAD
    b"HTTP/1.1 304 Not Modified\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
]
METHODS = [b"GET", b"HEAD", b"GET", b"POST", b"GET", b"GET"]


def fed(splitter: Pdus | Messages | Raw, stream: bytes, cuts: list[int]) -> list[bytes]:
    found, at = [], 0
    for cut in cuts * (len(stream) // sum(cuts) + 1):
        found += splitter.feed(stream[at : at + cut])
        at += cut
    return [unit.data for unit in (*found, *splitter.finish())]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_streams_are_cut_the_same_however_they_come(cuts: list[int]) -> None:
    assert fed(Pdus(), b"".join(ASSOCIATION), cuts) == ASSOCIATION
    assert fed(Messages(deque(METHODS), responses=True), b"".join(RESPONSES), cuts) == RESPONSES


@given(st.binary(max_size=600), st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_no_byte_is_lost_whatever_comes(stream: bytes, cuts: list[int]) -> None:
    for splitter in (Pdus(), Raw(), Messages(deque(), responses=True), Messages(deque(), responses=False)):
        assert b"".join(fed(splitter, stream, cuts)) == stream


def test_a_length_is_not_believed() -> None:
    pdus = Pdus()
    lie = b"\4\0" + (MAX_PDU + 1).to_bytes(4, "big")
    assert pdus.feed(lie + b"x" * 100) == []
    assert pdus.finish() == [Unit("raw", lie + b"x" * 100)]
    endless = Messages(deque(), responses=True)
    assert endless.feed(b"HTTP/1.1 200 OK\r\nX: " + b"x" * (1 << 19))[0].protocol == "raw"


def test_what_a_connection_speaks() -> None:
    assert protocol_of(b"\1\0\0\0\0\xcd") == protocol_of(b"\1") == "dicom"
    assert protocol_of(b"GET / HTTP/1.1\r\n") == "http"
    assert protocol_of(b"\x16\3\1\2\0\1") == protocol_of(b"") == "raw"
    assert {type(each) for each in splitters("raw")} == {Raw}
