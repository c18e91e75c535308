"""A data set that is given away names nobody: no visitor, and not us."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import socket
import stat
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from dicomhawk.analyst.report.selection import Selection, moment_of
from dicomhawk.hospital.archive import CATALOGUE
from dicomhawk.hospital.deployment import draw_deployment
from dicomhawk.outputs.research import Options, export
from dicomhawk.outputs.research.columns import ALL
from dicomhawk.outputs.research.own import Own
from dicomhawk.outputs.research.pseudonyms import Pseudonyms, key_of
from dicomhawk.outputs.research.strings import ADDRESS, OURS, Allowed, path_of, scrubbed
from dicomhawk.outputs.research.times import Coarseness
from dicomhawk.settings import Settings, SettingsError
from dicomhawk.settings.sections import HoneyCredential, Lures
from tests.analyst.journals import Sensor
from tests.analyst.report.pipeline import analysed
from tests.hospital import small_hospital
from tests.support import dicomhawk

DOOR = "203.0.113.10"
HOST = "pacs.st-example-hospital.test"
VISITORS = [f"198.51.100.{number}" for number in range(1, 30)] + ["2001:db8:77::42", "192.0.2.99"]
PEOPLE = ("Ågård", "Søren", "Yamada", "Tarou", "山田")
BAIT = "/old/export-7f31.zip"
AGENT = "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("research") / "data"
    (folder / "hospital").mkdir(parents=True)
    small_hospital.build(folder / "hospital" / CATALOGUE)
    return folder


@pytest.fixture(scope="module")
def settings(data: Path) -> Settings:
    lures = Lures(
        canary_url="http://img.bait.test/x",
        credentials=(HoneyCredential(username="rrogers", password="Tr1ck-y-pass"),),
    )
    return Settings(
        data=data, deployment=draw_deployment(seed="ab" * 16, locale="de_DE"), sensor_name="dmz-west-1", lures=lures
    )


@pytest.fixture(scope="module")
def findings(data: Path, settings: Settings) -> Engine:
    return analysed(data, [journal(settings).write(data / "journal")])


def journal(settings: Settings) -> Sensor:
    """Visitors who name themselves, each other, and us, wherever they can."""
    assert settings.deployment is not None
    own = (settings.deployment.ae_title, "CT01", "YAMADA", DOOR, *VISITORS[:2])
    sensor = Sensor("dmz-west-1")
    sensor.emit("sensor.start", honeypot__persona="orthanc")
    for number, visitor in enumerate(VISITORS):
        for title in ("ANY-SCP", own[number % len(own)], f"ONLY{number}"):
            sensor.now += 600_000_000
            names = {"dicom__ae__called": title, "dicom__ae__calling": own[(number + 3) % len(own)]}
            sensor.connection(
                visitor,
                {"action": "dicom.association", "destination__ip": DOOR, **names},
                _request("/", AGENT if number % 2 else CHROME),
                _request(f"/studies/1.2.276.0.{number}/series?PatientName=Yamada&x={visitor}", f"curl {visitor}"),
                _request(BAIT, AGENT),
                {
                    "action": "lure.taken",
                    "honeypot__lure__id": "zip-1",
                    "honeypot__lure__kind": "file",
                    "honeypot__lure__detail": BAIT,
                },
                _request(f"/patients/Yamada/{DOOR.replace('.', '-')}", f"bot for {DOOR}"),
                _request(f"/{settings.deployment.hospital}/index.html", f"look at http://{HOST}/ from {DOOR}"),
                {
                    "action": "http.login",
                    "event__outcome": "success",
                    "honeypot__login__scheme": "form",
                    "honeypot__credential__username": "rrogers",
                    "honeypot__credential__password": "Tr1ck-y-pass",
                },
            )
    for event in sensor.events:
        if "source" in event:
            event.setdefault("destination", {})["ip"] = DOOR
    return sensor


def _request(path: str, agent: str) -> dict[str, Any]:
    return {
        "action": "http.request",
        "http__request__method": "GET",
        "url__original": path,
        "url__path": path.partition("?")[0],
        "url__domain": HOST,
        "user_agent__original": agent,
    }


@pytest.fixture(scope="module", params=[("ndjson", 1), ("csv", 1), ("ndjson", 2)])
def made(findings: Engine, settings: Settings, tmp_path_factory: pytest.TempPathFactory, request: Any) -> Path:
    folder = tmp_path_factory.mktemp("set") / "out"
    form, least = request.param
    export(findings, settings, folder, Options(format=form, least=least, networks=True, times=Coarseness.DAY))
    return folder


def everything(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted(folder.iterdir()))


def test_no_address_is_in_it(made: Path) -> None:
    text = everything(made)
    for address in (*VISITORS, DOOR):
        packed = ip_address(address).packed
        for form in {
            address,
            address.replace(".", "-"),
            address.replace(".", "_"),
            packed.hex(),
            str(int.from_bytes(packed)),
        }:
            assert not re.search(rf"(?<![\w.]){re.escape(form)}(?![\w.])", text), form
    assert not re.search(r"\d+\.\d+\.\d+\.\d+", text.replace("120.0.0.0", ""))


def test_no_name_of_ours_is_in_it(made: Path, settings: Settings) -> None:
    text = everything(made).casefold()
    deployment = settings.deployment
    assert deployment is not None
    names = [deployment.seed, deployment.hospital, deployment.ae_title, deployment.uid_root, deployment.locale]
    names += [
        "dmz-west-1",
        socket.gethostname(),
        HOST,
        "CT01",
        "SN-77",
        "VA40",
        "rrogers",
        "Tr1ck-y-pass",
        "img.bait.test",
    ]
    names += [BAIT, "zip-1", *PEOPLE]
    for name in names:
        assert name.casefold() not in text, name
    assert "orthanc" not in text


def test_what_may_be_known_is(made: Path) -> None:
    text = everything(made)
    for wanted in ("ANY-SCP", AGENT, CHROME, "/studies/{}/series", OURS):
        assert wanted in text, wanted
    assert ("ONLY7" in text) == ("fewer than 1 visitors" in text)


def test_identifiers_of_ours_are_not_in_it(made: Path, data: Path) -> None:
    text = everything(made)
    for path in (data / "journal").glob("*.ndjson"):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            for name in (event["event"]["id"], event.get("session")):
                assert name is None or name not in text


def test_the_same_visitor_is_the_same_and_another_key_makes_another(
    findings: Engine, settings: Settings, tmp_path: Path
) -> None:
    def visitors(name: str, key: Path | None = None) -> list[str]:
        export(findings, settings, tmp_path / name, Options(key=key))
        return [
            json.loads(line)["visitor"] for line in (tmp_path / name / "sessions.ndjson").read_text().splitlines()
        ]

    first = visitors("first")
    assert len(set(first)) == len(VISITORS)
    assert visitors("second") == first
    (tmp_path / "key").write_text("11" * 32)
    assert not set(visitors("third", tmp_path / "key")).intersection(first)


def test_networks_are_told_only_if_wanted(findings: Engine, settings: Settings, tmp_path: Path) -> None:
    def networks(wanted: bool) -> set[str]:
        folder = tmp_path / str(wanted)
        export(findings, settings, folder, Options(networks=wanted))
        return {json.loads(line)["network"] for line in (folder / "sessions.ndjson").read_text().splitlines()}

    assert networks(False) == {""}
    assert len(networks(True)) == 3


def test_the_card_tells_of_every_file_and_column(made: Path) -> None:
    card = json.loads((made / "croissant.json").read_text())
    readme = (made / "README.md").read_text()
    files = {file["name"]: file for file in card["distribution"]}
    assert {path.name for path in made.iterdir()} == {*files, "README.md", "croissant.json"}
    for table in ALL:
        (name,) = (name for name in files if name.startswith(f"{table.name}."))
        assert files[name]["sha256"] == hashlib.sha256((made / name).read_bytes()).hexdigest()
        (record,) = (record for record in card["recordSet"] if record["name"] == table.name)
        columns = [field["name"] for field in record["field"]]
        assert columns == [column.name for column in table.columns]
        for column in table.columns:
            assert f"| {column.name} | {column.type} |" in readme
        with (made / name).open(newline="", encoding="utf-8") as file:
            if name.endswith(".csv"):
                assert next(csv.reader(file)) == columns
            else:
                assert set(json.loads(file.readline() or "{}")) <= set(columns)


def test_classes_are_counted(made: Path) -> None:
    found = re.findall(r"\| ([\d,]+) \| ([\d,]+) \|$", (made / "README.md").read_text(), re.MULTILINE)[:3]
    (sessions,) = made.glob("sessions.*")
    lines = len(sessions.read_text("utf-8").splitlines()) - (sessions.suffix == ".csv")
    assert sum(int(number.replace(",", "")) for _, number in found) == lines


def test_moments_are_as_coarse_as_wanted() -> None:
    us = moment_of("2026-03-04T05:06:07")
    told = {coarse: coarse.moment(us) for coarse in Coarseness}
    assert told == {
        Coarseness.EXACT: "2026-03-04T05:06:07Z",
        Coarseness.HOUR: "2026-03-04T05:00:00Z",
        Coarseness.DAY: "2026-03-04",
        Coarseness.WEEK: "2026-03-02",
    }
    assert Coarseness.DAY.duration(4_567_000_000) == 4000
    assert Coarseness.EXACT.duration(4_567_000_000) == 4567


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("PACS 203.0.113.10", f"PACS {ADDRESS}"),
        ("203-0-113-10.example", f"{ADDRESS}.example"),
        ("from [2001:db8::1]:80", f"from {ADDRESS}:80"),
        ("::ffff:203.0.113.10", f"::ffff:{ADDRESS}"),
        ("http://203.0.113.10/x", f"http://{ADDRESS}/x"),
        (CHROME, CHROME),
        ("curl/8.5.0", "curl/8.5.0"),
        ("std::string 12:30", "std::string 12:30"),
        ("a\x1b[2J\nb", "a [2J b"),
    ],
)
def test_addresses_in_texts(text: str, kept: str) -> None:
    assert scrubbed(text) == kept


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/dicom-web/studies?PatientName=X", "/dicom-web/studies"),
        ("/studies/1.2.3/series/1.2.4", "/studies/{}/series/{}"),
        ("/instances/1d2a0f9c-4b1e-4b7c-9f6b-2a1d0f9c4b1e/file", "/instances/{}/file"),
        ("/viewer;jsessionid=ABC", "/viewer"),
        ("http://somebody.example/admin", "/admin"),
        ("/report/20260304.pdf", "/report/{}"),
        ("/203.0.113.10/", "/{}/"),
        ("/a%2fb/c@d", "/{}/{}"),
    ],
)
def test_values_in_paths(path: str, kept: str) -> None:
    assert path_of(path) == kept


def test_names_of_ours_in_texts() -> None:
    own = Own(["KLINPACS", "Klinikum Nord", "Meier\0", "ab", "1234"])
    for text in ("klinpacs", "X-KLINPACS-1", "at klinikum nord!", "MEIER_PC", "AB", "x ab y"):
        assert text in own, text
    for text in ("Obermeierei", "cab", "PACS", "1234", "v1.1234"):
        assert text not in own, text


def test_rare_texts_are_withheld() -> None:
    allowed = Allowed(Own(["ours"]), 2)
    for visitor, text in ((1, "a"), (1, "a"), (1, "b"), (2, "b"), (1, "ours"), (2, "ours")):
        allowed.count(text, visitor)
    assert [allowed(text) for text in ("a", "b", "ours", "", "never")] == [OURS, "b", OURS, "", OURS]
    assert allowed.withheld == {"a", "ours", "never"}


def test_the_key_is_kept_for_its_owner(tmp_path: Path) -> None:
    key = key_of(tmp_path / "new" / "key")
    assert key_of(tmp_path / "new" / "key") == key
    assert stat.S_IMODE((tmp_path / "new" / "key").stat().st_mode) == 0o600
    assert Pseudonyms(key).visitor("::ffff:0:1") != Pseudonyms(key).visitor("0.0.0.1")
    (tmp_path / "short").write_text("abcd")
    with pytest.raises(SettingsError, match="32 bytes"):
        key_of(tmp_path / "short")


def test_a_folder_with_something_in_it_is_refused(findings: Engine, settings: Settings, data: Path) -> None:
    with pytest.raises(SettingsError, match="not empty"):
        export(findings, settings, data, Options())
    with pytest.raises(SettingsError, match="no sensor"):
        export(findings, settings, data.parent / "none", Options(selection=Selection(sensors=("elsewhere",))))


def test_on_the_command_line(findings: Engine, data: Path, tmp_path: Path) -> None:
    done = dicomhawk(
        "research", "export", "--data", data, "-o", tmp_path / "set", "--format", "csv", "--time", "week"
    )
    assert done.returncode == 0, done.stderr
    assert "sessions" in done.stdout
    assert str(data / "research.key") in done.stdout
    assert (tmp_path / "set" / "README.md").exists()
