"""The DICOMweb servers that a visitor tells Orthanc's plug-in of. Nobody is ever connected to."""

from __future__ import annotations

from typing import Any, Final

from ....evidence.events import WebChange
from ..message import BodyBroken, BodyTooLarge, Request, Response
from ..state import State, StateFull
from .jsoncpp import TAB, JsonError, parsed, styled
from .problems import Fault, Problem
from .remotes import password_of, read_peer, without
from .service import FACE, MAX_DETAIL, MAX_JSON

OPERATIONS: Final = ("get", "retrieve", "stow", "wado", "qido")
"""What can be done with a server, in the plug-in's order."""
_PREFIX: Final = "orthanc/servers/"
_KIND: Final = "application/json"
_A_REQUEST: Final = "must provide a JSON object with the field"


async def answer(state: State, request: Request, name: str = "", operation: str = "") -> Response:
    """The answer to a request for all servers, for one, or to do something with it. Raises `Problem`."""
    if operation:
        return await _operate(state, request, name, operation)
    match request.method:
        case "GET":
            return _told(state, request, name)
        case "PUT":
            return await _put(state, request, name)
        case _:
            _tell(request, "delete servers", name)
            if not state.delete(request.visitor, _PREFIX + name):
                raise Problem(Fault.RANGE, f"Unknown DICOMweb server: {name}")
            return Response(200, [("Content-Type", _KIND)], b"{}")


def _told(state: State, request: Request, name: str) -> Response:
    known = {key.removeprefix(_PREFIX): value for key, value in state.items(request.visitor, _PREFIX).items()}
    found: Any = list(OPERATIONS)
    if not name:
        found = known if request.argument("expand") is not None else sorted(known)
    elif name not in known:
        raise Problem(Fault.INEXISTENT, f"Inexistent server: {name}")
    return Response(200, [("Content-Type", _KIND)], f"{styled(found, TAB)}\n".encode())


async def _put(state: State, request: Request, name: str) -> Response:
    text, value = await _body(request)
    password = password_of(value)
    _tell(request, "put servers", name, text if password is None else without(text, password), password)
    if value is None:
        raise Problem(Fault.FILE, "A JSON file was expected")
    try:
        state.put(request.visitor, _PREFIX + name, read_peer(value))
    except StateFull:
        raise Problem(Fault.INTERNAL) from None
    return Response(200, [("Content-Type", _KIND)], b"{}")


async def _operate(state: State, request: Request, name: str, operation: str) -> Response:
    text, value = await _body(request)
    _tell(request, f"{operation} to servers", name, text)
    fields = value if isinstance(value, dict) else {}
    if operation == "delete":
        raise Problem(Fault.FILE, f'Cannot delete on DICOMweb server, check out property "HasDelete": {name}')
    if value is None:
        raise Problem(Fault.FILE, "A JSON file was expected")
    if operation == "stow" and not isinstance(fields.get("Resources"), list):
        raise Problem(
            Fault.FILE,
            f'A request to the DICOMweb STOW-RS client {_A_REQUEST} "Resources" containing an array of resources to '
            "be sent",
        )
    if operation in ("get", "qido", "wado") and not isinstance(fields.get("Uri"), str):
        raise Problem(
            Fault.FILE, f'A request to the DICOMweb client {_A_REQUEST} "Uri" containing the URI of interest'
        )
    if state.get(request.visitor, _PREFIX + name) is None:
        raise Problem(Fault.INEXISTENT, f"Inexistent server: {name}")
    raise Problem(Fault.NETWORK) if operation != "stow" else Problem(Fault.PLUGIN, Fault.PLUGIN.value.message)


async def _body(request: Request) -> tuple[str, Any]:
    """A body, and the value in it; None: it is no JSON. Raises `Problem`."""
    try:
        data = await request.body.read(MAX_JSON)
    except (BodyTooLarge, BodyBroken):
        raise Problem(Fault.FILE) from None
    try:
        return data.decode("utf-8", "replace"), parsed(data)
    except JsonError:
        return data.decode("utf-8", "replace"), None


def _tell(request: Request, call: str, name: str, text: str | None = None, password: str | None = None) -> None:
    detail = text[:MAX_DETAIL] if text else None
    outcome = "failure" if call.endswith("to servers") else "success"
    request.record.emit(
        WebChange(face=FACE, call=call, target=name, detail=detail, password=password, outcome=outcome)
    )
