"""For how long the product waits, and what it does then (PS3.8 9.1.5 and what products add)."""

from __future__ import annotations

from collections.abc import Callable

from ....upperlayer.dimse import CommandField
from ... import sopclasses
from .. import building as b
from ..laboratory import Catalogue, Laboratory, Needs
from ..line import Line
from .queries import MODELS, STUDY
from .wrong_before import HTTP, TRAILING, request

catalogue = Catalogue()


def _timer(name: str, about: str, *, alone: bool = False) -> Callable[[Callable[[Laboratory], Line]], None]:
    def register(begin: Callable[[Laboratory], Line]) -> None:
        def play(lab: Laboratory) -> None:
            line = begin(lab)
            lab.begun()
            line.finish(lab.patience)

        catalogue.add(f"timers.{name}", about, needs=Needs.TIME, timed=True, alone=alone)(play)

    return register


@_timer("idle", "an association on which nothing happens")
def _idle(lab: Laboratory) -> Line:
    return lab.line().associate()


@_timer("idle-after-echo", "an association on which nothing happens after a C-ECHO")
def _idle_after_echo(lab: Laboratory) -> Line:
    return lab.line().associate().echo()


@_timer("half-p-data", "half a P-DATA-TF")
def _half_p_data(lab: Laboratory) -> Line:
    return lab.line().associate().send(b.echo()[:40], "40 bytes of a C-ECHO-RQ")


@_timer("no-identifier", "a C-FIND-RQ whose identifier doesn't come")
def _no_identifier(lab: Laboratory) -> Line:
    head = b.command(
        CommandField.C_FIND_RQ,
        data_set=True,
        AffectedSOPClassUID=sopclasses.STUDY_ROOT_FIND,
        MessageID=1,
        Priority=0,
    )
    return lab.line().associate(MODELS).send(b.message(STUDY, head), "C-FIND-RQ without identifier")


@_timer("after-release", "a requestor that doesn't close after A-RELEASE-RP")
def _after_release(lab: Laboratory) -> Line:
    return lab.line().associate().send(b.RELEASE_RQ, "A-RELEASE-RQ")


@_timer("after-abort", "a requestor that doesn't close after its A-ABORT")
def _after_abort(lab: Laboratory) -> Line:
    return lab.line().associate().send(b.ABORT, "A-ABORT")


@_timer("on-violation", "a peer that doesn't close after the A-ABORT it has got")
def _on_violation(lab: Laboratory) -> Line:
    return lab.line().associate().send(b.unit(8, bytes(4)), "a PDU of an unknown type")


@_timer("not-dicom", "an HTTP client that doesn't close")
def _not_dicom(lab: Laboratory) -> Line:
    return lab.line().send(HTTP, "an HTTP request")


@_timer("after-reject", "a requestor that doesn't close after A-ASSOCIATE-RJ", alone=True)
def _after_reject(lab: Laboratory) -> Line:
    return lab.line().associate(application=b.item(0x10, b.NOWHERE))


@_timer("silent", "a connection on which nothing comes", alone=True)
def _silent(lab: Laboratory) -> Line:
    return lab.line()


@_timer("unparsable", "a requestor whose A-ASSOCIATE-RQ can't be read, and who waits", alone=True)
def _unparsable(lab: Laboratory) -> Line:
    return lab.line().send(request(lab, tail=TRAILING), "an A-ASSOCIATE-RQ that can't be read")


@_timer("header", "six bytes of an A-ASSOCIATE-RQ", alone=True)
def _header(lab: Laboratory) -> Line:
    return lab.line().send(request(lab)[:6], "the header of an A-ASSOCIATE-RQ")


@_timer("half-request", "half an A-ASSOCIATE-RQ", alone=True)
def _half_request(lab: Laboratory) -> Line:
    return lab.line().send(request(lab)[:90], "90 bytes of an A-ASSOCIATE-RQ")
