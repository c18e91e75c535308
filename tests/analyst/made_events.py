"""Events that are made by hand, for what no intruder was recorded of."""

from __future__ import annotations

from typing import Any

SHA256 = "5e" * 32


def event(action: str, at: float = 0.0, **fields: Any) -> dict[str, Any]:
    """An event `at` seconds after noon; ``dicom__ae__called`` is about ``dicom.ae.called``."""
    seconds = 43_200 + at
    moment = f"2026-01-01T{int(seconds) // 3600:02}:{int(seconds) // 60 % 60:02}:{seconds % 60:06.3f}Z"
    made: dict[str, Any] = {"@timestamp": moment, "event": {"action": action, "id": f"{action}-{at}"}}
    for path, value in fields.items():
        *above, last = path.split("__")
        within = made
        for step in above:
            within = within.setdefault(step, {})
        within[last] = value
    return made


def asked(level: str, keys: dict[str, str], at: float = 0.0, action: str = "dicom.c-find") -> dict[str, Any]:
    """A query."""
    return event(action, at, dicom__query__level=level, dicom__query__keys={"00080052": level, **keys})


def requested(method: str, target: str, at: float = 0.0, *headers: str, **fields: Any) -> dict[str, Any]:
    """An HTTP request."""
    path, _, query = target.partition("?")
    return event(
        "http.request",
        at,
        **({"url__query": query} if query else {}),
        http__request__method=method,
        url__original=target,
        url__path=path,
        http__request__headers=list(headers),
        honeypot__connection=f"c{at}",
        **fields,
    )


def listed(matches: int, at: float = 0.0, face: str = "qido-rs", **fields: Any) -> dict[str, Any]:
    """A list over the web."""
    return event(
        "web.query",
        at,
        honeypot__web__face=face,
        dicom__query__level=fields.pop("level", "STUDY"),
        dicom__query__matches=matches,
        dicom__query__keys=fields.pop("keys", {}),
        **fields,
    )


def downloaded(number: int, face: str = "orthanc", what: str = "archive") -> dict[str, Any]:
    """A study that is fetched over the web."""
    return event(
        "web.retrieve",
        number,
        honeypot__web__face=face,
        honeypot__web__what=what,
        dicom__study__instance_uid=f"1.2.{number}",
        event__outcome="success",
    )


def left(*ids: str, severity: int = 3, type: str = "DICOM") -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A captured file with such findings."""
    findings = [{"id": each, "name": each, "severity": severity, "detail": "", "offset": None} for each in ids]
    events = [event("file.captured", file__hash__sha256=SHA256), event("web.store", 1, file__hash__sha256=SHA256)]
    return events, {SHA256: {"type": type, "size": 9, "findings": findings}}
