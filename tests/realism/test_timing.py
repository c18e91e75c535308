"""Response times: the real product's, as far as a test of both distributions can tell."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from tests.realism.support import MEASURED, PROBES, TOOLS, require_probes, require_product


def test_kolmogorov_smirnov() -> None:
    from realism_timing import kolmogorov_smirnov

    same = [float(number) for number in range(500)]
    assert kolmogorov_smirnov(same, same) == (0.0, 1.0)
    assert kolmogorov_smirnov(same, [value + 1000 for value in same])[1] < 1e-12
    # Smirnov's table: for two samples of 500, p = 0.05 is at D = 1.358 and p = 0.01 at 1.628 times sqrt(2 / 500).
    for shift, p in ((43, 0.05), (51.5, 0.01)):
        distance, found = kolmogorov_smirnov(same, [value + shift for value in same])
        assert distance == pytest.approx(shift / 500, abs=0.002)
        assert found == pytest.approx(p, rel=0.25)
    # Ties on both sides count for both before they are compared.
    assert kolmogorov_smirnov([1, 1, 2, 2], [1, 2])[0] == 0.0
    assert kolmogorov_smirnov([1, 1, 1, 2], [1, 2, 2, 2])[0] == 0.5


def test_kolmogorov_smirnov_is_seldom_wrong() -> None:
    from realism_timing import kolmogorov_smirnov

    draw = random.Random("two samples of one distribution")
    found = []
    for _ in range(400):
        first, second = ([draw.lognormvariate(0, 1) for _ in range(count)] for count in (100, 60))
        found.append(kolmogorov_smirnov(first, second)[1])
    assert sum(p < 0.1 for p in found) / len(found) == pytest.approx(0.1, abs=0.05)
    assert sum(p < 0.5 for p in found) / len(found) == pytest.approx(0.5, abs=0.1)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("persona", MEASURED)
def test_response_times(persona: str) -> None:
    require_probes()
    require_product(persona)
    command = [sys.executable, str(TOOLS / "realism_timing.py"), persona, "--probes", str(PROBES)]
    command += ["--kind", "echo", "--kind", "find"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
