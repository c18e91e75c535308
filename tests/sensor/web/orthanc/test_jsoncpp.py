"""The layout of jsoncpp's styled writer, as Orthanc 1.10.1 shows it."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.sensor.web.orthanc.jsoncpp import TAB, JsonError, parsed, styled

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def test_members_and_items_have_lines_of_their_own() -> None:
    value = {"b": [0, {"c": "ü"}], "a": {}, "d": [], "e": {"f": None}}
    assert styled(value) == (
        '{\n   "a" : {},\n   "b" : \n   [\n      0,\n      {\n         "c" : "\\u00fc"\n      }\n   ],\n'
        '   "d" : [],\n   "e" : \n   {\n      "f" : null\n   }\n}'
    )


def test_errors_are_indented_by_tabs() -> None:
    assert styled({"HttpStatus": 404, "Uri": "/x"}, TAB) == '{\n\t"HttpStatus" : 404,\n\t"Uri" : "/x"\n}'


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1.0"), (0.5, "0.5"), (True, "true"), (1, "1"), ("\x01", '"\\u0001"')]
)
def test_scalars(value: object, text: str) -> None:
    assert styled(value) == text


@given(VALUES)
def test_it_says_the_same_as_other_json(value: object) -> None:
    assert json.loads(styled(value)) == value


@pytest.mark.parametrize("text", [b"", b"{", b"[" * 1000, b'{"a":' * 100 + b"1" + b"}" * 100, b"nix", b"\xff"])
def test_what_is_none_has_its_own_error(text: bytes) -> None:
    with pytest.raises(JsonError):
        parsed(text)


@given(st.binary(max_size=200))
def test_reading_raises_nothing_else(text: bytes) -> None:
    with contextlib.suppress(JsonError):
        parsed(text)
