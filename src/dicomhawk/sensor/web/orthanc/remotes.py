"""Modalities and peers: those of the hospital, and what a visitor makes of them. Nobody is ever connected to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Any, Final

from ..message import Response
from ..state import StateFull
from . import jobs
from .jsoncpp import JsonError, parsed
from .options import check_job, integer
from .problems import Fault, Problem, Refusal
from .search import BY_NAME
from .service import Call, Handler, json_response, modality, text_response
from .tags import tag_named
from .upload import is_part10, unreadable
from .view import is_public_id

REFUSED_AFTER: Final = 0.002
"""Seconds after which a host in the next room has refused a connection."""
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_MANUFACTURERS: Final = frozenset(
    ("Generic", "GenericNoWildcardInDates", "GenericNoUniversalWildcard", "StoreScp", "Vitrea", "GE")
)
_FLAGS: Final = frozenset(name for name, value in modality("", "", 1).items() if value is True) | {"UseDicomTls"}
_TEXTS: Final = ("AET", "Host", "LocalAet", "Manufacturer")
_OF_MODALITY: Final = (
    *("configuration", "echo", "find", "find-instance", "find-patient", "find-series", "find-study"),
    *("find-worklist", "move", "query", "storage-commitment", "store", "store-straight"),
)
_OF_QUERY: Final = ("", "/answers", "/answers/{n}", "/answers/{n}/content", "/level", "/modality", "/query")
_ON_QUERY: Final = (
    *("retrieve", "answers/{n}/retrieve", "answers/{n}/query-instances", "answers/{n}/query-series"),
    "answers/{n}/query-studies",
)
_OF_PEER: Final = ("configuration", "store", "store-straight", "system")
_NO_RESOURCES: Final = 'Missing field in JSON: "Resources"'
_WHOSE: Final = ("AccessionNumber", "PatientID")
_NOTHING_COMMITTED: Final = (
    'Empty storage commitment request, one of these fields is mandatory: "Resources" or "DicomInstances"'
)
_LEGACY: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "find": (),
    "find-patient": (),
    "find-study": (_WHOSE,),
    "find-series": (_WHOSE, ("StudyInstanceUID",)),
    "find-instance": (_WHOSE, ("StudyInstanceUID",), ("SeriesInstanceUID",)),
}
"""Of the older searches, fields of each of which one must have more than two characters."""
_SIGNING_IN: Final = ("Url", "Username", "Password")
_TO_PEER: Final = "libCURL error: Couldn't connect to server"


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    for kind in ("modalities", "peers"):
        yield "GET", f"/{kind}", _listing(kind)
        yield "GET", f"/{kind}/{{id}}", _operations(kind)
        yield "GET", f"/{kind}/{{id}}/configuration", _configuration(kind)
        yield "PUT", f"/{kind}/{{id}}", _put(kind)
        yield "DELETE", f"/{kind}/{{id}}", _delete(kind)
        for operation in ("store", "store-straight"):
            yield "POST", f"/{kind}/{{id}}/{operation}", _store(kind, operation)
    yield "GET", "/peers/{id}/system", peer_system
    for operation in _OF_MODALITY:
        if operation not in ("configuration", "store", "store-straight"):
            yield "POST", f"/modalities/{{id}}/{operation}", _ask(operation)
    yield "POST", "/tools/dicom-echo", dicom_echo
    yield "GET", "/queries", queries
    yield "DELETE", "/queries/{id}", forget_query
    for path in _OF_QUERY:
        yield "GET", f"/queries/{{id}}{path}", query
    for path in _ON_QUERY:
        yield "POST", f"/queries/{{id}}/{path}", query
    yield "GET", "/storage-commitment/{id}", storage_commitment
    yield "POST", "/storage-commitment/{id}/remove", storage_commitment


def _known(call: Call, kind: str) -> dict[str, dict[str, Any]]:
    """What the visitor sees, in order: the hospital's, with its own changes."""
    found: dict[str, dict[str, Any]] = {}
    if kind == "modalities":
        found |= call.service.modalities()
    prefix = f"orthanc/{kind}/"
    for key, value in call.state.items(call.visitor, prefix).items():
        name = key.removeprefix(prefix)
        found.pop(name, None)
        if value is not False:
            found[name] = value
    return dict(sorted(found.items()))


