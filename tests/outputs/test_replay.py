"""Sessions shown again, and played against the same build and against others."""

from __future__ import annotations

import html
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from dicomhawk.lures.credentials import credentials
from dicomhawk.outputs.replay.player import Pace
from dicomhawk.outputs.replay.run import play, targets_of
from dicomhawk.outputs.replay.show import show, timeline
from dicomhawk.settings import Settings, SettingsError, load
from tests.outputs.recording import Recorded, record
from tests.support import Sensor, dicomhawk, run_tool

QUICK = Pace(speed=100, longest=0.5)


@pytest.fixture
def settings(recorded: Recorded) -> Settings:
    return load(data=recorded.data, environment={})


@pytest.fixture
def fresh(template: Path, tmp_path: Path) -> Callable[[str], Sensor]:
    """``with fresh(PERSONA) as sensor`` is a sensor of the same deployment that nobody has visited."""

    def make(persona: str) -> Sensor:
        data = Path(shutil.copytree(template, tmp_path / f"fresh-{persona}"))
        return Sensor(data, workers=1, web_ports=(0,), flags=("--persona", persona))

    return make


def doors(recorded: Recorded) -> dict[str, int]:
    """The ports of the recorded sensor, by protocol."""
    found = {}
    for path in (recorded.data / "journal").glob("*.ndjson"):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            if event["event"]["action"] == "connection.open":
                found[event["network"]["protocol"]] = event["destination"]["port"]
    return found


def targets(recorded: Recorded, sensor: Sensor) -> list[str]:
    now = {"dicom": sensor.port, "http": sensor.web_port}
    return [f"{port}=127.0.0.1:{now[protocol]}" for protocol, port in doors(recorded).items()]


# Shown


def test_a_session_is_shown_with_events_and_pdus(recorded: Recorded, settings: Settings) -> None:
    out = io.StringIO()
    slept: list[float] = []
    console = Console(file=out, width=200)
    assert show(settings, recorded.session, console, Pace(1.0, 0.3), sleep=slept.append) > 50
    lines = out.getvalue().splitlines()
    told = [line[21:] for line in lines if line[13:18].strip()]
    for wanted in (
        "> A-ASSOCIATE-RQ: ECHOSCU calls ANY-SCP, 1 contexts, PDUs up to 16384",
        "> P-DATA-TF: C-ECHO-RQ 1 of Verification on context 1",
        "< P-DATA-TF: C-ECHO-RSP 1 of Verification on context 1, status 0000",
        "* C-ECHO answered 0x0000",
        "> A-RELEASE-RQ",
        "> GET /system HTTP/1.1",
    ):
        assert any(line[19:].startswith(wanted) for line in lines), wanted
    assert any("P-DATA-TF: data set" in line for line in told)
    assert [line[:12] for line in lines] == sorted(line[:12] for line in lines)
    assert slept
    assert max(slept) <= 0.3
    assert sum(slept) > 0.3


def test_speed_scales_pauses(recorded: Recorded, settings: Settings) -> None:
    spent = []
    for speed in (1.0, 10.0):
        slept: list[float] = []
        show(settings, recorded.session, Console(file=io.StringIO()), Pace(speed, 100), sleep=slept.append)
        spent.append(sum(slept))
    assert spent[0] == pytest.approx(10 * spent[1], rel=0.01)


def test_what_a_stranger_wrote_does_nothing_to_a_terminal(template: Path, tmp_path: Path) -> None:
    def visit(sensor: Sensor, _: Path) -> None:
        run_tool("echoscu", "-aet", "\x1b[31mEVIL", *sensor.address, status=None)
        run_tool("curl", "-s", f"http://127.0.0.1:{sensor.web_port}/", "-A", "\x1b]0;owned\x07", status=None)
        run_tool("curl", "-s", f"http://127.0.0.1:{sensor.web_port}/[bold]x[/bold]", "-g", status=None)

    data = Path(shutil.copytree(template, tmp_path / "data"))
    hostile = record(data, tmp_path / "got", visits=(visit,))
    out = io.StringIO()
    show(load(data=data, environment={}), hostile.session, Console(file=out, width=200), Pace(1, 0))
    assert "EVIL" in out.getvalue()
    assert "[bold]x[/bold]" in out.getvalue()
    assert not set(out.getvalue()) & {"\x1b", "\x07", "\x9b"}
    shown = dicomhawk("replay", hostile.session, "--data", data)
    assert (shown.returncode, "\x1b" in shown.stdout) == (0, False)


