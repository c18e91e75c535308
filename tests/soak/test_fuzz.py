"""Mutated input through the upper layer in-process: nothing is raised, nothing hangs, memory stays flat."""

from __future__ import annotations

import os
import random
import time
from itertools import islice
from pathlib import Path

import pytest

from dicomhawk.upperlayer import pdu
from dicomhawk.upperlayer.dialect import Close, Dialect
from dicomhawk.upperlayer.negotiation import Policy
from dicomhawk.upperlayer.provider import Provider
from tests.fuzzing import Input, mutated_inputs, pieces
from tests.upperlayer.golden import GOLDEN
from tests.upperlayer.playbook import converse, decode, policy

LONGEST = 5.0
"""Seconds of CPU for one input: a thousand times what it takes, so that only a hang fails, and no slow machine."""
GROWTH = 16 << 20
"""Bytes of resident memory that a run may gain once it is warm."""
DIALECT = Dialect()


def resident() -> int:
    """Resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def run_one(case: Input, rng: random.Random, accepting: Policy) -> None:
    """One input through one provider, to its end."""
    provider = Provider(DIALECT, 0.0, requestor=case.direction == "<")
    if case.direction == "<":
        rq = decode(GOLDEN[case.name].turns[0][1])
        assert isinstance(rq, pdu.AssociateRQ)
        provider.request(rq)
    converse(provider, pieces(rng, case.data), accepting)
    for _ in range(4):
        deadline = provider.deadline
        if deadline is None:
            break
        provider.handle_timer(deadline)
        while provider.poll(deadline) is not None:
            pass
    assert provider.deadline is None, provider.state
    assert provider.received == len(case.data)
    provider.transport_closed()
    assert provider.close in Close


def fuzz(count: int, seed: int) -> None:
    """`count` inputs from `seed`; a failure names the input, which can be made again."""
    accepting = policy()
    rng = random.Random(seed)
    warm = 0
    for number, case in enumerate(islice(mutated_inputs(seed), count)):
        began = time.process_time()
        try:
            run_one(case, rng, accepting)
        except Exception as error:
            error.add_note(f"input {number} of seed {seed}: {case.name} {case.direction} {case.data.hex()}")
            raise
        assert time.process_time() - began < LONGEST, f"input {number} of seed {seed} took too long"
        if number == count // 4:
            warm = resident()
    assert resident() - warm < GROWTH, f"{(resident() - warm) >> 20} MiB more than when it was warm"


def test_10_000_inputs() -> None:
    fuzz(10_000, seed=20_000)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(10))
def test_1_000_000_inputs_in_ten_parts(seed: int) -> None:
    fuzz(100_000, seed)
