#!/usr/bin/env python3
"""The gate of realism on the web: plays a battery of HTTP probes on the sensor and counts what differs from Orthanc.

`--probes` names the folder with the battery (``httpprobe.py``, ``seed.py``) and the recorded answers of the real
product (``truth/``); it is not part of this project. Two sensors are started as the persona, with an empty hospital
each: one that serves whoever comes, and one that asks for a password. Both are seeded, then probed. Every difference
is printed, but for the contents of HTML pages and scripts, which are our own; the last line counts the probes that
differ. The exit status is 1 if they are more than `--allowed` per cent, 2 if the gate can't be run at all.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from realism_servers import (
    AE_TITLE,
    Ours,
    ServerError,
    end,
    end_on_signals,
    enter_namespace,
    free_port,
    namespaces,
    popen,
)

ALLOWED = 5.0
"""Per cent of the probes."""
OPEN, ASKING = (4242, 8042), (4243, 8043)
"""Ports for DICOM and for HTTP, as they were when the answers were recorded: they are in some of them."""
USER = PASSWORD = "orthanc"
BATTERY_SECONDS = 1200
SEED_SECONDS = 120
OURS = re.compile(r"\b(?:html|javascript)\b")
"""Types of pages that are our own."""
_LENGTH = "content-length"

Document = dict[str, Any]


class GateError(Exception):
    """The gate can't be run; the message is one sentence."""


class Gate:
    """One run of the battery, and its comparison. Raises `GateError` and `ServerError`."""

    def __init__(self, options: argparse.Namespace, work: Path) -> None:
        self.options = options
        self.work = work
        self.tool: Path = options.probes / "httpprobe.py"
        self.truth: Path = options.truth or options.probes / "truth" / "orthanc-1.10.1-http.json"
        self.mine: Path = options.out or work / "mine.json"
        if not self.truth.is_file():
            raise GateError(f"{self.truth} is not there.")
        if shutil.which("storescu") is None:
            raise GateError("storescu (DCMTK), which seeds the archive, is not installed.")

    def run(self) -> int:
        """Play, compare, print; returns the exit status."""
        began = time.monotonic()
        trouble = self._play()
        print(f"ours as {self.options.persona}: {time.monotonic() - began:.0f} s", flush=True)
        if trouble:
            print(f"The sensor had an error of its own:\n{trouble}", flush=True)
        return 1 if self._compare() or trouble else 0

    def _play(self) -> str:
        """The battery as its README says; the servers' trouble."""
        (open_port, open_http), (asking_port, asking_http) = (OPEN, ASKING) if namespaces() else (_pair(), _pair())
        with ExitStack() as stack:
            servers = []
            for port, http, required in ((open_port, open_http, "false"), (asking_port, asking_http, "true")):
                settings = {"DICOMHAWK_WEB__LOGIN__REQUIRED": required}
                folder = self.work / str(http)
                server = Ours(self.options.persona, folder, port=port, web_port=http, settings=settings)
                stack.callback(server.close)
                server.start()
                servers.append(server)
            for server in servers:
                server.wait_ready()
                seed = [sys.executable, str(self.options.probes / "seed.py"), "--called", AE_TITLE, "--port"]
                subprocess.run([*seed, str(server.port)], check=True, timeout=SEED_SECONDS)
            command = [sys.executable, "-u", str(self.tool), "run", "--name", self.options.persona]
            command += ["--port", str(open_http), "--auth-port", str(asking_http)]
            command += ["--user", USER, "--password", PASSWORD, "--out", str(self.mine)]
            command += ["--only", self.options.only] if self.options.only else []
            process = popen(command)
            try:
                status = process.wait(BATTERY_SECONDS)
            except subprocess.TimeoutExpired:
                raise GateError(f"The battery did not end within {BATTERY_SECONDS} s.") from None
            finally:
                end(process)
            if status or not self.mine.exists():
                raise GateError(f"The battery ended with status {status}.")
            return next(filter(None, (server.trouble() for server in servers)), "")

    def _compare(self) -> bool:
        """Print what differs, and the count at last; whether that is too much."""
        diff_probe = _module(self.tool).diff_probe
        recorded, here = _probes(self.truth), _probes(self.mine)
        differing = 0
        for name, one in recorded.items():
            if name not in here:
                continue
            found = list(diff_probe(*without_ours(one, here[name]), {""}))
            differing += bool(found)
            for words in found:
                print(f"{name:26} {words}")
        played = len(recorded.keys() & here.keys())
        unplayed = len(recorded) - played
        if unplayed and not self.options.only:
            print(f"only recorded: {unplayed} probes")
        print(f"{played} probes, {differing} differ", flush=True)
        return (
            not played or differing * 100 > self.options.allowed * played or (unplayed > 0 and not self.options.only)
        )


def without_ours(one: Document, other: Document) -> tuple[Document, Document]:
    """Two results of a probe, without the contents and lengths of pages that both have and that are our own."""
    pairs = []
    for left, right in zip(one["responses"], other["responses"], strict=False):
        if all(OURS.search(_field(response, "content-type")) for response in (left, right)):
            left, right = _without_body(left), _without_body(right)
        pairs.append((left, right))
    rest = len(pairs)
    return (
        one | {"responses": [left for left, _ in pairs] + one["responses"][rest:]},
        other | {"responses": [right for _, right in pairs] + other["responses"][rest:]},
    )


def _field(response: Document, name: str) -> str:
    return next((value for key, value in response["headers"] if key.lower() == name), "")


def _without_body(response: Document) -> Document:
    headers = [[key, "" if key.lower() == _LENGTH else value] for key, value in response["headers"]]
    return response | {"headers": headers, "body": "", "body_sha1": "", "body_length": 0}


def _probes(path: Path) -> dict[str, Document]:
    document = json.loads(path.read_text(encoding="utf-8"))
    return {probe["id"]: probe for probe in document["probes"]}


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("realism_httpprobe", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _pair() -> tuple[int, int]:
    return free_port(), free_port()


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("persona", nargs="?", default="orthanc", help="name of a persona, or path of its TOML file")
    parser.add_argument("--probes", type=Path, required=True, help="folder with the battery")
    parser.add_argument("--truth", type=Path, help="recorded answers [default: Orthanc's]")
    parser.add_argument("--only", default="", metavar="IDS", help="parts of ids of probes, separated by commas")
    parser.add_argument(
        "--allowed", type=float, default=ALLOWED, help="per cent that may differ [default: %(default)s]"
    )
    parser.add_argument("--out", type=Path, help="keep the answers here")
    options = parser.parse_args()
    for name in ("probes", "truth", "out"):
        if getattr(options, name) is not None:
            setattr(options, name, getattr(options, name).resolve())
    return options


def main() -> int:
    """The gate; returns the exit status."""
    options = parsed()
    try:
        if not (options.probes / "httpprobe.py").is_file():
            raise GateError(f"{options.probes} has no httpprobe.py: PROBES is the folder with the battery.")
        enter_namespace()
        end_on_signals()
        with tempfile.TemporaryDirectory(prefix="realism-web-") as work:
            return Gate(options, Path(work)).run()
    except (GateError, ServerError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
