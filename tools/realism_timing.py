#!/usr/bin/env python3
"""Do the response times of a persona give it away? Ours and the real product side by side, as a client sees them.

Both run on loopback, seeded alike, and get the same requests in turns, so that whatever else the machine does hits
both. For each kind of request, the median and 95th percentile of both are printed (ms), and the
p-value of a two-sample Kolmogorov-Smirnov test. The exit status is 1 if one of them is at most
`--p`, and is so when it is measured again.
"""

from __future__ import annotations

import argparse
import math
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from dicomhawk.upperlayer import dimse, pdu
from dicomhawk.upperlayer import items as it
from realism_servers import (
    AE_TITLE,
    CALLING,
    PRODUCTS,
    Ours,
    ServerError,
    end_on_signals,
    enter_namespace,
    free_port,
    real,
)

P_LEAST = 0.01
BLOCK = 10
"""Requests to one server before it is the other's turn."""
TRIES = 2
"""A difference counts if it is there again: requests of one block have more in common than the test supposes."""
SECONDS = 30.0
"""Patience with one answer."""
VERIFICATION = "1.2.840.10008.1.1"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
IMPLICIT_LE = "1.2.840.10008.1.2"
PENDING = (0xFF00, 0xFF01)
TERMS = 100
"""Of Kolmogorov's series; at the smallest argument that is summed, the last ones are far below 1e-9."""


def kolmogorov_smirnov(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """Two-sample test: (largest distance of the empirical distributions, asymptotic two-sided p-value).

    With Stephens' correction for small samples (Journal of the Royal Statistical Society B 32, 1970).
    """
    a, b = sorted(first), sorted(second)
    i = j = 0
    distance = 0.0
    while i < len(a) and j < len(b):
        here = min(a[i], b[j])
        while i < len(a) and a[i] == here:
            i += 1
        while j < len(b) and b[j] == here:
            j += 1
        distance = max(distance, abs(i / len(a) - j / len(b)))
    root = math.sqrt(len(a) * len(b) / (len(a) + len(b)))
    x = (root + 0.12 + 0.11 / root) * distance
    if x < 0.2:  # 1 - p is below 1e-12 there, and the series converges slowly
        return distance, 1.0
    p = 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, TERMS))
    return distance, min(1.0, max(0.0, p))


