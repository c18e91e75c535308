#!/usr/bin/env python3
"""Measures the sensor against Orthanc and dcmqrscp, side by side in one run, and writes docs/performance.md.

The load generator and the peers' configurations are not part of this project: `--shared` names the folder that has
them (``bench/`` in it). Everything runs on the loopback interface of a network namespace of its own, one measurement
at a time, the servers in turn for each repetition; a ratio is our median to the better one of the others.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PORT = 11112
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True)
class Metric:
    """One row of the table: where its number is in the load generator's results, and what is wanted."""

    title: str
    test: str
    path: str
    target: float  # ratio to the better of the others, or a bound
    bound: bool = False  # the target is an upper bound of our own number

    def values(self, results: list[dict[str, Any]], server: str) -> list[float]:
        found = []
        for each in results:
            if each["test"] == self.test and each["server"] == server:
                value: Any = each["result"]
                for part in self.path.split("."):
                    value = value.get(part) if isinstance(value, dict) else None
                if value is not None:
                    found.append(float(value))
        return found


METRICS = (
    Metric("association cycles/s", "assoc-1", "rate", 0.7),
    Metric("association cycles/s, 8 at a time", "assoc-8", "rate", 0.7),
    Metric("C-ECHO/s on one association", "echo-1", "rate", 0.7),
    Metric("C-STORE MB/s", "store-1", "mb_per_s", 1.0),
    Metric("C-STORE MB/s, 4 at a time", "store-4", "mb_per_s", 1.0),
    Metric("C-GET MB/s of a series", "get", "mb_per_s", 0.7),
    Metric("C-GET MB/s, PDU 131072", "get-128k", "mb_per_s", 0.7),
    Metric("C-FIND/s, 2,000 studies, 77 matches", "find", "wildcard.rate", 2.0),
    Metric("C-FIND/s, 2,000 studies, 1 match", "find", "exact.rate", 2.0),
    Metric("1,000 idle associations: KiB each", "idle-1000", "server.pss_kib_per_association", 30, bound=True),
    Metric("- a newcomer's A-ASSOCIATE, ms", "idle-1000", "newcomer_associate_ms", 5, bound=True),
    Metric("- a newcomer's C-ECHO, ms", "idle-1000", "newcomer_echo_ms", 5, bound=True),
)
CPU = (
    Metric("association cycle", "assoc-1", "server.cpu_ms_per_op", 0),
    Metric("C-ECHO", "echo-1", "server.cpu_ms_per_op", 0),
    Metric("C-STORE of 0.5 MiB", "store-1", "server.cpu_ms_per_op", 0),
    Metric("C-GET, each image", "get", "server.cpu_ms_per_op", 0),
    Metric("C-FIND, 77 matches", "find", "wildcard.server.cpu_ms_per_op", 0),
    Metric("C-FIND, 1 match", "find", "exact.server.cpu_ms_per_op", 0),
)


class Bench:
    """The servers and the load generator of one run."""

    def __init__(self, shared: Path, work: Path, repeat: int) -> None:
        self.bench = shared / "bench"
        self.work = work
        self.repeat = repeat
        self.out = work / "results.jsonl"

    def peers(self, verb: str, *names: str) -> list[str]:
        """Start, stop or clean the other servers; returns `NAME:PORT:AET:PID` of those started."""
        command = [str(self.bench / "peers.sh"), verb, str(self.work / "peers"), *names]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return [":".join((n, port, aet, pid)) for n, pid, port, aet in map(str.split, done.stdout.splitlines())]

    def load(self, *arguments: str) -> None:
        """Run the load generator for its effect."""
        command = [sys.executable, str(self.bench / "dimseload.py"), *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(arguments)}: {done.stdout}")

    def matrix(self, suite: str, servers: list[str], *more: str) -> None:
        """Measure a suite."""
        each = [word for server in servers for word in ("--server", server)]
        repeat = ["--repeat", str(self.repeat), "--out", str(self.out)]
        command = [sys.executable, str(self.bench / "matrix.py"), *each, "--suite", suite, *repeat, *more]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    @contextmanager
    def ours(self, name: str, files: Path | None = None) -> Iterator[str]:
        """The sensor on a fresh data folder, over `files` imported as they are."""
        data = self.work / name
        ready = self.work / f"{name}.ready"
        dicomhawk = [sys.executable, "-m", "dicomhawk"]
        subprocess.run([*dicomhawk, "init", "--data", str(data)], check=True, stdout=subprocess.DEVNULL)
        build = [*dicomhawk, "hospital", "build", "--data", str(data), "--studies", "0"]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        if files is not None:
            load = [*dicomhawk, "hospital", "import", str(files), "--data", str(data), "--verbatim"]
            subprocess.run(load, check=True, stdout=subprocess.DEVNULL)
        serve = [
            "sensor",
            "--data",
            str(data),
            "--dicom-port",
            str(PORT),
            "--no-web",
            "--no-tls",
            "--workers",
            "2",
            "--persona",
            "plain",
        ]
        process = subprocess.Popen([*dicomhawk, *serve, "--ready-file", str(ready)])
        try:
            while not ready.exists():
                if process.poll() is not None:
                    sys.exit("the sensor did not start")
                time.sleep(0.05)
            yield f"dicomhawk:{PORT}:ANY-SCP:{process.pid}"
        finally:
            process.terminate()
            process.wait(10)

    def run(self) -> list[dict[str, Any]]:
        """All measurements."""
        both = ("orthanc", "dcmqrscp")
        with self.ours("empty") as ours:
            self.matrix("store-1,store-4", [*self.peers("start", *both), ours])
        self.peers("clean", *both)
        files = self.work / "files"
        self.load("populate", "--studies", "2000", "--out", str(files / "studies"))
        self.load("populate", "--series-images", "100", "--out", str(files / "series"))
        others = self.peers("start", *both)
        for server in others:
            name, port, aet, _ = server.split(":")
            target = ("--quickack", "--port", port, "--called", aet)
            # dcmqrscp holds 500 studies at the most: it takes no part in the queries over 2,000.
            self.load("populate", "--studies", "2000" if name == "orthanc" else "1", *target)
            self.load("populate", "--series-images", "100", *target)
        with self.ours("filled", files) as ours:
            tests = "assoc-1,assoc-8,echo-1,find,get,get-128k,idle-1000"
            self.matrix(tests, [*others, ours], "--skip", "dcmqrscp:find")
        self.peers("clean", *both)
        return [json.loads(line) for line in self.out.read_text().splitlines()]


