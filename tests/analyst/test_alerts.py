"""When somebody is told, and when not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from dicomhawk.analyst.alerting.clock import digest_after, quiet_until
from dicomhawk.analyst.depth import Depth
from dicomhawk.evidence.documents import moment
from dicomhawk.settings import SettingsError, load

from .findings import DAY, HOUR, INTRUDER, LATER, MINUTE, NOON, SECOND, Findings, rules_of
from .postgres import postgres

Make = Callable[..., Findings]
SCANNERS = (
    ("Censys", "censys"),
    ("Shodan", "shodan"),
    ("Internet Measurement", "driftnet"),
    ("Onyphe", "onyphe"),
    ("Internet Census", "internet-census"),
    ("Palo Alto", "cortex-xpanse"),
    ("Other", "shadowserver"),
    ("Other", "leakix"),
)
OTHERS = (("Cloud", "digitalocean"), ("China ISPs", "chinanet"), ("Other", ""))


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Findings] = []

    def new(**of_alerts: Any) -> Findings:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Findings(folder, **of_alerts))
        return made[-1]

    yield new
    for findings in made:
        findings.close()


@pytest.fixture
def found(make: Make) -> Findings:
    return make()


def test_a_query_of_somebody_unknown_is_told_with_all_that_is_needed(found: Findings) -> None:
    name = found.session(
        "01SESSION",
        Depth.QUERY,
        country="NL",
        asn=64496,
        network="EXAMPLE",
        tool="DCMTK findscu",
        confidence="low",
        matches=1204,
        bytes_out=3 << 20,
    )
    found.technique(name, "D08", 2, detail="PatientName=*")
    found.title(name, "FIND\x1b[2J")
    [alert] = found.told()
    assert alert.title == f"Somebody unknown at {INTRUDER} (NL) asked the catalogue, or signed in"
    assert (alert.rule, alert.severity, alert.state, alert.moment) == ("depth", 2, "due", NOON)
    for words in (
        f"Who: {INTRUDER} (NL, AS64496 EXAMPLE)",
        "Origin: Other (confidence low)",
        "When: 2026-11-16 12:00 UTC to 2026-11-16 12:01 UTC, not ended yet",
        "With: DCMTK findscu",
        "Technique: D08 Technique D08 (medium): PatientName=*",
        "Taken: 1,204 answers to queries, 3.0 MiB in all",
        "Next: Look for the address",
        "Session: 01SESSION",
        r"AE titles: FIND\x1b[2J -> ANY-SCP",
    ):
        assert words in alert.text
    facts = json.loads(alert.facts)
    assert facts["address"] == INTRUDER
    assert facts["matches"] == 1204


@pytest.mark.parametrize("depth", list(Depth))
def test_what_is_a_scan_and_what_is_not(found: Findings, depth: Depth) -> None:
    found.session("1", depth)
    assert len(found.told()) == (depth >= Depth.QUERY)


@pytest.mark.parametrize(("category", "operator"), SCANNERS)
def test_known_scanners_may_ask(found: Findings, category: str, operator: str) -> None:
    found.session("1", Depth.QUERY, category=category, operator=operator, confidence="high")
    found.technique("1", "D08", 3)
    found.lure("1", "route/dotenv")
    found.lure("1", "file/backup")
    found.origin(INTRUDER, "scanner", category=category, operator=operator)
    assert found.told() == []


@pytest.mark.parametrize("confidence", ["low", ""])
def test_who_only_says_to_be_a_scanner_is_not_one(found: Findings, confidence: str) -> None:
    found.session("1", Depth.QUERY, category="Censys", operator="censys", confidence=confidence)
    found.origin(INTRUDER, "scanner")
    assert rules_of(found.told()) == ["depth"]


def test_a_cloud_is_no_scanner(found: Findings) -> None:
    found.session("1", Depth.QUERY, category="Cloud", operator="digitalocean", confidence="high", country="NL")
    found.origin(INTRUDER, "hosting")
    [alert] = found.told()
    assert alert.title == f"Somebody unknown at {INTRUDER} (NL, digitalocean) asked the catalogue, or signed in"


@pytest.mark.parametrize(
    ("lure", "action", "rule"),
    [
        ("credential/portal", "taken", "lure-used"),
        ("ae-title/1", "taken", "lure-used"),
        ("file/vpn", "taken", "lure-used"),
        ("file/vpn", "hit", "lure-called"),
        ("uid", "reused", "lure-called"),
        ("route/dotenv", "taken", None),
    ],
)
def test_bait(found: Findings, lure: str, action: str, rule: str | None) -> None:
    found.session("1", Depth.SCAN)
    found.lure("1", lure, action)
    told = found.told()
    assert rules_of(told) == ([rule] if rule else [])
    assert all(row.severity == 4 for row in told)


def test_bait_that_calls_is_told_whoever_opens_it(found: Findings) -> None:
    found.session("1", operator="censys", confidence="high")
    found.origin(INTRUDER, "scanner")
    found.lure("1", "file/vpn", "hit")
    assert rules_of(found.told()) == ["lure-called"]


@pytest.mark.parametrize("severity", range(5))
def test_techniques_and_files_by_severity(make: Make, severity: int) -> None:
    for rule in ("technique", "file"):
        found = make()
        found.session("1")
        if rule == "technique":
            found.technique("1", "D15", severity)
        else:
            found.file("1", "a" * 64, severity)
        assert rules_of(found.told()) == ([rule] if severity >= 3 else [])


def test_a_technique_is_named(found: Findings) -> None:
    found.session("1", Depth.EXFILTRATION, country="NL")
    found.technique("1", "D12", 4, name="Mass retrieval", detail="Fetched\x1b one after the other")
    [alert] = found.told()
    assert alert.title == f"Mass retrieval (D12) by somebody unknown at {INTRUDER} (NL)"
    assert r"Technique: D12 Mass retrieval (critical): Fetched\x1b one after the other" in alert.text


def test_bait_is_told_by_what_it_is(found: Findings) -> None:
    found.session("1", Depth.ENUMERATION)
    found.technique("1", "D37", 4)
    found.lure("1", "route/dotenv")
    found.lure("1", "file/vpn", at=NOON + SECOND)
    found.lure("1", "file/vpn", "hit", at=NOON + 2 * SECOND)
    [alert] = found.told()
    assert alert.title == f"Somebody unknown at {INTRUDER} fetched a bait file"
    assert "Bait: route/dotenv, file/vpn, file/vpn (it called)" in alert.text
    assert "Next: Find out where the bait had been read" in alert.text


def test_a_dangerous_file_is_named(found: Findings) -> None:
    found.session("1", Depth.TAMPERING)
    found.file("1", "ab" * 32, 4)
    [alert] = found.told()
    assert alert.title == f"Somebody unknown at {INTRUDER} left a dangerous file (DICOM and PE)"
    assert f"Left: {'ab' * 32} (A program that is a DICOM file too.)" in alert.text
    assert alert.severity == 4


def test_guessing_ae_titles_is_a_scan_until_it_gets_in(found: Findings) -> None:
    found.session("1", Depth.ENUMERATION)
    found.technique("1", "D06", 2)
    assert found.told() == []
    found.change("1", rank=int(Depth.QUERY), depth="query")
    assert rules_of(found.told()) == ["depth"]


def month_of_noise(found: Findings, seed: int, days: int = 30) -> int:
    """What comes in a month without anybody: every operator, each day; AE titles are guessed, pages looked for."""
    drawn = random.Random(seed)
    number = 0
    for day in range(days):
        for category, operator in SCANNERS + OTHERS:
            for _ in range(drawn.randrange(1, 5)):
                number += 1
                known = (category, operator) in SCANNERS
                address = f"198.51.{100 + known}.{drawn.randrange(256)}"
                depths = (Depth.TOUCH, Depth.SCAN, Depth.ENUMERATION) + ((Depth.QUERY,) if known else ())
                name = found.session(
                    f"N{number:05}",
                    drawn.choice(depths),
                    at=NOON + (day - 30) * DAY + drawn.randrange(DAY),
                    address=address,
                    category=category,
                    operator=operator,
                    confidence="high" if operator else "low",
                )
                found.origin(address, *(("scanner",) if known else ("hosting",)), category=category)
                for rule, severity in (("D02", 0), ("D03", 1), ("D06", 2), ("D36", 1), ("D28", 2), ("D25", 2)):
                    if drawn.random() < 0.4:
                        found.technique(name, rule, severity)
                if drawn.random() < 0.2:
                    found.lure(name, "route/dotenv")
    return number


def test_a_month_of_noise_is_no_alarm(found: Findings) -> None:
    assert month_of_noise(found, 1) > 500
    found.consider()
    found.due()
    assert found.alerts() == []
    found.session("real", Depth.EXFILTRATION)
    assert rules_of(found.told()) == ["depth"]


def test_a_session_that_gets_worse_is_told_once_for_each_step(found: Findings) -> None:
    found.session("1", Depth.QUERY)
    for after in range(5):
        found.went("1", ("dicom.c-find", after * 10 * MINUTE))
        found.consider("1")
        found.due(NOON + after * 10 * MINUTE + 2 * MINUTE)
    assert [row.title.rsplit(" at ")[1] for row in found.alerts("due")] == [
        f"{INTRUDER} asked the catalogue, or signed in"
    ]
    found.change("1", rank=int(Depth.TAMPERING), depth="tampering")
    found.went("1", ("dicom.c-get", 60 * MINUTE), ("dicom.c-get.end", 60 * MINUTE), ("dicom.c-store", 80 * MINUTE))
    told = found.told()
    assert [(row.key, row.moment - NOON) for row in told] == [
        ("depth:query:1", 0),
        ("depth:exfiltration:1", 60 * MINUTE),
        ("depth:tampering:1", 80 * MINUTE),
    ]


def test_what_gets_worse_at_once_is_told_once(found: Findings) -> None:
    found.session("1", Depth.TAMPERING)
    found.went("1", ("dicom.c-find", 0), ("dicom.c-get.end", 20 * SECOND), ("dicom.c-store", 50 * SECOND))
    found.technique("1", "D08", 3, at=NOON)
    [alert] = found.told()
    assert alert.key == "depth:tampering:1"
    earlier = found.alerts("digested")
    assert {row.because for row in earlier} == {"told with depth:tampering:1", "told with depth:exfiltration:1"}


def test_it_is_waited_whether_a_session_gets_worse(found: Findings) -> None:
    found.session("1", Depth.QUERY)
    found.went("1", ("dicom.c-find", 0))
    found.consider("1")
    assert found.due(NOON + 59 * SECOND) == 0
    assert found.due(NOON + 60 * SECOND) == 1
    assert found.due(NOON + 61 * SECOND) == 0


def test_critical_ones_do_not_wait(make: Make) -> None:
    found = make(quiet="00:00-23:59")
    found.session("1")
    found.lure("1", "credential/portal")
    found.consider("1")
    assert found.due(NOON) == 1


def test_one_visitor_is_told_of_some_times_in_an_hour_and_then_in_the_digest(found: Findings) -> None:
    for number in range(6):
        found.session(f"S{number}", Depth.QUERY, at=NOON + number * MINUTE)
    found.session("other", Depth.QUERY, at=NOON + MINUTE, address="203.0.113.77")
    found.session("critical", Depth.IMPACT, at=NOON + 9 * MINUTE)
    found.consider()
    found.due(NOON + 2 * HOUR)
    assert [row.session for row in found.alerts("due")] == ["S0", "S1", "other", "S2", "critical"]
    assert {row.because for row in found.alerts("held")} == {"more than are sent of one visitor in an hour"}
    found.due(LATER)
    digest = next(row for row in found.alerts("due") if row.rule == "digest")
    assert digest.key == "digest:2026-11-17"
    assert digest.title == "Digest of 2026-11-17: 3 further alerts of one visitor"
    assert all(f"(session S{number})" in digest.text for number in (3, 4, 5))
    assert {row.because for row in found.alerts("digested")} == {"told in digest:2026-11-17"}


def test_visitors_that_are_one_actor_share_a_rate(found: Findings) -> None:
    for number in range(5):
        found.session(f"S{number}", Depth.QUERY, at=NOON + number, address=f"192.0.2.{number}", actor="A7")
    assert len(found.told(NOON + HOUR)) == 3
    assert {row.actor for row in found.alerts()} == {"A7"}


def test_who_is_known_to_be_one_only_later_shares_a_rate_from_then_on(make: Make) -> None:
    found = make(rules=[{"name": "our-friend", "depth": "scan", "actors": ["A8"]}])
    for number in range(5):
        found.session(f"S{number}", Depth.QUERY, at=NOON + number, address=f"192.0.2.{number}")
    found.session("friend", Depth.SCAN, address="192.0.2.9")
    found.consider()
    for number in range(5):
        found.change(f"S{number}", actor="A7")
    found.change("friend", actor="A8")
    found.due(NOON + HOUR)
    assert len([row for row in found.alerts("due") if row.actor == "A7"]) == 3
    assert [row.session for row in found.alerts("due") if row.actor == "A8"] == ["friend"]


def test_an_ipv6_network_is_one_visitor(found: Findings) -> None:
    for number in range(5):
        found.session(f"S{number}", Depth.QUERY, at=NOON + number, address=f"2001:db8:1:1::{number}")
    assert len(found.told(NOON + HOUR)) == 3


def test_all_alerts_of_an_hour_are_limited(make: Make) -> None:
    found = make(in_all_per_hour=10)
    for number in range(40):
        depth = Depth.IMPACT if number >= 26 else Depth.QUERY
        found.session(f"S{number:02}", depth, at=NOON + number * SECOND, address=f"192.0.2.{number}")
    told = found.told(NOON + HOUR)
    assert [row.session for row in told if row.severity == 4] == [f"S{number}" for number in range(26, 36)]
    assert len(told) == 20
    assert {row.because for row in found.alerts("held")} == {"more than are sent in an hour"}


def test_a_flood_of_small_things_hides_no_large_one(make: Make) -> None:
    found = make(in_all_per_hour=10)
    for number in range(20):
        found.session(f"M{number:02}", Depth.QUERY, at=NOON + number, address=f"2001:db8:1:{number}::1")
    for number in range(5):
        found.session(f"V{number:02}", Depth.QUERY, at=NOON + 20 + number, address="192.0.2.1")
    for number in range(4):
        found.session(f"H{number:02}", Depth.EXFILTRATION, at=NOON + 30 + number, address="192.0.2.1")
    found.session("less", Depth.QUERY, at=NOON + MINUTE, address="192.0.2.1")
    told = [row.session for row in found.told(NOON + HOUR)]
    assert [name for name in told if not name.startswith("M")] == ["H00", "H01", "H02"]
    assert len(told) == 13


def test_the_night_is_quiet(make: Make) -> None:
    found = make(quiet="22:00-07:00", in_all_per_hour=1000)
    midnight = NOON - 12 * HOUR
    for hour in range(24):
        found.session(f"S{hour:02}", Depth.QUERY, at=midnight + hour * HOUR, address=f"192.0.2.{hour}")
    found.consider()
    held = {row.session for row in found.alerts("held") if row.because == "quiet hours"}
    assert held == {f"S{hour:02}" for hour in (*range(7), 22, 23)}
    found.due(midnight + 6 * HOUR + 59 * MINUTE)
    assert found.alerts("due") == []
    found.due(midnight + 7 * HOUR)
    assert {row.session for row in found.alerts("due")} == {f"S{hour:02}" for hour in range(7)}
    found.consider()
    assert len(found.alerts("due")) == 7
    found.due(midnight + DAY + 7 * HOUR)
    assert len(found.alerts("due")) == 24


@pytest.mark.parametrize(
    ("hours", "at", "until"),
    [
        ("22:00-07:00", "2026-03-29T21:59:59Z", None),
        ("22:00-07:00", "2026-03-28T22:00:00Z", "2026-03-29T07:00:00Z"),
        ("22:00-07:00", "2026-03-29T01:30:00Z", "2026-03-29T07:00:00Z"),
        ("22:00-07:00", "2026-10-25T06:59:59Z", "2026-10-25T07:00:00Z"),
        ("22:00-07:00", "2026-10-25T07:00:00Z", None),
        ("12:00-13:00", "2024-02-29T12:59:59Z", "2024-02-29T13:00:00Z"),
        ("12:00-13:00", "2024-02-29T13:00:00Z", None),
        ("", "2026-10-25T07:00:00Z", None),
    ],
)
def test_quiet_hours_are_in_utc_whatever_clocks_are_changed(hours: str, at: str, until: str | None) -> None:
    assert quiet_until(moment(at), hours) == (moment(until) if until else None)


def test_a_digest_is_due_once_a_day() -> None:
    assert digest_after(moment("2026-10-25T06:59:59Z"), "07:00") == moment("2026-10-25T07:00:00Z")
    assert digest_after(moment("2026-10-25T07:00:00Z"), "07:00") == moment("2026-10-26T07:00:00Z")


def test_what_is_long_ago_is_kept_and_not_sent(found: Findings) -> None:
    found.session("old", Depth.IMPACT, at=NOON - 60 * DAY)
    for number in range(9):
        found.session(f"S{number}", Depth.QUERY, at=NOON - 40 * DAY + number)
    assert found.told(NOON) == []
    assert [row.session for row in found.alerts("late") if row.rule == "depth"] == ["old", "S0", "S1", "S2"]
    [digest] = [row for row in found.alerts() if row.rule == "digest"]
    assert digest.state == "late"


def test_what_turns_out_to_be_a_scanner_is_withdrawn(found: Findings) -> None:
    found.session("1", Depth.QUERY)
    assert len(found.told()) == 1
    found.change("1", operator="censys", category="Censys", confidence="high")
    found.origin(INTRUDER, "scanner")
    assert found.told() == []
    assert [row.state for row in found.alerts()] == ["withdrawn"]
    found.origin(INTRUDER)
    assert len(found.told()) == 1


def test_own_rules(make: Make) -> None:
    rules = [
        {"name": "move", "techniques": ["D13"], "tools": ["dcmtk*"], "severity": "critical"},
        {"name": "shodan-asks", "depth": "query", "operators": ["shodan"], "scanners": True},
        {"name": "our-friend", "depth": "enumeration", "actors": ["A1"], "severity": "low"},
        {"name": "china", "lures": ["route"], "categories": ["China ISPs"]},
    ]
    found = make(defaults=False, rules=rules)
    found.origin(INTRUDER, "scanner")
    found.session("move", tool="DCMTK movescu", address="192.0.2.1")
    found.technique("move", "D13", 3)
    found.session("tool", tool="pynetdicom", address="192.0.2.2")
    found.technique("tool", "D13", 3)
    found.session("shodan", Depth.QUERY, operator="shodan", confidence="high")
    found.session("censys", Depth.QUERY, operator="censys", confidence="high")
    found.session("friend", Depth.ENUMERATION, actor="A1", address="192.0.2.3")
    found.session("china", category="China ISPs", address="192.0.2.4")
    found.lure("china", "route/dotenv")
    found.session("nobody", Depth.COLLECTION, address="192.0.2.5")
    told = {row.session: (row.rule, row.severity) for row in found.told()}
    assert told == {
        "move": ("move", 4),
        "shodan": ("shodan-asks", 2),
        "friend": ("our-friend", 1),
        "china": ("china", 4),
    }


def test_inside_a_hospital_every_contact_can_be_told(make: Make) -> None:
    rule = {"name": "internal", "depth": "scan", "tags": ["internal"], "severity": "high"}
    found = make(rules=[rule])
    found.session("inside", Depth.SCAN, address="10.4.5.6")
    found.origin("10.4.5.6", "internal")
    found.session("outside", Depth.SCAN)
    found.origin(INTRUDER, "hosting")
    [alert] = found.told()
    assert (alert.session, alert.rule, alert.severity) == ("inside", "internal", 3)
    assert alert.title == "Somebody unknown at 10.4.5.6 looked whether somebody answers"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[alerts]\nquiet = "22-7"', "HH:MM"),
        ('[alerts]\nquiet = "07:00-07:00"', "HH:MM-HH:MM"),
        ('[alerts]\ndigest = "25:00"', "HH:MM"),
        ('[[alerts.rules]]\nname = "x"', "needs depth, lures"),
        ('[[alerts.rules]]\nname = "depth"\ndepth = "query"', "two rules are called depth"),
        ('[[alerts.rules]]\nname = "x"\ndepth = "deep"', "touch"),
        ("[alerts]\nper_hour = 0", "greater than"),
    ],
)
def test_bad_settings_are_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "dicomhawk.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=words):
        load(data=tmp_path, environment={})


def test_alerts_can_be_switched_off(make: Make) -> None:
    found = make(enabled=False)
    found.session("1", Depth.IMPACT)
    assert found.told() == []


def same(found: Findings) -> list[tuple[Any, ...]]:
    """All that is in the table but the order in which it came there."""
    rows = [row._asdict() for row in found.alerts()]
    return [tuple(value for name, value in row.items() if name != "seq") for row in rows]


SESSIONS = st.lists(
    st.tuples(
        st.sampled_from([Depth.SCAN, Depth.QUERY, Depth.EXFILTRATION, Depth.IMPACT]),
        st.integers(0, 5 * HOUR),
        st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]),
        st.sampled_from(["", "credential/x", "route/x"]),
    ),
    max_size=12,
)


@budget(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(visits=SESSIONS, order=st.randoms(use_true_random=False), cut=st.integers(1, 4))
def test_whatever_is_analysed_first_and_however_often_the_alerts_are_the_same(
    make: Make, visits: list[Any], order: random.Random, cut: int
) -> None:
    limits = {"quiet": "13:00-14:00", "in_all_per_hour": 5, "per_hour": 2}
    one, other = make(**limits), make(**limits)
    names = []
    for number, (depth, after, address, lure) in enumerate(visits):
        names.append(f"S{number}")
        for found in (one, other):
            found.session(names[-1], depth, at=NOON + after, address=address)
            found.went(names[-1], ("dicom.c-find", 0), ("dicom.c-get.end", 3 * MINUTE))
            if lure:
                found.lure(names[-1], lure, at=NOON + after + 1)
    one.consider(*names)
    again = names + order.sample(names, len(names) // 2)
    order.shuffle(again)
    for start in range(0, len(again), cut):
        other.alerter = type(other.alerter)(other.settings)
        other.consider(*again[start : start + cut])
    assert same(one) == same(other)
    for found in (one, other):
        found.due()
        found.consider(*names)
        assert found.due() == 0
    assert same(one) == same(other)


@budget(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(visits=SESSIONS, order=st.randoms(use_true_random=False))
def test_nothing_is_lost_and_nothing_waits_for_ever(make: Make, visits: list[Any], order: random.Random) -> None:
    found = make(quiet="13:00-14:00", in_all_per_hour=5, per_hour=2)
    for number, (depth, after, address, _) in enumerate(visits):
        found.session(f"S{number}", depth, at=NOON + after, address=address)
    names = [f"S{number}" for number in range(len(visits))]
    order.shuffle(names)
    for name in names:
        found.consider(name)
        found.due(NOON + order.randrange(6 * HOUR))
    found.due()
    rows = found.alerts()
    assert {row.session for row in rows if row.rule == "depth"} == {
        f"S{number}" for number, (depth, *_) in enumerate(visits) if depth >= Depth.QUERY
    }
    assert {row.state for row in rows} <= {"due", "digested"}
    digests = " ".join(row.text for row in rows if row.rule == "digest")
    assert all(f"(session {row.session})" in digests for row in rows if row.because.startswith("told in"))


def test_postgresql_comes_to_the_same(make: Make) -> None:
    limits = {"quiet": "13:00-14:00", "in_all_per_hour": 5, "per_hour": 2}
    with postgres() as server:
        one, other = make(**limits), make(url=server.url(), **limits)
        for found in (one, other):
            month_of_noise(found, 2, days=3)
            for number in range(12):
                name = found.session(
                    f"S{number:02}", Depth.IMPACT, at=NOON + number * 9 * MINUTE, verdict="\0 \ud800"
                )
                found.went(name, ("dicom.c-find", 0), ("dicom.c-get.end", 3 * MINUTE))
                found.lure(name, "file/vpn", at=NOON + number * 9 * MINUTE + 5 * MINUTE)
            found.consider()
            found.due(NOON + HOUR)
            found.change("S00", actor="A1")
            found.change("S01", rank=0, depth="touch")
            found.consider()
            found.due()
        assert same(one) == same(other)
        assert {row.state for row in one.alerts()} == {"due", "digested", "withdrawn"}
        other.close()
