"""Responses to exact bytes."""

from __future__ import annotations

import re

import pytest

from dicomhawk.persona.model.http_faults import Fault
from dicomhawk.sensor.web.message import Response
from dicomhawk.sensor.web.wire.head import Words
from dicomhawk.sensor.web.wire.outbound import Framed, Writer
from tests.sensor.web.playbook import NEUTRAL, http_of

NOW = 784111777.0
DATE = b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
"""RFC 9110 section 5.6.7."""


def writer(persona: str) -> Writer:
    http = http_of(persona)
    return Writer(http, http.servers[0] if http.servers else "")


def framed(
    of: Writer,
    response: Response,
    *,
    method: str = "GET",
    version: str = "1.1",
    keep: bool = True,
    length: int | None = 0,
) -> Framed:
    return of.head(response, method=method, version=version, now=NOW, keep=keep, length=length)


def page(status: int = 200) -> Response:
    return Response(status, [("X-Own", "1"), ("Content-Type", "text/html")], b"hello")


@pytest.mark.parametrize(
    ("persona", "keep", "head"),
    [
        ("plain", True, DATE + b"X-Own: 1\r\nContent-Type: text/html\r\nContent-Length: 5\r\n"),
        ("plain", False, DATE + b"X-Own: 1\r\nContent-Type: text/html\r\nContent-Length: 5\r\nConnection: close\r\n"),
        (
            "orthanc",
            False,
            b"Connection: keep-alive\r\nKeep-Alive: timeout=1\r\nX-Own: 1\r\nContent-Type: text/html\r\n"
            b"Content-Length: 5\r\n",
        ),
        (
            "dcm4chee-arc",
            True,
            b"Connection: keep-alive\r\nX-Own: 1\r\nContent-Length: 5\r\nContent-Type: text/html\r\n" + DATE,
        ),
        (
            "dcmqrscp",
            True,
            b"Server: nginx/1.22.1\r\n" + DATE + b"Content-Type: text/html\r\nContent-Length: 5\r\n"
            b"Connection: keep-alive\r\nX-Own: 1\r\n",
        ),
        (
            "clearcanvas",
            False,
            b"Content-Type: text/html\r\nServer: Microsoft-IIS/7.5\r\nX-AspNet-Version: 4.0.30319\r\nX-Own: 1\r\n"
            b"X-Powered-By: ASP.NET\r\n" + DATE + b"Connection: close\r\nContent-Length: 5\r\n",
        ),
    ],
)
def test_fields_have_the_order_of_the_product(persona: str, keep: bool, head: bytes) -> None:
    found = framed(writer(persona), page(), keep=keep, length=5)
    assert found.head == b"HTTP/1.1 200 OK\r\n" + head + b"\r\n"
    assert (found.body, found.chunked, found.close) == (True, False, not keep)


def test_a_body_of_unknown_length() -> None:
    plain = writer("plain")
    chunked = framed(plain, page(), length=None)
    assert b"Transfer-Encoding: chunked\r\n" in chunked.head
    assert b"Content-Length" not in chunked.head
    assert (chunked.chunked, chunked.close) == (True, False)
    until_the_end = framed(plain, page(), length=None, version="1.0")
    assert (until_the_end.chunked, until_the_end.close) == (False, True)
    assert b"Connection: close\r\n" in until_the_end.head


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304), ("GET", 103)])
def test_responses_without_a_body(method: str, status: int) -> None:
    found = framed(writer("plain"), page(status), method=method, length=5)
    assert (found.body, found.close) == (False, False)
    assert (b"Content-Length: 5" in found.head) == (method == "HEAD")


def test_http_09_is_answered_with_the_body_alone() -> None:
    assert framed(writer("dcmqrscp"), page(), version="0.9", length=5) == Framed(b"", True, False, True)


def test_no_value_begins_another_line() -> None:
    response = Response(302, [("Location", "/a\r\nSet-Cookie: b=c\r\n\r\n<p>\0")])
    head = framed(writer("plain"), response).head
    assert head.count(b"\r\n") == 5
    assert b"\nSet-Cookie" not in head
    assert b"\0" not in head


def error(persona: str, fault: Fault, words: Words = Words("GET", "/x", "1.1")) -> bytes:  # noqa: B008
    return writer(persona).error(http_of(persona).reaction(fault), words, method=words.method, host="", now=NOW)


@pytest.mark.parametrize(
    ("version", "line"),
    [
        (None, b"HTTP/1.0 400 Bad Request\r\n"),
        ("", b"HTTP/ 400 Bad Request\r\n"),
        ("2.0", b"HTTP/2.0 400 Bad Request\r\n"),
        ("C D\r\nE: f\r\n\r", b"HTTP/C D\r\nE: f\r\n\r 400 Bad Request\r\n"),
    ],
)
def test_orthanc_repeats_what_stood_in_the_version_s_place(version: str | None, line: bytes) -> None:
    assert error("orthanc", Fault.LINE, Words("A", "B", version)).startswith(line + b"Cache-Control: no-cache, ")


def test_an_error_ends_with_the_connection_or_has_a_length() -> None:
    assert error("orthanc", Fault.VERSION, Words("GET", "/", "9.9")).endswith(
        b"Connection: close\r\n\r\nError 505: HTTP Version not supported\nBad HTTP version: [9.9]"
    )
    for persona, length in (
        ("plain", 94),
        ("dcmqrscp", 157),
        ("clearcanvas", 326),
        ("dcm4chee-arc", 0),
        ("horos", 0),
    ):
        head, _, body = error(persona, Fault.CONTROL).partition(b"\r\n\r\n")
        assert b"\r\nContent-Length: %d" % length in head
        assert b"\r\nConnection: close" in head
        assert len(body) == length, persona


@pytest.mark.parametrize("persona", ["orthanc", "dcmqrscp", "dcm4chee-arc", "horos", "clearcanvas"])
def test_some_ends_are_silent(persona: str) -> None:
    assert error(persona, Fault.SILENT) == b""


def test_what_a_visitor_sent_is_escaped_in_a_page_and_never_filled_in_again() -> None:
    http = NEUTRAL.model_copy(
        update={"errors": NEUTRAL.errors.model_copy(update={"page": "{method} {target} {detail} {server} {other}"})}
    )
    written = Writer(http, "S").page(404, method="{server}", target="<script>{detail}</script>")
    assert written == b"{server} &lt;script&gt;{detail}&lt;/script&gt;  S {other}"


@pytest.mark.parametrize("persona", ["plain", "orthanc", "dcm4chee-arc", "horos", "clearcanvas", "dcmqrscp"])
@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_has_an_answer_that_can_be_read(persona: str, fault: Fault) -> None:
    answer = error(persona, fault)
    if answer:
        assert re.match(rb"HTTP/1\.[01] [2-5]\d\d [ -~]+\r\n([!-~]+: [ -~]*\r\n)+\r\n", answer)