def cell(values: list[float]) -> str:
    """Median and range."""
    if not values:
        return "-"
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.3g} [{low:.3g}-{high:.3g}]" if middle < 1000 else f"{middle:,.0f} [{low:,.0f}-{high:,.0f}]"


def table(results: list[dict[str, Any]]) -> str:
    """The Markdown tables."""
    lines = ["| | Orthanc | dcmqrscp | DICOMHawk | ratio | wanted | |", "|---|---|---|---|---|---|---|"]
    for metric in METRICS:
        cells = [metric.values(results, server) for server in ("orthanc", "dcmqrscp", "dicomhawk")]
        own = statistics.median(cells[2]) if cells[2] else float("nan")
        if metric.bound:
            ratio, wanted, met = "", f"at most {metric.target:g}", own <= metric.target
        else:
            best = max(statistics.median(values) for values in cells[:2] if values)
            ratio, wanted, met = f"{own / best:.2f}", f"{metric.target:g}", own / best >= metric.target
        shown = " | ".join(cell(values) for values in cells)
        lines.append(f"| {metric.title} | {shown} | {ratio} | {wanted} | {'met' if met else '**missed**'} |")
    lines += ["", "CPU time of the server, ms:", "", "| | Orthanc | dcmqrscp | DICOMHawk |", "|---|---|---|---|"]
    for metric in CPU:
        shown = " | ".join(cell(metric.values(results, server)) for server in ("orthanc", "dcmqrscp", "dicomhawk"))
        lines.append(f"| {metric.title} | {shown} |")
    errors = sorted({f"{e['server']} {e['test']}: {e['result']['error']}" for e in results if "error" in e["result"]})
    if errors:
        lines += ["", "Errors: " + "; ".join(errors)]
    return "\n".join(lines)


def main() -> None:
    """Measure, print the tables, and put them into docs/performance.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="copy the results (JSON lines) here")
    parser.add_argument("--no-write", action="store_true", help="leave docs/performance.md alone")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    peers = options.shared.resolve() / "bench" / "peers.sh"
    if not peers.exists():
        sys.exit(f"{peers} is not there: --shared names the folder with the load generator.")
    if not options.inside:
        os.execv(peers, [str(peers), "ns", sys.executable, *sys.argv, "--inside"])
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(options.shared.resolve(), Path(folder), options.repeat)
        try:
            text = table(bench.run())
        finally:
            bench.peers("clean", "orthanc", "dcmqrscp")
            if options.keep and bench.out.exists():
                shutil.copy(bench.out, options.keep)
    print(text)
    page = ROOT / "docs" / "performance.md"
    if not options.no_write and page.exists():
        head, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
        when = (
            f"{time.strftime('%Y-%m-%d', time.gmtime())}, {os.cpu_count()} cores, Python {platform.python_version()}"
        )
        tail = rest.partition(END)[2]
        page.write_text(f"{head}{BEGIN}\n{when}, median [range] of {options.repeat} runs.\n\n{text}\n{END}{tail}")


if __name__ == "__main__":
    main()
