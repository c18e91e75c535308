"""Time: years that were thinned, weeks with their days and hours, holidays, and a week that a clock goes through."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.generate import CATALOGUE, generate
from dicomhawk.hospital.rows import Study
from dicomhawk.hospital.world import calendar
from dicomhawk.hospital.world.calendar import Calendar, Scale, Slot
from dicomhawk.hospital.world.kinds import DEMAND, SOON
from dicomhawk.hospital.world.locale import WARDS, locale
from dicomhawk.hospital.world.patients import Known, Patients
from dicomhawk.hospital.world.people import Registry
from dicomhawk.settings import Deployment

ZONE = ZoneInfo("Europe/Oslo")
TABLES = locale("nb_NO")
MONDAY = datetime(2026, 2, 2, tzinfo=ZONE)
"""Midnight before a week without holidays."""
NOW = MONDAY.timestamp()
HOUR, DAY = 3600.0, 86400.0


def norwegian() -> Calendar:
    return Calendar(ZONE, TABLES.holidays, TABLES.slow)


def ahead(daily: float, first: date, days: int, seed: int = 1) -> list[Slot]:
    """Slots of some days in the future of `NOW`."""
    return norwegian().ahead(daily, first, first + timedelta(days=days - 1), NOW, random.Random(seed))


# The past


def test_as_many_as_were_asked_for_in_the_order_of_time() -> None:
    made = norwegian().past(Scale(2000), NOW, random.Random(1))
    moments = [slot.moment for slot in made]
    assert len(made) == 2000
    assert moments == sorted(moments)
    assert moments[-1].timestamp() <= NOW - calendar.SETTLED.total_seconds()
    assert 1000 < (moments[-1] - moments[0]).days < 1100


def test_recent_weeks_are_complete_and_earlier_years_are_thinned() -> None:
    made = norwegian().past(Scale(5000), NOW, random.Random(1))
    assert Scale(5000).daily == 20
    ages = Counter(int((NOW - slot.moment.timestamp()) / DAY) // 28 for slot in made)
    assert 300 < ages[0] < 400  # about twenty on each of twenty working days, and something at weekends
    assert ages[0] > 1.2 * ages[1] > 1.2 * ages[3]
    old = [ages[month] for month in range(12, 38)]
    assert min(old) > 60
    assert max(old) < 180


@pytest.mark.parametrize(("studies", "daily"), [(0, 2), (300, 6), (5000, 20), (10_000, 20), (1_000_000, 1140)])
def test_the_day_is_as_full_as_the_archive_is_large(studies: int, daily: float) -> None:
    assert Scale(studies).daily == pytest.approx(daily, rel=0.02)
    assert Scale(studies, per_day=7.0).daily == 7.0


def test_a_large_archive_has_not_shrunk() -> None:
    made = norwegian().past(Scale(40_000, years=2), NOW, random.Random(1))
    ages = Counter(int((NOW - slot.moment.timestamp()) / DAY) // 91 for slot in made)
    assert max(ages[q] for q in range(8)) < 1.6 * min(ages[q] for q in range(8))


def test_what_began_just_now_is_not_there_yet() -> None:
    now = MONDAY.replace(hour=9).timestamp()
    made = norwegian().past(Scale(3000, years=0.2), now, random.Random(1))
    assert max(slot.moment.timestamp() for slot in made) <= now - calendar.SETTLED.total_seconds()
    assert any(slot.moment >= MONDAY for slot in made)


def test_holidays_and_summers_are_quiet() -> None:
    made = norwegian().past(Scale(30_000), NOW, random.Random(1))
    days = Counter(slot.moment.date() for slot in made)
    usual = [count for day, count in days.items() if day.weekday() == 3 and day.month in (2, 3, 10, 11)]
    typical = sum(usual) / len(usual)
    for holiday in (date(2025, 4, 17), date(2025, 5, 1), date(2025, 12, 25), date(2024, 5, 17), date(2025, 6, 9)):
        assert days[holiday] < 0.6 * typical
    holiday_slots = [slot for slot in made if slot.moment.date() == date(2025, 12, 25)]
    assert all(slot.urgent for slot in holiday_slots if slot.kind != "xr_bedside") or len(holiday_slots) < 3
    months = Counter((day.year, day.month) for day in days.elements())
    assert months[2025, 7] < 0.9 * months[2025, 9]


# The days ahead


def test_the_hours_of_a_working_day() -> None:
    made = [slot for seed in range(40) for slot in ahead(20.0, date(2026, 2, 3), 1, seed)]
    assert 40 * 18 < len(made) < 40 * 23
    hours = Counter(slot.moment.hour for slot in made)
    assert sum(hours[hour] for hour in range(8, 16)) > 0.7 * len(made)
    assert hours[12] < hours[10]  # the lists pause at noon
    assert 0 < sum(hours[hour] for hour in range(6)) < 0.08 * len(made)
    evening = [slot for slot in made if slot.moment.hour >= 18]
    assert sum(slot.urgent for slot in evening) > 0.8 * len(evening)


def test_the_share_of_modalities_changes_with_the_hour() -> None:
    made = [slot for seed in range(60) for slot in ahead(40.0, date(2026, 2, 3), 2, seed)]
    by_day = Counter(DEMAND[slot.kind].modalities[0] for slot in made if 8 <= slot.moment.hour < 16)
    by_night = Counter(DEMAND[slot.kind].modalities[0] for slot in made if slot.moment.hour < 6)
    for modality, sign in (("MR", -1), ("US", -1), ("CT", 1)):
        share_by_day = by_day[modality] / by_day.total()
        share_by_night = by_night[modality] / by_night.total()
        assert (share_by_night - share_by_day) * sign > 0
    assert by_night["MR"] < 0.12 * by_night.total()


def test_the_days_of_a_week() -> None:
    days: Counter[int] = Counter()
    for seed in range(40):
        days.update(slot.moment.weekday() for slot in ahead(20.0, date(2026, 2, 2), 7, seed))
    assert all(40 * 16 < days[day] < 40 * 23 for day in range(5))
    assert days[4] < days[1]
    assert all(40 * 3 < days[day] < 40 * 9 for day in (5, 6))


def test_a_holiday_is_a_sunday() -> None:
    whit_monday, usual = date(2026, 5, 25), date(2026, 6, 8)
    holiday = sum(len(ahead(20.0, whit_monday, 1, seed)) for seed in range(40))
    monday = sum(len(ahead(20.0, usual, 1, seed)) for seed in range(40))
    assert holiday < 0.5 * monday
    assert norwegian().kind_of_day(whit_monday) == norwegian().kind_of_day(date(2026, 5, 24)) == 6


def test_summer_time_begins_without_harm() -> None:
    made = [slot for seed in range(30) for slot in ahead(60.0, date(2026, 3, 28), 3, seed)]
    moments = [slot.moment for slot in made]
    assert all(moment.tzinfo is ZONE for moment in moments)
    assert {moment.date() for moment in moments} == {date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)}


# Patients


def at(day: int, kind: str, *, urgent: bool = False, hour: int = 10) -> Slot:
    made = next(known for known in DEMAND if known == kind)
    return Slot(MONDAY + timedelta(days=day, hours=hour), made, urgent)


def patients() -> Patients:
    return Patients(Registry(TABLES, "5" * 32), DEMAND)


def follow_up(kind: str) -> tuple[Patients, Known, int]:
    """Somebody who is to come back after an examination of that kind, and in how many days."""
    for seed in range(100):
        made = patients()
        known = made.new(at(0, kind), 1)
        made.examined(known, at(0, kind).kind, at(0, kind).moment, random.Random(seed))
        for day, _, key in made.due():
            assert key == 1
            return made, known, day - MONDAY.toordinal()
    raise AssertionError("nobody comes back")


def test_a_follow_up_comes_when_it_is_due_and_not_before() -> None:
    made, known, days = follow_up("ct_contrast")
    assert days > SOON
    nobody = random.Random(3)
    assert made.choose(at(days - 1, "ct_native"), nobody) == (None, "ct_native")
    assert made.choose(at(days, "mr_plain"), nobody) == (None, "mr_plain")
    assert made.choose(at(days, "ct_native", urgent=True), nobody) == (None, "ct_native")
    assert made.choose(at(days + 2, "ct_native"), nobody) == (known, "ct_follow")
    assert made.choose(at(days + 2, "ct_native"), nobody)[0] is None


def test_who_does_not_get_an_appointment_in_time_goes_elsewhere() -> None:
    made, _, days = follow_up("ct_contrast")
    assert made.choose(at(days + 60, "ct_native"), random.Random(3))[0] is None
    assert list(made.due()) == []


def test_an_inpatient_is_examined_on_any_day() -> None:
    made, known, days = follow_up("xr_bedside")
    assert 1 <= days <= 3
    assert made.choose(at(days, "xr_chest", urgent=True, hour=3), random.Random(3)) == (known, "xr_bedside")


def test_what_was_planned_is_taken_up_again() -> None:
    made, known, days = follow_up("ct_contrast")
    later = patients()
    later.add(known)
    later.resume([*made.due(), (MONDAY.toordinal(), "no_such_kind", 1), (MONDAY.toordinal(), "ct_follow", 99)], 0)
    assert list(later.due()) == list(made.due())
    assert later.choose(at(days, "ct_native"), random.Random(3)) == (known, "ct_follow")


# A week, with a clock that is moved


@dataclass
class Archive:
    """A hospital that was built at midnight before a Monday, looked at later."""

    catalogue: Catalogue

    def one(self, sql: str, *values: object) -> int:
        found: int = self.catalogue.connection.execute(sql, values).fetchone()[0]
        return found

    def appeared(self, day: float, begin: float, end: float) -> int:
        """Studies that appear between two hours of a day; Monday is 0."""
        first, last = (NOW + day * DAY + hour * HOUR for hour in (begin, end))
        return self.catalogue.count(Study, now=last) - self.catalogue.count(Study, now=first)

    def worklist(self, moment: float, where: str = "1") -> int:
        """Steps that are in the worklist at a moment."""
        return self.one(
            f"SELECT count(*) FROM scheduled_step WHERE visible_from <= ?1 AND visible_until > ?1 AND {where}", moment
        )


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    data: Path = tmp_path_factory.mktemp("week")
    deployment = Deployment(
        seed="5" * 32,
        hospital="Elvevik sykehus",
        locale="nb_NO",
        ae_title="PACS",
        uid_root="1.2.826.0.1.3680043.9.777",
    )
    generate(data, deployment, 500, now=NOW, per_day=40.0)
    with Catalogue(data / CATALOGUE) as catalogue:
        yield Archive(catalogue)


def test_a_simulated_week(week: Archive) -> None:
    days = [week.appeared(day, 0, 24) for day in range(7)]
    assert all(27 <= count <= 56 for count in days[:5])
    assert all(1 <= count <= 19 for count in days[5:])
    lists = sum(week.appeared(day, 8, 17) for day in range(5))
    nights = sum(week.appeared(day, 0, 6) for day in range(5))
    assert lists > 0.65 * sum(days[:5])
    assert nights < 0.12 * sum(days[:5])
    assert nights + sum(week.appeared(day, 18, 24) for day in range(7)) > 0


def test_sunday_at_three_is_not_monday_at_eleven(week: Archive) -> None:
    sunday, monday = NOW + 6 * DAY + 3 * HOUR, NOW + 11 * HOUR
    at_eleven, at_three = (
        [NOW + day * DAY + hour * HOUR for day in days] for hour, days in ((11, range(5)), (3, (5, 6)))
    )
    assert week.appeared(6, 1, 5) <= 3
    assert week.appeared(0, 9, 13) >= 9
    at_work = "status IN ('ARRIVED', 'STARTED')"
    assert max(week.worklist(moment, at_work) for moment in at_three) <= 2
    assert sum(week.worklist(moment, at_work) for moment in at_eleven) >= 5
    today = f"start_date = '{MONDAY:%Y%m%d}'"
    assert week.worklist(monday, today) >= 8
    assert week.worklist(sunday, f"start_date = '{MONDAY + timedelta(days=6):%Y%m%d}'") <= 4


def test_series_arrive_one_after_the_other(week: Archive) -> None:
    images = "FROM series WHERE recipe NOT LIKE '{\"document%'"
    longest = f"SELECT max(n) FROM (SELECT max(visible_from) - min(visible_from) AS n {images} GROUP BY study_key)"
    assert 240 < week.one(longest) < 2 * HOUR
    sql = (
        "SELECT count(*) FROM study WHERE visible_from <= ?1"
        f" AND study_key IN (SELECT study_key {images} AND visible_from > ?1)"
    )
    minutes = [(day, minute) for day in range(5) for minute in range(8 * 60, 16 * 60, 10)]
    in_progress = [week.one(sql, NOW + day * DAY + minute * 60) for day, minute in minutes]
    assert sum(in_progress) > 15
    assert max(in_progress) < 8


def test_the_worklist_has_todays_and_tomorrows_appointments(week: Archive) -> None:
    for day in (0, 1, 2, 3):
        morning = NOW + day * DAY + 7 * HOUR
        for ahead_days, fewest in ((0, 8), (1, 6), (4 - day, 3)):
            on = MONDAY + timedelta(days=day + ahead_days)
            assert week.worklist(morning, f"start_date = '{on:%Y%m%d}'") >= fewest
        evening = f"start_date = '{MONDAY + timedelta(days=day):%Y%m%d}' AND priority = 'ROUTINE'"
        assert week.worklist(morning + 16 * HOUR, evening) <= 6  # those who didn't come, and the last


def test_emergencies_are_ordered_shortly_before(week: Archive) -> None:
    steps = "SELECT count(*) FROM scheduled_step WHERE priority = 'STAT' AND status = 'SCHEDULED'"
    assert week.one(steps) > 50
    assert week.one(f"{steps} AND visible_until - visible_from > 3 * 3600") < 0.1 * week.one(steps)
    booked = "SELECT count(*) FROM scheduled_step WHERE priority = 'ROUTINE' AND status = 'SCHEDULED'"
    assert week.one(f"{booked} AND visible_until - visible_from < 8 * 3600") < 0.05 * week.one(booked)


def test_some_do_not_come(week: Archive) -> None:
    missed = "FROM scheduled_step s WHERE NOT EXISTS (SELECT 1 FROM study t WHERE t.study_uid = s.study_uid)"
    assert (
        0
        < week.one(f"SELECT count(*) {missed}")
        < 0.1 * week.one("SELECT count(DISTINCT step_id) FROM scheduled_step")
    )
    assert week.one(f"SELECT count(*) {missed} AND status <> 'SCHEDULED'") == 0
    assert week.one(f"SELECT count(*) {missed} AND priority = 'STAT'") == 0
    (until,) = week.catalogue.connection.execute(f"SELECT max(visible_until) {missed}").fetchone()
    assert datetime.fromtimestamp(until, UTC).astimezone(ZONE).hour == 0


def test_the_wards_send_what_they_send(week: Archive) -> None:
    sql = "SELECT count(*) FROM scheduled_step WHERE patient_location = ? AND priority = ?"
    emergency = TABLES.wards["emergency"]
    assert week.one(sql, emergency, "STAT") > 2 * week.one(sql, TABLES.wards["surgery"], "STAT")
    assert week.one(sql, emergency, "ROUTINE") == 0
    places = "SELECT count(DISTINCT referring_physician) FROM scheduled_step WHERE patient_location = ?"
    assert all(week.one(places, TABLES.wards[ward]) <= 3 for ward in WARDS)


def test_people_come_back_at_believable_intervals(week: Archive) -> None:
    studies = week.one("SELECT count(*) FROM study")
    with_priors = studies - week.one(
        "SELECT count(*) FROM patient WHERE patient_key IN (SELECT patient_key FROM study)"
    )
    assert 0.1 < with_priors / studies < 0.6
    same_day = "SELECT count(*) FROM (SELECT 1 FROM study GROUP BY patient_key, study_date HAVING count(*) > 1)"
    assert week.one(same_day) == 0
    follow_ups = "SELECT count(*) FROM study WHERE description IN (SELECT value FROM json_each(?))"
    assert week.one(follow_ups, str(TABLES.studies["ct_follow"]).replace("'", '"')) > 0.015 * studies
