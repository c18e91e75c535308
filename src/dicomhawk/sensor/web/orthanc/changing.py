"""Calls that would make new resources of others, or change them: answered as if they had, and recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from typing import Any, Final

from ....hospital.attributes import Level
from ....hospital.elements import EXPLICIT_LE, encode
from ..message import Response
from ..state import StateFull
from . import jobs
from .altering import Alteration
from .attachments import known
from .bodies import array
from .deriving import created, made, named, part10, single, stored
from .describing import described, form_of, numbered
from .jsoncpp import JsonError, parsed, styled
from .nodes import delete
from .problems import UNHANDLED, Fault, Problem, Refusal
from .service import LEVELS, MAX_NAMED, NAMES, PLURALS, Call, Handler, json_response, text_response
from .system import flag, new_uid
from .tags import tag_named
from .view import Item, View, public_id

_KIND: Final = "ResourceModification"
_SECONDS: Final = 0.02
"""That a job takes for an instance, as it tells of itself."""


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


async def _options(call: Call, otherwise: Problem | None = None) -> tuple[dict[str, Any], str]:
    """The body as a JSON object, and as text. Raises `Problem`, `otherwise` for another JSON value."""
    body = await call.body()
    text = body.decode("utf-8", "replace")
    try:
        found = parsed(body)
    except JsonError:
        raise Problem(Fault.FILE) from None
    if not isinstance(found, dict):
        raise otherwise or Problem(Fault.FILE)
    return found, text


def _derive(level: Level, operation: str) -> Handler:
    anonymizes = operation == "anonymize"

    async def handler(call: Call) -> Response:
        text = ""
        try:
            options, text = await _options(call)
            alteration = Alteration(level, options, anonymizes, lambda kind: new_uid(call, kind))
        except Problem:
            call.changed(operation, detail=text, outcome="failure")
            raise
        view = await call.view()
        item = await view.find(level, call.arguments["id"])
        if item is None:
            call.changed(operation, detail=text, outcome="failure")
            raise Problem(Fault.RESOURCE)
        call.changed(operation, detail=text)
        if level == Level.IMAGE:
            _, file = await single(call, view, item, alteration)
            return Response(200, [("Content-Type", "application/dicom")], file)
        content = await _content(call, view, [item], anonymizes)

        async def work() -> dict[str, Any]:
            ids = (await made(call, view, [item], alteration))[0]
            name = named(ids, level)
            path = f"/{PLURALS[level]}/{name}"
            return {"ID": name, "Path": path, "Type": NAMES[level], "PatientID": named(ids, Level.PATIENT)}

        return await _done(call, content, options, work())

    return handler


async def _done(
    call: Call, content: dict[str, Any], options: dict[str, Any], work: Awaitable[dict[str, Any]]
) -> Response:
    """The answer to a call that is a job: its id, or what it has made. What fails is told by the job, too."""
    seconds = _SECONDS * max(1, content["InstancesCount"])
    submitted = options.get("Asynchronous") is True or options.get("Synchronous") is False
    try:
        content |= await work
    except Problem as problem:
        code, _, message = problem.fault.value
        name = jobs.begin(call, _KIND, content, seconds=seconds, error=(code, message, problem.details))
        if not submitted:
            raise
        return jobs.submitted(name)
    name = jobs.begin(call, _KIND, content, seconds=seconds)
    return jobs.submitted(name) if submitted else json_response(content)


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
    item = await view.find(Level.PATIENT, call.arguments["id"])
    if item is None:
        raise Problem(Fault.RANGE)
    key = f"orthanc/protected/{item.id}"
    if call.request.method == "GET":
        return text_response("1" if call.state.get(call.visitor, key, False) else "0")
    text = (await call.body()).decode("utf-8", "replace").strip()
    call.changed("put protected", item.id, text)
    protects = flag(text) == "1"
    try:
        call.state.put(call.visitor, key, protects)
    except StateFull:
        raise Problem(Fault.INTERNAL) from None
    return text_response("")


async def _study(call: Call, unknown: str) -> tuple[View, Item]:
    """The study that a path names. Raises `Problem`, with these details if there is none."""
    view = await call.view()
    item = await view.find(Level.STUDY, call.arguments["id"])
    if item is None:
        raise Problem(Fault.RESOURCE, unknown)
    return view, item


async def merge(call: Call) -> Response:
    """POST /studies/{id}/merge."""
    options, text = await _options(call, Problem(Fault.FILE, "List of strings expected in field: Resources"))
    view, item = await _study(call, f"Cannot merge into an unknown study: {call.arguments['id']}")
    call.changed("merge", detail=text)
    items = await call.named(view, _names(options), "Cannot find this resource: ")
    alteration = Alteration(Level.SERIES, {}, False, lambda kind: new_uid(call, kind))
    for level in (Level.PATIENT, Level.STUDY):
        alteration.identify(level, item.ids[level])
    content = await _content(call, view, items, False)
    return await _done(call, content, options, _moved(call, view, items, alteration, options, item.id))


async def split(call: Call) -> Response:
    """POST /studies/{id}/split."""
    options, text = await _options(call, Problem(Fault.INTERNAL, UNHANDLED))
    view, item = await _study(call, f"Cannot split unknown study {call.arguments['id']}")
    call.changed("split", detail=text)
    names = [each for key in ("Series", "Instances") for each in _listed(options.get(key, []), key)]
    if not names:
        raise Problem(Fault.REQUEST, 'Both the "Series" and the "Instances" fields are missing')
    items = await call.named(view, names)
    for each in items:
        if each.ids[:2] != item.ids:
            what = NAMES[each.level].lower()
            raise Problem(Fault.RESOURCE, f"This {what} does not belong to the study to be split: {each.id}")
    target = new_uid(call, 2)
    alteration = Alteration(Level.SERIES, {}, False, lambda kind: new_uid(call, kind))
    alteration.identify(Level.STUDY, target)
    content = await _content(call, view, items, False)
    content["TargetStudyUID"] = target
    target_id = public_id((item.ids[0], target))
    return await _done(call, content, options, _moved(call, view, items, alteration, options, target_id))


async def _moved(
    call: Call, view: View, items: list[Item], alteration: Alteration, options: dict[str, Any], target: str
) -> dict[str, Any]:
    """Have items in another study; they go from where they were, unless they are to be kept."""
    await made(call, view, items, alteration)
    for item in items if options.get("KeepSource") is not True else ():
        now = await call.view()
        there = await now.find(item.level, item.id)
        if there is not None:
            delete(call, now, there)
    return {"TargetStudy": target}


async def export(call: Call) -> Response:
    """POST /instances/{id}/export: writing to the disk isn't allowed."""
    call.changed("export", detail=(await call.body()).decode("utf-8", "replace"), outcome="failure")
    raise Refusal(403)


