"""A real Orthanc with its DICOMweb plug-in, as a client of somebody else's DICOMweb server."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.support import find_tool, wait_until

STARTS = 3


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


class Peer:
    """It runs as long as the block lasts; `server` is the URL that it knows as ``pacs``."""

    def __init__(self, folder: Path, plugin: Path, server: str) -> None:
        self._folder = folder
        self._port = 0
        self._settings = {
            "Name": "PEER",
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "Plugins": [str(plugin)],
            "DicomServerEnabled": False,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "HttpTimeout": 60,
            "DicomWeb": {"Enable": True, "Servers": {"pacs": [server]}},
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Peer:
        for _ in range(STARTS):
            self._start()
            wait_until(self._settled, "answer of Orthanc", 60)
            if self._process is not None and self._process.poll() is None:
                return self
        raise AssertionError(self._said())

    def _start(self) -> None:
        self._port = _free_port()  # which somebody else may take first
        (self._folder / "orthanc.json").write_text(json.dumps({**self._settings, "HttpPort": self._port}))
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [find_tool("Orthanc"), str(self._folder / "orthanc.json")], stdout=log, stderr=log
            )

    def _said(self) -> str:
        return (self._folder / "log").read_text("utf-8", "replace")[-2000:]

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _settled(self) -> bool:
        """It answers, or has ended."""
        if self._process is None or self._process.poll() is not None:
            return True
        with contextlib.suppress(OSError, AssertionError):
            return bool(self.ask("/system"))
        return False

    def ask(self, path: str, body: object = None) -> Any:
        """The JSON that it answers; `body`: what is posted."""
        data = None if body is None else json.dumps(body).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://127.0.0.1:{self._port}{path}", data, timeout=100) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read()[:500]!r}\n{self._said()}") from error
