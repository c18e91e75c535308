"""A real Orthanc with its DICOMweb plug-in, as a client of somebody else's DICOMweb server."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from tests.support import find_tool, wait_until


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


class Peer:
    """It runs as long as the block lasts; `server` is the URL that it knows as ``pacs``."""

    def __init__(self, folder: Path, plugin: Path, server: str) -> None:
        self._folder = folder
        self._port = _free_port()
        (folder / "orthanc.json").write_text(
            json.dumps(
                {
                    "Name": "PEER",
                    "StorageDirectory": str(folder / "db"),
                    "IndexDirectory": str(folder / "db"),
                    "Plugins": [str(plugin)],
                    "HttpPort": self._port,
                    "DicomServerEnabled": False,
                    "RemoteAccessAllowed": False,
                    "AuthenticationEnabled": False,
                    "HttpTimeout": 60,
                    "DicomWeb": {"Enable": True, "Servers": {"pacs": [server]}},
                }
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Peer:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [find_tool("Orthanc"), str(self._folder / "orthanc.json")], stdout=log, stderr=log
            )
        wait_until(self._answers, "answer of Orthanc", 60)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(self.ask("/system"))
        return False

    def ask(self, path: str, body: object = None) -> Any:
        """The JSON that it answers; `body`: what is posted."""
        data = None if body is None else json.dumps(body).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", data), timeout=100) as answer:
            return json.load(answer)