def _listing(kind: str) -> Handler:
    async def handler(call: Call) -> Response:
        found = _known(call, kind)
        return json_response(found if call.has("expand") else list(found))

    return handler


def _operations(kind: str) -> Handler:
    async def handler(call: Call) -> Response:
        if call.arguments["id"] not in _known(call, kind):
            raise Refusal
        return json_response(list(_OF_MODALITY if kind == "modalities" else _OF_PEER))

    return handler


def _configuration(kind: str) -> Handler:
    async def handler(call: Call) -> Response:
        return json_response(_target(call, kind))

    return handler


def _put(kind: str) -> Handler:
    async def handler(call: Call) -> Response:
        name, body = call.arguments["id"], await call.body()
        text = body.decode("utf-8", "replace")
        try:
            value = parsed(body)
            password = password_of(value) if kind == "peers" else None
            call.changed(
                f"put {kind}", name, text if password is None else without(text, password), password=password
            )
        except JsonError:
            call.changed(f"put {kind}", name, text)
            if kind == "peers":
                raise Refusal from None
            raise Problem(Fault.FILE) from None
        read = _read_modality(value) if kind == "modalities" else read_peer(value)
        if _NAME.fullmatch(name) is None:
            raise Problem(
                Fault.FILE,
                "Only alphanumeric, dash characters and underscores are allowed in the names of modalities/peers, "
                f"but found: {name}",
            )
        try:
            call.state.put(call.visitor, f"orthanc/{kind}/{name}", read)
        except StateFull:
            raise Problem(Fault.INTERNAL) from None
        return text_response("")

    return handler


def password_of(value: Any) -> str | None:
    """The password of a peer's configuration."""
    found = value[2] if isinstance(value, list) and len(value) == 3 else None
    found = value.get("Password") if isinstance(value, dict) else found
    return found if isinstance(found, str) and found else None


def without(text: str, password: str) -> str | None:
    """A text in which there is no password; None if it is spelt so that it can't be taken out."""
    return text.replace(password, "...") if password in text else None


def _read_modality(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        if not 3 <= len(value) <= 4:
            raise Problem(Fault.FILE)
        value = dict(zip(("AET", "Host", "Port", "Manufacturer"), value, strict=False))
    if not isinstance(value, dict):
        raise Problem(Fault.FILE)
    for name in ("AET", "Host"):
        if not isinstance(value.get(name), str):
            raise Problem(Fault.FILE, f"String value expected in field: {name}")
    port = _port(value.get("Port"))
    given = {name: value[name] for name in _TEXTS if isinstance(value.get(name), str)}
    for name in sorted(_FLAGS & value.keys()):
        if not isinstance(value[name], bool):
            raise Problem(Fault.FILE, f"Boolean value expected in field: {name}")
        given[name] = value[name]
    given |= _timeout(value)
    if given.get("Manufacturer", "Generic") not in _MANUFACTURERS:
        raise Problem(Fault.RANGE, f'Unknown modality manufacturer: "{given["Manufacturer"]}"')
    return modality(given["AET"], given["Host"], port) | given


def _timeout(value: dict[str, Any]) -> dict[str, Any]:
    return {"Timeout": min(max(integer(value, "Timeout"), 0), (1 << 32) - 1)}


def _port(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:9])
    if isinstance(value, bool) or not isinstance(value, int):
        raise Problem(Fault.FILE)
    if not 0 < value < 65535:
        raise Problem(Fault.RANGE, f"A TCP port number must be in range [1..65534], but found: {value}")
    return value


