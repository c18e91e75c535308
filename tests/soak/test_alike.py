"""Ours and the real product answer the same random conversations with the same bytes: storage, retrieval, the rest.

Conversations that make the product open a connection of its own are left out: nothing here does.
"""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.realism.support import MEASURED, TOOLS, require_probes, require_product
from tests.soak.conversations import Maker
from tests.soak.exchanges import hold

SEED = int(os.environ.get("SOAK_SEED", "1"))
COUNT = int(os.environ.get("SOAK_COUNT", "200"))
"""Conversations; each takes a second, most of it waiting for what doesn't come."""
MAY_DIFFER = 0.02
"""Part of the conversations: dcmqrscp sometimes loses the process that serves an association."""


@pytest.mark.soak
@pytest.mark.parametrize("persona", MEASURED)
def test_random_conversations(persona: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TOOLS)
    probes = require_probes()
    require_product(persona)
    from realism_servers import Ours, free_port, real

    differing = []
    with (
        real(persona, probes, free_port()) as theirs,
        Ours(persona, tmp_path) as ours,
        ThreadPoolExecutor(2) as both,
    ):
        for number, conversation in enumerate(itertools.islice(Maker(SEED), COUNT)):
            expected, found = both.map(lambda port: hold(conversation, port), (theirs, ours.port))  # noqa: B023
            if expected != found:
                place = next(i for i, (a, b) in enumerate(itertools.zip_longest(expected, found)) if a != b)
                said = [line for line in expected[:place] if line.startswith("#")]
                there, here = expected[place : place + 1], found[place : place + 1]
                differing.append(f"{number}: {conversation.calling} {said[-1:]}\n  {there}\n  {here}")
        assert not ours.trouble()
    assert len(differing) <= MAY_DIFFER * COUNT, "\n".join(differing)