class Client:
    """A stock client on one association: no delay of its own, acknowledgements as the kernel sends them."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._message = 0
        contexts = (
            it.ProposedContext(1, (it.AbstractSyntax(VERIFICATION), it.TransferSyntax(IMPLICIT_LE))),
            it.ProposedContext(3, (it.AbstractSyntax(STUDY_ROOT_FIND), it.TransferSyntax(IMPLICIT_LE))),
        )
        user = it.UserInformation((it.MaximumLength(16384), it.ImplementationClassUID("1.2.3.4")))
        application = it.ApplicationContext("1.2.840.10008.3.1.1.1")
        request = pdu.AssociateRQ(pdu.ae_title(AE_TITLE), pdu.ae_title(CALLING), (application, *contexts, user))
        self._socket.sendall(pdu.encode(request))
        if self._pdu()[:1] != b"\x02":
            raise ServerError("The association was not accepted.")

    def echo(self) -> None:
        """A C-ECHO and its answer."""
        self._command(1, VERIFICATION, 0x0030, None)

    def find(self) -> None:
        """A C-FIND for the studies of one patient and its answers."""
        keys = b"".join(
            group.to_bytes(2, "little") + element.to_bytes(2, "little") + len(value).to_bytes(4, "little") + value
            for group, element, value in (
                (0x0008, 0x0020, b""),
                (0x0008, 0x0052, b"STUDY "),
                (0x0010, 0x0010, b""),
                (0x0010, 0x0020, b"P0001 "),
                (0x0020, 0x000D, b""),
            )
        )
        self._command(3, STUDY_ROOT_FIND, 0x0020, keys)

    def release(self) -> None:
        """Release the association and close the connection."""
        self._socket.sendall(pdu.encode(pdu.ReleaseRQ()))
        self._pdu()
        self._socket.close()

    def _command(self, context: int, sop_class: str, field: int, identifier: bytes | None) -> None:
        self._message += 1
        values: dict[dimse.Key, str | int] = {
            dimse.Key.AffectedSOPClassUID: sop_class,
            dimse.Key.CommandField: field,
            dimse.Key.MessageID: self._message,
            dimse.Key.CommandDataSetType: dimse.NO_DATA_SET if identifier is None else 1,
        }
        if identifier is not None:
            values[dimse.Key.Priority] = 0
        request = pdu.encode(pdu.PDataTF((pdu.PDV(context, 3, dimse.encode(values)),)))
        if identifier is not None:
            request += pdu.encode(pdu.PDataTF((pdu.PDV(context, 2, identifier),)))
        self._socket.sendall(request)
        while True:
            answer = self._pdu()
            if answer[:1] != b"\x04":
                raise ServerError(f"The answer is a PDU of type {answer[:1].hex() or 'none'}.")
            if answer[11] & 1 and dimse.decode(answer[12:]).status not in PENDING:
                return

    def _pdu(self) -> bytes:
        head = self._exactly(6)
        return head + self._exactly(int.from_bytes(head[2:], "big")) if head else b""

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                return b""
            data += more
        return data


class Sample(NamedTuple):
    """Response times of one kind of request, in seconds."""

    kind: str
    ours: list[float]
    real: list[float]

    @property
    def p(self) -> float:
        """Of the Kolmogorov-Smirnov test."""
        return kolmogorov_smirnov(self.ours, self.real)[1]

    def line(self) -> str:
        """For people."""
        shown = [self.kind.ljust(22)]
        for name, times in (("ours", self.ours), ("real", self.real)):
            cut = statistics.quantiles(times, n=20)
            shown.append(f"{name} {statistics.median(times) * 1e3:8.3f} {cut[-1] * 1e3:8.3f}")
        distance, p = kolmogorov_smirnov(self.ours, self.real)
        return "  ".join([*shown, f"D {distance:.3f}  p {p:.4f}"])


def measure(kind: str, ours: int, other: int, count: int) -> Sample:
    """`count` requests to each port, in turns. `kind` as in `KINDS`."""
    times: dict[int, list[float]] = {ours: [], other: []}
    order = [ours, other]
    for begin in range(0, count, BLOCK):
        random.shuffle(order)
        for port in order:
            times[port] += _block(kind, port, min(BLOCK, count - begin))
    return Sample(kind, times[ours], times[other])


def _block(kind: str, port: int, count: int) -> Iterator[float]:
    """Times of some requests; on one association, or each on its own."""
    request, fresh = KINDS[kind]
    client = None if fresh else Client(port)
    for _ in range(count):
        began = time.perf_counter()
        if client is not None:
            request(client)
        else:
            own = Client(port)
            request(own)
            own.release()
        yield time.perf_counter() - began
    if client is not None:
        client.release()


KINDS: dict[str, tuple[Callable[[Client], None], bool]] = {
    "echo": (Client.echo, False),
    "find": (Client.find, False),
    "associate and echo": (Client.echo, True),
    "associate and find": (Client.find, True),
}
"""What is timed: a request on an association that stands, or one from connecting to the end of the release."""


@contextmanager
def pair(persona: str, probes: Path) -> Iterator[tuple[int, int]]:
    """Both servers, seeded; yields our port and the other's. Raises `ServerError`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="realism-")))
        ours = stack.enter_context(Ours(persona, folder / "ours"))
        other = stack.enter_context(real(persona, probes, free_port()))
        for port in (ours.port, other):
            seed = [sys.executable, str(probes / "seed.py"), "--port", str(port), "--called", AE_TITLE]
            done = subprocess.run(seed, capture_output=True, text=True, timeout=120, check=False)
            if done.returncode:
                raise ServerError(f"Seeding failed: {done.stderr.strip()[-200:]}")
        yield ours.port, other


def main() -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("persona", choices=sorted(PRODUCTS))
    parser.add_argument("--probes", type=Path, required=True, help="folder with the battery")
    parser.add_argument("--echoes", type=int, default=500, help="[default: %(default)s]")
    parser.add_argument("--finds", type=int, default=200, help="[default: %(default)s]")
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="can be repeated [default: all]")
    parser.add_argument("--p", type=float, default=P_LEAST, help="no less than this [default: %(default)s]")
    options = parser.parse_args()
    enter_namespace()
    end_on_signals()
    samples = []
    try:
        with pair(options.persona, options.probes.resolve()) as ports:
            for kind in options.kind or KINDS:
                count = options.echoes if "echo" in kind else options.finds
                for _ in range(TRIES):
                    sample = measure(kind, *ports, count)
                    print(sample.line(), flush=True)
                    if sample.p > options.p:
                        break
                samples.append(sample)
    except (ServerError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 1 if any(sample.p <= options.p for sample in samples) else 0


if __name__ == "__main__":
    sys.exit(main())