def read_peer(value: Any) -> dict[str, Any]:
    """The configuration of a peer that is reached by HTTP. Raises `Problem`."""
    if isinstance(value, list):
        if len(value) not in (1, 3):
            raise Problem(Fault.FILE)
        value = dict(zip(("Url", "Username", "Password"), map(str, value), strict=False))
    if isinstance(value, dict) and not value.get("Url", ""):
        raise Problem(Fault.FILE, "Empty URL")
    if not isinstance(value, dict) or not all(isinstance(value.get(name, ""), str) for name in _SIGNING_IN):
        raise Problem(Fault.FILE)
    url, certificate = value["Url"], value.get("CertificateFile")
    if "://" in url and not url.startswith(("http://", "https://")):
        raise Problem(Fault.FILE, f"Bad URL: {url}")
    if isinstance(certificate, str) and certificate:
        raise Problem(Fault.FILE_ABSENT, f"Cannot open certificate file: {certificate}")
    headers = value.get("HttpHeaders")
    found: dict[str, Any] = {
        "HttpHeaders": sorted(map(str, headers)) if isinstance(headers, dict) else [],
        "Pkcs11": value.get("Pkcs11") is True,
        **_timeout(value),
        "Url": url if url.endswith("/") else f"{url}/",
    }
    if isinstance(value.get("Username"), str) and value["Username"]:
        found |= {"Password": None, "Username": value["Username"]}
    return found


def _delete(kind: str) -> Handler:
    async def handler(call: Call) -> Response:
        name = call.arguments["id"]
        call.changed(f"delete {kind}", name)
        if name not in _known(call, kind):
            unknown = "DICOM modality with symbolic name" if kind == "modalities" else "Orthanc peer"
            raise Problem(Fault.INEXISTENT, f"Unknown {unknown}: {name}")
        own = kind == "modalities" and name in call.service.modalities()
        try:
            if own:
                call.state.put(call.visitor, f"orthanc/{kind}/{name}", False)
            else:
                call.state.delete(call.visitor, f"orthanc/{kind}/{name}")
        except StateFull:
            raise Problem(Fault.INTERNAL) from None
        return text_response("")

    return handler


def _target(call: Call, kind: str) -> dict[str, Any]:
    name = call.arguments["id"]
    found = _known(call, kind).get(name)
    if found is None:
        if kind == "peers":
            raise Problem(Fault.RESOURCE, f"No peer with symbolic name: {name}")
        raise Problem(Fault.INEXISTENT, f"No modality with symbolic name: {name}")
    return found


def _unreachable(aet: str) -> str:
    return f'DicomAssociation - connecting to AET "{aet}": TCP Initialization Error: Connection refused'


async def _refused(details: str) -> Response:
    await asyncio.sleep(REFUSED_AFTER)
    raise Problem(Fault.NETWORK, details)


def _ask(operation: str) -> Handler:
    async def handler(call: Call) -> Response:
        body = await call.body()
        call.changed(operation, call.arguments["id"], body.decode("utf-8", "replace"), "failure")
        _check_asked(operation, body)
        target = _target(call, "modalities")
        return await _refused(_unreachable(str(target["AET"])))

    return handler


def _store(kind: str, operation: str) -> Handler:
    async def handler(call: Call) -> Response:
        body = await call.body()
        target_name = call.arguments["id"]
        call.changed(f"{operation} to {kind}", target_name, body.decode("utf-8", "replace"), "failure")
        names: list[str] = []
        options: dict[str, Any] = {}
        if operation == "store-straight":
            _target(call, kind)
            if not is_part10(body):
                raise unreadable(len(body))
        else:
            names, options = _resources(body)
            check_job(options)
        target = _target(call, kind)
        details = _unreachable(str(target["AET"])) if kind == "modalities" else _TO_PEER
        view = await call.view()
        await call.named(view, names)
        if operation == "store" and not names and kind == "modalities":
            aets = {"LocalAet": call.service.backing.deployment.ae_title, "RemoteAet": str(target["AET"])}
            return json_response({"Description": "REST API", "FailedInstancesCount": 0, "InstancesCount": 0} | aets)
        if options.get("Asynchronous") is not True and options.get("Synchronous") is not False:
            return await _refused(details)
        kind_of_job = "DicomModalityStore" if kind == "modalities" else "OrthancPeerStore"
        content = {"Description": target_name, "FailedInstancesCount": 0, "InstancesCount": len(names)}
        error = (Fault.NETWORK.value.code, Fault.NETWORK.value.message, details)
        return jobs.submitted(jobs.begin(call, kind_of_job, content, error=error))

    return handler


