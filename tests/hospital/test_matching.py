"""Attribute matching of PS3.4 section C.2.2.2."""

from __future__ import annotations

import struct
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dicomhawk.hospital.charset import character_set
from dicomhawk.hospital.elements import Element
from dicomhawk.hospital.matching import (
    MAX_KEY_LENGTH,
    Hint,
    Stored,
    compile_key,
    is_single,
    key_text,
)
from dicomhawk.hospital.names import folded_groups
from dicomhawk.hospital.temporal import key_span, span

ANY_VR = st.sampled_from(
    ["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "US", "UT"]
)


def matches(vr: str, key: str, stored: Stored) -> bool:
    matcher = compile_key(vr, key)
    return matcher is None or matcher.matches(stored)


@pytest.mark.parametrize("vr", ["LO", "PN", "DA", "TM", "UI", "IS", "CS", "US"])
@pytest.mark.parametrize("key", ["", "*", "**", "  "])
def test_no_value_and_the_bare_asterisk_match_everything(vr: str, key: str) -> None:
    assert compile_key(vr, key) is None


@pytest.mark.parametrize(
    ("vr", "key", "stored", "expected"),
    [
        # Single values: exactly equal but for padding.
        ("LO", "CT THORAX", "CT THORAX", True),
        ("LO", "ct thorax", "CT THORAX", False),
        ("LO", "CT THORAX ", " CT THORAX", True),
        ("LO", "CT", "CT THORAX", False),
        ("LO", "CT", "", False),
        ("LO", "CT", None, False),
        ("LO", "é", "é", True),
        ("SH", "[a]", "a", False),
        ("SH", "[a]", "[a]", True),
        ("SH", "a%", "ab", False),
        ("SH", "A' OR '1'='1", "A", False),
        ("UI", "1.2.3\0", "1.2.3", True),
        ("UI", "1.2.*", "1.2.3", False),
        ("IS", "007", 7, True),
        ("IS", "7", "7", True),
        ("IS", "7x", 7, False),
        ("IS", "9" * 5000, 7, False),
        ("US", "512", 512, True),
        ("DS", "70", "70.0", True),
        ("DS", "nan", "nan", True),
        ("DS", "1e999", "2", False),
        # Several values: any of them, and any of the stored ones.
        ("UI", "1.2\\1.3", "1.3", True),
        ("UI", "1.2\\1.3", "1.23", False),
        ("CS", "MR\\CT", "CT", True),
        ("CS", "CT", "MR\\CT", True),
        ("LO", "a\\", "b", False),
        ("ST", "a\\b", "a", False),
        ("ST", "a\\b", "a\\b", True),
        # Wildcards.
        ("LO", "CT*", "CT THORAX", True),
        ("LO", "*THORAX", "CT THORAX", True),
        ("LO", "*T*T*", "CT THORAX", True),
        ("LO", "*T*T*T*", "CT THORAX", False),
        ("LO", "C?", "CT", True),
        ("LO", "C?", "C", False),
        ("LO", "C?", "CTA", False),
        ("LO", "?*", "", False),
        ("LO", "a*", "a\nb", True),
        ("LO", "CT*.", "CT THORAX", False),
        ("LO", "C[T]*", "CT", False),
        ("CS", "M*", "CT\\MR", True),
        ("DA", "2024*", "20240101", False),
        ("AS", "0?0Y", "030Y", False),
        # Names: without regard to case, by group and component.
        ("PN", "doe^john", "DOE^JOHN", True),
        ("PN", "Doe", "DOE^JOHN", False),
        ("PN", "doe*", "DOE^JOHN", True),
        ("PN", "Doe^John^^", "Doe^John", True),
        ("PN", "Doe ^ John", "Doe^John", True),
        ("PN", "Doe^*", "Doe", True),
        ("PN", "*^John", "Doe^John^M", False),
        ("PN", "*^J*", "Doe^John^M", True),
        ("PN", "D?e^*^M*", "Doe^John^Mary", True),
        ("PN", "?*", "", False),
        ("PN", "^", "Doe", True),
        ("PN", "*^*", "", True),
        ("PN", "山田*", "Yamada^Tarou=山田^太郎=やまだ^たろう", True),
        ("PN", "やまだ^たろう", "Yamada^Tarou=山田^太郎=やまだ^たろう", True),
        ("PN", "=山田*", "Yamada^Tarou=山田^太郎", True),
        ("PN", "=yamada*", "Yamada^Tarou=山田^太郎", False),
        ("PN", "yamada*=山田*", "Yamada^Tarou=山田^太郎", True),
        ("PN", "yamada*=田*", "Yamada^Tarou=山田^太郎", False),
        ("PN", "STRASSE*", "Straße^Änne", True),
        ("PN", "*^ÄNNE", "Straße^A\u0308nne", True),
        ("PN", "b*", "Aa^A\\Bb^B", True),
        ("PN", "doe", None, False),
        # Dates.
        ("DA", "20240115", "20240115", True),
        ("DA", "2024.01.15", "20240115", True),
        ("DA", "20240115-", "20240115", True),
        ("DA", "20240116-", "20240115", False),
        ("DA", "-20240115", "20240115", True),
        ("DA", "-20240114", "20240115", False),
        ("DA", "20240101-20240131", "20240115", True),
        ("DA", "20240101 - 20240131", "20240115", True),
        ("DA", "20240131-20240101", "20240115", False),
        ("DA", "202401-202402", "20240229", True),
        ("DA", "20240101-", "", False),
        ("DA", "20240101-", None, False),
        ("DA", "-", "20240101", True),
        ("DA", "yesterday", "20240101", False),
        ("DA", "20240101-x", "20240101", False),
        ("DA", "20240101-20240131-", "20240115", False),
        # Times.
        ("TM", "10", "100000", True),
        ("TM", "10", "105959.999999", True),
        ("TM", "10", "110000", False),
        ("TM", "1015", "101530", True),
        ("TM", "10:15", "101530", True),
        ("TM", "101530", "1015", False),
        ("TM", "101530.1", "101530.123", True),
        ("TM", "10-11", "115959", True),
        ("TM", "10-11", "12", False),
        ("TM", "1030-", "1029", False),
        ("TM", "-1030", "103059.5", True),
        ("TM", "-1030", "1031", False),
        # Moments.
        ("DT", "2024", "20240615101530", True),
        ("DT", "202406", "20240630235959.999999", True),
        ("DT", "202412", "20241231235959", True),
        ("DT", "202406", "20240701", False),
        ("DT", "2024-2025", "20251231", True),
        ("DT", "20240101-", "20231231", False),
        ("DT", "-20240101", "20240101235959", True),
        ("DT", "20240101120000+0200", "20240101100000+0000", True),
        ("DT", "20240101120000-0500-20240101130000-0500", "20240101173000+0000", True),
        ("DT", "20240101120000-0500", "20240101170000", True),
        ("DT", "20249901", "20240101", False),
        ("DT", "9999", "99991231", False),
    ],
)
def test_a_key_matches_a_stored_value(vr: str, key: str, stored: Stored, expected: bool) -> None:
    assert matches(vr, key, stored) is expected


def reference(pattern: str, text: str) -> bool:
    """Wildcard matching by trying everything."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(reference(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and reference(pattern[1:], text[1:])


@given(st.text("ab*?", min_size=1, max_size=8), st.text("abc", max_size=8))
@example("*a*a", "aa")
@example("*a?*a", "aaa")
def test_wildcards_are_those_of_the_standard(pattern: str, text: str) -> None:
    if pattern.strip("*"):
        expected = reference(pattern, text) and text != ""
        assert matches("LO", pattern, text) is expected
        if "^" not in pattern:
            assert matches("PN", pattern.upper(), text) is expected


def holds(hint: Hint, stored: str) -> bool:
    """What the catalogue's SQL makes of a hint."""
    if hint.kind == "in":
        return stored in {str(value) for value in hint.values}
    if hint.kind == "between":
        return str(hint.values[0]) <= stored <= str(hint.values[1])
    if hint.kind == "prefix":
        return stored.startswith(str(hint.values[0]))
    return str(hint.values[0]) in stored


SMALL_TEXT = st.text("aB1*?^=é-. 20", max_size=8)
DATES = st.dates().map(lambda day: f"{day:%Y%m%d}".zfill(8))


@given(st.sampled_from(["LO", "CS", "SH", "UI", "AE"]), SMALL_TEXT, SMALL_TEXT)
def test_no_matching_text_escapes_the_hint(vr: str, key: str, stored: str) -> None:
    stored = stored.strip()
    matcher = compile_key(vr, key)
    if matcher is not None and matcher.hint is not None and matcher.matches(stored):
        assert holds(matcher.hint, stored)


@given(SMALL_TEXT, SMALL_TEXT)
@example("A^*", "a")
@example("*^", "a")
def test_no_matching_name_escapes_the_hints(key: str, stored: str) -> None:
    matcher = compile_key("PN", key)
    if matcher is not None and matcher.matches(stored):
        groups = folded_groups(stored)
        for number, hint in matcher.group_hints:
            assert any(holds(hint, group) for group in (groups if number is None else [groups[number]]))


@given(st.one_of(DATES, st.tuples(DATES, DATES).map("-".join), DATES.map("{}-".format)), DATES)
def test_no_matching_date_escapes_the_hint(key: str, stored: str) -> None:
    matcher = compile_key("DA", key)
    assert matcher is not None
    assert matcher.hint is not None
    assert matcher.matches(stored) is holds(matcher.hint, stored)


@given(ANY_VR, st.text(max_size=40), st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=40)))
def test_nothing_raises(vr: str, key: str, stored: Stored) -> None:
    assert matches(vr, key, stored) in (True, False)
    is_single(vr, key)


