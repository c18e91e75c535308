"""Fixtures for the tests of every floor."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings

from tests.pausing import install
from tests.support import find_tool

# How long an example takes is the machine's business.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
install()


@pytest.fixture
def tool() -> Callable[[str], str]:
    """``tool("findscu")`` is its path; without it, the test is skipped."""
    return find_tool
