"""The same pages over PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from starlette.testclient import TestClient

from dicomhawk.analyst.database import schema
from dicomhawk.analyst.database.store import open_database
from dicomhawk.console.access import Access
from dicomhawk.console.app import create_app
from dicomhawk.console.findings import NoFindings
from dicomhawk.settings import Settings
from tests.analyst.postgres import postgres
from tests.console.conftest import BASE, SECRET
from tests.console.filling import NOW, fill
from tests.console.places import places, searches

pytestmark = pytest.mark.timeout(200)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("postgresql")
    fill(folder, 6000)
    return folder


@pytest.fixture(scope="module")
def client(data: Path) -> Iterator[TestClient]:
    with postgres() as server:
        url = server.url()
        source, target = open_database(f"sqlite:///{data / 'findings.sqlite'}", read_only=True), open_database(url)
        with source.connect() as reading, target.begin() as writing:
            for table in schema.metadata.sorted_tables:
                rows = [dict(row._mapping) for row in reading.execute(select(table))]
                if rows and table.name != "meta":
                    writing.execute(insert(table), rows)
        source.dispose()
        target.dispose()
        settings = Settings.model_validate({"data": data, "analyst": {"database": url}})
        app = create_app(settings, Access((SECRET,)))
        app.state.site.clock = lambda: NOW / 1_000_000
        with TestClient(app, base_url=BASE, follow_redirects=False) as client:
            client.post("/sign-in", data={"secret": SECRET})
            yield client


def test_every_page_is_there(client: TestClient, data: Path) -> None:
    missing = {"hospital": 503, "transcript": 404, "nothing": 404}
    for name, path in (places(data) | searches(data)).items():
        response = client.get(path)
        assert response.status_code == missing.get(name, 200), (
            name,
            re.findall(r'class="empty">[^<]*', response.text),
        )


@pytest.mark.parametrize("network", ["185.220.0.0/17", "164.92.64.0/18", "0.0.0.0/0", "2001:db8::/32"])
def test_networks(client: TestClient, data: Path, network: str) -> None:
    source = open_database(f"sqlite:///{data / 'findings.sqlite'}", read_only=True)
    with source.connect() as connection:
        known = [tuple(row) for row in connection.execute(text("SELECT session, address FROM sessions"))]
    source.dispose()
    wanted = {session for session, address in known if ip_address(address) in ip_network(network)}
    found: set[str] = set()
    path = f"/sessions?address={network}"
    while path:
        page = client.get(path, headers={"HX-Request": "true"}).text
        found |= set(re.findall(r'<td class="tight"><a href="/sessions/([^"/?]+)"', page))
        more = re.search(r'<p class="more"><a class="button" href="([^"]+)"', page)
        path = more[1].replace("&amp;", "&") if more else ""
    assert found == wanted


def test_nothing_can_be_written(client: TestClient) -> None:
    findings = client.app.state.site.findings  # type: ignore[attr-defined]
    with pytest.raises(NoFindings, match="read-only"):
        findings.run(lambda connection: connection.execute(text("DELETE FROM sessions")))
