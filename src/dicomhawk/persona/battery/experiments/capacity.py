"""How many associations there may be, and whether one client can hold the others up."""

from __future__ import annotations

import time

from .. import building as b
from ..laboratory import Catalogue, Laboratory, Needs
from ..line import Line, anything
from .wrong_before import TRAILING, request

catalogue = Catalogue()

BLOCKED_SECONDS = 2.5
AFTER_SECONDS = 3.0
TURN_SECONDS = 15.0
"""For an association that takes turns with many others."""


@catalogue.add("capacity.associations", "associations side by side", needs=Needs.CROWD, timed=True)
def associations(lab: Laboratory) -> None:
    time.sleep(2.0)  # a product with a process for each needs a moment to see that earlier ones have ended
    lines: list[Line] = []
    for number in range(lab.crowd):
        line = lab.line(str(number + 1)).associate()
        lines.append(line)
        if not line.open and len(lines) > 2 and not lines[-2].open:
            break  # two refusals say enough
    still = [line for line in lines if line.open]
    if still:
        still[-1].send(b.echo(), "C-ECHO-RQ").hear(anything, TURN_SECONDS)
    for line in lines:
        line.finish(0.2 if line.open else 1.0)


@catalogue.add("capacity.served", "of associations side by side, how many are served at once?", needs=Needs.CROWD)
def served(lab: Laboratory) -> None:
    lines = [lab.line(str(number + 1)).associate() for number in range(min(lab.crowd, 12))]
    for line in lines:
        if line.open:
            line.send(b.echo(), "C-ECHO-RQ").hear(anything, 1.0)
    for line in lines:
        line.finish(0.0)


def _beside(lab: Laboratory, first: Line) -> None:
    time.sleep(0.3)
    line = lab.line("beside it")
    line.send(request(lab), "A-ASSOCIATE-RQ").hear(anything, BLOCKED_SECONDS)
    first.finish(0.1)
    line.hear(anything, AFTER_SECONDS).finish(0.5)


@catalogue.add("capacity.beside-silent", "a client beside one that says nothing", timed=True)
def beside_silent(lab: Laboratory) -> None:
    _beside(lab, lab.line("first"))


@catalogue.add("capacity.beside-half", "a client beside one that has sent half a request", timed=True)
def beside_half(lab: Laboratory) -> None:
    _beside(lab, lab.line("first").send(request(lab)[:90], "half an A-ASSOCIATE-RQ"))


@catalogue.add("capacity.beside-unparsable", "a client beside one whose request can't be read", timed=True)
def beside_unparsable(lab: Laboratory) -> None:
    _beside(lab, lab.line("first").send(request(lab, tail=TRAILING), "an A-ASSOCIATE-RQ that can't be read"))


@catalogue.add("capacity.beside-open", "a client beside an open association", timed=True)
def beside_open(lab: Laboratory) -> None:
    _beside(lab, lab.line("first").associate())


@catalogue.add("capacity.beside-rejected", "a client beside one that was refused", timed=True)
def beside_rejected(lab: Laboratory) -> None:
    _beside(lab, lab.line("first").associate(application=b.item(0x10, b.NOWHERE)))
