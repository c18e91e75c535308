"""Retrieve Capabilities (PS3.18 section 8.9): what the service can do, as WADL or JSON."""

from __future__ import annotations

import msgspec

from ..message import Request, Response
from . import media
from .errors import Refused
from .service import Service

WADL = "application/vnd.sun.wadl+xml"

_SERIES = "studies/{study}/series"
_INSTANCES = f"{_SERIES}/{{series}}/instances"
_SEARCHES = ("studies", "series", "instances", _SERIES, "studies/{study}/instances", _INSTANCES)
_OBJECTS = ("studies/{study}", f"{_SERIES}/{{series}}", f"{_INSTANCES}/{{instance}}")
_PARAMETERS = ("fuzzymatching", "includefield", "limit", "offset")


def capabilities(service: Service, request: Request) -> Response:
    """The description in a form that the client takes. Raises `Refused`."""
    wanted = media.accepted(request)
    kind = media.select(wanted, WADL, "application/xml", "text/xml", media.PLAIN_JSON, media.JSON)
    if kind is None:
        raise Refused(406)
    resources = _resources()
    if kind in (media.JSON, media.PLAIN_JSON):
        body = msgspec.json.encode({"base": service.base(request), "resources": resources})
    else:
        body = _wadl(service.base(request), resources)
    return Response(200, [("Content-Type", kind)], body)


def _resources() -> list[dict[str, object]]:
    found: list[dict[str, object]] = []

    def add(path: str, method: str, parameters: tuple[str, ...], *types: str) -> None:
        found.append({"path": path, "method": method, "query": list(parameters), "mediaTypes": list(types)})

    for path in _SEARCHES:
        add(path, "GET", _PARAMETERS, media.JSON, f'{media.RELATED}; type="{media.XML}"')
    for path in _OBJECTS:
        add(path, "GET", (), f'{media.RELATED}; type="{media.DICOM}"')
        add(f"{path}/metadata", "GET", (), media.JSON, f'{media.RELATED}; type="{media.XML}"')
        for view in ("rendered", "thumbnail"):
            add(f"{path}/{view}", "GET", ("viewport", "window", "quality"), "image/jpeg", "image/png")
    frames = f"{_OBJECTS[-1]}/frames/{{frames}}"
    add(frames, "GET", (), f'{media.RELATED}; type="{media.OCTETS}"')
    add(f"{frames}/rendered", "GET", ("viewport", "window", "quality"), "image/jpeg", "image/png")
    add(f"{_OBJECTS[-1]}/bulkdata/{{path}}", "GET", (), f'{media.RELATED}; type="{media.OCTETS}"')
    for path in ("studies", "studies/{study}"):
        add(path, "POST", (), media.JSON, media.XML)
    return found


def _wadl(base: str, resources: list[dict[str, object]]) -> bytes:
    lines = [
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>',
        '<application xmlns="http://wadl.dev.java.net/2009/02">',
        f'<resources base="{base}">',
    ]
    for each in resources:
        parameters, types = each["query"], each["mediaTypes"]
        assert isinstance(parameters, list) and isinstance(types, list)
        lines.append(f'<resource path="{each["path"]}"><method name="{each["method"]}">')
        asked = "".join(f'<param name="{name}" style="query"/>' for name in parameters)
        lines.append(f"<request>{asked}</request>" if asked else "<request/>")
        offered = "".join(f'<representation mediaType="{kind.replace(chr(34), "&quot;")}"/>' for kind in types)
        lines.append(f"<response>{offered}</response></method></resource>")
    lines.append("</resources></application>")
    return "\n".join(lines).encode("utf-8")
