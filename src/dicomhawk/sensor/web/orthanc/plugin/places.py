"""What the paths of the plug-in's WADO-RS name."""

from __future__ import annotations

from .....hospital.attributes import Level
from ....listing import is_uid
from ..problems import Fault, Problem
from ..search import identified
from ..service import Call
from ..view import Item, View

_INEXISTENT = "Accessing an inexistent"


async def called(call: Call, view: View, level: Level, uid: str) -> Item | None:
    """What of a level has that UID; None: nothing, or more than one."""
    if not is_uid(uid):
        return None
    found = [item async for item in identified(call, view, level, uid)]
    return found[0] if len(found) == 1 else None


async def study(call: Call, view: View) -> Item:
    """The study of the path. Raises `Problem`."""
    return await _named(call, view, Level.STUDY, "study")


async def series(call: Call, view: View) -> Item:
    """The series of the path. Raises `Problem`."""
    found = await _named(call, view, Level.SERIES, "series")
    above = call.arguments["study"]
    if found.ids[1] != above:
        raise Problem(Fault.INEXISTENT, f"No series {call.arguments['series']} in study {above}")
    return found


async def instance(call: Call, view: View) -> Item:
    """The instance of the path. Raises `Problem`."""
    found = await _named(call, view, Level.IMAGE, "instance")
    above, within = call.arguments["study"], call.arguments["series"]
    if found.ids[1:3] != (above, within):
        name = call.arguments["instance"]
        raise Problem(Fault.INEXISTENT, f"Instance {name} is not both in study {above} and in series {within}")
    return found


async def place(call: Call, view: View) -> Item:
    """The deepest that the path names. Raises `Problem`."""
    if "instance" in call.arguments:
        return await instance(call, view)
    return await (series(call, view) if "series" in call.arguments else study(call, view))


async def _named(call: Call, view: View, level: Level, name: str) -> Item:
    uid = call.arguments[name]
    found = await called(call, view, level, uid)
    if found is None:
        raise Problem(Fault.INEXISTENT, f"{_INEXISTENT} {name} with WADO-RS: {uid}")
    return found
