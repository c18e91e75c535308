"""Crawlers and scanners that nobody here wrote: what they make of the portal, and what it makes of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.sensor.proxy import new_address
from tests.sensor.web.conftest import WebSensor
from tests.sensor.web.load import small_studies
from tests.support import Sensor, at, find_tool, run_tool

SQLMAP = "sqlmap/1.7.2#stable (https://sqlmap.org)"


@pytest.fixture
def sensor(web_sensor: WebSensor) -> Sensor:
    return web_sensor("plain")


def crawl(sensor: Sensor, folder: Path, *options: str) -> str:
    """wget through the whole site; returns the address that it came from."""
    ip = new_address()
    run_tool(
        "wget",
        *("-q", "-r", "-l", "3", "--no-proxy", f"--bind-address={ip}", "-T", "30", "-t", "1", "-P", folder),
        *options,
        f"http://127.0.0.1:{sensor.web_port}/",
        status=None,
    )
    return ip


def asked(sensor: Sensor, ip: str) -> list[str]:
    """The paths of a visitor's requests, in order."""
    return [str(at(event, "url.original")) for event in sensor.events(event__action="http.request", source__ip=ip)]


def test_a_crawler_that_respects_robots_takes_no_bait(sensor: Sensor, tmp_path: Path) -> None:
    ip = crawl(sensor, tmp_path)
    sensor.wait_event("http.request", source__ip=ip)
    assert "/robots.txt" in asked(sensor, ip)
    taken = sensor.events(event__action="lure.taken", source__ip=ip)
    assert not [at(event, "url.path") or at(event, "honeypot.lure") for event in taken]


def test_a_crawler_that_reads_robots_as_a_map_takes_bait(sensor: Sensor, tmp_path: Path) -> None:
    ip = crawl(sensor, tmp_path, "-e", "robots=off")
    robots = run_tool(
        "wget",
        "-q",
        "--no-proxy",
        f"--bind-address={ip}",
        "-O",
        "-",
        f"http://127.0.0.1:{sensor.web_port}/robots.txt",
    )
    named = re.findall(r"(?m)^Disallow: (/\S+)", robots.output)
    assert named
    for path in named:
        url = f"http://127.0.0.1:{sensor.web_port}{path}"
        run_tool("wget", "-q", "--no-proxy", f"--bind-address={ip}", "-P", tmp_path, url, status=None)
    found = sensor.wait_event("lure.taken", source__ip=ip)
    assert at(found, "event.severity") >= 90
    sensor.check()


def test_dirb_finds_something_and_breaks_nothing(sensor: Sensor, tmp_path: Path) -> None:
    find_tool("dirb")
    words = tmp_path / "words"
    guesses = ("admin", "backup", ".env", "phpinfo.php", "phpmyadmin", ".git/config", "cgi-bin/test", "web.config")
    words.write_text("\n".join((*guesses, "robots.txt", "server-status", "login", "dicom-web/studies", "%00", "..")))
    ran = run_tool("dirb", f"http://127.0.0.1:{sensor.web_port}/", words, "-S", "-r", "-w")
    found = re.findall(r"\+ http://\S+ \(CODE:(\d+)", ran.output)
    assert found and not [code for code in found if code.startswith("5")], ran.output
    agents = sensor.events(event__action="http.request")
    assert any("Mozilla/4.0" in str(at(event, "user_agent.original")) for event in agents)
    sensor.check()


def test_sqlmap_finds_no_way_into_the_catalogue(sensor: Sensor, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{sensor.web_port}/dicom-web/studies?PatientID=1&limit=1"
    ran = run_tool(
        "sqlmap",
        *("-u", url, "--batch", "--flush-session", "--level=1", "--risk=1", "--technique=BE", "--threads=4"),
        *("--dbms=sqlite", f"--output-dir={tmp_path}", "--ignore-proxy", "-v", "1"),
        *("-p", "PatientID", f"--user-agent={SQLMAP}"),
        status=None,
    )
    assert "all tested parameters do not appear to be injectable" in ran.output, ran.output
    tried = sensor.wait_events("http.request", 10, user_agent__original=SQLMAP)
    assert any("%20AND%20" in str(at(event, "url.original")) for event in tried)
    sensor.check()


def test_schemathesis_finds_no_error_in_dicomweb(sensor: Sensor, tmp_path: Path) -> None:
    find_tool("schemathesis")
    study = small_studies(sensor.data, ["US"], 1)[0]
    schema = tmp_path / "openapi.json"
    schema.write_text(json.dumps(_described(study)))
    ran = run_tool(
        "schemathesis",
        *("run", schema, "--url", f"http://127.0.0.1:{sensor.web_port}/dicom-web", "--no-color", "-n", "4"),
        *(
            "--checks",
            "not_a_server_error",
            "--phases",
            "fuzzing",
            "--generation-deterministic",
            "--request-timeout",
            "60",
        ),
        status=None,
    )
    assert ran.status == 0, ran.output[-3000:]
    sensor.check()


def _described(study: str) -> dict[str, Any]:
    """The paths of DICOMweb for OpenAPI, with a study that is there as one of the values."""
    text = {"type": "string"}
    uid = {"anyOf": [{"enum": [study]}, {"type": "string", "pattern": r"^[0-9.]{1,64}$"}, text]}
    query = [
        {"name": name, "in": "query", "schema": schema}
        for name, schema in (
            *(
                (name, text)
                for name in ("PatientName", "PatientID", "StudyDate", "ModalitiesInStudy", "includefield")
            ),
            *((name, {"anyOf": [{"type": "integer"}, text]}) for name in ("limit", "offset")),
            *((name, text) for name in ("includefield", "fuzzymatching", "window", "viewport")),
        )
    ]
    paths: dict[str, Any] = {}
    series = "/studies/{study}/series/{series}"
    bases = ("/studies", "/studies/{study}", series, f"{series}/instances/{{instance}}")
    more = ("/series", "/instances", "/metadata", "/thumbnail", "/rendered", "/bulkdata", "/frames/{frame}")
    for base in bases:
        for about in ("", *more):
            names = re.findall(r"{(\w+)}", base + about)
            placed = [
                {"name": name, "in": "path", "required": True, "schema": text if name == "frame" else uid}
                for name in names
            ]
            answers = {"responses": {"default": {"description": "any"}}}
            paths[base + about] = {"parameters": [*placed, *query], "get": answers}
    info = {"title": "DICOMweb", "version": "1"}
    return {"openapi": "3.0.3", "info": info, "paths": paths}


def test_the_real_orthanc_asks_and_fetches_as_a_dicomweb_client(sensor: Sensor, tmp_path: Path) -> None:
    plugin = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
    if not plugin.exists():
        pytest.skip(f"{plugin.name} is not installed (Debian: orthanc-dicomweb)")
    from tests.sensor.web.dicomweb_peer import Peer

    study = small_studies(sensor.data, ["US"], 1)[0]
    with Peer(tmp_path, plugin, f"http://127.0.0.1:{sensor.web_port}/dicom-web/") as peer:
        found = peer.ask("/dicom-web/servers/pacs/qido", {"Uri": "/studies", "Arguments": {"0020000D": study}})
        assert [each["0020000D"]["Value"] for each in found] == [study]
        done = peer.ask("/dicom-web/servers/pacs/retrieve", {"Resources": [{"Study": study}], "Synchronous": True})
        assert int(done["ReceivedInstancesCount"]) > 0
        (kept,) = peer.ask("/tools/find", {"Level": "Study", "Query": {"StudyInstanceUID": study}, "Expand": True})
        assert kept["MainDicomTags"]["StudyInstanceUID"] == study
    sensor.check()
