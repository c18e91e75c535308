#!/usr/bin/env python3
"""The gate of realism: plays a battery of wire probes on the sensor and counts what differs from the real product.

`--probes` names the folder with the battery (``dicomprobe.py``, ``seed.py``) and the recorded answers of the real
products (``truth/``); it is not part of this project. The sensor is started as the persona, with an empty hospital
and the AE titles that the battery asks for, and seeded half way. The slow group, whose probes wait for timers,
has instances of its own. Every difference is printed; the last line counts the probes that differ. The exit status is
1 if they are more than `--allowed`, 2 if the gate can't be run at all.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from realism_servers import (
    AE_TITLE,
    CALLING,
    MOVE_PORT,
    PRODUCTS,
    Ours,
    ServerError,
    end,
    end_on_signals,
    enter_namespace,
    namespaces,
    popen,
    real,
)
from realism_shares import merge, shares, wanted

ALLOWED = 3
"""Probes that may differ: two where the product opens a connection of its own, and a race."""
SLOW_INSTANCES = 5
"""For the slow group, whose probes would wait for one another otherwise; the recorded answers were taken so."""
REAL_PORT = 24242
"""The first port of real products, which can't be asked to pick one."""
BATTERY_SECONDS = 3600
COUNT = re.compile(r"^(\d+) probes, (\d+) differ$")
MISSING = re.compile(r"^only in A: (\d+) probes")
VERSIONED = re.compile(r"(?P<product>.+)-(?P<version>\d+(\.\d+)*)\.json")


class GateError(Exception):
    """The gate can't be run; the message is one sentence."""


def truth_of(persona: str, probes: Path) -> Path:
    """The recorded answers of the product behind a persona, of its newest version. Raises `GateError`."""
    if persona not in PRODUCTS:
        raise GateError(f"There are no recorded answers for {persona!r}: measured are {', '.join(sorted(PRODUCTS))}.")
    found = []
    for path in (probes / "truth").glob("*.json"):
        named = VERSIONED.fullmatch(path.name)
        if named and named["product"] == PRODUCTS[persona][0]:
            found.append((tuple(map(int, named["version"].split("."))), path))
    if not found:
        raise GateError(f"{probes / 'truth'} has no recorded answers of {PRODUCTS[persona][0]}.")
    return max(found)[1]


