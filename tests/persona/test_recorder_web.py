"""What is seen of a web page, and how little harm it can do."""

from __future__ import annotations

import socket

import pytest

from dicomhawk.persona.recorder import web
from dicomhawk.settings import SettingsError
from tests.persona.scripted import server


def answering(head: bytes, page: bytes):  # type: ignore[no-untyped-def]
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(page) + page)

    return serve


def test_status_headers_and_title_are_seen() -> None:
    head = b"HTTP/1.1 200 Fine\r\nX-One: 1\r\nserver: Some/1.0\r\n"
    with server(answering(head, b"<html><title>The\n PACS</title>")) as (host, port):
        found = web.look(f"http://pacs:{port}/app", host)
    assert found[0] == (
        "GET /app: 200 Fine, headers X-One, server, Content-Length; Server: Some/1.0, title 'The PACS'"
    )
    assert found[1].startswith("GET /app/no-such-page: 200 Fine")


def test_what_is_no_web_page_is_said_to_be_none() -> None:
    with server(lambda connection: connection.sendall(b"220 \x1b[2J\r\n")) as (host, port):
        found = web.look(f"http://pacs:{port}/", host)
    assert found[0].startswith("its web page / could not be read: ")
    assert found[0].isprintable()


@pytest.mark.parametrize("url", ["pacs", "ftp://pacs/", "http://", "file:///etc/passwd"])
def test_only_web_pages_are_looked_at(url: str) -> None:
    with pytest.raises(SettingsError, match="is not a URL"):
        web.host_of(url)


def test_the_host_is_that_of_the_url() -> None:
    assert web.host_of("https://[::1]:8043/app/") == "::1"