@given(st.sampled_from(["DA", "TM", "DT"]), st.text("0123456789-+.: ", max_size=50))
def test_spans_are_spans_or_nothing(vr: str, text: str) -> None:
    found = span(vr, text)
    assert found is None or found[0] <= found[1]
    key_span(vr, text)


def test_hostile_patterns_cost_little() -> None:
    started = time.process_time()
    assert not matches("LO", "*a" * (MAX_KEY_LENGTH // 2 - 1) + "*b", "a" * 10_000)
    assert not matches("PN", "*?" * (MAX_KEY_LENGTH // 2 - 1) + "b", "a" * 10_000)
    assert not matches("LO", "?" * (MAX_KEY_LENGTH + 1), "a" * (MAX_KEY_LENGTH + 1))
    matches("LO", "\\".join(f"*a{number}*" for number in range(50_000)), "a")
    assert time.process_time() - started < 20  # exponential patterns would take longer than the universe


@pytest.mark.parametrize(
    ("element", "text"),
    [
        (Element(0x00100010, "PN", "Bjørn ".encode("latin-1")), "Bjørn"),
        (Element(0x0020000D, "UI", b"1.2\\1.3\0"), "1.2\\1.3"),
        (Element(0x00280010, "US", struct.pack("<HH", 512, 3) + b"\0"), "512\\3"),
        (Element(0x00104000, "LT", b"  text  "), "  text"),
        (Element(0x00400100, "SQ", ({},)), ""),
        (Element(0x00080060, "CS", b"\xff"), "ÿ"),
    ],
)
def test_the_text_of_a_key(element: Element, text: str) -> None:
    assert key_text(element, character_set("ISO_IR 100")) == text


@pytest.mark.parametrize(
    ("vr", "text", "expected"),
    [
        ("UI", "1.2", True),
        ("UI", "1.2\\1.3", False),
        ("UI", "", False),
        ("UI", "*", False),
        ("LO", "12*", False),
        ("LO", "1?", False),
        ("LO", "12", True),
    ],
)
def test_single_values(vr: str, text: str, expected: bool) -> None:
    assert is_single(vr, text) is expected