class Gate:
    """One run of the battery on one server, and its comparison. Raises `GateError` and `ServerError`."""

    def __init__(self, options: argparse.Namespace, work: Path) -> None:
        self.options = options
        self.work = work
        self.probes: Path = options.probes
        self.tool = self.probes / "dicomprobe.py"
        self.truth: Path = options.truth or truth_of(options.persona, self.probes)
        self.mine: Path = options.out or work / "mine.json"
        if not self.truth.is_file():
            raise GateError(f"{self.truth} is not there.")
        if shutil.which("storescu") is None:
            raise GateError("storescu (DCMTK), which seeds the archive, is not installed.")

    def run(self) -> int:
        """Play, compare, print; returns the exit status."""
        began = time.monotonic()
        healthy = self._play_shares() if self.options.jobs > 1 else self._play()
        if self.options.share:
            return 0 if healthy else 1
        print(f"{self.options.battery} as {self.options.persona}: {time.monotonic() - began:.0f} s", flush=True)
        print(f"Compared with {self.truth.name} (recorded / here):", flush=True)
        return 1 if self._compare() or not healthy else 0

    def _play_shares(self) -> bool:
        """All shares at once; whether the servers stayed well."""
        only = shares(wanted(self.truth, self.options.only), self.options.jobs)
        parts = [self.work / f"share{number}.json" for number in range(len(only))]
        command = [sys.executable, *sys.argv, "--jobs", "1", "--share"]
        running = []
        try:
            for ids, part in zip(only, parts, strict=True):
                running.append(popen([*command, "--only", ",".join(ids), "--out", str(part)]))
            statuses = [process.wait(BATTERY_SECONDS) for process in running]
        except subprocess.TimeoutExpired:
            raise GateError(f"The battery did not end within {BATTERY_SECONDS} s.") from None
        finally:
            for process in running:
                end(process)
        if any(status not in (0, 1) for status in statuses):
            raise GateError("A share of the battery could not be played.")
        merge(parts, self.mine)
        return not any(statuses)

    def _play(self) -> bool:
        """The battery as its README says; whether the servers stayed well."""
        # A share's few slow probes wait for each other on its one server.
        slow = not self.options.share and (not self.options.only or "slow" in self.options.only)
        trouble = ""
        with ExitStack() as stack:
            if self.options.battery == "real":
                ports = [
                    stack.enter_context(real(self.options.persona, self.probes, REAL_PORT + number))
                    for number in range(1 + SLOW_INSTANCES * slow)
                ]
                self._run_battery(ports)
            else:
                servers = [Ours(self.options.persona, self.work / "main", workers=self.options.workers)]
                servers += [
                    Ours(self.options.persona, self.work / f"slow{number}") for number in range(SLOW_INSTANCES * slow)
                ]
                for server in servers:
                    stack.callback(server.close)
                    server.start()
                for server in servers:
                    server.wait_ready()
                self._run_battery([server.port for server in servers])
                trouble = next(filter(None, (server.trouble() for server in servers)), "")
        if trouble:
            print(f"The sensor had an error of its own:\n{trouble}", flush=True)
        return not trouble

    def _run_battery(self, ports: Sequence[int]) -> None:
        main, *slow = ports
        seed = [sys.executable, str(self.probes / "seed.py"), "--port", str(main), "--called", AE_TITLE]
        command = [sys.executable, "-u", str(self.tool), "run", "-v", "--name", self.options.persona]
        command += ["--port", str(main), "--called", AE_TITLE, "--calling", CALLING, "--move-port", str(MOVE_PORT)]
        command += ["--out", str(self.mine), "--seed-cmd", shlex.join(seed)]
        command += [word for port in slow for word in ("--slow-port", str(port))]
        if self.options.only:
            command += ["--only", self.options.only]
        if self.options.slow_cap:
            command += ["--slow-cap", str(self.options.slow_cap)]
        sys.stdout.flush()
        process = popen(command)
        try:
            status = process.wait(BATTERY_SECONDS)
        except subprocess.TimeoutExpired:
            raise GateError(f"The battery did not end within {BATTERY_SECONDS} s.") from None
        finally:
            end(process)
        if status or not self.mine.exists():
            raise GateError(f"The battery ended with status {status}.")

    def _compare(self) -> bool:
        """Print what differs, and the count at last; whether that is too much."""
        command = [sys.executable, str(self.tool), "diff", str(self.truth), str(self.mine), "--all"]
        if self.options.json:
            command += ["--json", str(self.options.json)]
        if self.options.only:
            command += ["--only", self.options.only]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        sys.stdout.write(done.stdout)
        sys.stdout.flush()
        lines = done.stdout.splitlines()
        count = COUNT.match(lines[-1]) if lines else None
        if count is None:
            raise GateError("The comparison did not end with a count.")
        if self.options.note:
            result = {
                "persona": self.options.persona,
                "compared with": self.truth.stem,
                "probes": int(count[1]),
                "differ": int(count[2]),
                "allowed": self.options.allowed,
            }
            self.options.note.write_text(json.dumps(result) + "\n")
        unplayed = not self.options.only and any(map(MISSING.match, lines))
        return unplayed or not int(count[1]) or int(count[2]) > self.options.allowed


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("persona", help="name of a persona, or path of its TOML file (then with --truth)")
    parser.add_argument("--probes", type=Path, required=True, help="folder with the battery")
    parser.add_argument("--truth", type=Path, help="recorded answers [default: by the persona's name]")
    parser.add_argument("--only", default="", metavar="GROUPS", help="groups or ids of probes, separated by commas")
    parser.add_argument("--allowed", type=int, default=ALLOWED, help="probes that may differ [default: %(default)s]")
    parser.add_argument("--workers", type=int, default=2, help="of the sensor [default: %(default)s]")
    parser.add_argument("--battery", choices=("ours", "real"), default="ours", help="real: play it on the product")
    parser.add_argument("--jobs", type=int, default=1, help="play so many shares at once [default: %(default)s]")
    parser.add_argument("--slow-cap", type=int, metavar="SECONDS", help="longest wait of the slow group")
    parser.add_argument("--share", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help="keep the answers here")
    parser.add_argument("--note", type=Path, help="write the result here, as the console's health page reads it")
    parser.add_argument("--json", type=Path, help="also write every difference here")
    options = parser.parse_args()
    for name in ("probes", "truth", "out", "json", "note"):
        if getattr(options, name) is not None:
            setattr(options, name, getattr(options, name).resolve())
    return options


def main() -> int:
    """The gate; returns the exit status."""
    options = parsed()
    try:
        if not (options.probes / "dicomprobe.py").is_file():
            raise GateError(f"{options.probes} has no dicomprobe.py: PROBES is the folder with the battery.")
        check_persona(options)
        if options.jobs > 1 and not namespaces():
            print("Without network namespaces (root, unshare, ip) the shares would collide: --jobs 1.", flush=True)
            options.jobs = 1
        if options.jobs == 1:
            enter_namespace()
        end_on_signals()
        with tempfile.TemporaryDirectory(prefix="realism-") as work:
            return Gate(options, Path(work)).run()
    except (GateError, ServerError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def check_persona(options: argparse.Namespace) -> None:
    """Raises `GateError` for one that can't be loaded."""
    from dicomhawk.persona.model import load
    from dicomhawk.settings import SettingsError

    try:
        load(options.persona)
    except SettingsError as error:
        raise GateError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
