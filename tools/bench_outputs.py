#!/usr/bin/env python3
"""Measures how many events a second `dicomhawk forward` delivers: to a file, to NATS, and in bulk requests.

The events are read from a journal, go through the queue on disk, and count when the receiver has them. NATS is
Debian's, with its stream on disk; what answers bulk requests is a program of ours that parses nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from dicomhawk.outputs.forwarding.pump import Pump
from dicomhawk.outputs.forwarding.queue import Queue
from dicomhawk.outputs.forwarding.service import made
from dicomhawk.outputs.forwarding.sources import Findings, Sources
from dicomhawk.settings import load

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.outputs.forwarding.support import event, write_journal  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        for begin in range(0, arguments.events, 5000):
            write_journal(data / "journal", [event(n) for n in range(begin, begin + 5000)])
        size = sum(path.stat().st_size for path in (data / "journal").iterdir())
        print(f"{arguments.events} events of {size // arguments.events} bytes")
        _measure(data, "file", {"type": "file", "path": str(data / "out.ndjson")}, arguments.events)
        _measure(data, "tpot", {"type": "file", "path": str(data / "pot.json"), "format": "tpot"}, arguments.events)
        bulk = _bulk()
        port = bulk.server_address[1]
        _measure(data, "bulk", {"type": "elasticsearch", "url": f"http://127.0.0.1:{port}"}, arguments.events)
        server = shutil.which("nats-server", path="/usr/sbin:/usr/bin")
        if server is not None:
            with socket.socket() as sock:
                sock.bind(("127.0.0.1", 0))
                port = sock.getsockname()[1]
            options = ["-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(data / "nats")]
            process = subprocess.Popen([server, *options], stderr=subprocess.DEVNULL)
            time.sleep(2.0)
            servers = [f"nats://127.0.0.1:{port}"]
            _measure(data, "nats", {"type": "nats", "servers": servers, "stream": "POT"}, arguments.events)
            process.kill()
            process.wait()


def _measure(data: Path, name: str, table: dict[str, Any], events: int) -> None:
    settings = load(data=data, environment={}, flags={"outputs": [{"name": name, **table}]})
    one = settings.outputs[0]
    folder = settings.outputs_dir / name
    queue = Queue(folder / "queue.sqlite", one.queue_mib << 20)
    pump = Pump(one, folder, made(one, settings), queue, Sources(settings, one, queue, Findings("sqlite:///none")))
    began, cpu = time.perf_counter(), time.process_time()
    asyncio.run(pump.drain())
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    assert queue.marks["sent"] == events, pump.status()
    print(f"{name}: {events / wall:,.0f} events/s, {cpu / events * 1e6:.0f} us of CPU each")


def _bulk() -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            data = json.dumps({"errors": False, "items": []}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    main()
