"""Metrics, as Prometheus itself fetches them."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.outputs.forwarding.base import Permanent, Record, Temporary
from dicomhawk.outputs.forwarding.prometheus import Prometheus
from dicomhawk.outputs.forwarding.status import Status, write_status
from tests.support import wait_until

from .findings import add_alert, add_session, database, told
from .servers import Server, free_port, program
from .support import HOSTILE, record, settings_with, table

FILE = {"type": "file", "name": "siem", "path": "x"}


def made(tmp_path: Path, port: int = 0) -> Prometheus:
    return Prometheus(table("prometheus", port=port), settings_with(tmp_path, FILE))


def fetched(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


def asked(query: str) -> Any:
    """What Prometheus finds; nothing while it is starting."""
    try:
        with urllib.request.urlopen(query, timeout=10) as answer:
            return json.load(answer)["data"]["result"]
    except urllib.error.HTTPError:
        return None


def test_what_is_no_document_is_refused_and_nothing_counted(tmp_path: Path) -> None:
    broken = Record("events", "broken", 1, b'{"event":{"id":"broken"},"x":"\xff"}')

    async def work() -> dict[str, float]:
        output = made(tmp_path)
        try:
            with pytest.raises(Permanent) as caught:
                await output.send([record(1), broken, record(2)])
            assert caught.value.refused == {"broken"}
            return await asyncio.to_thread(fetched, output.where)
        finally:
            await output.close()

    assert not any(name.startswith("dicomhawk_events_total") for name in asyncio.run(work()))


def test_counts_have_few_labels_whatever_strangers_say(tmp_path: Path) -> None:
    engine = database(tmp_path / "findings.sqlite")
    add_session(engine, 1)
    add_alert(engine, 1)
    of_sessions, of_alerts = told(engine)
    (tmp_path / "outputs/siem").mkdir(parents=True)
    write_status(
        tmp_path / "outputs/siem",
        Status(name="siem", type="file", state="failing", sent=7, queued=3, updated_at=time.time_ns() // 1000),
    )

    async def work() -> dict[str, float]:
        output = made(tmp_path)
        await output.open()
        await output.send([record(n) for n in range(3)] + of_sessions + of_alerts)
        await output.send([record(n, action=f"{HOSTILE}{n}", network={"protocol": HOSTILE}) for n in range(50)])
        found = await asyncio.to_thread(fetched, output.where)
        await output.close()
        return found

    found = asyncio.run(work())
    assert found['dicomhawk_events_total{action="dicom.c-find",protocol="dicom",severity="medium"}'] == 3
    assert found['dicomhawk_events_total{action="other",protocol="other",severity="medium"}'] == 50
    assert found['dicomhawk_sessions_total{category="Cloud",depth="exfiltration",severity="high"}'] == 1
    assert found['dicomhawk_alerts_total{severity="high"}'] == 1
    assert found['dicomhawk_output_sent_total{output="siem"}'] == 7
    assert found['dicomhawk_output_queued{output="siem"}'] == 3
    assert found['dicomhawk_output_failing{output="siem"}'] == 1
    assert len([name for name in found if name.startswith("dicomhawk_events_total")]) == 2


def test_a_port_that_is_taken_is_tried_again(tmp_path: Path) -> None:
    async def work() -> None:
        first = made(tmp_path)
        await first.open()
        second = made(tmp_path, first.port)
        with pytest.raises(Temporary, match="can't be opened"):
            await second.open()
        await first.close()
        await second.open()
        await second.close()

    asyncio.run(work())


def test_prometheus_itself_understands_them(tmp_path: Path) -> None:
    path = program("prometheus")
    folder = tmp_path / "prometheus"
    port = free_port()

    def command(own: int) -> list[object]:
        job = {"job_name": "pot", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        settings = {"global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"}, "scrape_configs": [job]}
        (folder / "prometheus.yml").write_text(json.dumps(settings))  # JSON is YAML
        return [
            *(path, "--config.file", folder / "prometheus.yml", "--storage.tsdb.path", folder / "data"),
            *("--web.listen-address", f"127.0.0.1:{own}"),
        ]

    async def work() -> Any:
        output = made(tmp_path, port)
        await output.send([record(n) for n in range(5)])
        with Server(folder, command) as server:
            query = f"http://127.0.0.1:{server.port}/api/v1/query?query=sum(dicomhawk_events_total)"
            answer = await asyncio.to_thread(wait_until, lambda: asked(query), "fetched metrics", 60.0)
        await output.close()
        return answer

    assert asyncio.run(work())[0]["value"][1] == "5"
