"""Rows of the tables that list what was seen in one session: AE titles, credentials, captures, lures, words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..evidence.documents import Document, moment_of, number_at, text_at, value_at

MAX_ROWS = 5000
"""Different AE titles or credentials kept of one session: nmap's list has 5,000 words."""
MAX_CAPTURES = 20_000
"""Captured files listed of one session."""
MAX_WORDS = 65_536
"""Characters of one session that can be searched for."""
MAX_VALUE = 256
"""Characters kept of one value."""

BODY = "body"
"""Door of a capture that is no more than the body of a request: sprayers of exploits send them daily."""

Row = dict[str, Any]

_WORDS = (
    "source.ip",
    "dicom.ae.calling",
    "dicom.ae.called",
    "dicom.implementation.version",
    "dicom.implementation.class_uid",
    "dicom.client.name",
    "dicom.move.destination",
    "dicom.sop.instance_uid",
    "dicom.study.instance_uid",
    "dicom.patient.id",
    "honeypot.credential.username",
    "honeypot.credential.password",
    "honeypot.web.call",
    "honeypot.web.target",
    "honeypot.web.detail",
    "honeypot.lure.id",
    "honeypot.lure.token",
    "honeypot.lure.detail",
    "honeypot.first_line",
    "user_agent.original",
    "url.path",
    "url.query",
    "tls.client.server_name",
    "tls.client.ja3",
    "tls.client.ja4",
    "file.name",
    "file.hash.sha256",
)
_KEYS = "dicom.query.keys"
_BETWEEN = re.compile(r"[^\w.\-]+")


def ae_titles(events: Iterable[Document]) -> list[Row]:
    """Pairs of AE titles that were tried, with how often they were taken and not."""
    found: dict[tuple[str, str], Row] = {}
    for event in events:
        action = event["event"]["action"]
        if action not in ("dicom.association", "dicom.association.reject"):
            continue
        called, calling = (text_at(event, f"dicom.ae.{which}") for which in ("called", "calling"))
        row = found.get((called, calling))
        if row is None:
            if len(found) >= MAX_ROWS:
                continue
            row = found[called, calling] = {"called": called, "calling": calling, "accepted": 0, "rejected": 0}
        row["accepted" if action == "dicom.association" else "rejected"] += 1
    return list(found.values())


def credentials(events: Iterable[Document]) -> list[Row]:
    """User names and passwords that were tried, on all doors; a token counts as a password without a user name."""
    found: dict[tuple[str, str, str], Row] = {}
    for event in events:
        for service, username, password, succeeded in _credentials(event):
            key = (service, username[:MAX_VALUE], password[:MAX_VALUE])
            row = found.get(key)
            if row is None:
                if len(found) >= MAX_ROWS:
                    continue
                row = found[key] = {
                    "service": key[0],
                    "username": key[1],
                    "password": key[2],
                    "times": 0,
                    "succeeded": 0,
                    "lure": "",
                    "first": moment_of(event),
                }
            row["times"] += 1
            row["succeeded"] += succeeded
    baits = {
        text_at(event, "honeypot.lure.detail"): text_at(event, "honeypot.lure.id")
        for event in events
        if event["event"]["action"] == "lure.taken" and text_at(event, "honeypot.lure.kind") == "credential"
    }
    for row in found.values():
        row["lure"] = next(
            (lure for detail, lure in baits.items() if row["username"] and row["username"] in detail), ""
        )
    return list(found.values())


def _credentials(event: Document) -> Iterator[tuple[str, str, str, bool]]:
    action = event["event"]["action"]
    if action in ("dicom.association", "dicom.association.reject"):
        if value_at(event, "honeypot.credential") is not None:
            yield "dicom", *_pair(event), action == "dicom.association"
    elif action == "http.login" and text_at(event, "honeypot.login.scheme") != "cookie":
        scheme = text_at(event, "honeypot.login.scheme")
        yield f"web {scheme}".strip(), *_pair(event), text_at(event, "event.outcome") == "success"


def _pair(event: Document) -> tuple[str, str]:
    credential = "honeypot.credential."
    password = next(
        (
            value
            for name in ("password", "password_sha256", "token", "token_sha256")
            if (value := text_at(event, credential + name))
        ),
        "",
    )
    return text_at(event, f"{credential}username"), password


def captures(events: Sequence[Document]) -> tuple[list[Row], list[Row]]:
    """Captured files of the session, and the rows of `files` that they need."""
    names = {
        text_at(event, "file.hash.sha256"): (text_at(event, "file.name"), event["event"]["action"])
        for event in events
        if event["event"]["action"] in ("web.store", "dicom.c-store")
    }
    rows: list[Row] = []
    files: dict[str, Row] = {}
    for event in events:
        sha256 = text_at(event, "file.hash.sha256")
        if event["event"]["action"] != "file.captured" or not sha256 or len(rows) >= MAX_CAPTURES:
            continue
        name, action = names.get(sha256, ("", ""))
        rows.append(
            {
                "event": event["event"]["id"],
                "sha256": sha256[:64],
                "moment": moment_of(event),
                "door": "dicom" if action == "dicom.c-store" else "web" if action else BODY,
                "name": name[:MAX_VALUE],
                "sop_class": text_at(event, "dicom.sop.class_uid"),
                "sop_instance": text_at(event, "dicom.sop.instance_uid"),
            }
        )
        files[sha256[:64]] = {"sha256": sha256[:64], "size": number_at(event, "file.size")}
    return rows, list(files.values())


def lures(events: Iterable[Document]) -> list[Row]:
    """Bait that was taken, that called, or that came back."""
    return [
        {
            "event": event["event"]["id"],
            "moment": moment_of(event),
            "action": event["event"]["action"].removeprefix("lure."),
            "lure": text_at(event, "honeypot.lure.id") or text_at(event, "honeypot.lure.kind"),
            "token": text_at(event, "honeypot.lure.token"),
            "origin_session": text_at(event, "honeypot.lure.session"),
            "detail": text_at(event, "honeypot.lure.detail")[:MAX_VALUE],
        }
        for event in events
        if event["event"]["action"].startswith("lure.")
    ]


def words(events: Iterable[Document], more: Iterable[str] = ()) -> str:
    """Everything that one might search a session for, each once, in order.

    What stands between words is left out: databases don't agree on what it means.
    """
    found: dict[str, None] = dict.fromkeys(_BETWEEN.sub(" ", word) for word in more if word)
    size = sum(map(len, found))
    for event in events:
        for word in (_BETWEEN.sub(" ", said) for said in _said(event)):
            if word in found:
                continue
            size += len(word) + 1
            if size > MAX_WORDS:
                return "\n".join(found)
            found[word] = None
    return "\n".join(found)


def _said(event: Document) -> Iterator[str]:
    for path in _WORDS:
        value = text_at(event, path)
        if value:
            yield value
    keys = value_at(event, _KEYS)
    if isinstance(keys, dict):
        yield from (value for value in keys.values() if isinstance(value, str) and value)
