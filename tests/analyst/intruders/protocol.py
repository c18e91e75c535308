"""D23 to D27: who breaks things."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

from pynetdicom import build_context

from tests.analyst.uploads import DEFLATED, with_wrong_codec
from tests.sensor.scu import (
    SYNTAXES,
    VERIFICATION,
    associate,
)

from .means import (
    BORING,
    PATIENCE,
    Target,
    connected,
    request_pdu,
    sent,
    stored,
)


def oversized(target: Target) -> None:
    sent(target, b"\1\0\x7f\xff\xff\xff\0\1\0\0" + b"ANY-SCP".ljust(16) + b"ECHOSCU".ljust(16) + bytes(64), wait=0.5)
    with connected(target) as sock:
        sock.sendall(request_pdu())
        sock.recv(4096)
        sock.sendall(b"\4\0\0\0\0\x0a\xff\xff\xff\xff\1\3\0\0\0\0")
        sock.recv(4096)


def long_request(target: Target) -> None:
    """17 KiB of contexts, as getscu has them."""
    contexts = [build_context(f"{BORING}{number}", [*SYNTAXES, DEFLATED]) for number in range(1, 40)]
    with associate(target.address, [*contexts, VERIFICATION]) as association:
        association.send_c_echo()


def slow(target: Target) -> None:
    def one(_: int) -> None:
        with connected(target) as sock:
            sock.sendall(request_pdu()[:40])
            sock.settimeout(PATIENCE)
            try:
                while sock.recv(4096):
                    pass
            except OSError:
                pass

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(one, range(12)))


def hesitated(target: Target) -> None:
    with connected(target) as sock:
        data = request_pdu()
        for at in range(0, len(data), 64):
            sock.sendall(data[at : at + 64])
            time.sleep(0.05)
        sock.recv(4096)


def fuzzed(target: Target) -> None:
    whole = request_pdu()
    for at, byte in ((74, 0x7F), (76, 0xFF), (78, 0xFF), (102, 0xFF), (104, 0xEE), (112, 0xFE)):
        sent(target, whole[:at] + bytes((byte,)) + whole[at + 1 :], wait=0.3)
    for data in (
        b"\4\0\0\0\0\6\0\0\0\2\1\3",
        b"\4\0\0\0\0\4\0\0\0\1",
        b"\2\0\0\0\0\2\0\0",
        b"\4\0\0\0\0\6\0\0\0\2\3\3",
    ):
        with connected(target) as sock:
            sock.sendall(whole)
            sock.recv(4096)
            sock.sendall(data)
            sock.settimeout(0.3)
            with contextlib.suppress(OSError):
                sock.recv(4096)


def broke_off(target: Target) -> None:
    with connected(target) as sock:
        sock.sendall(request_pdu())
        sock.recv(4096)
        sock.sendall(b"\4\0\0\0\0\6\0\0\0\2\1\3")
        sock.settimeout(0.5)
        with contextlib.suppress(OSError):
            sock.recv(4096)


def overran(target: Target) -> None:
    data = with_wrong_codec()
    stored(target, data, str(data.SOPClassUID), syntax="1.2.840.10008.1.2.5")


def shook_hands(target: Target) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with connected(target, target.web_tls) as sock, context.wrap_socket(sock):
        pass


def browsed_tls(target: Target) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(target.host, target.web_tls, context=context, timeout=PATIENCE)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()
