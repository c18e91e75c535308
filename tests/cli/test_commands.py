"""The command line, as an operator and a script see it."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dicomhawk.cli import main
from dicomhawk.evidence import events as ev
from dicomhawk.evidence.recorder import Recorder
from dicomhawk.hospital.deployment import draw_deployment, locales, toml
from dicomhawk.persona.model import load
from dicomhawk.persona.model.ports import drawn_port
from dicomhawk.settings import Settings, SettingsError
from tests.support import Sensor

VISITOR, DOOR = ("198.51.100.7", 41822), ("203.0.113.10", 11112)


class Said(NamedTuple):
    stdout: str
    stderr: str


class Cli:
    """The command, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for name in ("LC_ALL", "LANG", *(name for name in os.environ if name.startswith("DICOMHAWK_"))):
            monkeypatch.delenv(name, raising=False)

    def __call__(self, *arguments: object, status: int = 0) -> Said:
        self._monkeypatch.setattr(sys, "argv", ["dicomhawk", *map(str, arguments)])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.run()
        said = Said(*self._capsys.readouterr())
        assert (ended.value.code or 0) == status, said
        return said

    def json(self, *arguments: object) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self(*arguments, "--json").stdout.splitlines()]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(monkeypatch, capsys)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder in which a visitor has been."""
    recorder = Recorder(Settings(data=tmp_path / "data"), "w0")
    record = recorder.open(VISITOR, DOOR)
    record.received(b"request")
    record.emit(ev.Association(calling="EVIL\x1b[31m", called="ANY-SCP"))
    record.emit(ev.CFind(message_id=1, level="STUDY", keys={"00100010": "[red]*"}))
    record.emit(ev.CFindEnd(message_id=1, status=0, matches=3), 1_000_000)
    record.sent(b"answer")
    record.close("peer-fin")
    recorder.flush()
    (tmp_path / "data" / "dicomhawk.toml").write_text(toml(draw_deployment(locale="en_GB", seed="ab" * 16)))
    return tmp_path / "data"


def session_of(cli: Cli, data: Path) -> str:
    return str(cli.json("sessions", "--data", data)[0]["session"])


# init


def test_init_draws_a_deployment(cli: Cli, tmp_path: Path) -> None:
    said = cli("init", "--data", tmp_path / "new", "--locale", "da_DK").stdout
    path = tmp_path / "new" / "dicomhawk.toml"
    drawn = tomllib.loads(path.read_text())["deployment"]
    assert drawn["locale"] == "da_DK"
    assert drawn["hospital"] in said
    assert drawn["seed"] not in said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "new") == ["dicomhawk.toml"]
    again = cli("init", "--data", tmp_path / "new", status=2)
    assert "is there already" in again.stderr


def test_init_takes_the_locale_of_the_host(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "sv_SE.UTF-8")
    (said,) = cli.json("init", "--data", tmp_path)
    assert said["locale"] == "sv_SE"
    assert "seed" not in said


def test_init_draws_a_port_that_the_product_is_found_at(cli: Cli, tmp_path: Path) -> None:
    (said,) = cli.json("init", "--data", tmp_path, "--persona", "dcm4chee-arc")
    assert (said["persona"], said["port"]) == ("dcm4chee-arc", 11112)
    written = tomllib.loads((tmp_path / "dicomhawk.toml").read_text())
    assert (written["persona"], written["dicom"]["ports"]) == ("dcm4chee-arc", [11112])
    usual = load("plain").identity.ports
    assert {drawn_port(f"{n:032x}", usual, 1) for n in range(200)} == set(usual)
    assert drawn_port("0" * 32, usual, 1) == drawn_port("0" * 32, usual, 1)


def test_init_checks_the_persona_first(cli: Cli, tmp_path: Path) -> None:
    said = cli("init", "--data", tmp_path / "new", "--persona", "absent", status=2)
    assert said.stderr.startswith("There is no persona 'absent'")
    assert not (tmp_path / "new").exists()


def test_init_knows_its_locales(cli: Cli, tmp_path: Path) -> None:
    said = cli("init", "--data", tmp_path, "--locale", "xx_XX", status=2)
    assert said.stderr.startswith("There is no hospital for the locale xx_XX; there are: da_DK, ")


@pytest.mark.parametrize("locale", locales())
def test_no_two_deployments_are_alike(locale: str) -> None:
    drawn = [draw_deployment(locale=locale) for _ in range(30)]
    assert len({deployment.seed for deployment in drawn}) == len({deployment.uid_root for deployment in drawn}) == 30
    assert len({deployment.hospital for deployment in drawn}) > 15
    assert len({deployment.ae_title for deployment in drawn}) > 15
    for deployment in drawn:
        assert re.fullmatch(r"[A-Z0-9_]{4,16}", deployment.ae_title)
        assert tomllib.loads(toml(deployment))["deployment"] == deployment.model_dump()


def test_a_deployment_follows_from_its_seed() -> None:
    assert draw_deployment(seed="0" * 32, locale="de_DE") == draw_deployment(seed="0" * 32, locale="de_DE")
    assert draw_deployment(seed="0" * 32).locale in locales()
    assert draw_deployment(environment={"LANG": "en_AU.UTF-8"}).locale.startswith("en_")
    with pytest.raises(SettingsError):
        draw_deployment(locale="de")


def test_every_setting_of_the_file_is_a_setting(tmp_path: Path) -> None:
    text = toml(draw_deployment())
    uncommented = re.sub(r"^#(\w+ = )", r"\1", text, flags=re.MULTILINE)
    assert uncommented != text
    written = tomllib.loads(uncommented)
    settings = Settings.model_validate(written)
    assert settings == Settings.model_validate({"deployment": written["deployment"]})
    # ... and the file has all of them, but for the folder that it is in.
    everything = Settings().model_dump(exclude={"data", "deployment"})
    assert {key for key in written if key != "deployment"} == set(everything)
    for table in ("dicom", "journal", "vault", "hospital"):
        assert set(written[table]) == set(everything[table])


# check


def test_check_says_what_is_set(cli: Cli, data: Path) -> None:
    said = cli("check", "--data", data).stdout
    assert "en_GB" in said
    assert cli.json("check", "--data", data)[0]["DICOM ports"] == "11112"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "There is no deployment"),
        ("[dicom]\nports = [70000]", "dicom.ports.0"),
        ("nonsense = 1", "nonsense: Extra inputs"),
        ("[", "not a TOML file"),
        ('persona = "none"', "no persona 'none'"),
    ],
)
def test_check_finds_what_is_wrong(cli: Cli, data: Path, text: str, sentence: str) -> None:
    path = data / "dicomhawk.toml"
    path.write_text(f"{text}\n{path.read_text()}" if text.startswith(("persona", "nonsense")) else text)
    for command in ("check", "serve"):
        said = cli(command, "--data", data, status=2)
        assert sentence in said.stderr
        assert len(said.stderr.splitlines()) == 1
    assert not (data / "hospital").exists()


def test_check_finds_what_is_wrong_with_alerts_and_look_ups(cli: Cli, data: Path) -> None:
    (data / "allow.toml").write_text("[[allow]]\nname = 'x'")
    for command in ("check", "serve"):
        assert "The allow-list, allow.0.networks" in cli(command, "--data", data, status=2).stderr
    (data / "allow.toml").unlink()
    settings = data / "dicomhawk.toml"
    settings.write_text(settings.read_text().replace("#providers = []", 'providers = ["otx"]'))
    assert "lookups.keys: otx needs a key." in cli("check", "--data", data, status=2).stderr


def test_check_of_a_folder_that_can_not_be(cli: Cli, data: Path) -> None:
    file = data / "dicomhawk.toml"
    assert "can't be written to" in cli("check", "--config", file, "--data", file, status=2).stderr


def test_a_wrong_command_line_is_status_2(cli: Cli) -> None:
    cli("serve", "--dicom-port", "x", status=2)
    cli("nonsense", status=2)
    cli("sessions", "--since", "yesterday", status=2)


# sessions, session, events


def test_sessions_in_a_pipe_are_tab_separated(cli: Cli, data: Path) -> None:
    (line,) = cli("sessions", "--data", data).stdout.splitlines()
    cells = line.split("\t")
    assert cells[3:] == ["198.51.100.7", "1", "1", "EVIL\\x1b[31m", "7 B", "6 B", "c-find 1, 3 matches"]
    assert cli("sessions", "--data", data, "--since", "2100-01-01").stdout == ""


def test_sessions_as_json(cli: Cli, data: Path) -> None:
    (summary,) = cli.json("sessions", "--data", data)
    assert summary["calling"] == ["EVIL\x1b[31m"]
    assert summary["commands"] == {"c-find": 1}


def test_a_session_is_told(cli: Cli, data: Path) -> None:
    session = session_of(cli, data)
    said = cli("session", session[-8:], "--data", data).stdout
    assert f"session {session} of 198.51.100.7" in said
    assert "C-FIND STUDY PatientName=[red]*" in said
    assert "association EVIL\\x1b[31m -> ANY-SCP" in said
    assert "\x1b" not in said
    happened = cli.json("session", session, "--data", data)
    assert [event["event"]["action"] for event in happened][:2] == ["session.start", "connection.open"]
    assert "no session U" in cli("session", "U", "--data", data, status=1).stderr  # no id has one


def test_events(cli: Cli, data: Path) -> None:
    assert len(cli("events", "--data", data).stdout.splitlines()) == 6
    (find,) = cli.json("events", "--data", data, "--action", "dicom.c-find")
    assert find["dicom"]["query"]["keys"] == {"00100010": "[red]*"}
    assert len(cli.json("events", "--data", data, "--action", "dicom.")) == 3
    assert cli("events", "--data", data, "--since", "2100-01-01").stdout == ""


def test_events_are_followed(data: Path) -> None:
    command = [sys.executable, "-m", "dicomhawk", "events", "--follow", "--data", str(data), "--since", "2020-01-01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(6):
            process.stdout.readline()
        recorder = Recorder(Settings(data=data), "w1")
        recorder.emit(ev.WorkerStart(pid=1, worker="w1"))
        recorder.flush()
        assert "worker w1 answers" in process.stdout.readline()
        process.terminate()
        assert process.stderr.read() == ""


def test_a_reader_that_has_had_enough(data: Path) -> None:
    recorder = Recorder(Settings(data=data), "w1")
    for _ in range(5000):
        recorder.emit(ev.WorkerStart(pid=1, worker="w1"))
    recorder.flush()
    command = f"{sys.executable} -m dicomhawk events --data {data} | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_an_empty_folder_has_no_sessions(cli: Cli, tmp_path: Path) -> None:
    assert cli("sessions", "--data", tmp_path).stdout == ""
    assert cli("events", "--data", tmp_path).stdout == ""
    assert os.listdir(tmp_path) == []


# export


def test_a_capture(cli: Cli, data: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.pcap"
    (report,) = cli.json("export", "pcap", session_of(cli, data), "-o", target, "--data", data)
    assert report["connections"] == 1
    assert report["missing_objects"] == {}
    piped = run_bytes("export", "pcap", session_of(cli, data), "-o", "-", "--data", data)
    assert piped == target.read_bytes()
    assert piped.startswith(b"\xd4\xc3\xb2\xa1")
    assert b"request" in piped


def run_bytes(*arguments: object) -> bytes:
    command = [sys.executable, "-m", "dicomhawk", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=60, check=True).stdout


def test_a_capture_of_what_is_gone(cli: Cli, data: Path, tmp_path: Path) -> None:
    session = session_of(cli, data)
    for path in (data / "vault" / "transcripts").glob("*.dht"):
        path.unlink()
    said = cli("export", "pcap", session, "-o", tmp_path / "x.pcap", "--data", data, status=1)
    assert "is gone" in said.stderr
    cli("export", "pcap", "nothing", "-o", tmp_path / "x.pcap", "--data", data, status=1)


# hospital


def test_a_hospital_is_built_and_shown(cli: Cli, data: Path) -> None:
    assert "can't be read" in cli("hospital", "show", "--data", data, status=1).stderr
    assert "5 studies" in cli("hospital", "build", "--data", data, "--studies", 5).stdout
    (found,) = cli.json("hospital", "show", "--data", data)
    assert found["counts"]["studies"]["now"] == 5
    assert found["locale"] == "en_GB"
    assert "5 studies, " in cli("hospital", "show", "--data", data).stdout


def test_a_hospital_may_be_empty(cli: Cli, data: Path) -> None:
    cli("hospital", "build", "--data", data, "--studies", 0)
    (found,) = cli.json("hospital", "show", "--data", data)
    assert found["counts"]["studies"] == {"now": 0, "to_come": 0}


def test_an_import_of_nothing(cli: Cli, data: Path, tmp_path: Path) -> None:
    assert "does not exist" in cli("hospital", "import", tmp_path / "none", "--data", data, status=1).stderr
    (tmp_path / "files").mkdir()
    (report,) = cli.json("hospital", "import", tmp_path / "files", "--data", data)
    assert report["imported"] == 0


# serve


def test_serve_on_an_empty_folder_makes_everything(cli: Cli, tmp_path: Path) -> None:
    data = tmp_path / "new"
    with Sensor(data, workers=1, environment={"DICOMHAWK_HOSPITAL__STUDIES": "3"}) as sensor:
        assert sensor.port
        assert cli.json("hospital", "show", "--data", data)[0]["counts"]["studies"]["now"] == 3
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    written = (data / "dicomhawk.toml").read_text()
    with Sensor(data, workers=1):
        pass
    assert (data / "dicomhawk.toml").read_text() == written
    actions = [event["event"]["action"] for event in cli.json("events", "--data", data, "--action", "sensor.")]
    assert actions == ["sensor.start", "sensor.stop"] * 2


@pytest.mark.parametrize("command", [("export", "pcap"), ("evidence", "bundle")])
def test_what_cannot_be_written_is_a_sentence(cli: Cli, data: Path, tmp_path: Path, command: tuple[str, str]) -> None:
    session = session_of(cli, data)
    for output, reason in ((tmp_path, "it is a folder"), (tmp_path / "none" / "x", "there is no folder")):
        said = cli(*command, session, "-o", output, "--data", data, status=2)
        assert said.stderr.startswith(f"{output} can't be written: {reason}")


@pytest.mark.parametrize(
    "command", [("sessions",), ("events",), ("session", "U"), ("export", "pcap", "U", "-o", "-")]
)
def test_a_folder_that_is_not_there_is_not_a_quiet_night(cli: Cli, tmp_path: Path, command: tuple[str, ...]) -> None:
    said = cli(*command, "--data", tmp_path / "none", status=2)
    assert said.stderr.startswith(f"There is no folder {tmp_path / 'none'}; ")
    assert said.stdout == ""


def test_no_output_is_said_so(cli: Cli, data: Path) -> None:
    said = cli("outputs", "list", "--data", data)
    assert said.stdout == ""
    assert "[[outputs]]" in said.stderr
