"""``dicomhawk persona``: what an operator sees of it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from dicomhawk.cli import main, persona, probing
from dicomhawk.persona import model
from tests.support import Sensor, clean_environment
from tests.support import dicomhawk as started

FOREIGN = "192.0.2.77:104"
"""An address for documentation (RFC 5737): nobody's, and not private."""


class Done(NamedTuple):
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


def dicomhawk(*arguments: object, answer: str = "") -> Done:
    """Run a command of ours in this process: a new one takes a second to begin."""
    out, error = io.StringIO(), io.StringIO()
    status: object = 0
    mask = os.umask(0o077)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", clean_environment())
        patch.setattr(sys, "argv", ["dicomhawk", *map(str, arguments)])
        patch.setattr(sys, "stdin", io.StringIO(answer))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            try:
                main.run()
            except SystemExit as end:
                status = end.code or 0
            finally:
                os.umask(mask)
    assert isinstance(status, int)
    return Done(status, out.getvalue(), error.getvalue())


def test_the_command_is_there() -> None:
    done = started("persona", "list")
    assert done.returncode == 0, done.stderr
    assert done.stdout == dicomhawk("persona", "list").stdout


def test_list_has_all_shipped_personas() -> None:
    done = dicomhawk("persona", "list")
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == model.shipped()
    assert {row[1] for row in rows} <= {"neutral", "measured", "built"}


def test_list_in_json() -> None:
    done = dicomhawk("persona", "list", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"name": "plain", "kind": "neutral", "title": model.load("plain").title} in found


@pytest.mark.parametrize("name", model.shipped())
def test_show_has_every_value(name: str) -> None:
    done = dicomhawk("persona", "show", name)
    assert done.returncode == 0, done.stderr
    shown = {line.split("\t")[0]: line.split("\t")[1] for line in done.stdout.splitlines()}
    persona = model.load(name)
    assert shown["name"] == name
    assert shown["wire.max_pdu"] == str(persona.wire.max_pdu)
    assert shown["contexts.groups[1].name"] == persona.contexts.groups[0].name


def test_show_says_what_is_inferred() -> None:
    built = next(name for name in model.shipped() if model.load(name).inferred)
    done = dicomhawk("persona", "show", built)
    origins = [line.split("\t")[2] for line in done.stdout.splitlines()]
    assert any(origin.startswith("inferred: ") for origin in origins)
    assert "default" in origins


def test_show_in_json_is_the_whole_model() -> None:
    done = dicomhawk("persona", "show", "plain", "--json")
    assert json.loads(done.stdout)["wire"]["max_pdu"] == model.load("plain").wire.max_pdu


