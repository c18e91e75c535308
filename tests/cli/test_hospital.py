"""``dicomhawk hospital``: scale, rotation, and a sensor that must not run meanwhile."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dicomhawk.cli.main import command_line
from dicomhawk.sensor.lock import only_one
from dicomhawk.settings import SettingsError


def run(*arguments: object) -> str:
    """What a command prints; it must succeed."""
    done = CliRunner().invoke(command_line(), [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def shown(data: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(run("hospital", "show", "--data", data, "--json"))
    return found


def test_a_deployment_keeps_the_scale_that_it_was_drawn_with(tmp_path: Path) -> None:
    run("init", "--data", tmp_path, "--locale", "fi_FI", "--studies", 12, "--years", 1.5, "--per-day", 3)
    written = tomllib.loads((tmp_path / "dicomhawk.toml").read_text(encoding="utf-8"))
    assert written["deployment"]["locale"] == "fi_FI"
    assert written["hospital"] == {"studies": 12, "years": 1.5, "per_day": 3}
    assert "12 studies" in run("hospital", "build", "--data", tmp_path)
    counts = shown(tmp_path)["counts"]
    assert isinstance(counts, dict)
    assert counts["studies"]["now"] == 12


def test_rotation_leaves_the_devices(tmp_path: Path) -> None:
    run("init", "--data", tmp_path, "--locale", "it_IT", "--studies", 5)
    run("hospital", "build", "--data", tmp_path)
    before = shown(tmp_path)
    run("hospital", "rotate", "--data", tmp_path)
    after = shown(tmp_path)
    assert after["devices"] == before["devices"]
    assert after["hospital"] == before["hospital"]


@pytest.mark.parametrize("command", ["build", "rotate"])
def test_not_under_a_running_sensor(tmp_path: Path, command: str) -> None:
    run("init", "--data", tmp_path, "--studies", 1)
    with only_one(tmp_path), pytest.raises(SettingsError, match="running"):
        run("hospital", command, "--data", tmp_path)
