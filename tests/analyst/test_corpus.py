"""The labelled corpus through the whole analyst: who, with what, doing what, how far; and no alarm for noise."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from dicomhawk.analyst.database.schema import alerts, files, sessions, techniques
from dicomhawk.analyst.database.store import open_database, put, store
from dicomhawk.analyst.payload import Examiner
from dicomhawk.analyst.reading import add
from dicomhawk.analyst.service import Service
from dicomhawk.settings import Settings
from dicomhawk.settings.alerts import Alerts
from tests.analyst.corpus import ADDRESSES, Labelled, corpus, examined, month, visits

RIGHT = 0.98
CLOUD, SPRAYERS = "3.5.140.{}", "203.0.113.{}"
SCANNERS: dict[str, list[str]] = {
    "censys": ["162.142.125.{}", "167.94.138.{}"],
    "shodan": ["71.6.158.166"],
    "driftnet": ["87.236.176.{}"],
    "driftnet-orthanc": ["193.163.125.{}"],
    "expanse": ["35.203.210.{}", "198.235.24.{}"],
    "nmap-ping": ["91.196.152.{}", CLOUD],
    "nmap-before-7.96": ["45.156.128.{}", SPRAYERS],
    "zgrab": ["141.212.120.{}", CLOUD],
    "banner": [SPRAYERS],
    "aimap": [CLOUD],
    "echo-sweep": ["184.105.247.{}", SPRAYERS],
    "robots-orthanc": ["203.0.113.{}"],
    "sprayer": [SPRAYERS, CLOUD],
    "nmap-versions": [SPRAYERS],
}
"""What comes every day, and from where."""


def analysed(folder: Path, every: Iterable[list[dict[str, Any]]]) -> Engine:
    engine = open_database(f"sqlite:///{folder / 'findings.sqlite'}")
    settings = Settings(data=folder, alerts=Alerts(late_days=36_500))
    examiner = Examiner(settings)
    with engine.begin() as connection:
        put(connection, files, examined(visits()))
        store(connection, "examiner", examiner.version)
    examiner.close()
    add(engine, (event for events in every for event in events))
    service = Service(settings, engine, [folder / "journal"])
    service.once()
    service.close()
    return engine


def wrong(engine: Engine, labelled: Mapping[str, Labelled]) -> dict[str, list[str]]:
    """What is not as it should be, by what it is about."""
    found: dict[str, list[str]] = {"category": [], "tool": [], "depth": [], "technique": []}
    with engine.connect() as connection:
        rules: dict[str, set[str]] = {}
        for session, rule in connection.execute(select(techniques.c.session, techniques.c.rule)):
            rules.setdefault(session, set()).add(rule)
        for row in connection.execute(select(sessions)):
            category, visit = labelled[row.session].category, labelled[row.session].visit
            if row.category != category:
                found["category"].append(f"{visit.name} from {row.address}: {row.category}, not {category}")
            if not all(tool.casefold() in row.tool.casefold() for tool in visit.tools) or bool(visit.tools) != bool(
                row.tool
            ):
                found["tool"].append(f"{visit.name}: {row.tool!r}, not {visit.tools}")
            if row.depth != visit.depth:
                found["depth"].append(f"{visit.name}: {row.depth}, not {visit.depth}")
            if rules.get(row.session, set()) != visit.rules:
                found["technique"].append(f"{visit.name}: {rules.get(row.session)}, not {set(visit.rules)}")
    return found


@pytest.mark.parametrize(
    "categories", [("Censys",), pytest.param(tuple(ADDRESSES), marks=pytest.mark.soak)], ids=("one", "all")
)
def test_nearly_all_is_right(tmp_path: Path, categories: tuple[str, ...]) -> None:
    together = list(corpus(categories))
    labelled = {label.session: label for label, _ in together}
    engine = analysed(tmp_path, (events for _, events in together))
    with engine.connect() as connection:
        assert set(connection.execute(select(sessions.c.session)).scalars()) == set(labelled)
    for about, mistakes in wrong(engine, labelled).items():
        share = 1 - len(mistakes) / len(labelled)
        print(f"{about}: {share:.1%} of {len(labelled)} right", *sorted(set(mistakes))[:5], sep="\n  ")
        assert share >= RIGHT, (about, Counter(mistakes).most_common(20))


def test_the_corpus_has_each_technique_and_real_programs() -> None:
    named = {rule for visit in visits() for rule in visit.rules}
    assert named == {f"D{number:02}" for number in range(1, 39)}
    assert len(visits()) > 100
    assert {visit.depth for visit in visits()} == {
        "touch", "scan", "enumeration", "query", "collection", "exfiltration", "tampering", "impact",
    }  # fmt: skip


@pytest.mark.parametrize("days", [2, pytest.param(30, marks=pytest.mark.soak)])
def test_a_month_of_noise_alarms_nobody(tmp_path: Path, days: int) -> None:
    from_where = {
        name: [address.format(host) for address in addresses for host in (7, 11)[: 1 + ("{}" in address)]]
        for name, addresses in SCANNERS.items()
    }
    engine = analysed(tmp_path, month(days, from_where))
    with engine.connect() as connection:
        rows = connection.execute(select(alerts.c.title, alerts.c.state, alerts.c.facts)).all()
        assert not rows, Counter((row.title, row.state) for row in rows).most_common(10)
        seen = connection.execute(select(sessions.c.interaction, sessions.c.verdict)).all()
        assert len(seen) >= days * len(SCANNERS)
        assert not [row.verdict for row in seen if row.interaction]


def test_the_month_would_alarm_if_it_were_more(tmp_path: Path) -> None:
    engine = analysed(
        tmp_path, (events for label, events in corpus(("Other",)) if label.visit.name == "D12.triggers")
    )
    with engine.connect() as connection:
        told = connection.execute(select(alerts.c.facts).where(alerts.c.state == "due")).scalars().all()
    assert told
    assert {json.loads(facts)["address"].startswith("198.51.100.") for facts in told} == {True}
