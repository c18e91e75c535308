"""What several tests of outputs need."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .servers import program


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and a server's certificate of it for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("certificates")
    openssl = program("openssl")

    def run(*arguments: object) -> None:
        subprocess.run([openssl, *map(str, arguments)], check=True, capture_output=True, cwd=folder)

    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30)
    run(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority")
    more = ("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE")
    by = ("-CA", "ca.pem", "-CAkey", "ca.key")
    run(*new, *by, "-keyout", "server.key", "-out", "server.pem", "-subj", "/CN=receiver", *more)
    return folder
