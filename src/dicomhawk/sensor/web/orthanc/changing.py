"""Calls that would make new resources of others, or change them: answered as if they had, and recorded."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from ....hospital.attributes import Level
from ..message import Response
from ..state import StateFull
from . import jobs
from .attachments import known
from .bodies import array
from .describing import described, form_of
from .jsoncpp import JsonError, parsed
from .nodes import delete
from .problems import Fault, Problem, Refusal
from .service import LEVELS, MAX_NAMED, NAMES, PLURALS, Call, Handler, json_response, text_response
from .system import new_uid
from .view import Item, View, public_id

_IDENTIFIERS: Final = {
    Level.PATIENT: "PatientID",
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.IMAGE: "SOPInstanceUID",
}


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    for name, level in LEVELS.items():
        for operation in ("anonymize", "modify"):
            yield "POST", f"/{name}/{{id}}/{operation}", _derive(level, operation)
        yield "POST", f"/{name}/{{id}}/reconstruct", _reconstruct(level)
    yield "GET PUT", "/patients/{id}/protected", protected
    yield "POST", "/studies/{id}/merge", merge
    yield "POST", "/studies/{id}/split", split
    yield "POST", "/instances/{id}/export", export
    yield "POST", "/tools/bulk-anonymize", _bulk("anonymize")
    yield "POST", "/tools/bulk-modify", _bulk("modify")
    yield "POST", "/tools/bulk-delete", bulk_delete
    yield "POST", "/tools/bulk-content", bulk_content
    yield "POST", "/tools/create-dicom", create_dicom


async def _options(call: Call) -> tuple[dict[str, Any], str]:
    body = await call.body()
    text = body.decode("utf-8", "replace")
    try:
        found = parsed(body)
    except JsonError:
        raise Problem(Fault.FILE) from None
    if not isinstance(found, dict):
        raise Problem(Fault.FILE)
    return found, text


def _derive(level: Level, operation: str) -> Handler:
    anonymizes = operation == "anonymize"

    async def handler(call: Call) -> Response:
        view = await call.view()
        item = await view.find(level, call.arguments["id"])
        if item is None:
            call.changed(operation, outcome="failure")
            raise Problem(Fault.RESOURCE)
        try:
            options, text = await _options(call)
        except Problem:
            call.changed(operation, outcome="failure")
            raise
        call.changed(operation, detail=text)
        _judge(level, options, anonymizes)
        if level == Level.IMAGE:
            raise Problem(Fault.NOT_IMPLEMENTED)
        content = await _content(call, view, [item], anonymizes)
        ids = _derived(call, item, anonymizes)
        name = public_id(ids)
        content |= {"ID": name, "Path": f"/{PLURALS[level]}/{name}", "Type": NAMES[level]}
        content["PatientID"] = public_id(ids[:1])
        return _ended(call, content, options)

    return handler


def _judge(level: Level, options: dict[str, Any], anonymizes: bool) -> None:
    """Refuse what would replace an identifier without being forced to."""
    replaced = options.get("Replace", {})
    if not isinstance(replaced, dict):
        raise Problem(Fault.FILE, 'Member "Replace" is not an object')
    if anonymizes or options.get("Force") is True:
        return
    for above, identifier in _IDENTIFIERS.items():
        if identifier in replaced and above <= level:
            raise Problem(
                Fault.REQUEST,
                f'Marking tag "{identifier}" as to be replaced requires the "Force" option to be set to true',
            )


async def _content(call: Call, view: View, items: list[Item], anonymizes: bool) -> dict[str, Any]:
    number = 0
    for item in items:
        number += (await view.size(item))[0] if item.level < Level.IMAGE else 1
        await asyncio.sleep(0)
    return {
        "Description": "REST API",
        "FailedInstancesCount": 0,
        "InstancesCount": number,
        "IsAnonymization": anonymizes,
    }


def _derived(call: Call, item: Item, anonymizes: bool) -> tuple[str, ...]:
    """Identifiers of what is made of an item."""
    kinds = (0, 2, 3, 4)
    first = item.ids[0] if not anonymizes and item.level > Level.PATIENT else new_uid(call, 1)
    return (first, *(new_uid(call, kind) for kind in kinds[1 : item.level + 1]))


def _ended(call: Call, content: dict[str, Any], options: dict[str, Any]) -> Response:
    """The answer to a call that is a job: its id, or what it has made."""
    seconds = 0.02 * max(1, content["InstancesCount"])
    name = jobs.begin(call, "ResourceModification", content, seconds=seconds)
    if options.get("Asynchronous") is True or options.get("Synchronous") is False:
        return jobs.submitted(name)
    return json_response(content)


def _reconstruct(level: Level) -> Handler:
    async def handler(call: Call) -> Response:
        view = await call.view()
        await call.item(view, level)
        call.changed("reconstruct")
        return text_response("")

    return handler


async def protected(call: Call) -> Response:
    """Whether a patient is kept when old ones have to go."""
    view = await call.view()
    item = await call.item(view, Level.PATIENT)
    key = f"orthanc/protected/{item.id}"
    if call.request.method == "GET":
        return text_response("1" if call.state.get(call.visitor, key, False) else "0")
    text = (await call.body()).decode("utf-8", "replace").strip()
    call.changed("put protected", item.id, text)
    if text not in ("0", "1"):
        raise Problem(Fault.FILE, "Boolean value expected")
    try:
        call.state.put(call.visitor, key, text == "1")
    except StateFull:
        raise Problem(Fault.INTERNAL) from None
    return text_response("")


async def merge(call: Call) -> Response:
    """POST /studies/{id}/merge."""
    view = await call.view()
    item = await call.item(view, Level.STUDY)
    options, text = await _options(call)
    call.changed("merge", detail=text)
    items = await call.named(view, _names(options))
    content = await _content(call, view, items, False)
    return _ended(call, content | {"TargetStudy": item.id}, options)


async def split(call: Call) -> Response:
    """POST /studies/{id}/split."""
    view = await call.view()
    item = await call.item(view, Level.STUDY)
    options, text = await _options(call)
    call.changed("split", detail=text)
    if not isinstance(options.get("Series", options.get("Instances")), list):
        raise Problem(Fault.REQUEST, 'Both the "Series" and the "Instances" fields are missing')
    target = new_uid(call, 2)
    content = await _content(call, view, [item], False)
    content |= {"TargetStudy": public_id((item.ids[0], target)), "TargetStudyUID": target}
    return _ended(call, content, options)


async def export(call: Call) -> Response:
    """POST /instances/{id}/export: writing to the disk isn't allowed."""
    call.changed("export", detail=(await call.body()).decode("utf-8", "replace"), outcome="failure")
    raise Refusal(403)


