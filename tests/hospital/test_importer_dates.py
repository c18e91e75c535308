"""Dates moved by whole days, ages, and UIDs mapped: properties."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.hospital.importer import dates
from dicomhawk.hospital.importer.keys import Keys
from dicomhawk.hospital.importer.uids import UidMap, is_uid

days = st.dates(date(1870, 1, 1), date(2100, 1, 1))
shifts = st.integers(-2000, 2000)
times = st.sampled_from(["", "10", "1011", "101112", "101112.1", "101112.123456"])
offsets = st.sampled_from(["", "+0000", "-0500", "+0530"])


def da(day: date) -> str:
    return day.strftime("%Y%m%d")


@given(days, shifts)
def test_a_date_moves_by_the_days_asked_for(day: date, shift: int) -> None:
    assert dates.shift_da(da(day), shift) == da(day + timedelta(shift))


@given(days, days, shifts)
def test_an_interval_stays_as_long_as_it_was(one: date, other: date, shift: int) -> None:
    moved = [dates.parse_date(dates.shift_da(da(day), shift)) for day in (one, other)]
    assert moved[0] is not None and moved[1] is not None
    assert moved[1] - moved[0] == other - one


@given(days, days, shifts)
def test_both_ends_of_a_range_move(one: date, other: date, shift: int) -> None:
    begin, end = da(one), da(other)
    moved_begin, moved_end = dates.shift_da(begin, shift), dates.shift_da(end, shift)
    assert dates.shift_da(f"{begin}-{end}", shift) == f"{moved_begin}-{moved_end}"
    assert dates.shift_da(f"-{end}", shift) == f"-{moved_end}"
    assert dates.shift_da(f"{begin}-", shift) == f"{moved_begin}-"


@given(days, times, offsets, shifts)
def test_of_a_date_and_time_only_the_date_moves(day: date, time: str, offset: str, shift: int) -> None:
    assert dates.shift_dt(da(day) + time + offset, shift) == da(day + timedelta(shift)) + time + offset


@given(days, days, offsets, offsets, shifts)
def test_the_hyphen_of_an_offset_is_not_that_of_a_range(
    one: date, other: date, first: str, second: str, shift: int
) -> None:
    begin, end = f"{da(one)}1200{first}", f"{da(other)}1200{second}"
    assert dates.shift_dt(f"{begin}-{end}", shift) == f"{dates.shift_dt(begin, shift)}-{dates.shift_dt(end, shift)}"


@given(st.text() | st.text(alphabet="0123456789.-+\\ "), shifts)
def test_nothing_makes_them_raise_and_nothing_but_dates_comes_out(text: str, shift: int) -> None:
    allowed = set("0123456789.-+\\")
    assert set(dates.shift_da(text, shift)) <= allowed
    assert set(dates.shift_dt(text, shift)) <= allowed
    assert dates.age(date(1980, 1, 1), date(2000, 1, 1), text) in ("", "020Y", "240M", "999W", "999D")
    dates.days_of_age(text)


@given(st.text(alphabet="0123456789", min_size=1, max_size=12), shifts)
def test_a_value_that_is_no_date_is_emptied(digits: str, shift: int) -> None:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        valid = len(digits) == 8
    except ValueError:
        valid = False
    if not valid:
        assert dates.shift_da(digits, shift) == ""


@pytest.mark.parametrize(
    ("value", "moved"),
    [
        ("", ""),
        ("20200229", "20200307"),
        ("2020.02.29", "2020.03.07"),  # ACR-NEMA
        ("20200229 ", "20200307"),
        ("20200101\\20200102", "20200108\\20200109"),
        ("20200101\\Smith", "20200108\\"),
        ("20190229", ""),
        ("00000000", ""),
        ("99991231", ""),
        ("Smith^John", ""),
        ("２０２００１０１", ""),
    ],
)
def test_examples_of_dates(value: str, moved: str) -> None:
    assert dates.shift_da(value, 7) == moved


@pytest.mark.parametrize(
    ("value", "moved"),
    [
        ("2020", "2020"),
        ("2020-0500", "2020-0500"),
        ("202012", "202012"),
        ("20201231235959.999999-1200", "20210107235959.999999-1200"),
        ("20201231-", "20210107-"),
        ("on Tuesday", ""),
    ],
)
def test_examples_of_dates_with_times(value: str, moved: str) -> None:
    assert dates.shift_dt(value, 7) == moved


@pytest.mark.parametrize(
    ("born", "day", "like", "age"),
    [
        (date(1961, 7, 4), date(2019, 7, 3), "058Y", "057Y"),
        (date(1961, 7, 4), date(2019, 7, 4), "057Y", "058Y"),
        (date(2019, 1, 31), date(2019, 3, 1), "002M", "001M"),
        (date(2019, 1, 1), date(2019, 1, 15), "001W", "002W"),
        (date(2019, 1, 1), date(2019, 1, 4), "002D", "003D"),
        (date(2019, 1, 5), date(2019, 1, 4), "002D", ""),
        (date(2019, 1, 1), date(2019, 1, 4), "young", ""),
    ],
)
def test_an_age_is_told_in_the_unit_in_which_it_was(born: date, day: date, like: str, age: str) -> None:
    assert dates.age(born, day, like) == age


KEYS = Keys("a seed for tests")
uids = st.from_regex(r"[0-2](\.(0|[1-9][0-9]{0,9})){1,6}", fullmatch=True).filter(lambda uid: len(uid) <= 64)


@given(uids, st.sampled_from(["2.25", "1.2.826.0.1.3680043.10.1234", "1." + "2" * 38]))
def test_a_new_uid_is_valid_and_under_the_root(uid: str, root: str) -> None:
    new = UidMap(KEYS, root)(uid)
    assert is_uid(new) and new.startswith(root + ".")
    assert not any(part != "0" and part.startswith("0") for part in new.split("."))


@given(uids, uids)
def test_the_same_uid_has_the_same_successor_and_another_has_another(one: str, other: str) -> None:
    assert (UidMap(KEYS, "2.25")(one) == UidMap(KEYS, "2.25")(other)) is (one == other)
    assert UidMap(KEYS, "2.25")(one) != UidMap(Keys("another seed"), "2.25")(one)


def test_uids_of_the_standard_stay_and_lookalikes_do_not() -> None:
    mapped = UidMap(KEYS, "2.25")
    assert mapped("1.2.840.10008.5.1.4.1.1.2\0") == "1.2.840.10008.5.1.4.1.1.2"
    assert mapped("1.2.840.10008.1.4.1.1") == "1.2.840.10008.1.4.1.1"  # a well-known frame of reference
    assert mapped("1.2.840.10008.123.456").startswith("2.25.")
    assert mapped("") == ""


@given(st.text())
def test_whatever_stands_in_a_uid_becomes_a_uid(text: str) -> None:
    new = UidMap(KEYS, "2.25")(text)
    assert new == "" or is_uid(new)
