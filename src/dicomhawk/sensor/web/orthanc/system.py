"""The system itself: what it is, what it counts, and its tools."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Iterable
from typing import Any, Final

from ....hospital.attributes import Level
from ..message import Response
from ..state import StateFull
from .conformance import statement
from .jsoncpp import JsonError, parsed
from .problems import Fault, Problem, Refusal
from .service import PLURALS, Call, Handler, json_response, stamp, text_response
from .syntaxes import SYNTAXES
from .uuids import new_uuid

DICOM_UID_ROOT: Final = "1.2.276.0.7230010.3.1"
"""Below which DCMTK makes UIDs."""
ENCODINGS: Final = (
    *("Arabic", "Ascii", "Chinese", "Cyrillic", "Greek", "Hebrew", "Japanese", "JapaneseKanji", "Korean", "Latin1"),
    *("Latin2", "Latin3", "Latin4", "Latin5", "SimplifiedChinese", "Thai", "Utf8"),
)
CATEGORIES: Final = ("", "-dicom", "-generic", "-http", "-jobs", "-lua", "-plugins", "-sqlite")
_count = itertools.count(secrets.randbelow(1 << 18) + 1)


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    yield "GET", "/", root
    yield "GET", "/favicon.ico", favicon
    yield "GET", "/system", system
    yield "GET", "/statistics", statistics
    yield "GET", "/tools", tools
    yield "GET", "/tools/now", now
    yield "GET", "/tools/now-local", now
    yield "GET", "/tools/generate-uid", generate_uid
    yield "GET", "/tools/dicom-conformance", conformance
    yield "GET", "/tools/metrics-prometheus", prometheus
    yield "POST", "/tools/execute-script", execute_script
    yield "POST", "/tools/reset", _restart("reset")
    yield "POST", "/tools/shutdown", _restart("shutdown")
    yield "POST", "/tools/invalidate-tags", _done("invalidate-tags")
    yield "POST", "/tools/reconstruct", _done("reconstruct")
    for category in CATEGORIES:
        yield from _setting(f"log-level{category}", "default", _level)
    yield from _setting("default-encoding", "Latin1", _encoding, says=True)
    yield from _setting("metrics", "1", flag)
    yield from _setting("unknown-sop-class-accepted", "0", flag)
    yield "GET PUT", "/tools/accepted-transfer-syntaxes", syntaxes


async def root(_: Call) -> Response:
    """GET /."""
    return Response(301, [("Location", "app/explorer.html")])


async def favicon(_: Call) -> Response:
    """GET /favicon.ico."""
    return Response(301, [("Location", "app/images/favicon.ico")])


async def system(call: Call) -> Response:
    """GET /system."""
    return json_response(call.service.describe())


async def statistics(call: Call) -> Response:
    """GET /statistics."""
    view = await call.view()
    size = await view.total()
    found: dict[str, Any] = {f"Count{PLURALS[level].capitalize()}": await view.count(level) for level in Level}
    for name in ("TotalDiskSize", "TotalUncompressedSize"):
        found[name] = str(size)
        found[f"{name}MB"] = size >> 20
    return json_response(found)


async def tools(call: Call) -> Response:
    """GET /tools."""
    return json_response(call.service.routes.below("/tools"))


async def now(call: Call) -> Response:
    """GET /tools/now and, where the clock is set to UTC, /tools/now-local."""
    return text_response(stamp(call.now))


async def generate_uid(call: Call) -> Response:
    """GET /tools/generate-uid."""
    kinds = {"patient": 0, "study": 2, "series": 3, "instance": 4}
    kind = kinds.get(call.request.argument("level", "") or "")
    if kind is None:
        raise Refusal
    return text_response(new_uid(call, kind) if kind else new_uuid())


def new_uid(call: Call, kind: int) -> str:
    """A UID as DCMTK makes them: of the machine, the process, the time and a count."""
    host = 8323328 + call.service.pid % 256
    return f"{DICOM_UID_ROOT}.{kind}.{host}.{call.service.pid}.{int(call.now)}.{next(_count)}"


async def conformance(_: Call) -> Response:
    """GET /tools/dicom-conformance."""
    return text_response(statement())


async def prometheus(call: Call) -> Response:
    """GET /tools/metrics-prometheus."""
    view = await call.view()
    size = await view.total() / (1 << 20)
    stamped = int(call.now * 1000)
    values: dict[str, float | int] = {f"count_{PLURALS[level]}": await view.count(level) for level in Level} | {
        "dicom_cache_count": 1,
        "dicom_cache_size": 0.5,
        "disk_size_mb": size,
        "jobs_completed": 0,
        "jobs_failed": 0,
        "jobs_pending": 0,
        "jobs_running": 0,
        "jobs_success": 0,
        "rest_api_active_requests": 1,
        "rest_api_duration_ms": int((time.monotonic() - call.service.began) % 7) + 1,
        "storage_create_duration_ms": 0,
        "store_dicom_duration_ms": 2,
        "uncompressed_size_mb": size,
    }
    lines = (f"orthanc_{name} {value:.9g} {stamped}\n" for name, value in sorted(values.items()))
    return text_response("".join(lines), "text/plain; version=0.0.4")


async def execute_script(call: Call) -> Response:
    """POST /tools/execute-script: Lua isn't enabled."""
    body = await call.body()
    call.changed("execute-script", detail=body.decode("utf-8", "replace"), outcome="failure")
    raise Refusal(403)


