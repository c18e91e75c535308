"""The wire over sockets: real clients, slow ones, big bodies, and what is on record of them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import http.client
import re
import socket
import subprocess
import time
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dicomhawk.evidence.transcript import Reference
from dicomhawk.sensor.web.message import BodyBroken, BodyTooLarge, Part, Request, Response, Stored
from tests.sensor.web.playbook import http_of, request
from tests.sensor.web.served import receive_all, served
from tests.support import actions, at, find_tool, wait_until

CLOSE = b"Connection: close"
MIB = 1 << 20


async def echo(asked: Request) -> Response:
    """Method, path, and hash of the body."""
    digest = hashlib.sha256()
    size = 0
    async for piece in asked.body:
        digest.update(piece)
        size += len(piece)
    said = f"{asked.method} {asked.path} {dict(asked.query)} {size} {digest.hexdigest()[:8]}"
    return Response(200, [("Content-Type", "text/plain")], said.encode())


async def deaf(asked: Request) -> Response:
    """Never looks at a body."""
    return Response(403, [("Content-Type", "text/plain")], b"no")


def bodies(answers: bytes) -> list[bytes]:
    """The bodies of responses with lengths."""
    found = []
    while answers:
        head, _, answers = answers.partition(b"\r\n\r\n")
        length = int(re.search(rb"Content-Length: (\d+)", head)[1])  # type: ignore[index]
        found.append(answers[:length])
        answers = answers[length:]
    return found


def said(method: str, path: str, body: bytes = b"") -> bytes:
    return f"{method} {path} {{}} {len(body)} {hashlib.sha256(body).hexdigest()[:8]}".encode()


# Clients that are somebody else's


def test_curl(tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(b"0123456789abcdef" * 100_000)
    with served(tmp_path / "data", echo) as door:
        url = f"http://127.0.0.1:{door.port}"
        curl = (find_tool("curl"), "-sS", "--max-time", "20")

        def run(*arguments: object) -> bytes:
            return subprocess.run([*curl, *map(str, arguments)], check=True, capture_output=True, timeout=60).stdout

        assert run(f"{url}/a%20b?c=d&e") == b"GET /a b {'c': 'd', 'e': ''} 0 e3b0c442"
        assert run(f"{url}/1", f"{url}/2") == said("GET", "/1") + said("GET", "/2"), "on one connection"
        assert run(f"{url}/x", "--data-binary", f"@{big}") == said("POST", "/x", big.read_bytes()), (
            "Expect: 100-continue"
        )
        chunked = run(f"{url}/x", "-T", big, "-H", "Transfer-Encoding: chunked")
        assert chunked == said("PUT", "/x", big.read_bytes())
        assert run(f"{url}/x", "-I").startswith(b"HTTP/1.1 200 OK\r\n")
        assert run(f"{url}/x", "-0") == said("GET", "/x")
    stored = {at(event, "file.hash.sha256") for event in door.events() if event["event"]["action"] == "file.captured"}
    assert stored == {hashlib.sha256(big.read_bytes()).hexdigest()}


def test_wget_and_python(tmp_path: Path) -> None:
    with served(tmp_path, echo, "dcmqrscp") as door:
        url = f"http://127.0.0.1:{door.port}/x"
        got = subprocess.run([find_tool("wget"), "-qO-", "-T20", url], check=True, capture_output=True, timeout=60)
        assert got.stdout == said("GET", "/x")
        client = http.client.HTTPConnection("127.0.0.1", door.port, timeout=20)
        for number in range(3):
            client.request("POST", f"/{number}", body=b"x" * number)
            answer = client.getresponse()
            assert answer.read() == said("POST", f"/{number}", b"x" * number)
        assert answer.getheader("Server") == "nginx/1.22.1"
        client.request("POST", "/c", body=iter([b"ab", b"cd"]), encode_chunked=True)
        assert client.getresponse().read() == said("POST", "/c", b"abcd")
        client.close()


# One connection


def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    async def slow_first(asked: Request) -> Response:
        if asked.path == "/0":
            await asyncio.sleep(0.1)
        return await echo(asked)

    script = b"".join(request(b"POST /%d HTTP/1.1" % n, b"Content-Length: 1", body=b"%d" % n) for n in range(9))
    with served(tmp_path, slow_first) as door:
        answers = door.exchange(script + request(b"GET /9 HTTP/1.1", CLOSE))
    assert bodies(answers) == [*(said("POST", f"/{n}", b"%d" % n) for n in range(9)), said("GET", "/9")]


def test_a_body_that_nobody_reads_is_kept_and_passed_over(tmp_path: Path) -> None:
    body = bytes(range(256)) * 4096
    script = request(b"POST /x HTTP/1.1", b"Content-Length: %d" % len(body), body=body)
    with served(tmp_path, deaf) as door:
        assert bodies(door.exchange(script + request(b"GET /y HTTP/1.1", CLOSE))) == [b"no", b"no"]
    captured = [event for event in door.events() if event["event"]["action"] == "file.captured"]
    assert [at(event, "file.hash.sha256") for event in captured] == [hashlib.sha256(body).hexdigest()]


def test_a_body_is_kept_to_its_end_although_the_connection_is_over(tmp_path: Path) -> None:
    head = request(b"POST /x HTTP/1.1", b"Content-Length: 600000", CLOSE)
    with served(tmp_path, deaf) as door, door.connect() as sock:
        sock.sendall(head)
        assert bodies(receive_all(sock)) == [b"no"], "with the end of what the door says"
        for _ in range(6):
            sock.sendall(bytes(100_000))
        wait_until(lambda: door.ended(), "end of the connection")
    (captured,) = [event for event in door.events() if event["event"]["action"] == "file.captured"]
    assert (at(captured, "file.size"), at(captured, "honeypot.capture.complete")) == (600_000, True)


def test_expect_is_answered_when_the_body_is_asked_for(tmp_path: Path) -> None:
    head = request(b"PUT /x HTTP/1.1", b"Content-Length: 3", b"Expect: 100-continue", CLOSE)
    with served(tmp_path, echo) as door, door.connect() as sock:
        sock.sendall(head)
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"abc")
        assert bodies(receive_all(sock)) == [said("PUT", "/x", b"abc")]
    with served(tmp_path / "deaf", deaf) as door, door.connect() as sock:
        sock.sendall(head.replace(CLOSE, b"A: b"))
        answer = receive_all(sock)
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert b"Connection: close\r\n" in answer, "whether the body comes is not known"


def test_a_stream_of_unknown_length(tmp_path: Path) -> None:
    closed = []

    async def parts() -> AsyncIterator[Part]:
        try:
            yield b"abc"
            yield b""
            yield Stored(memoryview(b"object"), Reference("captured", "00", ""))
        finally:
            closed.append(True)

    async def site(_: Request) -> Response:
        return Response(200, [], parts())

    with served(tmp_path, site) as door:
        chunked = door.exchange(request(b"GET / HTTP/1.1", CLOSE))
        assert chunked.endswith(b"\r\n\r\n3\r\nabc\r\n6\r\nobject\r\n0\r\n\r\n")
        assert door.exchange(request(b"GET / HTTP/1.0")).endswith(b"\r\n\r\nabcobject")
        assert door.exchange(request(b"HEAD / HTTP/1.1", CLOSE)).endswith(b"\r\n\r\n")
    assert closed == [True, True], "the iterator of an answer to HEAD was never begun"


def test_an_error_in_a_site_is_the_product_s_own(tmp_path: Path) -> None:
    async def broken(asked: Request) -> Response:
        raise RuntimeError("a secret of ours")

    with contextlib.suppress(AssertionError), served(tmp_path, broken, "dcmqrscp") as door:
        answer = door.exchange(request(b"GET / HTTP/1.1", CLOSE))
        assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\nServer: nginx/1.22.1\r\n")
        assert b"secret" not in answer
    assert [type(error) for error in door.errors] == [RuntimeError]


def test_limits_and_broken_bodies_reach_the_site(tmp_path: Path) -> None:
    met: list[type[Exception]] = []

    async def site(asked: Request) -> Response:
        try:
            await asked.body.read(10)
        except (BodyTooLarge, BodyBroken) as error:
            met.append(type(error))
            return Response(413)
        return Response(200)

    with served(tmp_path, site) as door:
        big = request(b"POST / HTTP/1.1", b"Content-Length: 100", CLOSE, body=b"x" * 100)
        assert door.exchange(big).startswith(b"HTTP/1.1 413 ")
        with door.connect() as sock:
            sock.sendall(request(b"POST / HTTP/1.1", b"Content-Length: 100", body=b"x"))
        wait_until(lambda: len(door.ended()) == 2, "end of the connection")
    assert met == [BodyTooLarge]
    (broken,) = [event for event in door.events() if at(event, "honeypot.capture.complete") is False]
    assert at(broken, "file.size") == 1


# Smuggling: what one reader takes for a body, another takes for a request


@pytest.mark.parametrize("persona", ["plain", "dcmqrscp", "dcm4chee-arc", "clearcanvas"])
@pytest.mark.parametrize(
    "fields",
    [
        (b"Content-Length: 6", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Content-Length: 6"),
        (b"Content-Length: 6", b"Content-Length: 0"),
        (b"Content-Length: 6", b"Transfer-Encoding : chunked"),
        (b"Content-Length: 6\rContent-Length: 0",),
        (b"Content-Length: 0x6",),
        (b"Content-Length: 6,6",),
    ],
)
def test_an_ambiguous_request_is_refused_and_nothing_behind_it_read(
    tmp_path: Path, persona: str, fields: tuple[bytes, ...]
) -> None:
    script = request(b"POST /x HTTP/1.1", *fields, body=b"0\r\n\r\nX" + request(b"GET /smuggled HTTP/1.1"))
    with served(tmp_path, deaf, persona) as door:
        answer = door.exchange(script)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert "http.request" not in actions(door.events())
    assert "http.malformed" in actions(door.events())


def test_a_wrong_request_behind_a_right_one_is_answered(tmp_path: Path) -> None:
    wrong = (request(b"POST /x HTTP/1.1", b"Content-Length: x"), request(b"GET /x HTTP/3.1"), b"\x16\x03\r\n")
    with served(tmp_path, deaf) as door:
        for data in wrong:
            answer = door.exchange(request() + data)
            assert answer.count(b"HTTP/1.1 403 ") == 1
            assert re.search(rb"HTTP/1\.1 (400|505) ", answer), data


def test_orthanc_s_way_with_two_framings_is_its_own(tmp_path: Path) -> None:
    both = request(
        b"POST /x HTTP/1.1",
        b"Content-Length: 4",
        b"Transfer-Encoding: chunked",
        body=b"3\r\nabc\r\n0\r\n\r\n" + request(b"GET /y HTTP/1.1", CLOSE),
    )
    with served(tmp_path, echo, "orthanc") as door:
        assert bodies(door.exchange(both)) == [said("POST", "/x", b"abc"), said("GET", "/y")]
    (event,) = [event for event in door.events() if event["event"]["action"] == "http.malformed"]
    assert (at(event, "honeypot.web.fault"), at(event, "honeypot.web.served")) == ("length-and-coding", True)


# The record


def test_what_is_on_record_of_a_request(tmp_path: Path) -> None:
    script = request(
        b"POST /a?b=c HTTP/1.1",
        b"user-AGENT: me",
        b"Authorization: Basic b3J0aGFuYzpvcnRoYW5j",
        b"Content-Type: text/x",
        b"Content-Length: 3",
        CLOSE,
        body=b"abc",
    )
    with served(tmp_path, echo) as door:
        door.exchange(script)
    events = {event["event"]["action"]: event for event in door.events()}
    asked = events["http.request"]
    digest = hashlib.sha256(b"abc").hexdigest()
    assert at(asked, "http.request.headers") == [
        "Host: h",
        "user-AGENT: me",
        "Authorization: Basic ...",
        "Content-Type: text/x",
        "Content-Length: 3",
        "Connection: close",
    ]
    assert at(asked, "honeypot.credential.authorization") == "Basic b3J0aGFuYzpvcnRoYW5j"
    assert at(asked, "url") == {"original": "/a?b=c", "scheme": "http", "domain": "h", "path": "/a", "query": "b=c"}
    assert at(asked, "http.request.body") == {"bytes": 3, "hash": {"sha256": digest}}
    assert (at(asked, "http.request.bytes"), at(asked, "http.version")) == (len(script) - 3, "1.1")
    assert at(asked, "network.protocol") == "http"
    assert at(events["file.captured"], "file.mime_type") == "text/x"
    answered = events["http.response"]
    assert at(answered, "http.response.status_code") == 200
    assert at(answered, "event.duration") > 0
    closed = events["connection.close"]
    assert at(closed, "source.bytes") == len(script)


@pytest.mark.parametrize(
    ("data", "protocol"),
    [
        (bytes.fromhex("0100000000cd00010000") + b"ANY-SCP         ECHOSCU         " + bytes(32), "dicom"),
        (bytes.fromhex("160301007101"), "tls"),
        (b"SSH-2.0-x\r\n", "ssh"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"),
    ],
)
def test_other_protocols_are_named(tmp_path: Path, data: bytes, protocol: str) -> None:
    with served(tmp_path, deaf, "orthanc") as door, door.connect() as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        assert b" 400 Bad Request\r\n" in receive_all(sock)
    (event,) = [event for event in door.events() if event["event"]["action"] == "protocol.unknown"]
    assert at(event, "honeypot.protocol") == protocol


# Slow, many, big


def quick(persona: str, **times: float) -> object:
    http = http_of(persona)
    return http.model_copy(update={"times": http.times.model_copy(update=times)})


def test_slow_requests_end_as_the_product_ends_them(tmp_path: Path) -> None:
    http = quick("orthanc", silent=0.3, head=0.3, further=0.2, idle=0.2, body=0.3, linger=0.2)
    with served(tmp_path, deaf, http) as door:  # type: ignore[arg-type]
        assert door.exchange(b"") == b""
        assert door.exchange(b"GET / HTTP/1.1\r\n").endswith(b"Error 400: Bad Request\nMalformed message")
        assert bodies(door.exchange(request())) == [b"no"]
        with door.connect() as sock:
            sock.sendall(request())
            time.sleep(0.1)
            with contextlib.suppress(OSError):
                for byte in request():
                    sock.sendall(bytes([byte]))
                    time.sleep(0.05)
            assert receive_all(sock).count(b"HTTP/1.") == 2, "a drop at a time holds no connection for long"
    assert actions(door.events()).count("http.malformed") == 2
    ends = [at(event, "event.reason") for event in door.events() if event["event"]["action"] == "connection.close"]
    assert ends == ["timeout"] * 4


def test_thousands_that_say_nothing_do_not_keep_a_newcomer_out(tmp_path: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1500
    if hard < 4 * wanted:
        pytest.skip(f"only {hard} descriptors may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * wanted), hard))
    try:
        with served(tmp_path, echo, sweep=0.25) as door, contextlib.ExitStack() as stack:
            door.door.capacity = 4 * wanted
            idle = [stack.enter_context(door.connect()) for _ in range(wanted)]
            for number, sock in enumerate(idle):
                if number % 2:
                    sock.sendall(b"GET / HTTP/1.1\r\nX-a")
            wait_until(lambda: len(door.door.connections) == wanted, "all connections")
            began = time.monotonic()
            assert bodies(door.exchange(request(b"GET /x HTTP/1.1", CLOSE))) == [said("GET", "/x")]
            assert time.monotonic() - began < 5
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_who_waits_longest_gives_way_where_there_is_no_room(tmp_path: Path) -> None:
    with served(tmp_path, echo) as door, contextlib.ExitStack() as stack:
        door.door.capacity = 5
        idle = []
        for _ in range(5):
            idle.append(stack.enter_context(door.connect()))
            wait_until(lambda: len(door.door.connections) == len(idle), "connection")
        for number in range(3):
            assert bodies(door.exchange(request(b"GET /%d HTTP/1.1" % number, CLOSE)))
        with contextlib.suppress(ConnectionResetError):
            assert idle[0].recv(1) == b"", "the oldest one"
        idle[4].sendall(request(b"GET /x HTTP/1.1", CLOSE))
        assert bodies(receive_all(idle[4])) == [said("GET", "/x")]
    reasons = [at(event, "event.reason") for event in door.ended()]
    assert reasons.count("capacity") >= 1


def test_big_bodies_pass_at_flat_memory_both_ways(tmp_path: Path) -> None:
    size = 96 * MIB
    piece = bytes(range(256)) * 1024

    async def parts(count: int) -> AsyncIterator[Part]:
        for _ in range(count):
            yield piece

    async def site(asked: Request) -> Response:
        async for _ in asked.body:
            pass
        return Response(200, [], parts(size // len(piece)), length=size)

    with served(tmp_path, site) as door, door.connect() as sock:
        gc.collect()
        tracemalloc.start()
        sock.sendall(request(b"POST / HTTP/1.1", b"Content-Length: %d" % size, CLOSE))
        for _ in range(size // len(piece)):
            sock.sendall(piece)
        got = 0
        time.sleep(0.2)  # the door has more to say than anybody reads
        while data := sock.recv(1 << 20):
            got += len(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert got > size
    assert peak < 16 * MIB
    (captured,) = [event for event in door.events() if event["event"]["action"] == "file.captured"]
    assert at(captured, "file.size") == size


def test_a_visitor_who_reads_nothing_is_given_up(tmp_path: Path) -> None:
    async def parts() -> AsyncIterator[Part]:
        while True:
            yield bytes(MIB)

    async def site(_: Request) -> Response:
        return Response(200, [], parts())

    http = quick("plain", write=0.3)
    with served(tmp_path, site, http) as door, door.connect() as sock:  # type: ignore[arg-type]
        sock.sendall(request())
        wait_until(lambda: door.door.connections, "connection")
        wait_until(lambda: not door.door.connections, "end of the connection")
    (answered,) = [event for event in door.events() if event["event"]["action"] == "http.response"]
    assert at(answered, "event.reason") == "visitor gone"


def test_no_connection_is_left(tmp_path: Path) -> None:
    with served(tmp_path, echo) as door:
        for _ in range(20):
            with door.connect() as sock:
                sock.sendall(request()[:10])
        wait_until(lambda: len(door.ended()) == 20, "end of all connections")
        assert not door.door.connections
