"""Alerts of what was recorded of real scanners and intruders, with the whole analyst between."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select

from dicomhawk.analyst.database.schema import alerts, sessions
from dicomhawk.analyst.depth import Depth
from dicomhawk.analyst.reading import add
from dicomhawk.analyst.service import Service
from dicomhawk.settings import Settings
from dicomhawk.settings.alerts import Alerts
from tests.analyst.intruders import SCANNERS

from .findings import database
from .test_techniques import NOISE, SAMPLES


class Told(NamedTuple):
    """The session of a sample, and the alerts of it."""

    session: Any
    alerts: list[Any]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """All samples by their names, analysed together."""
    folder = tmp_path_factory.mktemp("samples")
    engine = database(folder)
    names: dict[str, str] = {}
    for path in sorted([*NOISE.glob("*.ndjson"), *SAMPLES.glob("*.ndjson")]):
        events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        names |= {event["session"]: path.name.removesuffix(".ndjson") for event in events if "session" in event}
        add(engine, events)
    limits = Alerts(in_all_per_hour=1000, per_hour=1000, late_days=36_500)
    service = Service(Settings(data=folder, alerts=limits), engine, [])
    service.once()
    service.close()
    found = {}
    with closing(engine.connect()) as connection:
        for row in connection.execute(select(sessions)).all():
            of_session = select(alerts).where(alerts.c.session == row.session).order_by(alerts.c.moment)
            found[names[row.session]] = Told(row, list(connection.execute(of_session).all()))
    engine.dispose()
    return found


@pytest.mark.parametrize("name", SCANNERS)
def test_nobody_is_told_of_scanners(told: dict[str, Told], name: str) -> None:
    assert told[name].alerts == []


@pytest.mark.parametrize("name", sorted(path.name.removesuffix(".ndjson") for path in SAMPLES.glob("*.ndjson")))
def test_somebody_is_told_of_what_is_bad_and_of_nothing_else(told: dict[str, Told], name: str) -> None:
    session, found = told[name]
    bad = session.rank >= Depth.QUERY or session.severity >= 3
    assert bool(found) == bad
    sent = [row for row in found if row.state != "digested"]
    assert len(sent) == bad
    if sent:
        assert sent[0].severity >= session.severity
        assert session.verdict in sent[0].text


def test_what_is_sent_is_the_worst(told: dict[str, Told]) -> None:
    for name, (_, found) in told.items():
        if found:
            assert max(row.severity for row in found) == found[-1].severity, name
            assert found[-1].state != "digested", name
