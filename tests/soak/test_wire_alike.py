"""Ours and the real product do the same about random scripts of PDUs, most of them malformed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.realism.support import MEASURED, TOOLS, require_probes, require_product
from tests.soak.wire_scripts import Maker, play

SEED = int(os.environ.get("SOAK_SEED", "1"))
COUNT = int(os.environ.get("SOAK_COUNT", "400"))
"""Scripts; each takes a second or two, most of it waiting for what doesn't come."""
AT_A_TIME = 4
"""Servers of each kind: a script may hold one up for longer than it lasts."""
MAY_DIFFER = 0.02
"""Part of the scripts: a product that crashes, and moments that a busy machine moves."""


@pytest.mark.soak
@pytest.mark.parametrize("persona", MEASURED)
def test_random_scripts(persona: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TOOLS)
    probes = require_probes()
    require_product(persona)
    from realism_servers import Ours, free_port, real

    with ExitStack() as stack:
        theirs = [stack.enter_context(real(persona, probes, free_port())) for _ in range(AT_A_TIME)]
        ours = [stack.enter_context(Ours(persona, tmp_path / str(number))) for number in range(AT_A_TIME)]
        ports = list(zip(theirs, (server.port for server in ours), strict=True))

        def compare(number: int) -> Iterator[str]:
            for seed in range(SEED * 1_000_000 + number, SEED * 1_000_000 + COUNT, AT_A_TIME):
                parts = list(Maker(seed).parts())
                for _ in range(2):  # once more before it is believed
                    expected, found = (play(parts, ("127.0.0.1", port)) for port in ports[number])
                    if expected == found:
                        break
                else:
                    yield f"seed {seed}\n  {expected}\n  {found}"

        with ThreadPoolExecutor(AT_A_TIME) as pool:
            differing = [line for lines in pool.map(lambda n: list(compare(n)), range(AT_A_TIME)) for line in lines]
        assert not any(server.trouble() for server in ours)
    assert len(differing) <= MAY_DIFFER * COUNT, "\n".join(differing)
