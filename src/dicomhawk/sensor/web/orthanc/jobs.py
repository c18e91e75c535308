"""Jobs: what a visitor had done, none of which anybody does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from ..message import Response
from ..state import StateFull
from .problems import Fault, Problem, Refusal
from .service import Call, Handler, json_response, text_response
from .uuids import new_uuid

HISTORY: Final = 10
"""Jobs that are remembered once they are done (JobsHistorySize)."""
KEY: Final = "orthanc/jobs"
_SUCCESS: Final = (0, "Success", "")


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    yield "GET", "/jobs", listing
    yield "GET", "/jobs/{id}", single
    for operation in ("cancel", "pause", "resubmit", "resume"):
        yield "POST", f"/jobs/{{id}}/{operation}", _operation(operation)
        yield "GET", f"/jobs/{{id}}/{operation}", output
    yield "GET", "/jobs/{id}/{key}", output


def begin(
    call: Call,
    kind: str,
    content: dict[str, Any],
    *,
    seconds: float = 0.05,
    error: tuple[int, str, str] = _SUCCESS,
    priority: int = 0,
) -> str:
    """Remember a job that takes so long and ends so; its id."""
    job = {
        "id": new_uuid(),
        "type": kind,
        "content": content,
        "created": call.now,
        "seconds": seconds,
        "error": list(error),
        "priority": priority,
    }

    def change(before: Any) -> list[Any]:
        return [*(before or [])[1 - HISTORY :], job]

    try:
        call.state.update(call.visitor, KEY, change)
    except StateFull:
        raise Problem(Fault.INTERNAL) from None
    return str(job["id"])


def submitted(name: str) -> Response:
    """The answer to a call that has become a job."""
    return json_response({"ID": name, "Path": f"/jobs/{name}"})


def _kept(call: Call) -> list[dict[str, Any]]:
    return list(call.state.get(call.visitor, KEY, []))


def _find(call: Call) -> dict[str, Any]:
    found = next((job for job in _kept(call) if job["id"] == call.arguments["id"]), None)
    if found is None:
        raise Refusal
    return found


def _fine(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%S.%f")


def _described(call: Call, job: dict[str, Any]) -> dict[str, Any]:
    now, created, seconds = call.now, job["created"], job["seconds"]
    ended = job.get("cancelled", created + seconds)
    done = now >= ended
    code, description, details = job["error"] if done else _SUCCESS
    if "cancelled" in job:
        code, description, details = 4, "Canceled job", ""
    share = min(max((now - created) / seconds, 0.0), 1.0) if seconds else 1.0
    found = {
        "Content": job["content"],
        "CreationTime": _fine(created),
        "EffectiveRuntime": round(min(max(now, created), ended) - created, 3),
        "ErrorCode": code,
        "ErrorDescription": description,
        "ErrorDetails": details,
        "ID": job["id"],
        "Priority": job["priority"],
        "Progress": 100 if done and not code else int(share * 99),
        "State": ("Failure" if code else "Success") if done else "Running",
        "Timestamp": _fine(now),
        "Type": job["type"],
    }
    return found | ({"CompletionTime": _fine(ended)} if done else {})


async def listing(call: Call) -> Response:
    """GET /jobs."""
    found = sorted(_kept(call), key=lambda job: str(job["id"]))
    return json_response([_described(call, job) if call.has("expand") else job["id"] for job in found])


async def single(call: Call) -> Response:
    """GET /jobs/{id}."""
    return json_response(_described(call, _find(call)))


async def output(call: Call) -> Response:
    """What a job has made: nothing."""
    raise Problem(Fault.INEXISTENT, f"Job has no such output: {call.uri.rsplit('/', 1)[1]}")


def _operation(name: str) -> Handler:
    async def handler(call: Call) -> Response:
        call.changed(f"{name} job", call.arguments["id"])
        found = next((job for job in _kept(call) if job["id"] == call.arguments["id"]), None)
        if found is None or call.now >= found["created"] + found["seconds"]:
            raise Refusal(400)
        if name == "cancel":

            def change(before: Any) -> Any:
                now = call.now
                return [job | {"cancelled": now} if job["id"] == found["id"] else job for job in before or []]

            call.state.update(call.visitor, KEY, change)
        return text_response("{}", "application/json")

    return handler
