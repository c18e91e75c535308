#!/usr/bin/env python3
"""Measures how images are made: CPU time of one by modality, and a C-GET of hundreds that were never asked for.

Meanwhile other associations send C-ECHOs, each when the answer to the last one has been there for a moment: what
they wait is what the images cost the others. Writes tables into docs/performance.md, or prints
JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dicomhawk.hospital import archive
from dicomhawk.hospital.catalogue import Catalogue

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- images: begin -->", "<!-- images: end -->"
STUDIES = 200
SLICES = 500
SAMPLES = 24  # images of each modality
NEIGHBOURS = 8  # images of a series that are made one after the other
SHARING = 2  # of them, those that aren't counted
CACHE = 4 << 30
ECHOES = 6  # associations that echo: with two workers, some are of the one that sends
PAUSE = 0.02  # seconds between two C-ECHOs of an association
TITLE = "BENCHPACS"
DEPLOYMENT = f"""\
[deployment]
seed = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
hospital = "Bench"
locale = "en_GB"
ae_title = "{TITLE}"
uid_root = "1.2.826.0.1.3680043.9.1"
"""
KINDS = {
    "CT, 512x512": "modality = 'CT' AND rows = 512 AND columns = 512 AND n > 20",
    "MR, 512x512": "modality = 'MR' AND rows = 512",
    "radiographs": "modality IN ('CR', 'DX')",
    "ultrasound": "modality = 'US' AND frames IS NULL",
    "electrocardiograms": "modality = 'ECG'",
}
"""What is timed; `n` is the number of images of the series."""
IMAGES = (
    "SELECT first, n FROM (SELECT series_key, modality, rows, columns, frames, "
    "min(instance_key) AS first, count(*) AS n FROM instance JOIN series USING (series_key) "
    "WHERE instance.visible_from <= ? GROUP BY series_key) WHERE {where} ORDER BY series_key"
)
LARGE = (
    "SELECT study_uid, count(*) AS n FROM instance JOIN series USING (series_key) JOIN study USING (study_key) "
    "WHERE series.visible_from <= ? AND modality IN ('CT', 'MR') GROUP BY study_key ORDER BY n DESC"
)
VERIFICATION, STUDY_GET = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.2.2.3"
STORAGE = tuple(
    f"1.2.840.10008.5.1.4.1.1.{tail}"
    for tail in ("2", "4", "7", "88.11", "88.22", "88.67", "88.59", "11.1", "104.1", "1", "1.1")
)
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
C_ECHO, C_GET, C_GET_RSP, C_STORE_RSP = b"\x30\0", b"\x10\0", b"\x10\x80", b"\x01\x80"
TICKS = os.sysconf("SC_CLK_TCK")


def dicomhawk(*arguments: object) -> list[str]:
    """A command of ours."""
    return [sys.executable, "-m", "dicomhawk", *map(str, arguments)]


def milliseconds(data: Path) -> dict[str, float]:
    """Median CPU time (ms) of one image by kind, in series that are fetched in order."""
    found: dict[str, float] = {}
    with Catalogue(data / archive.CATALOGUE) as catalogue:
        for name, where in KINDS.items():
            series = catalogue.connection.execute(IMAGES.format(where=where), (time.time(),)).fetchall()
            took: list[float] = []
            for first, count in series[:: max(1, len(series) // (SAMPLES // 4))][: SAMPLES // 4]:
                # Neighbours, as they are fetched: the first of them pay for what the others have in common with them.
                start = first + max(0, (count - NEIGHBOURS) // 2)
                keys = range(start, start + min(count, NEIGHBOURS))
                for number, key in enumerate(keys):
                    began = time.process_time()
                    archive.render(str(data), key, CACHE)
                    if number >= SHARING or count <= SHARING:
                        took.append((time.process_time() - began) * 1000)
            if took:
                found[name] = round(statistics.median(took), 1)
    shutil.rmtree(data / archive.CACHE, ignore_errors=True)
    return found


@contextmanager
def sensor(data: Path, workers: int) -> Iterator[tuple[int, int]]:
    """The sensor on `data`: its process id and its port."""
    ready = data.parent / "ready"
    ready.unlink(missing_ok=True)
    command = dicomhawk("sensor", "--data", data, "--dicom-port", 0, "--workers", workers, "--persona", "plain")
    process = subprocess.Popen([*command, "--no-web", "--no-tls", "--ready-file", str(ready)])
    try:
        while not ready.exists():
            if process.poll() is not None:
                sys.exit("the sensor did not start")
            time.sleep(0.05)
        yield process.pid, json.loads(ready.read_text())["dicom"][0]
    finally:
        process.terminate()
        process.wait(10)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and its descendants."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS + sum(cpu_seconds(int(child)) for child in children)


def idle_seconds() -> float:
    """Time that the machine's cores have had nothing to do."""
    return sum(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[4:6])) / TICKS


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def _element(number: int, value: bytes) -> bytes:
    return struct.pack("<HHL", 0, number, len(value)) + value


