"""The battery of wire probes: each measured persona answers like the product that it was recorded from.

The quick part leaves out what waits for timers or for many clients, and is played in shares at once.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.realism.support import MEASURED, play, require_probes

SLOW = frozenset({"slow", "limits"})
JOBS = 10
FAITHFUL = ("associate", "contexts", "malformed", "empty", "find", "get", "store")
"""Groups in which no probe may differ."""
CONNECTS_OUT = frozenset({"move.to-probe", "n.commitment"})
"""Where the product opens a connection of its own, which the sensor never does."""
ALLOWED = 3


@pytest.mark.timeout(300)
@pytest.mark.parametrize("persona", MEASURED)
def test_quick_part(persona: str, tmp_path: Path) -> None:
    from realism import truth_of
    from realism_shares import wanted

    probes = require_probes()
    groups = {probe["group"] for probe in wanted(truth_of(persona, probes), "")} - SLOW
    played = play(persona, tmp_path, "--jobs", JOBS, "--only", ",".join(sorted(groups)), "--allowed", ALLOWED)
    assert not [group for group in FAITHFUL if played.by_group[group]], played.said()
    assert played.status == 0, played.said()


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("persona", MEASURED)
def test_whole_battery(persona: str, tmp_path: Path) -> None:
    require_probes()
    played = play(persona, tmp_path, timeout=1700)
    unexplained = [probe for probe in played.differing if probe not in CONNECTS_OUT]
    assert not played.by_group.keys() & {"associate", "contexts", "malformed", "slow"}, played.said()
    assert len(unexplained) <= 1, played.said()
    assert played.status == 0, played.said()
