"""ClientHellos of real clients, and of none."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.sensor.tls.fingerprint import is_grease, ja3, ja4
from dicomhawk.sensor.tls.hello import MOST_RECORDS, ClientHello, HelloError, message, parse


def codes(text: str) -> tuple[int, ...]:
    return tuple(int(each, 16) for each in text.split())


CHROME = ClientHello(
    version=0x0303,
    ciphers=codes("0a0a 1301 1302 1303 c02b c02f c02c c030 cca9 cca8 c013 c014 009c 009d 002f 0035"),
    extensions=codes("1a1a 0000 0017 ff01 000a 000b 0023 0010 0005 000d 0012 0033 002d 002b 001b 4469 2a2a 0015"),
    server_name="example.com",
    groups=codes("3a3a 001d 0017 0018"),
    point_formats=(0,),
    signatures=codes("0403 0804 0401 0503 0805 0501 0806 0601"),
    protocols=(b"h2", b"http/1.1"),
    versions=codes("4a4a 0304 0303"),
)
"""The example of JA4's technical details."""


def client_hello(**how: object) -> bytes:
    """What Python's own TLS client sends first."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    for name, value in how.items():
        setattr(context, name, value)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="pacs.example.org")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_the_published_example_of_ja4() -> None:
    assert ja4(CHROME) == "t13d1516h2_8daaf6152771_e5627efa2ab1"


def test_ja3_is_the_md5_of_what_it_says() -> None:
    hello = ClientHello(769, (47, 53, 5), (0, 10, 11), None, (23, 24, 25), (0,), (), (), ())
    # md5 of "769,47-53-5,0-10-11,23-24-25,0", by md5sum
    assert ja3(hello) == "a135050c9b38fd92b7203f28bc9adb3f"


def test_order_of_extensions_changes_ja3_and_not_ja4() -> None:
    other = CHROME._replace(extensions=CHROME.extensions[::-1])
    assert ja3(other) != ja3(CHROME)
    assert ja4(other) == ja4(CHROME)


def test_grease_changes_nothing() -> None:
    plain = CHROME._replace(
        ciphers=CHROME.ciphers[1:], extensions=tuple(each for each in CHROME.extensions if not is_grease(each)),
        groups=CHROME.groups[1:], versions=CHROME.versions[1:],
    )  # fmt: skip
    assert (ja3(plain), ja4(plain)) == (ja3(CHROME), ja4(CHROME))


def test_a_client_that_offers_next_to_nothing() -> None:
    bare = ClientHello(0x0301, (), (), None, (), (), (), (), ())
    assert ja4(bare) == "t10i000000_000000000000_000000000000"


def test_the_hello_of_a_real_client() -> None:
    body = message(client_hello())
    assert body is not None
    hello = parse(body)
    assert hello.server_name == "pacs.example.org"
    assert hello.protocols == (b"h2", b"http/1.1")
    assert 0x1301 in hello.ciphers
    assert 0x0304 in hello.versions
    assert ja4(hello).startswith("t13d")
    older = parse(message(client_hello(maximum_version=ssl.TLSVersion.TLSv1_2)) or b"")
    assert ja4(older).startswith("t12d")


def test_it_may_come_in_any_pieces() -> None:
    data = client_hello()
    assert all(message(data[:end]) is None for end in range(len(data)))
    body = message(data)
    assert body is not None
    assert message(in_records(body, 200)) == body


def in_records(body: bytes, size: int) -> bytes:
    whole = b"\x01" + len(body).to_bytes(3, "big") + body
    pieces = (whole[at : at + size] for at in range(0, len(whole), size))
    return b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2, "big") + piece for piece in pieces)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x01\x00\x00\x00\x00\xcd\x00\x01",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\xff\xff",
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
        b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
        b"\x16\x03\x01\x00\x02\x01\x00" + b"\x16\x03\x01\x00\x01\x3f" * MOST_RECORDS,
    ],
)  # fmt: skip
def test_what_can_not_become_one(data: bytes) -> None:
    with pytest.raises(HelloError):
        message(data)


GOOD = message(client_hello()) or b""


@given(st.binary(max_size=400), st.integers(0, 399), st.binary(max_size=8))
def test_nothing_else_is_raised(junk: bytes, at: int, over: bytes) -> None:
    for body in (junk, GOOD[:at] + over + GOOD[at + len(over) :], GOOD[:at]):
        try:
            hello = parse(body)
        except HelloError:
            continue
        assert len(ja3(hello)) == 32
        assert ja4(hello).count("_") == 2
    try:
        message(junk)
        message(b"\x16\x03\x01" + junk)
    except HelloError:
        pass