def _names(options: dict[str, Any]) -> list[str]:
    return _listed(options.get("Resources"), "Resources")


def _listed(names: object, field: str) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Problem(Fault.FILE, f"List of strings expected in field: {field}")
    return list(dict.fromkeys(names))[:MAX_NAMED]


def _bulk(operation: str) -> Handler:
    async def handler(call: Call) -> Response:
        options, text = await _options(call)
        call.changed(f"bulk-{operation}", detail=text)
        view = await call.view()
        items = await call.named(view, _names(options))
        anonymizes = operation == "anonymize"
        content = await _content(call, view, items, anonymizes)
        alteration = Alteration(Level.STUDY, options, anonymizes, lambda kind: new_uid(call, kind))

        async def work() -> dict[str, Any]:
            ids = await made(call, view, items, alteration)
            resources = {(level, named(each, level)): None for level in reversed(Level) for each in ids}
            return {
                "Resources": [
                    {"ID": name, "Path": f"/{PLURALS[level]}/{name}", "Type": NAMES[level]}
                    for level, name in resources
                ]
            }

        return await _done(call, content, options, work())

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
    options = await call.json_object()
    view = await call.view()
    names = _names(options)
    if "Level" in options and options["Level"] not in NAMES.values():
        raise Problem(Fault.RANGE)
    call.queried(None, len(names))
    return await array(_contents(call, view, names, options))


async def _contents(call: Call, view: View, names: list[str], options: dict[str, Any]) -> AsyncIterator[str]:
    wanted = next((each for each in Level if NAMES[each] == options.get("Level")), None)
    found: dict[str, Item] = {}
    for name in names:
        item = await view.find_any(name)
        if item is not None:
            level = item.level if wanted is None else wanted
            items = view.below(item, level) if level > item.level else [view.above(item, level)]
            found.update((each.id, each) for each in items)
    for each in found.values() if wanted is None else sorted(found.values(), key=lambda item: item.id):
        content = await described(call.service, view, each, form_of(options))
        if options.get("Metadata", True) is True:
            content["Metadata"] = await known(call, view, each)
        yield styled(content)
        await asyncio.sleep(0)


async def create_dicom(call: Call) -> Response:
    """POST /tools/create-dicom. Contents that would have to be decoded are refused as what can't be read."""
    body = await call.body()
    call.changed("create-dicom", detail=body.decode("utf-8", "replace"))
    try:
        options = parsed(body)
    except JsonError:
        raise Problem(Fault.REQUEST) from None
    if not isinstance(options, dict) or not isinstance(options.get("Tags", {}), dict):
        raise Problem(Fault.REQUEST)
    if "Content" in options:
        raise Problem(Fault.FILE)
    parent = options.get("Parent")
    view = await call.view()
    above = await view.find_any(parent) if isinstance(parent, str) else None
    if parent is not None and (above is None or above.level == Level.IMAGE):
        raise Problem(Fault.NO_PARENT if above is None else Fault.PARENT_IS_INSTANCE)
    for name, value in options.get("Tags", {}).items():
        if isinstance(value, bool | int | float) and (tag := tag_named(name)) is not None:
            raise Problem(Fault.TYPE, f"Bad Parameter type for tag {numbered(tag)}")
    given = options.get("Tags", {}) or {
        name: value for name, value in options.items() if isinstance(value, str) and name != "Parent"
    }
    head = await created(call, given, view, above)
    ids = await stored(call, part10(call, head, encode(head, EXPLICIT_LE), EXPLICIT_LE))
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
