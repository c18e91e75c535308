"""The console as a process."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from types import FrameType

import uvicorn

from ..settings import Settings, SettingsError
from .access import Access, secrets_of
from .app import create_app

GRACE_SECONDS = 4
"""How long requests have when the console ends."""
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
    server = _Server(config)
    with listening:
        server.run(sockets=[listening])
    return 0


class _Server(uvicorn.Server):
    """Ends with status 0 when it is told to end: uvicorn's own sends itself the signal once more."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Have the signals end it in good order."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_exit)
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Let live feeds end by themselves, too."""
        self.config.app.state.site.ending = True  # type: ignore[union-attr]
        super().handle_exit(sig, frame)


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
