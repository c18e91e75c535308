"""Bytes in, requests out: the standard read literally, and the products' ways with what isn't standard."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.persona.model.http_faults import Fault
from dicomhawk.sensor.web.wire.inbound import BodyReceived, HeadReceived, Inbound, Wrong
from dicomhawk.sensor.web.wire.persistence import keeps
from tests.sensor.web.playbook import NEUTRAL, PORT, faults, http_of, outcome, request

PERSONAS = ("plain", "orthanc", "dcm4chee-arc", "horos", "clearcanvas", "dcmqrscp")
ORTHANC = http_of("orthanc")
NGINX = http_of("dcmqrscp")
HOST = ("Host", "h")
POST = b"POST /x HTTP/1.1"


def test_a_request() -> None:
    data = b"GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-oDD:  v \r\n\r\n"
    assert outcome([data]) == [
        ("head", "GET", "/a?b=c", "1.1", (HOST, ("X-oDD", "v ")), ()),
        ("end",),
    ]


def test_requests_in_one_segment() -> None:
    found = outcome([request(POST, b"Content-Length: 3", body=b"abc") + request() + request(b"PUT /y HTTP/1.0")])
    assert [each[:3] for each in found] == [
        ("head", "POST", "/x"),
        ("body", b"abc"),
        ("end",),
        ("head", "GET", "/x"),
        ("end",),
        ("head", "PUT", "/y"),
        ("end",),
    ]


def test_chunks_with_extension_and_trailer() -> None:
    body = b"3;a=b\r\nabc\r\n10\r\n" + b"d" * 16 + b"\r\n0\r\nT: v\r\n\r\n"
    found = outcome([request(POST, b"Transfer-Encoding: chunked", body=body) + request()])
    assert [each[0] for each in found] == ["head", "body", "end", "head", "end"]
    assert found[1] == ("body", b"abc" + b"d" * 16)


def test_a_request_that_is_not_answered_holds_the_next_one_back() -> None:
    inbound = Inbound(NEUTRAL, PORT, 0.0)
    inbound.feed(request() + request(b"GET /y HTTP/1.1"), 0.0)
    assert isinstance(inbound.poll(0.0), HeadReceived)
    assert inbound.poll(0.0) is None
    inbound.proceed(1.0)
    second = inbound.poll(1.0)
    assert isinstance(second, HeadReceived)
    assert second.head.target == "/y"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"\x16\x03\x01\x00\xa5", "control"),
        (b"GET /\0 HTTP/1.1\r\n\r\n", "control"),
        (b"GET\r\n", "line"),
        (b"GET  /x HTTP/1.1\r\n", "line"),
        (b"GET /a b HTTP/1.1\r\n", "line"),
        (b"G(T /x HTTP/1.1\r\n", "line"),
        (b"GET /x\r\n", "old"),
        (b"GET /x RTSP/1.0\r\n", "version-form"),
        (b"GET /x HTTP/one\r\n", "version-form"),
        (request(b"GET /x HTTP/2.0"), "version"),
        (request(b"GET x HTTP/1.1"), "target"),
        (request(b"GET ftp://h/x HTTP/1.1"), "target"),
        (b"GET /x HTTP/1.1\r\n\r\n", "host"),
        (request(b"GET /x HTTP/1.1", b"Host: g"), "hosts"),
        (b"GET /x HTTP/1.1\r\nHost: a b\r\n\r\n", "hosts"),
        (request(b"GET /x HTTP/1.1", b"no field"), "field"),
        (request(b"GET /x HTTP/1.1", b"a(b): c"), "field"),
        (request(b"GET /x HTTP/1.1", b" folded"), "fold"),
        (request(b"GET /x HTTP/1.1", b"A : b"), "space"),
        (request(b"GET /x HTTP/1.1", b"A: b\rc"), "bare-cr"),
        (request(POST, b"Content-Length: 3x"), "length"),
        (request(POST, b"Content-Length: -1"), "length"),
        (request(POST, b"Content-Length: +1"), "length"),
        (request(POST, b"Content-Length: 0x1"), "length"),
        (request(POST, b"Content-Length: 1, 1"), "length"),
        (request(POST, b"Content-Length:"), "length"),
        (request(POST, b"Content-Length: " + b"9" * 30), "length"),
        (request(POST, b"Content-Length: \xb2"), "length"),
        (request(POST, b"Content-Length: 9999999999999"), "body-length"),
        (request(POST, b"Content-Length: 1", b"Content-Length: 2"), "lengths"),
        (request(POST, b"Transfer-Encoding: gzip"), "coding"),
        (request(POST, b"Transfer-Encoding: chunked, gzip"), "coding"),
        (request(POST, b"Transfer-Encoding: \x0bchunked"), "control"),
        (request(POST, b"Transfer-Encoding: xchunked"), "coding"),
        (request(b"POST /x HTTP/1.0", b"Transfer-Encoding: chunked"), "old-coding"),
        (request(POST, b"Transfer-Encoding: chunked", b"Content-Length: 4"), "length-and-coding"),
        (request(POST, b"Transfer-Encoding: chunked", body=b"zz\r\n"), "chunk"),
        (request(POST, b"Transfer-Encoding: chunked", body=b"-1\r\n"), "chunk"),
        (request(POST, b"Transfer-Encoding: chunked", body=b"2\nX1\n"), "chunk"),
        (request(POST, b"Transfer-Encoding: chunked", body=b"f" * 17 + b"\r\nX"), "chunk"),
        (request(POST, b"Transfer-Encoding: chunked", body=b"3\r\nabcd\r\n"), "chunk"),
        (request(POST, b"Expect: more"), "expectation"),
        (b"GET /" + b"a" * 9000, "line-length"),
        (request(b"GET /x HTTP/1.1", b"A: " + b"a" * 9000), "field-length"),
        (request(b"GET /x HTTP/1.1", *[b"A: b"] * 101), "field-count"),
        (b"GET /x HTTP/1.1\r\n" + b"A: b\r\n" * 9000, "head-length"),
    ],
)
def test_what_the_standard_refuses(data: bytes, fault: str) -> None:
    assert faults(data) == [fault]


@pytest.mark.parametrize(
    ("data", "target", "passed"),
    [
        (b"\r\n\n\r\n" + request(), "/x", ()),
        (b"GET /x HTTP/1.1\nHost: h\n\n", "/x", ("bare-lf",)),
        (request(b"GET http://h/x HTTP/1.1"), "http://h/x", ()),
        (request(b"GET http://other/x HTTP/1.1"), "http://other/x", ("foreign",)),
        (request(b"CONNECT other:443 HTTP/1.1"), "other:443", ("foreign",)),
        (request(b"OPTIONS * HTTP/1.1"), "*", ("asterisk",)),
        (request(b"GET /x HTTP/1.7"), "/x", ()),
        (b"GET /x HTTP/1.0\r\n\r\n", "/x", ()),
        (request(POST, b"Content-Length: 0", b"Content-Length: 0"), "/x", ()),
    ],
)
def test_what_the_standard_lets_pass(data: bytes, target: str, passed: tuple[str, ...]) -> None:
    (head, end) = outcome([data])
    assert (head[2], head[5], end) == (target, passed, ("end",))


# Products, as they were measured (orthanc) or are documented


def test_orthanc_takes_what_the_standard_refuses() -> None:
    data = b" \r\n GET   /x \t HTTP/1.1\r\nhost : h\r\na(b): c\r\n folded\r\nIgnored: yes\r\n\r\n"
    assert faults(data, ORTHANC) == ["control"], "a tab is none of its spaces"
    (head, _) = outcome([data.replace(b"\t", b" ")], ORTHANC)
    assert head[:4] == ("head", "GET", "/x", "1.1")
    assert head[4] == (("host", "h"), ("a(b)", "c"))


@pytest.mark.parametrize(
    ("data", "fault", "version"),
    [
        (b"\r\n\r\n", "empty", None),
        (b"HELLO\r\n\r\n", "line", None),
        (b"GET /x\r\n\r\n", "old", None),
        (b"GET /x \r\nHost: h\r\n\r\n", "line", "Host: h\r\n\r"),
        (b"A B C D\r\nE: f\r\n\r\n", "line", "C D\r\nE: f\r\n\r"),
        (b"GET /x HTTP/1.1 \r\n\r\n", "line", "HTTP/1.1 \r\n\r"),
        (b"GET /x RTSP/1.0\r\n\r\n", "version-form", "RTSP/1.0"),
        (b"FOO /x HTTP/9.9\r\n\r\n", "method", "9.9"),
        (b"get /x HTTP/1.1\r\n\r\n", "method", "1.1"),
        (b"GET /x HTTP/abc\r\n\r\n", "version", "abc"),
        (b"GET /\xe4 HTTP/1.1\r\n\r\n", "old", None),
        (b"GET x HTTP/1.1\r\n\r\n", "target", "1.1"),
        (b"GET x HTTP/\r\n\r\n", "version", ""),
        (b"POST x HTTP/3.0\r\nContent-Length: x\r\n\r\n", "length", "3.0"),
        (b"GET http://h/x HTTP/1.1\r\n\r\n", "foreign", "1.1"),
        (b"OPTIONS * HTTP/1.1\r\n\r\n", "asterisk", "1.1"),
    ],
)
def test_orthanc_remembers_what_it_read_of_the_version(data: bytes, fault: str, version: str | None) -> None:
    inbound = Inbound(ORTHANC, PORT, 0.0)
    inbound.feed(data, 0.0)
    wrong = inbound.poll(0.0)
    assert isinstance(wrong, Wrong)
    assert (wrong.malformed.fault, wrong.malformed.words.version) == (Fault(fault), version)


def test_orthanc_serves_absolute_targets_of_one_name_only() -> None:
    assert faults(b"GET http://mydomain.com:%d/x HTTP/1.1\r\n\r\n" % PORT, ORTHANC) == ["host"]
    assert faults(b"GET http://a.mydomain.com:%d/x HTTP/1.1\r\n\r\n" % PORT, ORTHANC) == ["host"]
    assert faults(b"GET http://mydomain.com/x HTTP/1.1\r\n\r\n", ORTHANC) == ["foreign"]
    assert faults(b"GET http://notmydomain.com:%d/x HTTP/1.1\r\n\r\n" % PORT, ORTHANC) == ["foreign"]


def test_orthanc_wants_the_last_lines_to_end_alike() -> None:
    assert outcome([b"GET /x HTTP/1.1\nHost: h\n\r\n"], ORTHANC) == []
    assert len(outcome([b"GET /x HTTP/1.1\nHost: h\n\n"], ORTHANC)) == 2


def test_nginx_answers_without_waiting_for_the_end_of_the_head() -> None:
    assert faults(b"get / HTTP/1.1\r\n", NGINX) == ["method"]
    assert faults(b"\x16\x03\x01", NGINX) == ["control"]
    assert outcome([b"GET /x\r\n"], NGINX) == [("head", "GET", "/x", "0.9", (), ("old",)), ("end",)]


# Time


@pytest.mark.parametrize("persona", PERSONAS)
def test_deadlines(persona: str) -> None:
    http = http_of(persona)
    times = http.times
    inbound = Inbound(http, PORT, 100.0)
    assert inbound.deadline == 100 + times.silent
    inbound.feed(b"GET /x HT", 101.0)
    assert inbound.deadline == 101 + times.head
    inbound.feed(b"TP/1.1\r\n", 102.0)
    assert inbound.deadline == 101 + times.head, "a byte now and then is no help"
    inbound.feed(b"Host: h\r\n\r\n", 103.0)
    assert isinstance(inbound.poll(103.0), HeadReceived)
    assert inbound.deadline is None, "it isn't the visitor's turn"
    inbound.proceed(110.0)
    assert inbound.deadline == 110 + times.idle
    inbound.feed(request(POST, b"Content-Length: 9"), 111.0)
    assert isinstance(inbound.poll(111.0), HeadReceived)
    assert inbound.deadline == 111 + times.body
    inbound.feed(b"a", 112.0)
    assert isinstance(inbound.poll(112.0), BodyReceived)
    assert inbound.deadline == 112 + times.body
    wrong = inbound.handle_timer()
    assert wrong is not None
    assert wrong.malformed.fault is Fault.BODY_TIMEOUT


def test_silence_before_and_between_requests() -> None:
    inbound = Inbound(NEUTRAL, PORT, 0.0)
    wrong = inbound.handle_timer()
    assert wrong is not None
    assert wrong.malformed.fault is Fault.SILENT
    inbound = Inbound(NEUTRAL, PORT, 0.0)
    inbound.feed(request(), 0.0)
    inbound.poll(0.0)
    inbound.proceed(0.0)
    assert inbound.handle_timer() is None


# Any bytes

CHUNKED = b"Transfer-Encoding: chunked"
SCRIPTS = [
    request() + request(b"HEAD /y HTTP/1.0"),
    request(POST, b"Content-Length: 11", body=b"hello world") + request(),
    request(POST, b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n6;x\r\n world\r\n0\r\nA: b\r\n\r\n")
    + request(),
    b"\r\n" + b"GET /x HTTP/1.1\nHost: h\nA: b\n\n",
    request(POST, b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\nzz\r\n"),
    b"GET /x HTTP/1.1\r\nHost: h\r\nbad line\r\n\r\n",
    b"GET /x\r\nHost: h\r\n\r\n",
]


@given(st.sampled_from(SCRIPTS), st.lists(st.integers(0, 150), max_size=12), st.sampled_from(PERSONAS))
def test_any_cutting_gives_the_same(script: bytes, cuts: list[int], persona: str) -> None:
    http = http_of(persona)
    places = sorted({0, len(script), *(cut for cut in cuts if cut < len(script))})
    chunks = [script[a:b] for a, b in pairwise(places)]
    assert outcome(chunks, http) == outcome([script], http)


WORDS = [
    *(b"GET", b"POST", b" ", b"/", b"*", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9.9", b"\r\n", b"\n", b"\r", b"\t", b"\0"),
    *(b"Host: h", b"Content-Length: 3", b"Content-Length: 4", b"Transfer-Encoding: chunked", b":", b"3\r\nabc\r\n"),
    *(b"0\r\n\r\n", b"\xff", b"http://h/", b"Expect: 100-continue", b"Connection: close", b"A" * 300, b"\x16\x03"),
]
HOSTILE = st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(WORDS), max_size=40).map(b"".join))


@given(st.lists(HOSTILE, max_size=6), st.sampled_from(PERSONAS))
def test_hostile_bytes_never_raise(chunks: list[bytes], persona: str) -> None:
    outcome(chunks, http_of(persona))


@given(HOSTILE, st.sampled_from(PERSONAS))
def test_what_follows_a_served_request_does_not_change_it(rest: bytes, persona: str) -> None:
    http = http_of(persona)
    alone = outcome([request(POST, b"Content-Length: 3", body=b"abc")], http)
    assert outcome([request(POST, b"Content-Length: 3", body=b"abc") + rest], http)[: len(alone)] == alone


# Whether a connection goes on


@pytest.mark.parametrize(
    ("version", "fields", "standard", "orthanc"),
    [
        ("1.1", (), True, True),
        ("1.0", (), False, False),
        ("1.1", (b"Connection: close",), False, False),
        ("1.1", (b"Connection: CLOSE, TE",), False, False),
        ("1.1", (b"Connection: upgrade",), True, False),
        ("1.0", (b"Connection: Keep-Alive",), True, True),
        ("1.1", (b"Connection: close, keep-alive",), False, True),
        ("1.1", (b"Connection: keep-alive", b"Connection: close"), False, True),
        ("1.1", (b"Connection: close", b"Connection: keep-alive"), False, False),
        ("1.1", (b"Connection: foo, keep-al",), True, True),
    ],
)
def test_whether_a_connection_goes_on(version: str, fields: tuple[bytes, ...], standard: bool, orthanc: bool) -> None:
    for http, wanted in ((NEUTRAL, standard), (ORTHANC, orthanc)):
        inbound = Inbound(http, PORT, 0.0)
        inbound.feed(request(b"GET /x HTTP/" + version.encode(), *fields), 0.0)
        received = inbound.poll(0.0)
        assert isinstance(received, HeadReceived)
        assert keeps(received.head, 1, http) is wanted
        assert keeps(received.head, http.times.requests, http) is False