def _resources(body: bytes) -> tuple[list[str], dict[str, Any]]:
    """The ids in a body: one alone, a list, or among options."""
    text = body.decode("utf-8", "replace").strip()
    if is_public_id(text):
        return [text], {}
    try:
        value = parsed(body)
    except JsonError:
        raise Problem(Fault.FILE, "Must provide a JSON value") from None
    options = value if isinstance(value, dict) else {}
    names = value.get("Resources") if isinstance(value, dict) else value
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Problem(Fault.FILE, _NO_RESOURCES if isinstance(value, dict) else "")
    for name in names:
        if not is_public_id(name):
            raise Problem(Fault.FILE, f"This string is not a valid Orthanc identifier: {name}")
    return names, options


def _check_asked(operation: str, body: bytes) -> None:
    """Raises what is wrong with a request to a remote AE, if anything is, before that is looked for."""
    try:
        value = parsed(body)
    except JsonError:
        value = None
    fields = value if isinstance(value, dict) else {}
    if operation == "echo":
        if body and value is None:
            raise Problem(Fault.FILE, "Cannot parse the JSON body")
        integer(fields, "Timeout")
    elif operation in _LEGACY:
        given = {name for name, each in fields.items() if len(str(each)) > 2}
        if not isinstance(value, dict) or not all(given.intersection(names) for names in _LEGACY[operation]):
            raise Refusal(400)
    elif operation == "move":
        if not fields.keys() >= {"Resources", "Level"}:
            raise Problem(Fault.FILE, "Must provide a JSON body containing fields Resources and Level")
    elif operation == "storage-commitment":
        if not isinstance(value, dict):
            raise Problem(Fault.FILE, "Must provide a JSON object with a list of resources")
        if not fields.keys() & {"Resources", "DicomInstances"}:
            raise Problem(Fault.FILE, _NOTHING_COMMITTED)
    elif not isinstance(value, dict):
        raise Problem(Fault.FILE, "Must provide a JSON object")
    elif operation == "query":
        if "Level" not in fields:
            raise Problem(Fault.FILE, "The JSON body must contain field Level")
        if not isinstance(fields["Level"], str) or fields["Level"].lower() not in BY_NAME:
            raise Problem(Fault.RANGE)
        asked = fields.get("Query", {})
        if not isinstance(asked, dict) or not all(
            isinstance(each, str) and tag_named(name) is not None for name, each in asked.items()
        ):
            raise Problem(Fault.FILE, "Associative array of DICOM tags to strings expected in field: Query")


async def peer_system(call: Call) -> Response:
    """GET /peers/{id}/system: what a peer says of itself."""
    _target(call, "peers")
    return await _refused(_TO_PEER)


async def dicom_echo(call: Call) -> Response:
    """POST /tools/dicom-echo: to any host."""
    body = await call.body()
    call.changed("dicom-echo", detail=body.decode("utf-8", "replace"), outcome="failure")
    try:
        value = parsed(body)
    except JsonError:
        raise Problem(Fault.FILE, "Cannot parse the JSON body") from None
    return await _refused(_unreachable(str(_read_modality(value)["AET"])))


async def queries(_: Call) -> Response:
    """GET /queries: of remote archives none has ever been made."""
    return json_response([])


async def query(_: Call) -> Response:
    """What is asked of a query that was never made."""
    raise Problem(Fault.RESOURCE)


async def forget_query(call: Call) -> Response:
    """DELETE /queries/{id}, which may be of nothing."""
    call.changed("delete queries", call.arguments["id"])
    return text_response("")


async def storage_commitment(call: Call) -> Response:
    """GET /storage-commitment/{id}, and what removes its instances: of nothing, too."""
    raise Problem(Fault.INEXISTENT, f"No storage commitment transaction with UID: {call.arguments['id']}")
