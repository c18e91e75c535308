"""What can be taken away: captures, bundles."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ...analyst.database import schema
from ...outputs.objects import Resolver
from ...outputs.summary import AmbiguousSession, connections
from ..shown import parsed
from ..site import site_of

_e = schema.events.c
CHUNK = 1 << 18
MAX_CONNECTIONS = 20_000
"""Of one capture."""
_SAFE = re.compile(r"[^A-Za-z0-9_-]")


def pcap(request: Request) -> Response:
    """A session as a packet capture."""
    from ...outputs.pcap import export_session  # large, as is what makes bundles

    site, identifier = site_of(request), request.path_params["session"]
    rows = site.findings.all(
        select(_e.document)
        .where(_e.session == identifier, _e.action == "connection.open")
        .order_by(_e.moment, _e.id)
        .limit(MAX_CONNECTIONS)
    )
    if not rows:
        raise HTTPException(404, "There is no such session, or it had no connection.")
    resolver = Resolver(site.settings)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it is sent
    try:
        export_session(
            site.settings.vault_dir / "transcripts", connections(parsed(row.document) for row in rows), resolver, file
        )
    except BaseException:
        file.close()
        raise
    finally:
        resolver.close()
    return attachment(file, f"{_SAFE.sub('_', identifier)[:64]}.pcap", "application/vnd.tcpdump.pcap")


def attachment(file: IO[bytes], name: str, media: str) -> Response:
    """A file to keep, whose name is ours."""
    length = file.seek(0, 2)
    file.seek(0)

    def pieces() -> Iterator[bytes]:
        with file:
            while piece := file.read(CHUNK):
                yield piece

    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(length)}
    return StreamingResponse(pieces(), media_type=media, headers=headers)


def bundle(request: Request) -> Response:
    """A session with all that vouches for it; captured files are behind a password in it."""
    from ...outputs.bundle import write_bundle

    site, identifier = site_of(request), request.path_params["session"]
    name = f"{_SAFE.sub('_', identifier)[:64]}.zip"
    with tempfile.TemporaryDirectory(prefix="dicomhawk.") as folder:
        target = Path(folder) / name
        try:
            write_bundle(site.settings, identifier, target)
        except AmbiguousSession:
            raise HTTPException(404, "The journal has no such session (any more).") from None
        return attachment(target.open("rb"), name, "application/zip")


ROUTES = [Route("/sessions/{session}/session.pcap", pcap), Route("/sessions/{session}/bundle.zip", bundle)]