def _names(options: dict[str, Any]) -> list[str]:
    names = options.get("Resources")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Problem(Fault.FILE, "List of strings expected in field: Resources")
    return list(dict.fromkeys(names))[:MAX_NAMED]


def _bulk(operation: str) -> Handler:
    async def handler(call: Call) -> Response:
        options, text = await _options(call)
        call.changed(f"bulk-{operation}", detail=text)
        view = await call.view()
        items = await call.named(view, _names(options))
        anonymizes = operation == "anonymize"
        content = await _content(call, view, items, anonymizes)
        content["Resources"] = [
            {"ID": public_id(ids), "Path": f"/{PLURALS[item.level]}/{public_id(ids)}", "Type": NAMES[item.level]}
            for item in items
            for ids in [_derived(call, item, anonymizes)]
        ]
        return _ended(call, content, options)

    return handler


async def bulk_delete(call: Call) -> Response:
    """POST /tools/bulk-delete."""
    options = await call.json_object()
    names = _names(options)
    call.changed("bulk-delete", detail="\n".join(names))
    for name in names:
        view = await call.view()
        item = await view.find_any(name)
        if item is not None:
            delete(call, view, item)
        await asyncio.sleep(0)
    return text_response("")


async def bulk_content(call: Call) -> Response:
    """POST /tools/bulk-content."""
    options, _ = await _options(call)
    view = await call.view()
    names = _names(options)
    call.queried(None, len(names))
    return await array(_contents(call, view, names, options))


async def _contents(
    call: Call, view: View, names: list[str], options: dict[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    wanted = options.get("Level")
    for name in names:
        item = await view.find_any(name)
        if item is None:
            continue
        level = next((each for each in Level if NAMES[each] == wanted), item.level)
        items = (
            view.below(item, level)
            if level > item.level
            else [view.above(item, level) if level < item.level else item]
        )
        for each in items:
            content = await described(call.service, view, each, form_of(options))
            if options.get("Metadata", True) is True:
                content["Metadata"] = await known(call, view, each)
            yield content
            await asyncio.sleep(0)


async def create_dicom(call: Call) -> Response:
    """POST /tools/create-dicom: what would be made is told, and not made."""
    body = await call.body()
    text = body.decode("utf-8", "replace")
    call.changed("create-dicom", detail=text)
    try:
        options = parsed(body)
    except JsonError:
        raise Problem(Fault.REQUEST) from None
    if not isinstance(options, dict) or not isinstance(options.get("Tags", {}), dict):
        raise Problem(Fault.REQUEST)
    given = options.get("Tags", {}) | {key: value for key, value in options.items() if isinstance(value, str)}
    for name in given:
        if not re.fullmatch(r"[0-9A-Za-z,-]{1,64}", name):
            raise Problem(Fault.TAG)
    patient = str(given.get("PatientID", new_uid(call, 1)))
    ids = (patient, new_uid(call, 2), new_uid(call, 3), new_uid(call, 4))
    names = [public_id(ids[: level + 1]) for level in Level]
    return json_response(
        {
            "ID": names[Level.IMAGE],
            "ParentPatient": names[Level.PATIENT],
            "ParentSeries": names[Level.SERIES],
            "ParentStudy": names[Level.STUDY],
            "Path": f"/instances/{names[Level.IMAGE]}",
            "Status": "Success",
        }
    )
