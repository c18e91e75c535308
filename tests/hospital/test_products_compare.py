"""Comparing keys with stored values as products do (the expectations were taken from Orthanc and dcmqrscp)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.hospital.dialect import Comparison, Texts
from dicomhawk.hospital.products import texts
from dicomhawk.hospital.products.compare import WildcardError, compile_key, folded_text
from dicomhawk.hospital.products.moments import date_text, moment
from dicomhawk.persona.model import load

NAME, STUDY_DATE = 0x00100010, 0x00080020


def rules(product: str) -> Comparison:
    dialect = load(product).find.dialect()
    assert dialect is not None
    return dialect.comparison


def utf_8(text: str) -> str:
    return text.encode().decode("latin-1")


@pytest.mark.parametrize(
    ("vr", "key", "stored", "orthanc", "dcmqrscp"),
    [
        ("PN", "doe^jane", "DOE^JANE", True, False),
        ("PN", "DOE", "DOE^JANE", False, False),
        ("PN", "DOE*", "DOE^JANE", True, True),
        ("PN", "DOE^JANE\\SMITH", "SMITH", True, False),
        ("PN", utf_8("m*ü*"), utf_8("MÜLLER"), True, False),
        ("PN", utf_8("M??LLER"), utf_8("MÜLLER"), True, True),  # Ü has two bytes
        ("PN", utf_8("M?LLER"), utf_8("MÜLLER"), False, False),
        ("LO", "a*", "ABC", False, False),
        ("LO", "A\\B", "B", True, False),
        ("LO", "A\\B", "A\\B", False, True),
        ("CS", "M\\F", "F", True, False),
        ("UI", "1.2\\1.3", "1.3", True, True),
        ("SH", "[A]", "[A]", True, True),
        ("SH", "[A]*", "[A]B", True, True),
        ("IS", "1", "01", False, False),
        ("DA", "20200101-20201231", "20200615", True, True),
        ("DA", "-20200131", "", True, False),
        ("DA", "20200101-", "yesterday", True, False),
        ("DA", "2020.01.15", "20200115", False, True),
        ("DA", "20200115\\20200131", "20200131", True, False),
        ("DA", "20209999", "20209999", True, False),
        ("TM", "0830", "083000", False, True),
        ("TM", "08-09", "0830", True, True),
        ("TM", "0800-", "08:30:00", True, True),
        ("TM", "-0900", "0900.5", False, False),
    ],
)
def test_values_match(vr: str, key: str, stored: str, orthanc: bool, dcmqrscp: bool) -> None:
    for product, expected in (("orthanc", orthanc), ("dcmqrscp", dcmqrscp)):
        assert compile_key(0x00090001, vr, key, rules(product)).test(stored) is expected, product


@pytest.mark.parametrize(("vr", "key"), [("UI", "1.2.*"), ("DA", "2020*"), ("TM", "08?-09"), ("IS", "?")])
def test_wildcards_fail_where_the_product_takes_none(vr: str, key: str) -> None:
    with pytest.raises(WildcardError) as caught:
        compile_key(0x00090001, vr, key, rules("orthanc"))
    assert caught.value.status == 0xC000
    assert not compile_key(0x00090001, vr, key, rules("dcmqrscp")).test("1.2.3")


def test_folded_attributes_match_in_both_forms() -> None:
    assert folded_text(utf_8("  Müller_a%\t ")) == "MLLER A"
    wanted = compile_key(NAME, "PN", utf_8("M??LLER"), rules("orthanc"))
    assert not wanted.test(utf_8("MÜLLER"))  # without the letter, nothing is there for the question marks
    assert compile_key(NAME, "PN", "a_b", rules("orthanc")).test("A_B")


@pytest.mark.parametrize("product", ["orthanc", "dcmqrscp"])
@given(
    vr=st.sampled_from(("DA", "TM", "DT", "PN", "LO", "UI", "CS", "IS", "UN")),
    tag=st.sampled_from((NAME, STUDY_DATE, 0x00090001)),
    key=st.text(st.characters(max_codepoint=255), min_size=1, max_size=40),
    stored=st.text(st.characters(max_codepoint=255), max_size=40),
)
def test_nothing_is_raised_but_for_wildcards(product: str, vr: str, tag: int, key: str, stored: str) -> None:
    try:
        found = compile_key(tag, vr, key, rules(product))
    except WildcardError:
        assert "*" in key or "?" in key
    else:
        assert found.test(stored) in (True, False)


@pytest.mark.parametrize(
    ("vr", "text", "expected"),
    [
        ("TM", "01", 3600),
        ("TM", "0102", 3720),
        ("TM", "01:02:03.5", 3723.5),
        ("TM", "2400", None),
        ("TM", "1", None),
        ("DA", "00000101", 0),
        ("DA", "0000.01.02", 1),
        ("DA", "00000230", 60),
        ("DA", "20201301", None),
        ("DT", "0000010201", 86400 + 3600),
        ("DT", "", None),
    ],
)
def test_moments(vr: str, text: str, expected: float | None) -> None:
    assert moment(vr, text) == expected


@pytest.mark.parametrize("text", ["00000101", "19991231", "20200229", "20200230"])
def test_a_day_is_written_as_it_was_read(text: str) -> None:
    assert date_text(moment("DA", text) or 0) == text


@pytest.mark.parametrize("product", ["orthanc", "dcmqrscp"])
def test_many_stars_are_one(product: str) -> None:
    assert compile_key(0x00100010, "PN", "D" + "*" * 300, rules(product)).test("DOE^JANE")


def test_escape_sequences_mean_something_with_code_extensions_only() -> None:
    japanese = "\x1b$B;3ED\x1b(B"
    assert texts.to_utf_8(japanese, "\\ISO 2022 IR 87", "ISO_IR 100") == utf_8("山田")
    assert texts.to_utf_8(japanese, "ISO 2022 IR 13\\ISO 2022 IR 87", "ISO_IR 100") == ";3ED"
    assert texts.to_utf_8(japanese, "", "ISO_IR 100") == japanese


def test_texts_become_utf_8_without_what_has_no_meaning() -> None:
    assert texts.to_utf_8("M\xdcLLER", "", "ISO_IR 100") == utf_8("MÜLLER")
    assert texts.to_utf_8("M\xdcLLER", "ISO_IR 999", "ISO_IR 100") == "MLLER"
    assert texts.to_utf_8("M\xdcLLER", "ISO_IR 192", "") == "MLER"
    assert texts.to_utf_8("M\xff\x80LLER\xdc", "ISO_IR 192", "") == "MLLER"
    assert texts.from_utf_8(utf_8("Ü山"), "ISO_IR 100") == "\xdc"


def test_sets_that_can_be_converted() -> None:
    own = Texts(convertible=frozenset({"ISO_IR 100"}), convertible_extensions=frozenset({"ISO 2022 IR 100"}))
    assert [texts.convertible(each, own) for each in ("", "ISO_IR 100", "\\ISO 2022 IR 100")] == [True] * 3
    assert not any(texts.convertible(each, own) for each in ("ISO 2022 IR 100", "ISO_IR 101", "\\ISO_IR 100", "\\"))
    assert texts.converted("M\xdcLLER", "ISO_IR 100", "ISO_IR 192") == utf_8("MÜLLER")
    assert texts.converted("M\xdcLLER", "ISO_IR 100", "ISO_IR 6") is None
    assert texts.converted("\xff", "ISO_IR 192", "ISO_IR 100") is None


@given(st.text(st.characters(max_codepoint=255)), st.text(max_size=30), st.text(max_size=30))
def test_no_text_and_no_set_raises(value: str, source: str, target: str) -> None:
    texts.to_utf_8(value, source, target)
    texts.from_utf_8(value, target)
    texts.converted(value, source, target)
    texts.convertible(source, Texts())
