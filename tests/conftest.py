"""Fixtures for the tests of every floor."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support import find_tool


@pytest.fixture
def tool() -> Callable[[str], str]:
    """``tool("findscu")`` is its path; without it, the test is skipped."""
    return find_tool
