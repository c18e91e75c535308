"""The console as a process."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from ipaddress import ip_address

import uvicorn

from ..settings import Settings, SettingsError
from .access import Access, secrets_of
from .app import create_app

GRACE_SECONDS = 2
"""How long requests have when the console ends: a live feed has no end of its own."""
MAX_CONNECTIONS = 200


def run(settings: Settings, tell: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT. `tell` gets the address to open, in a sentence. Raises `SettingsError`."""
    section = settings.console
    for name in ("certificate", "key"):
        file = getattr(section, name)
        if file is not None and not file.is_file():
            raise SettingsError(f"console.{name}: there is no file {file}.")
    allowed, drawn = secrets_of(settings)
    app = create_app(settings, Access(allowed))
    listening = _listening(section.host, section.port)
    port = listening.getsockname()[1]
    host = f"[{section.host}]" if ":" in section.host else section.host
    scheme = "https" if section.certificate else "http"
    # Behind a #, the token is sent to nobody and logged nowhere.
    tell(f"The console is at {scheme}://{host}:{port}/" + (f"sign-in#{drawn}" if drawn else ""))
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=section.certificate,
        ssl_keyfile=section.key,
    )
    server = uvicorn.Server(config)
    with listening:
        server.run(sockets=[listening])
    return 0


def _listening(host: str, port: int) -> socket.socket:
    try:
        version = ip_address("127.0.0.1" if host == "localhost" else host).version
        listening = socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except ValueError:
        raise SettingsError(f"console.host: {host[:60]} is not an address.") from None
    except OSError as error:
        raise SettingsError(f"The console can't listen on {host}, port {port}: {error.strerror}.") from None
    return listening