def _restart(name: str) -> Handler:
    async def handler(call: Call) -> Response:
        call.changed(name)
        return text_response("{}", "application/json")

    return handler


def _done(name: str) -> Handler:
    async def handler(call: Call) -> Response:
        call.changed(name)
        return text_response("")

    return handler


async def syntaxes(call: Call) -> Response:
    """GET and PUT /tools/accepted-transfer-syntaxes."""
    key = "orthanc/setting/accepted-transfer-syntaxes"
    if call.request.method == "PUT":
        body = await call.body()
        call.changed("put accepted-transfer-syntaxes", detail=body.decode("utf-8", "replace"))
        try:
            call.state.put(call.visitor, key, _matching(body))
        except StateFull:
            raise Problem(Fault.INTERNAL) from None
    return json_response(call.state.get(call.visitor, key, list(SYNTAXES)))


def _matching(body: bytes) -> list[str]:
    """The transfer syntaxes that a body names, or some of which it has patterns. Raises `Problem`."""
    try:
        patterns = parsed(body) if body else []
    except JsonError:
        patterns = body.decode("utf-8", "replace")
    if isinstance(patterns, str):
        patterns = [patterns]
    if not isinstance(patterns, list) or not all(isinstance(each, str) for each in patterns):
        raise Problem(Fault.FILE)
    exact = [each for each in patterns if "*" not in each and "?" not in each]
    starts = tuple(each[:-1] for each in patterns if each.endswith("*") and not set(each[:-1]) & {"*", "?"})
    return [each for each in SYNTAXES if each in exact or (starts and each.startswith(starts))]


def _setting(name: str, default: str, read: Any, *, says: bool = False) -> Iterable[tuple[str, str, Handler]]:
    """A value that can be changed; with `says`, the answer is what it is then."""
    key = f"orthanc/setting/{name}"

    async def get(call: Call) -> Response:
        return text_response(str(call.state.get(call.visitor, key, default)))

    async def put(call: Call) -> Response:
        text = (await call.body()).decode("utf-8", "replace")
        call.changed(f"put {name}", detail=text)
        value = read(text)
        try:
            call.state.put(call.visitor, key, value)
        except StateFull:
            raise Problem(Fault.INTERNAL) from None
        return text_response(value if says else "")

    yield "GET", f"/tools/{name}", get
    yield "PUT", f"/tools/{name}", put


def _level(text: str) -> str:
    if text not in ("default", "verbose", "trace"):
        raise Problem(Fault.RANGE, f'Verbosity can be "default", "verbose" or "trace": {text}')
    return text


def _encoding(text: str) -> str:
    if text not in ENCODINGS:
        raise Problem(Fault.RANGE)
    return text


def flag(text: str) -> str:
    """``1`` or ``0``, which a text means. Raises `Problem`."""
    if text not in ("0", "1", "true", "false"):
        raise Problem(Fault.FILE, "Boolean value expected")
    return {"true": "1", "false": "0"}.get(text, text)
