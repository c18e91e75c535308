"""Addresses of all pages, for a database as it is filled."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote


def places(data: Path) -> dict[str, str]:
    """Name and path of each page, with things to show on it."""
    with sqlite3.connect(f"file:{data / 'findings.sqlite'}?mode=ro", uri=True) as connection:

        def one(query: str) -> str:
            row: Any = connection.execute(query).fetchone()
            return quote(str(row[0]), safe="") if row else "none"

        session = one("SELECT session FROM sessions ORDER BY interest DESC LIMIT 1")
        opened = one(
            "SELECT connection FROM events WHERE action = 'connection.open' AND session = "
            "(SELECT session FROM sessions ORDER BY interest DESC LIMIT 1) ORDER BY moment LIMIT 1"
        )
        found = {
            "overview": "/",
            "overview-year": "/?days=365",
            "feed": "/feed",
            "alerts": "/alerts",
            "sessions": "/sessions",
            "interesting": "/sessions?order=interest",
            "narrowed": "/sessions?kind=interaction&severity=medium&order=severity",
            "session": f"/sessions/{session}",
            "timeline": f"/sessions/{session}/timeline",
            "transcript": f"/sessions/{session}/transcript/{opened}",
            "fetched": f"/sessions/{session}/fetched",
            "event": "/events/" + one("SELECT id FROM events WHERE action LIKE 'dicom.%' LIMIT 1"),
            "origins": "/origins",
            "origin": "/origins/" + one("SELECT subject FROM lookups LIMIT 1"),
            "actors": "/actors",
            "actor": "/actors/" + one("SELECT actor FROM actors ORDER BY sessions DESC LIMIT 1"),
            "countries": "/countries",
            "clients": "/clients",
            "ae-titles": "/ae-titles",
            "calling": "/ae-titles?side=calling",
            "credentials": "/credentials",
            "files": "/files",
            "file": "/files/" + one("SELECT sha256 FROM files ORDER BY severity DESC LIMIT 1"),
            "lures": "/lures",
            "techniques": "/techniques",
            "technique": "/techniques/" + one("SELECT rule FROM techniques ORDER BY severity DESC LIMIT 1"),
            "hospital": "/hospital",
            "health": "/health",
            "rules": "/rules",
            "rule": "/rules/allow/allow.toml",
            "report": "/report",
            "nothing": "/nothing",
        }
    connection.close()
    return found


def searches(data: Path) -> dict[str, str]:
    """Lists that are narrowed, in each way that there is."""
    del data
    return {
        f"sessions{query}": f"/sessions{query}"
        for query in (
            "?category=Censys",
            "?country=BR",
            "?tool=nmap+dicom-ping",
            "?sensor=hawk-iad&depth=impact",
            "?severity=critical&country=FR",
            "?since=2026-11-01&until=2026-11-02",
            "?address=162.142.0.0/20",
            "?address=185.220.0.0/16",
            "?address=2001:db8::/32",
            "?technique=D01",
            "?technique=D17",
            "?ae=ORTHANC",
            "?text=smith",
            "?text=dicom",
            "?text=nothing-like-that",
            "?operator=censys",
            "?kind=scan&order=depth",
        )
    } | {
        "origins-sessions": "/origins?order=sessions",
        "origins-country": "/origins?country=BR",
        "origins-text": "/origins?text=116.",
        "credentials-text": "/credentials?text=adm",
        "feed-serious": "/feed?least=60",
        "alerts-high": "/alerts?severity=high",
        "files-text": "/files?text=program",
        "clients-kind": "/clients?kind=dfp",
    }
