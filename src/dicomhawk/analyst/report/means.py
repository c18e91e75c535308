"""With what they came: tools, AE titles, fingerprints, credentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, func

from ..database.schema import ae_titles, clients, credentials, sessions
from .counting import ADDRESSES, CONNECTIONS, SESSIONS, Counted, Frame, Measure, count, more
from .model import Column, Section, Table

KINDS = {
    "dfp": "DICOM fingerprint",
    "ja4": "JA4",
    "ja3": "JA3",
    "user-agent": "user agent",
    "browser": "browser",
}
"""Of the table `clients`, as people call them."""
UNNAMED = "(blank)"


def section(frame: Frame) -> Section:
    """The chapter on tools and titles."""
    return Section(
        name="means",
        title="With what",
        tables=[tools(frame), called(frame), calling(frame), fingerprints(frame)],
    )


def tools(frame: Frame) -> Table:
    """Clients by name."""
    name = case((sessions.c.tool == "", "not recognised"), else_=sessions.c.tool).label("client")
    found = count(frame, (name,), (ADDRESSES, SESSIONS, CONNECTIONS), limit=frame.limit, by=2)
    return Table(
        name="tools",
        title="Clients",
        about="The program that a session came with, by its fingerprint or by what it says of itself.",
        columns=[Column("client", "foreign"), *found.columns],
        rows=[[*key, *cells] for key, cells in found.rows],
        more=more(found.left_out, "clients"),
    )


def called(frame: Frame) -> Table:
    """Called AE titles."""
    return _titles(
        frame,
        "called",
        "AE titles tried",
        "Called AE titles: what visitors took the archive to be. Requests are those for an association.",
    )


def calling(frame: Frame) -> Table:
    """Calling AE titles."""
    return _titles(
        frame,
        "calling",
        "Calling AE titles",
        "What visitors called themselves. Requests are those for an association.",
    )


def _titles(frame: Frame, which: str, title: str, about: str) -> Table:
    column = ae_titles.c[which]
    name = case((column == "", UNNAMED), else_=column).label("title")
    found = count(
        frame,
        (name,),
        (
            ADDRESSES,
            Measure("requests", func.sum(ae_titles.c.accepted + ae_titles.c.rejected)),
            Measure("accepted", func.sum(ae_titles.c.accepted)),
        ),
        source=ae_titles.join(sessions, ae_titles.c.session == sessions.c.session),
        limit=frame.limit,
        by=1,
    )
    return Table(
        name=f"ae_titles_{which}",
        title=title,
        about=about,
        columns=[Column("AE title", "foreign"), *found.columns],
        rows=[[*key, *cells] for key, cells in found.rows],
        more=more(found.left_out, "titles"),
        empty="No association was asked for.",
    )


def fingerprints(frame: Frame) -> Table:
    """Fingerprints and user agents."""
    found = _alone(
        frame,
        (clients.c.value, clients.c.kind, func.coalesce(clients.c.tool, "")),
        clients,
        (ADDRESSES, SESSIONS),
    )
    return Table(
        name="fingerprints",
        title="Fingerprints and user agents",
        about="What can't be changed as easily as an AE title: the shape of the association request (DICOM "
        "fingerprint) or of the TLS handshake (JA3, JA4), what a browser tells; and the user agent, which can.",
        columns=[Column("kind"), Column("value", "foreign"), Column("client", "foreign"), *found.columns],
        rows=[[KINDS.get(key[1], key[1]), key[0], key[2], *cells] for key, cells in found.rows],
        more=more(found.left_out, "fingerprints"),
    )


def credential(frame: Frame) -> Table:
    """User names and passwords that were given."""
    times = Measure("times", func.sum(credentials.c.times))
    found = _alone(
        frame,
        (credentials.c.username, credentials.c.password, credentials.c.service, credentials.c.lure),
        credentials,
        (times, ADDRESSES, Measure("let in", func.sum(credentials.c.succeeded))),
    )
    return Table(
        name="credentials",
        title="Credentials tried",
        about="As visitors gave them; a SHA-256 instead of the password where the journal keeps no passwords. "
        "Let in: how often it was taken for right, which bait credentials are.",
        columns=[
            Column("user name", "foreign"),
            Column("password", "foreign"),
            Column("service"),
            Column("bait"),
            *found.columns,
        ],
        rows=[[*key, *cells] for key, cells in found.rows],
        more=more(found.left_out, "pairs"),
        empty="Nobody tried any.",
    )


def _alone(
    frame: Frame, keys: Sequence[ColumnElement[Any]], table: FromClause, measures: Sequence[Measure]
) -> Counted:
    """Counted over all sensors together: the table is wide enough as it is."""
    return count(
        frame._replace(sensors=[]),
        keys,
        measures,
        source=table.join(sessions, table.c.session == sessions.c.session),
        limit=frame.limit,
    )