def test_check_says_that_a_file_is_right(tmp_path: Path) -> None:
    file = tmp_path / "my-pacs.toml"
    file.write_text('name = "my-pacs"\ntitle = "Mine"\n\n[wire]\nmax_pdu = 32768\n')
    done = dicomhawk("persona", "check", file)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{file} is right: my-pacs (neutral), Mine; sets 3 values.\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('name = "x"\ntitle = "X"\n[wire]\nmax_pdu = 1\n', "is wrong at wire.max_pdu:"),
        ('name = "x"\ntitle = "X"\n[wires]\n', "is wrong at wires:"),
        ('name = "x"\n', "is wrong at title:"),
        ('name = "x\n', "is not a TOML file:"),
        (
            'name = "x"\ntitle = "X"\n[[contexts.groups]]\nname = "g"\nabstract_syntaxes = ["Nonsense"]\n',
            "names an unknown SOP class 'Nonsense'",
        ),
    ],
)
def test_check_says_what_is_wrong_with_a_file(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "my-pacs.toml"
    file.write_text(text)
    done = dicomhawk("persona", "check", file)
    assert done.returncode == 2
    assert done.stdout == ""
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_check_wants_a_file() -> None:
    done = dicomhawk("persona", "check", "plain")
    assert (done.returncode, done.stderr) == (2, "There is no file plain.\n")


@pytest.mark.parametrize(
    "command",
    [("record", "--dicom", FOREIGN, "-o", "x.toml"), ("verify", "plain", "--against", FOREIGN)],
    ids=["record", "verify"],
)
def test_addresses_that_are_not_private_are_refused(command: tuple[str, ...]) -> None:
    done = dicomhawk("persona", *command)
    assert done.returncode == 2
    assert done.stderr.startswith("192.0.2.77 is not a private address")


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "no\n"])
def test_and_refused_unless_somebody_says_yes(tmp_path: Path, answer: str) -> None:
    file = tmp_path / "x.toml"
    done = dicomhawk("persona", "record", "--dicom", FOREIGN, "-o", file, "--yes-it-is-mine", answer=answer)
    assert done.returncode == 2
    assert "192.0.2.77 is not a private address. Is the system yours" in done.stdout + done.stderr
    assert done.stderr.splitlines()[-1] == "Nothing was sent."
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--dicom", "127.0.0.1", "-o", "x.toml"), "'127.0.0.1' is not HOST:PORT"),
        (("--dicom", "127.0.0.1:1", "-o", "x.toml"), "Nobody answers at 127.0.0.1:1."),
        (("--dicom", "127.0.0.1:1", "-o", "/nowhere/x.toml"), "/nowhere/x.toml can't be written"),
        (("--dicom", "127.0.0.1:1", "-o", "/proc/x.toml"), "/proc/x.toml can't be written"),
        (("--dicom", "127.0.0.1:1", "-o", "x.toml", "--transcript", "/proc/x.json"), "/proc/x.json can't be"),
        (("--dicom", "127.0.0.1:1", "-o", "x.toml", "--name", 65 * "x"), "is wrong at name"),
        (("--dicom", "127.0.0.1:1", "-o", "x.toml", "--called", 17 * "X"), "is no AE title"),
        (("--dicom", "127.0.0.1:1", "-o", "x.toml", "--calling", " "), "is no AE title"),
        (("--dicom", "127.0.0.1:1", "-o", "x.toml", "--http", "http://[::1]:99999/"), "is not a URL"),
        (("--dicom", "127.0.0.1:1", "-o", "x.toml", "--http", "http://127.0.0.1:x/"), "is not a URL"),
    ],
)
def test_what_is_wrong_with_a_recording_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = dicomhawk("persona", "record", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not os.listdir(tmp_path)


def test_a_persona_that_was_there_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    assert persona._kept(file) is None
    file.touch()
    assert persona._kept(file) is None
    file.write_text("mine")
    kept = persona._kept(file)
    assert kept == tmp_path / "x.toml.old"
    assert kept.read_text() == "mine"


def test_progress_is_lines_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    tell = probing._lines("10.0.0.1:104")
    for done in range(142):
        tell("an association", done, 141)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[0] == "10.0.0.1:104: 0 of 141, an association"


def test_verify_knows_the_experiments_first() -> None:
    done = dicomhawk("persona", "verify", "plain", "--against", "127.0.0.1:1", "--only", "asociation")
    assert done.returncode == 2
    assert done.stderr.startswith("There is no experiment or group asociation; groups are syntaxes, ")


def test_verify_knows_the_persona_first() -> None:
    done = dicomhawk("persona", "verify", "nonesuch", "--against", "127.0.0.1:1")
    assert done.returncode == 2
    assert "There is no persona 'nonesuch'" in done.stderr


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """Ours as Orthanc, in the place of a real product."""
    folder = tmp_path_factory.mktemp("orthanc")
    environment = {"DICOMHAWK_HOSPITAL__STUDIES": "0"}
    with Sensor(folder / "data", workers=1, flags=["--persona", "orthanc"], environment=environment) as sensor:
        yield sensor


def test_verify_finds_no_difference_to_itself(orthanc: Sensor) -> None:
    only = ["--only", "association.version", "--only", "before.http", "--only", "negotiation.together"]
    done = dicomhawk("persona", "verify", "orthanc", "--against", f"127.0.0.1:{orthanc.port}", "--fast", *only)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("3 experiments, 0 differ\n")


def test_verify_says_every_difference_in_words(orthanc: Sensor) -> None:
    only = ["--only", "association.usual", "--only", "association.application"]
    done = dicomhawk("persona", "verify", "plain", "--against", f"127.0.0.1:{orthanc.port}", "--fast", *only)
    assert done.returncode == 1
    assert "association.usual: " in done.stdout
    assert "OFFIS_DCMTK_367" in done.stdout
    assert done.stdout.splitlines()[-1] == "2 experiments, 2 differ"


def test_record_refuses_what_would_not_be_a_file(orthanc: Sensor, tmp_path: Path) -> None:
    done = dicomhawk("persona", "record", "--dicom", f"127.0.0.1:{orthanc.port}", "-o", tmp_path)
    assert done.returncode == 2
    assert "can't be written" in done.stderr


def test_record_wants_the_url_of_a_web_page(orthanc: Sensor, tmp_path: Path) -> None:
    done = dicomhawk(
        "persona", "record", "--dicom", f"127.0.0.1:{orthanc.port}", "-o", tmp_path / "x.toml", "--http", "ftp://x/"
    )
    assert done.returncode == 2
    assert "is not a URL such as http://" in done.stderr
