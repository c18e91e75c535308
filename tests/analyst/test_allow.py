"""The owner's own scanners."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.analyst.alerting import Alerter, parse_allow
from dicomhawk.analyst.depth import Depth
from dicomhawk.settings import Settings, SettingsError

from .findings import HOUR, NOON, Findings

SCANNER = "10.1.2.3"


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Findings]:
    findings = Findings(tmp_path)
    yield findings
    findings.close()


def allow(found: Findings, **entry: object) -> None:
    """One entry for the scanner's network, and what else is given."""
    lines = [f"{name} = {_toml(value)}" for name, value in {"networks": ["10.1.2.0/24"], **entry}.items()]
    path = found.settings.allow_file
    path.write_text("\n".join(['[[allow]]\nname = "Nessus"', *lines]))
    os.utime(path, ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns + len(path.read_text())))


def _toml(value: object) -> str:
    return str(value) if isinstance(value, list) else f"'{value}'"


def visit(found: Findings, **columns: Any) -> None:
    found.session("1", Depth.EXFILTRATION, address=SCANNER, **columns)
    found.title("1", "QA_SCU")


def states(found: Findings) -> list[tuple[str, str]]:
    found.told()
    return [(row.state, row.because) for row in found.alerts()]


ALLOWED = [("allowed", "Nessus")]
TOLD = [("due", "")]


def test_what_is_silenced_is_counted(found: Findings) -> None:
    allow(found)
    visit(found)
    assert states(found) == ALLOWED


@pytest.mark.parametrize(
    ("entry", "silenced"),
    [
        ({"networks": ["10.1.2.3"]}, True),
        ({"networks": ["10.1.2.4/32", "10.1.0.0/16"]}, True),
        ({"networks": ["10.1.3.0/24", "2001:db8::/32"]}, False),
        ({"ports": [104, 11112]}, True),
        ({"ports": [104]}, False),
        ({"ae_titles": ["QA_SCU", "OTHER"]}, True),
        ({"ae_titles": ["OTHER"]}, False),
        ({"since": "2026-11-16T12:00:00Z"}, True),
        ({"since": "2026-11-16T12:00:01Z"}, False),
        ({"until": "2026-11-16T12:00:01Z"}, True),
        ({"until": "2026-11-16T12:00:00Z"}, False),
        ({"since": "2026-11-16T13:00:00+01:00", "until": "2026-11-17"}, True),
        ({"weekdays": ["sun", "mon"]}, True),
        ({"weekdays": ["sun", "tue"]}, False),
        ({"hours": "11:30-12:30"}, True),
        ({"hours": "12:00-12:01"}, True),
        ({"hours": "10:00-12:00"}, False),
        ({"hours": "22:00-13:00"}, True),
        ({"hours": "22:00-05:00"}, False),
        ({"up_to": "high"}, True),
        ({"up_to": "medium"}, False),
        ({"ports": [11112], "ae_titles": ["QA_SCU"], "hours": "11:00-13:00", "weekdays": ["mon"]}, True),
        ({"ports": [11112], "ae_titles": ["QA_SCU"], "hours": "11:00-13:00", "weekdays": ["tue"]}, False),
    ],
)
def test_each_field(found: Findings, entry: dict[str, object], silenced: bool) -> None:
    allow(found, **entry)
    visit(found)
    assert states(found) == (ALLOWED if silenced else TOLD)


def test_who_visits_another_door_as_well_is_not_the_scanner(found: Findings) -> None:
    allow(found, ports=[11112])
    visit(found, doors='["dicom:11112", "http:8080"]')
    assert states(found) == TOLD


def test_who_calls_itself_something_else_as_well_is_not_the_scanner(found: Findings) -> None:
    allow(found, ae_titles=["QA_SCU"])
    visit(found)
    found.title("1", "EVIL")
    assert states(found) == TOLD


def test_allowed_ones_use_up_no_rate(found: Findings) -> None:
    allow(found, until="2026-11-16T12:30:00Z")
    for number in range(8):
        found.session(f"S{number}", Depth.QUERY, address=SCANNER, at=NOON + number)
    found.session("later", Depth.QUERY, address=SCANNER, at=NOON + HOUR - 1)
    assert [row.session for row in found.told(NOON + 2 * HOUR)] == ["later"]
    assert len(found.alerts("allowed")) == 8


def test_the_digest_says_what_was_silenced(found: Findings) -> None:
    allow(found)
    visit(found)
    for number in range(5):
        found.session(f"S{number}", Depth.QUERY, at=NOON + number)
    [digest] = [row for row in found.told() if row.rule == "digest"]
    assert digest.text.endswith("The allow-list silenced 1 more in this time.")


def test_an_edited_file_holds_from_then_on(found: Findings) -> None:
    visit(found)
    assert states(found) == TOLD
    allow(found)
    assert states(found) == ALLOWED
    found.settings.allow_file.write_text("[[allow]]\nnetworks = 5")
    found.session("2", Depth.QUERY, address=SCANNER)
    found.told()
    assert [row.state for row in found.alerts()] == ["allowed", "allowed"]
    found.settings.allow_file.unlink()
    assert states(found) == TOLD * 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[allow]", "not TOML"),
        ("[[allow]]\nname = 'x'", "networks: Field required"),
        ("[[allow]]\nnetworks = ['10.0.0.0/8']", "name: Field required"),
        ("[[allow]]\nname = 'x'\nnetworks = []", "at least 1"),
        ("[[allow]]\nname = 'x'\nnetworks = ['10.0.0.0/99']", "does not appear to be an IPv4 or IPv6 network"),
        ("[[allow]]\nname = 'x'\nnetworks = ['::/0']\nports = [70000]", "less than or equal to 65535"),
        ("[[allow]]\nname = 'x'\nnetworks = ['::/0']\nae_titles = ['SEVENTEENLETTERSX']", "AE title"),
        ("[[allow]]\nname = 'x'\nnetworks = ['::/0']\nhours = '1-2'", "HH:MM"),
        ("[[allow]]\nname = 'x'\nnetworks = ['::/0']\nweekdays = ['Montag']", "mon"),
        (
            "[[allow]]\nname = 'x'\nnetworks = ['::/0']\nsince = 2026-01-02\nuntil = 2026-01-01",
            "since must be before",
        ),
        ("[[allow]]\nname = 'x'\nnetworks = ['::/0']\nport = 5", "not permitted"),
        ("[[allow]]\nname = 'x'\nnetworks = ['::/0']\n" * 2, "two entries"),
        ("# " + "x" * (1 << 20), "more than"),
    ],
)
def test_a_bad_allow_list_is_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        parse_allow(text)


def test_a_bad_file_is_refused_before_anything_starts(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    settings.allow_file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="UTF-8"):
        Alerter(settings)
