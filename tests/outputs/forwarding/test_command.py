"""`dicomhawk forward` and `dicomhawk outputs`, as an operator runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dicomhawk.cli.check import validate
from dicomhawk.hospital.deployment import draw_deployment
from dicomhawk.outputs.forwarding.service import attempt, run
from dicomhawk.settings import SettingsError, load
from tests.support import dicomhawk, wait_until

from .http import HttpServer
from .running import configured, forwarding, statuses
from .support import event, write_journal


def test_one_that_fails_holds_up_nobody(tmp_path: Path) -> None:
    data = configured(
        tmp_path / "data",
        """
        [[outputs]]
        name = "ours"
        type = "file"
        path = "log/pot.ndjson"
        [[outputs]]
        name = "tpot"
        type = "file"
        format = "tpot"
        path = "log/pot.json"
        [[outputs]]
        name = "away"
        type = "redis"
        url = { env = "POT_SECRET" }
        enabled = false
        [[outputs]]
        name = "down"
        type = "nats"
        servers = ["nats://127.0.0.1:1"]
        """,
    )
    write_journal(data / "journal", [event(n) for n in range(100)])
    with forwarding(data):
        for name in ("pot.ndjson", "pot.json"):
            path = data / "log" / name
            wait_until(lambda path=path: path.exists() and path.read_bytes().count(b"\n") == 100, name)
        write_journal(data / "journal", [event(n) for n in range(100, 110)])
        wait_until(lambda: path.read_bytes().count(b"\n") == 110, "later events")
        wait_until(lambda: statuses(data)["down"].queued == 110, "a queue")
        found = statuses(data)
        done = dicomhawk("outputs", "list", "--data", data)
    assert (found["ours"].state, found["down"].state, found["away"].state) == ("working", "failing", "off")
    assert found["down"].failures >= 1
    assert "127.0.0.1:1" in found["down"].last_error
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[:3] for line in lines][:2] == [["ours", "file", "working"], ["tpot", "file", "working"]]
    assert lines[0][3:5] == ["110", "0"]
    assert (data / "outputs").stat().st_mode & 0o077 == 0


def test_a_sample_says_in_a_sentence_what_came_of_it(tmp_path: Path) -> None:
    with HttpServer() as server:
        data = configured(
            tmp_path / "data",
            f"""
            [[outputs]]
            name = "hook"
            type = "webhook"
            url = "{server.url}/secret-path"
            what = ["alerts"]
            [[outputs]]
            name = "dead"
            type = "webhook"
            url = "http://127.0.0.1:1/secret-path"
            """,
        )
        done = dicomhawk("outputs", "test", "hook", "--data", data)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"The sample was taken by {server.url} (generic).\n"
        (sent,) = server.got[0].json["records"]
        assert sent["tags"] == ["sample"]
        done = dicomhawk("outputs", "test", "dead", "--data", data)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The sample was not taken by http://127.0.0.1:1 (generic): ")
    assert "secret-path" not in done.stderr
    with pytest.raises(SettingsError, match="There is no output none; there are: hook, dead"):
        attempt(load(data=data, environment={}), "none")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "There are no outputs"),
        ('[[outputs]]\nname = "x"\ntype = "carrier pigeon"', "does not match any of the expected tags"),
        ('[[outputs]]\nname = "../x"\ntype = "file"\npath = "x"', "outputs.0.file.name"),
        ('[[outputs]]\nname = "x"\ntype = "splunk"\nurl = "http://x"', "outputs.0.splunk.token"),
        ('[[outputs]]\nname = "x"\ntype = "splunk"\nurl = "http://x"\ntoken = {env = "POT_NONE"}', "POT_NONE"),
        (
            '[[outputs]]\nname = "x"\ntype = "splunk"\nurl = "http://x"\ntoken = {file = "/none"}',
            "/none can't be read",
        ),
        (
            '[[outputs]]\nname = "x"\ntype = "splunk"\nurl = "http://me:s3cret@x"\ntoken = "s3cret"',
            "has no user name",
        ),
        ('[[outputs]]\nname = "x"\ntype = "redis"\nurl = ["s3cret"]', "outputs.0.redis.url"),
        ('[[outputs]]\nname = "x"\ntype = "redis"\nurl = "s3cret"', "Output x: "),
        ('[[outputs]]\nname = "x"\ntype = "syslog"\nhost = "h"\nca = "/none.pem"', "/none.pem"),
        ('[[outputs]]\nname = "x"\ntype = "stix"\nfolder = "f"\nwhat = ["events"]', "single events"),
    ],
)
def test_wrong_settings_are_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        run(load(data=configured(tmp_path / "data", text), environment={}))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_wrong_settings_are_exit_status_2(tmp_path: Path) -> None:
    done = dicomhawk("forward", "--data", configured(tmp_path / "data", '[[outputs]]\ntype = "s3cret"'))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_a_check_before_the_doors_open_looks_at_outputs_too(tmp_path: Path) -> None:
    text = '[[outputs]]\nname = "x"\ntype = "splunk"\nurl = "http://x"\ntoken = {{ file = "/none" }}\nenabled = {}'
    deployment = draw_deployment().model_dump()
    for enabled in (False, True):
        folder = configured(tmp_path / str(enabled), text.format(str(enabled).lower()))
        settings = load(data=folder, environment={}, flags={"deployment": deployment})
        if enabled:
            with pytest.raises(SettingsError, match="Output x: The secret in /none can't be read"):
                validate(settings)
        else:
            validate(settings)


def test_two_at_once_would_send_everything_twice(tmp_path: Path) -> None:
    data = configured(tmp_path / "data", '[[outputs]]\nname = "x"\ntype = "file"\npath = "x"')
    with forwarding(data), pytest.raises(SettingsError, match="Another `dicomhawk forward`"):
        run(load(data=data, environment={}))


def test_a_library_that_is_missing_is_named(tmp_path: Path) -> None:
    for extra, more in (
        ("nats", 'servers = ["nats://x"]'),
        ("redis", 'url = "redis://x"'),
        ("kafka", 'servers = ["x:1"]'),
    ):
        module = {"kafka": "aiokafka"}.get(extra, extra)
        blocked = tmp_path / extra
        (blocked / module).mkdir(parents=True)
        (blocked / module / "__init__.py").write_text("raise ImportError('not installed')")
        data = configured(blocked / "data", f'[[outputs]]\nname = "x"\ntype = "{extra}"\n{more}\n')
        code = f"""
import pathlib, sys
sys.path.insert(0, {str(blocked)!r})
from dicomhawk.settings import SettingsError, load
from dicomhawk.outputs.forwarding.kinds import make
settings = load(data=pathlib.Path({str(data)!r}), environment={{}})
try:
    make(settings.outputs[0], settings)
except SettingsError as error:
    print(error)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert f"pip install 'dicomhawk[{extra}]'" in done.stdout
