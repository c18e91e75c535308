"""Captured files that wait to be examined, as the database has them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, select, update

from ...evidence.documents import text_at
from ..database.schema import captures, events, files, sessions
from ..database.store import store, stored
from .examiner import Examiner, absent
from .sandbox import SandboxError

PAGE: Final = 500
"""Files that are asked for at once."""
AGAIN_SECONDS: Final = 600.0
"""A file that isn't in the vault, since it is in another's or was removed, is looked for again so much later."""
_VERSION: Final = "examiner"
"""In `meta`: what files were examined with."""


def examine_pending(
    engine: Engine, examiner: Examiner, vault: Path, limit: int, elsewhere: dict[str, float] | None = None
) -> int:
    """Examine up to `limit` captured files that are in `vault` and were not examined; how many were.

    Each is written in a transaction of its own, together with the mark on the sessions that it belongs to. If files
    were examined with other rules before, all are to be examined again. Without a sandbox nothing is done.
    `elsewhere` is for the next call with the same vault: what it doesn't have, and when that is looked for again.
    """
    elsewhere = {} if elsewhere is None else elsewhere
    now = time.monotonic()
    try:
        _renew(engine, examiner.version)
        done = 0
        for sha256 in _waiting(engine):
            if done >= limit:
                break
            if elsewhere.get(sha256, 0.0) > now:
                continue
            path = vault / "objects" / sha256[:2] / sha256
            if path.exists():
                report = examiner.examine(sha256, path)
            elif _kept(engine, sha256):
                elsewhere[sha256] = now + AGAIN_SECONDS
                continue
            else:
                report = absent(sha256)
            _write(engine, sha256, report)
            done += 1
    except SandboxError:
        return 0
    return done


def _renew(engine: Engine, version: str) -> None:
    with engine.begin() as connection:
        if stored(connection, _VERSION) != version:
            connection.execute(update(files).values(examined=None))
            store(connection, _VERSION, version)


def _waiting(engine: Engine) -> Iterator[str]:
    """Digests of files that were not examined: each visitor's first, then each visitor's second ..., so that nobody's
    thousands keep the others' waiting."""
    turn = func.row_number().over(partition_by=sessions.c.address, order_by=(captures.c.moment, captures.c.event))
    each = (
        select(files.c.sha256, captures.c.moment, turn.label("turn"))
        .outerjoin(captures, captures.c.sha256 == files.c.sha256)
        .outerjoin(sessions, sessions.c.session == captures.c.session)
        .where(files.c.examined.is_(None))
        .subquery()
    )
    wanted = (
        select(each.c.sha256)
        .group_by(each.c.sha256)
        .order_by(func.min(each.c.turn), func.min(each.c.moment), each.c.sha256)
        .limit(PAGE)
    )
    passed = 0
    while True:
        with engine.connect() as connection:
            page = list(connection.execute(wanted.offset(passed)).scalars())
        if not page:
            return
        yield from page
        passed += len(page)


def _kept(engine: Engine, sha256: str) -> bool:
    """Whether an event says that the file is in a vault."""
    told = (
        select(events.c.document)
        .join(captures, captures.c.event == events.c.id)
        .where(captures.c.sha256 == sha256)
        .limit(PAGE)
    )
    with engine.connect() as connection:
        return any(text_at(json.loads(document), "file.name") for document in connection.execute(told).scalars())


def _write(engine: Engine, sha256: str, report: dict[str, Any]) -> None:
    with engine.begin() as connection:
        connection.execute(
            update(files)
            .where(files.c.sha256 == sha256)
            .values(
                type=report["type"],
                severity=report["severity"],
                verdict=report["verdict"],
                fuzzy=report.get("fuzzy", ""),
                report=json.dumps(report),
                examined=time.time_ns() // 1000,
            )
        )
        _mark(connection, sha256)


def _mark(connection: Connection, sha256: str) -> None:
    """Sessions that captured it are to be analysed again."""
    names = select(captures.c.session).where(captures.c.sha256 == sha256)
    connection.execute(update(sessions).where(sessions.c.session.in_(names)).values(stale=True))