def _pdu(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxL", kind, len(body)) + body


def _request(*classes: str) -> bytes:
    """A-ASSOCIATE-RQ with a context for each class, and the SCP role for those of storage."""
    contexts, roles = b"", b""
    for number, uid in enumerate(classes):
        value = uid.encode()
        syntax = EXPLICIT if uid in STORAGE else IMPLICIT
        inner = _item(0x30, value) + _item(0x40, syntax.encode())
        contexts += _item(0x20, bytes((2 * number + 1, 0, 0, 0)) + inner)
        if uid in STORAGE:
            roles += _item(0x54, struct.pack(">H", len(value)) + value + b"\0\1")
    user = _item(0x51, struct.pack(">L", 131072)) + _item(0x52, b"1.2.276.0.7230010.3.0.3.6.7") + roles
    items = _item(0x10, b"1.2.840.10008.3.1.1.1") + contexts + _item(0x50, user)
    return _pdu(1, struct.pack(">H2x16s16s32x", 1, TITLE.ljust(16).encode(), b"BENCH".ljust(16)) + items)


def _command(context: int, uid: str, field: bytes, more: dict[int, bytes], *, with_data: bool = False) -> bytes:
    """A command set in one PDU."""
    value = uid.encode()
    elements = {0x0002: value + b"\0" * (len(value) % 2), 0x0100: field, 0x0800: b"\0\0" if with_data else b"\1\1"}
    elements |= more
    body = b"".join(_element(number, elements[number]) for number in sorted(elements))
    body = _element(0x0000, struct.pack("<L", len(body))) + body
    return _pdu(4, struct.pack(">LBB", len(body) + 2, context, 3) + body)


def _receive_pdu(sock: socket.socket) -> bytes:
    """The body of the next PDU."""
    header = _receive(sock, 6)
    return bytes(_receive(sock, int.from_bytes(header[2:], "big")))


def _receive(sock: socket.socket, size: int) -> bytearray:
    found = bytearray(size)
    view = memoryview(found)
    while view:
        # Else the end of what the sensor sends waits for an acknowledgement that we delay.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        count = sock.recv_into(view)
        if not count:
            sys.exit("an association was ended")
        view = view[count:]
    return found


class Echoes:
    """Associations that echo while the block lasts; `waits` has the seconds that each answer took."""

    def __init__(self, port: int) -> None:
        self._port, self._over = port, threading.Event()
        self.waits: list[float] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(ECHOES)]

    def __enter__(self) -> Echoes:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        echo = _command(1, VERIFICATION, C_ECHO, {0x0110: b"\x01\0"})
        with socket.create_connection(("127.0.0.1", self._port)) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.sendall(_request(VERIFICATION))
            _receive_pdu(sock)
            while not self._over.is_set():
                began = time.perf_counter()
                sock.sendall(echo)
                _receive_pdu(sock)
                self.waits.append(time.perf_counter() - began)
                time.sleep(PAUSE)


def fetched(port: int, studies: list[str]) -> tuple[int, int, float]:
    """How many objects and bytes a C-GET of each of the studies brought, and the seconds it took."""
    began, count, size = time.perf_counter(), 0, 0
    for uid in studies:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.sendall(_request(STUDY_GET, *STORAGE))
            _receive_pdu(sock)
            value = uid.encode() + b"\0" * (len(uid) % 2)
            keys = struct.pack("<HHL", 8, 0x52, 6) + b"STUDY " + struct.pack("<HHL", 0x20, 0xD, len(value)) + value
            sock.sendall(_command(1, STUDY_GET, C_GET, {0x0700: b"\0\0", 0x0110: b"\x01\0"}, with_data=True))
            sock.sendall(_pdu(4, struct.pack(">LBB", len(keys) + 2, 1, 2) + keys))
            command, stored = b"", {}
            while True:
                pdu, at = _receive_pdu(sock), 0
                while at < len(pdu):
                    length, context, flags = struct.unpack_from(">LBB", pdu, at)
                    value, at = pdu[at + 6 : at + 4 + length], at + 4 + length
                    if not flags & 1:
                        size += len(value)
                        if flags & 2:
                            count += 1
                            sock.sendall(_stored(context, stored))
                        continue
                    command += value
                    if flags & 2:
                        stored, command = _elements(command), b""
                if stored[0x0100] == C_GET_RSP and stored[0x0900] not in (b"\0\xff", b"\1\xff"):
                    break
    return count, size, time.perf_counter() - began


