"""A-ASSOCIATE-RQs drawn at random, sent to the real product and given to the persona: the same bytes come back."""

from __future__ import annotations

import itertools
import os
import socket
import time
from pathlib import Path

import pytest

from dicomhawk.persona.model import load
from dicomhawk.settings import Deployment, Remote
from dicomhawk.upperlayer import pdu
from dicomhawk.upperlayer.indications import AssociateIndication
from dicomhawk.upperlayer.negotiation import Accepted, Rejected, negotiate
from dicomhawk.upperlayer.provider import Provider
from tests.realism.requests import Requests
from tests.realism.support import MEASURED, require_probes, require_product

QUICK, LONG = 60, 1500
"""Requests: in `make test`, and in `make soak`."""
ANSWER_SECONDS = 5.0
"""A product that is going to answer does so by then."""
SILENT_SECONDS = 0.3
"""Where we don't answer, it is waited for so long that it does."""
ATTEMPTS = 4
"""The product may have no place for another association, until it has seen that the last one is over."""
RELEASE_RQ = bytes.fromhex("05000000000400000000")


class Ours:
    """What the persona answers, without a socket."""

    def __init__(self, name: str) -> None:
        persona = load(name)
        deployment = Deployment(
            seed="0" * 16, hospital="H", locale="en_US", ae_title="ORTHANC", uid_root="1.2.826.0.1.3680043.10.1"
        )
        self.policy = persona.policy(deployment, [Remote(ae_title="PROBE", host="127.0.0.1")])
        self.dialect = persona.dialect()

    def __call__(self, request: bytes) -> tuple[bytes, str]:
        """An A-ASSOCIATE-AC, an -RJ or nothing, and why."""
        provider = Provider(self.dialect, 0.0)
        provider.feed(request, 0.0)
        indication = provider.poll(0.0)
        if not isinstance(indication, AssociateIndication):
            return b"", f"can't be understood: {indication}"
        match negotiate(indication.rq, self.policy):
            case Accepted(ac):
                return pdu.encode(ac), "accepted"
            case Rejected(rj, cause):
                return pdu.encode(rj), cause.value
            case unanswered:
                return b"", unanswered.cause.value


def ask(port: int, request: bytes, seconds: float) -> bytes:
    """The first PDU that comes back within so many seconds, if any; an association is released."""
    with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as connection:
        connection.sendall(request)
        answer = b""
        deadline = time.monotonic() + seconds
        try:
            while len(answer) < 6 or len(answer) < 6 + int.from_bytes(answer[2:6], "big"):
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                received = connection.recv(65536)
                if not received:
                    break
                answer += received
            if answer[:1] == b"\2":
                connection.settimeout(ANSWER_SECONDS)
                connection.sendall(RELEASE_RQ)
                connection.recv(64)
        except OSError:
            pass
        return answer


def compare(name: str, seed: int, count: int, probes: Path) -> None:
    """Ask the product and ours the same, `count` times."""
    from realism_servers import free_port, real

    ours = Ours(name)
    accepted = 0
    with real(name, probes, free_port()) as port:
        for number, request in enumerate(itertools.islice(Requests(seed), count)):
            expected, why = ours(request)
            accepted += expected[:1] == b"\2"
            answer = b"?"
            for attempt in range(ATTEMPTS):
                time.sleep(0.3 * attempt)
                answer = ask(port, request, ANSWER_SECONDS if expected else SILENT_SECONDS)
                if answer == expected:
                    break
            assert answer.hex() == expected.hex(), f"request {number} of seed {seed} ({why}): {request.hex()}"
    assert accepted > count / 4, "most requests should be sound"


@pytest.mark.parametrize("name", MEASURED)
def test_the_persona_answers_as_the_product_does(name: str) -> None:
    require_product(name)
    compare(name, 20, QUICK, require_probes())


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", MEASURED)
def test_the_persona_answers_as_the_product_does_to_whatever_comes(name: str) -> None:
    require_product(name)
    seed = int(os.environ.get("SEED") or time.time())
    compare(name, seed, LONG, require_probes())
