"""What is locked in stays there, and what it looked at comes back as it was told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.analyst.payload.sandbox import Ended, Sandbox, SandboxError, layers

JOBS = "tests.analyst.payload.hostile_jobs"
SECONDS = 20.0
SHORT = 1.0


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    found = Sandbox(JOBS, {"of": "a test"})
    yield found
    found.close()


def run(sandbox: Sandbox, job: str, files: Sequence[Path] = (), seconds: float = SECONDS, **facts: Any) -> Ended:
    descriptors = [os.open(file, os.O_RDONLY) for file in files]
    try:
        return sandbox.run(job, descriptors, facts, seconds)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def test_a_job_reads_what_it_was_given_and_nothing_is_left_of_it(sandbox: Sandbox, tmp_path: Path) -> None:
    one, other, empty = tmp_path / "one", tmp_path / "other", tmp_path / "empty"
    one.write_bytes(b"first")
    other.write_bytes(b"second")
    empty.touch()
    ended = run(sandbox, "read", [one, other, empty])
    assert (ended.outcome, ended.data) == ("done", b"first|second|")
    assert sandbox.told == {"loaded": {"of": "a test"}}


def test_all_layers_that_the_kernel_has_hold(sandbox: Sandbox) -> None:
    found, has = run(sandbox, "says", text="x").layers, layers()
    assert found == {
        "no_new_privs": 1,
        "limits": 1,
        "landlock": has.landlock,
        "seccomp": int(has.seccomp),
    }
    assert has.missing == tuple(name for name in ("landlock", "seccomp") if not found[name])


def _needs_seccomp() -> None:
    if not layers().seccomp:
        pytest.skip("this kernel has no seccomp for this machine")


def test_nothing_can_be_opened_started_or_changed(sandbox: Sandbox, tmp_path: Path) -> None:
    _needs_seccomp()
    file, new = tmp_path / "secret", tmp_path / "new"
    file.write_bytes(b"secret")
    file.chmod(0o644)
    ended = run(sandbox, "tries", file=str(file), new=str(new), parent=os.getpid())
    assert ended.outcome == "done"
    found = json.loads(ended.data)
    could = {name: outcome for name, outcome in found.items() if outcome.startswith("it could")}
    assert not could
    assert len(found) == 16
    assert file.read_bytes() == b"secret" and not new.exists() and file.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("job", ["sockets", "raw_socket", "execute", "run", "trace", "kill"])
def test_what_only_an_intruder_does_ends_it(sandbox: Sandbox, job: str) -> None:
    _needs_seccomp()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        ended = run(sandbox, job, port=server.getsockname()[1], parent=os.getpid())
        with pytest.raises(TimeoutError):
            server.accept()
    # Starting a program takes a fork first, which is refused and no more.
    if job == "run":
        assert ended.outcome in ("failed", "died")
    else:
        assert (ended.outcome, ended.signal) == ("died", signal.SIGSYS)
    assert run(sandbox, "says", text="next").data == b"next"


def test_only_the_pipe_is_open(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    assert len(json.loads(run(sandbox, "descriptors", [tmp_path / "file"]).data)) == 1


def test_memory_ends_and_the_next_file_is_looked_at(sandbox: Sandbox) -> None:
    assert run(sandbox, "hog").outcome in ("failed", "died")
    assert run(sandbox, "says", text="next").data == b"next"


@pytest.mark.parametrize("job", ["loop", "sleep"])
def test_who_takes_too_long_is_killed(sandbox: Sandbox, job: str) -> None:
    assert run(sandbox, job, seconds=SHORT).outcome == "overdue"
    assert run(sandbox, "says", text="next").data == b"next"


def test_a_crash_is_told_and_the_next_file_is_looked_at(sandbox: Sandbox) -> None:
    ended = run(sandbox, "crash")
    assert (ended.outcome, ended.signal) == ("died", signal.SIGSEGV)
    assert run(sandbox, "says", text="next").data == b"next"


def test_an_exception_is_no_result(sandbox: Sandbox) -> None:
    assert run(sandbox, "raises").outcome == "failed"


def test_what_tells_too_much_is_not_heard_out(sandbox: Sandbox) -> None:
    ended = run(sandbox, "flood")
    assert (ended.outcome, ended.data) == ("died", b"")
    assert run(sandbox, "says", text="next").data == b"next"


def test_what_is_told_is_told_whole(sandbox: Sandbox) -> None:
    assert run(sandbox, "says", text="a\nb\n").data == b"a\nb\n"


def test_it_is_started_again_after_its_death() -> None:
    sandbox = Sandbox(JOBS, {})
    try:
        assert run(sandbox, "says", text="a").outcome == "done"
        assert sandbox._process is not None
        sandbox._process.kill()
        assert run(sandbox, "says", text="b").data == b"b"
    finally:
        sandbox.close()


def test_strictly_nothing_is_looked_at_without_all_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox(JOBS, {}, strict=True)
    try:
        assert run(sandbox, "says", text="a").outcome == ("unlocked" if layers().missing else "done")
    finally:
        sandbox.close()


def test_jobs_that_cannot_be_loaded_are_an_error() -> None:
    with pytest.raises(SandboxError):
        run(Sandbox("tests.analyst.payload.no_such_jobs", {}), "says", text="a")


ALONE = """
import errno, json, os, socket, sys
from dicomhawk.analyst.payload.sandbox import kernel, landlock, lock, seccomp

def outcome(attempt):
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "could"

file, port, layer = sys.argv[1], int(sys.argv[2]), sys.argv[3]
other = socket.socket()
lock.begin()
getattr(sys.modules[f"dicomhawk.analyst.payload.sandbox.{layer}"], "restrict")()
print(json.dumps({
    "read": outcome(lambda: os.open(file, os.O_RDONLY)),
    "write": outcome(lambda: os.open(file + ".new", os.O_WRONLY | os.O_CREAT)),
    "list": outcome(lambda: os.listdir("/")),
    "connect": outcome(lambda: other.connect(("127.0.0.1", port))) if layer == "landlock" else "",
}), flush=True)
os._exit(0)
"""

WITHOUT = """
import json, os
from dicomhawk.analyst.payload.sandbox import landlock, lock, seccomp
landlock.version, seccomp.supported = (lambda: 0), (lambda: False)
lock.begin()
out = os.dup(1)
os.write(out, json.dumps(lock.lock(5, out, lambda: None)).encode())
"""


def python(*arguments: str) -> Any:
    """What a script prints."""
    done = subprocess.run([sys.executable, "-c", *arguments], capture_output=True, timeout=100, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(("layer", "refused"), [("landlock", "EACCES"), ("seccomp", "EPERM")])
def test_each_layer_holds_alone(tmp_path: Path, layer: str, refused: str) -> None:
    if not getattr(layers(), layer):
        pytest.skip(f"this kernel has no {layer}")
    file = tmp_path / "file"
    file.touch(mode=0o644)
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = python(ALONE, str(file), str(server.getsockname()[1]), layer)
    connect = found.pop("connect")
    assert found == {"read": refused, "write": refused, "list": refused}
    if layer == "landlock" and layers().landlock >= 4:
        assert connect == "EACCES"


def test_without_landlock_and_seccomp_the_rest_holds_and_it_is_said() -> None:
    assert python(WITHOUT) == {"no_new_privs": 1, "landlock": 0, "limits": 1, "seccomp": 0}