def test_transcripts_that_are_gone_are_told(recorded: Recorded, tmp_path: Path) -> None:
    data = Path(shutil.copytree(recorded.data, tmp_path / "data"))
    for path in data.glob("vault/transcripts/*.dht"):
        path.unlink()
    lines = list(timeline(load(data=data, environment={}), recorded.session))
    assert sum("is gone" in line.text for line in lines) >= 7


# Played


def test_the_same_deployment_answers_the_same(recorded: Recorded, fresh: Callable[[str], Sensor]) -> None:
    with fresh("plain") as sensor:
        to = [part for target in targets(recorded, sensor) for part in ("--to", target)]
        arguments = ("replay", recorded.session, "--data", recorded.data, "--speed", 100, *to)
        ran = dicomhawk(*arguments)
        visits = len(sensor.events(event__action="connection.open"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "differs" not in ran.stdout
    assert ran.stdout.count(": the same") == visits >= 8
    assert "passed over: " in ran.stdout
    assert "the clock has gone on" in ran.stdout


def test_another_persona_is_told_by_its_answers(
    recorded: Recorded, settings: Settings, fresh: Callable[[str], Sensor]
) -> None:
    with fresh("orthanc") as sensor:
        played = play(settings, recorded.session, targets(recorded, sensor), pace=QUICK)
    assert not played.same
    echo, *_, form = played.connections
    assert "MaximumLength(length=131072, reserved=0), now user item MaximumLength(length=16384" in echo.differences[0]
    assert (echo.protocol, echo.answers) == ("dicom", 3)
    assert "is now HTTP/1.1 401 Unauthorized" in form.differences[0]
    assert all(sentence.isprintable() for heard in played.connections for sentence in heard.differences)


def test_only_what_is_mapped_is_played_and_nobody_there_is_told(recorded: Recorded) -> None:
    ports = doors(recorded)
    ran = dicomhawk(
        "replay", recorded.session, "--data", recorded.data, "--to", f"{ports['http']}=127.0.0.1:1", "--json"
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    played = json.loads(ran.stdout)
    assert [heard["port"] for heard in played["connections"]] == [ports["http"]] * 3
    assert all(heard["differences"][0].startswith("no connection: ") for heard in played["connections"])
    assert played["not_played"] == {str(ports["dicom"]): 5}


def test_a_session_with_a_web_pacs_of_another_run(
    template: Path, tmp_path: Path, fresh: Callable[[str], Sensor]
) -> None:
    """Orthanc's face: its answers have moments and UUIDs in them, and its pages are many."""

    def visit(sensor: Sensor, _: Path) -> None:
        base = f"http://127.0.0.1:{sensor.web_port}"
        paths = ("/system", "/patients", "/studies?since=0&limit=2", "/statistics", "/changes", "/app/explorer.html")
        run_tool("curl", "-s", "-u", "orthanc:orthanc", *(base + path for path in paths))
        run_tool("curl", "-s", "-u", "orthanc:orthanc", "-I", f"{base}/system", f"{base}/nowhere", status=None)
        run_tool("curl", "-s", "-u", "orthanc:orthanc", "-d", '{"Level":"Study","Query":{}}', f"{base}/tools/find")

    data = Path(shutil.copytree(template, tmp_path / "data"))
    session = record(data, tmp_path / "got", persona="orthanc-open", visits=(visit,))
    with fresh("orthanc-open") as sensor:
        to = [f"127.0.0.1:{sensor.web_port}"]
        played = play(load(data=data, environment={}), session.session, to, pace=QUICK)
    assert [heard.differences for heard in played.connections] == [[], [], []]
    assert [heard.answers for heard in played.connections] == [6, 2, 1]


def test_a_visitor_who_signed_in_is_signed_in_again(
    template: Path, tmp_path: Path, fresh: Callable[[str], Sensor]
) -> None:
    """The cookie that was recorded opens nothing on another run: today's takes its place."""

    def visit(sensor: Sensor, _: Path) -> None:
        deployment = load(data=sensor.data, environment={}).deployment
        assert deployment is not None
        pair = credentials(deployment)[0]
        with httpx.Client(base_url=f"http://127.0.0.1:{sensor.web_port}", follow_redirects=True) as client:
            page = client.get("/")
            names = re.findall(r'<input[^>]* name="([^"]+)"(?:[^>]* value="([^"]*)")?', page.text)
            hidden = {name: html.unescape(value) for name, value in names if value}
            user, password = (name for name, value in names if not value)
            entered = client.post(str(page.url), data=hidden | {user: pair.username, password: pair.password})
            assert entered.history, entered.text
            assert client.get(str(entered.url)).text == entered.text

    data = Path(shutil.copytree(template, tmp_path / "data"))
    session = record(data, tmp_path / "got", visits=(visit,))
    settings = load(data=data, environment={})
    with fresh("plain") as sensor:
        played = play(settings, session.session, [f"127.0.0.1:{sensor.web_port}"], pace=QUICK)
        logins = sensor.events(event__action="http.login")
    assert [heard.differences for heard in played.connections] == [[]]
    assert [login["event"]["outcome"] for login in logins] == ["success"]
    assert played.masked["tokens"] > 2


@pytest.mark.soak
def test_what_came_over_tls_is_played_over_tls(template: Path, tmp_path: Path) -> None:
    def tls_sensor(name: str) -> Sensor:
        data = Path(shutil.copytree(template, tmp_path / name))
        ports = {"DICOMHAWK_TLS__WEB_PORTS": "0", "DICOMHAWK_TLS__DICOM_PORTS": ""}
        return Sensor(data, workers=1, tls=True, web_ports=(0,), environment=ports)

    with tls_sensor("data") as sensor:
        run_tool("curl", "-sk", f"https://127.0.0.1:{sensor.tls_ports['web'][0]}/nowhere")
        session = sensor.wait_event("connection.close")["session"]
        assert sensor.events(event__action="tls.handshake")
    settings = load(data=tmp_path / "data", environment={})
    with tls_sensor("fresh") as sensor:
        to = [f"127.0.0.1:{sensor.tls_ports['web'][0]}"]
        assert play(settings, session, to, pace=QUICK, tls=True).same
        plain = play(settings, session, to, pace=QUICK)
        assert not plain.same


# Where to


def test_only_this_machine_unless_forced() -> None:
    assert targets_of(["127.0.0.1:104"], {11112}) == {11112: ("127.0.0.1", 104)}
    assert targets_of(["[::1]:104"], {11112}) == {11112: ("::1", 104)}
    with pytest.raises(SettingsError, match=r"is not this machine.*--force plays it"):
        targets_of(["192.0.2.1:104"], {11112})
    assert targets_of(["192.0.2.1:104"], {11112}, force=True) == {11112: ("192.0.2.1", 104)}
    with pytest.raises(SettingsError, match="ports 104, 8042: say which is where"):
        targets_of(["127.0.0.1:104"], {104, 8042})
    assert targets_of(["8042=127.0.0.1:1"], {104, 8042}) == {8042: ("127.0.0.1", 1)}
    for wrong in ("127.0.0.1", "x=127.0.0.1:1", "127.0.0.1:0", "127.0.0.1:99999"):
        with pytest.raises(SettingsError):
            targets_of([wrong], {104})


def test_wrong_targets_are_one_sentence(recorded: Recorded) -> None:
    ran = dicomhawk("replay", recorded.session, "--data", recorded.data, "--to", "192.0.2.1:104")
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    ran = dicomhawk("replay", "NONE", "--data", recorded.data)
    assert (ran.returncode, ran.stderr) == (1, "There is no session NONE.\n")