def _elements(command: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at < len(command):
        _, number, length = struct.unpack_from("<HHL", command, at)
        found[number] = command[at + 8 : at + 8 + length]
        at += 8 + length
    return found


def _stored(context: int, request: dict[int, bytes]) -> bytes:
    """C-STORE-RSP: success."""
    answer = {0x0120: request[0x0110], 0x0900: b"\0\0", 0x1000: request[0x1000]}
    return _command(context, request[0x0002].rstrip(b"\0").decode(), C_STORE_RSP, answer)


def p99(waits: list[float]) -> float:
    """In ms."""
    return round(sorted(waits)[int(len(waits) * 0.99)] * 1000, 1)


def retrieval(data: Path, workers: int, least: int) -> dict[str, Any]:
    """A C-GET of at least so many images of CT and MR that were never rendered, and the same once more."""
    with Catalogue(data / archive.CATALOGUE) as catalogue:
        large = catalogue.connection.execute(LARGE, (time.time(),)).fetchall()
    studies: list[str] = []
    images = 0
    for uid, count in large[1:]:
        studies.append(uid)
        images += count
        if images >= least:
            break
    shutil.rmtree(data / archive.CACHE, ignore_errors=True)
    found: dict[str, Any] = {"workers": workers}
    with sensor(data, workers) as (pid, port):
        fetched(port, [large[0][0]] if least >= SLICES else [])  # so that the renderers have begun
        with Echoes(port) as idle:
            time.sleep(3)
        for name in ("first", "cached"):
            cpu, idle_before = cpu_seconds(pid), idle_seconds()
            with Echoes(port) as echoes:
                count, size, seconds = fetched(port, studies)
            found[name] = {
                "objects": count,
                "seconds": round(seconds, 2),
                "mb_per_s": round(size / 1e6 / seconds, 1),
                "cores": round((cpu_seconds(pid) - cpu) / seconds, 2),
                "idle_cores": round((idle_seconds() - idle_before) / seconds, 2),
                "echo_p99_ms": p99(echoes.waits),
                "echo_median_ms": round(statistics.median(echoes.waits) * 1000, 2),
                "echoes": len(echoes.waits),
            }
        found["echo_p99_ms_idle"] = p99(idle.waits)
    return found


def table(measured: dict[str, Any]) -> str:
    """As Markdown."""
    lines = ["| | CPU time of one, ms |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in measured["milliseconds"].items()]
    got, idle = measured["retrieval"], measured["retrieval"]["echo_p99_ms_idle"]
    lines += ["", f"| C-GET with {got['workers']} workers | never rendered | from the cache |", "|---|---|---|"]
    rows = {
        "objects": "objects",
        "MB/s": "mb_per_s",
        "cores that the sensor kept busy": "cores",
        "cores that nobody kept busy": "idle_cores",
        "C-ECHO of others meanwhile, median, ms": "echo_median_ms",
        "- 99th percentile, ms": "echo_p99_ms",
    }
    lines += [f"| {title} | {got['first'][key]} | {got['cached'][key]} |" for title, key in rows.items()]
    lines += ["", f"With nothing else going on, the 99th percentile of these C-ECHOs was {idle} ms."]
    return "\n".join(lines)


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=SLICES)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--no-times", action="store_true", help="only the C-GET")
    parser.add_argument("--json", action="store_true", help="print, and leave docs/performance.md alone")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the sensor ends, too
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        (data / "dicomhawk.toml").write_text(DEPLOYMENT)
        build = dicomhawk("hospital", "build", "--data", data, "--studies", options.studies)
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        measured: dict[str, Any] = {} if options.no_times else {"milliseconds": milliseconds(data)}
        measured["retrieval"] = retrieval(data, options.workers, options.slices)
    if options.json:
        print(json.dumps(measured))
        return
    text = table(measured)
    print(text)
    page = ROOT / "docs" / "performance.md"
    head, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    when = f"{time.strftime('%Y-%m-%d', time.gmtime())}, {os.cpu_count()} cores, Python {platform.python_version()}."
    page.write_text(f"{head}{BEGIN}\n{when}\n\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
