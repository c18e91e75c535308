"""Which abstract and transfer syntaxes are accepted, and which one is picked."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from ....hospital.registry import UIDS
from .. import building as b
from ..laboratory import Catalogue, Laboratory
from .negotiation import CT, FIND, GET, MOVE, MR

catalogue = Catalogue()

PER_ASSOCIATION = 100
"""Contexts proposed at a time; some products take fewer than the standard's 128."""
JPEG, JPEG_LOSSLESS, JPEG_LS, JPEG_2000, RLE = (
    f"1.2.840.10008.1.2.{n}" for n in ("4.50", "4.70", "4.80", "4.90", "5")
)
PRIVATE_SYNTAXES = ("1.2.840.113619.5.2", "1.3.46.670589.33.1.4.1")
"""General Electric's implicit VR with big-endian pixels, and Philips's."""
PRIVATE_CLASSES = (
    "1.2.276.0.7230010.3.1.0.1",
    "1.2.392.200036.9116.7.8.1.1.1",
    "1.2.840.113619.4.26",
    "1.2.840.113619.4.27",
    "1.2.840.113619.4.30",
    "1.3.12.2.1107.5.9.1",
    "1.3.46.670589.5.0.1",
    "1.3.46.670589.5.0.2",
    "1.3.46.670589.5.0.10",
    "1.3.46.670589.11.0.0.12.1",
)
"""Abstract syntaxes of makers that archives often accept (DCMTK, Toshiba, General Electric, Siemens, Philips)."""
OLD_CLASSES = (
    "1.2.840.10008.1.9",
    "1.2.840.10008.3.1.2.1.1",
    "1.2.840.10008.5.1.1.29",
    "1.2.840.10008.5.1.1.30",
    "1.2.840.10008.5.1.4.1.1.9",
    "1.2.840.10008.5.1.4.1.1.9.1",
    "1.2.840.10008.5.1.4.1.1.77.1",
    "1.2.840.10008.5.1.4.1.1.77.2",
    "1.2.840.10008.5.1.4.1.1.88.1",
    "1.2.840.10008.5.1.4.1.1.88.2",
    "1.2.840.10008.5.1.4.1.1.88.3",
    "1.2.840.10008.5.1.4.1.1.88.4",
    "1.2.840.10008.5.1.4.32.1",
)
"""Retired ones; those that the registry has as well are asked for once."""
NEW_CLASSES = tuple(f"1.2.840.10008.5.1.4.1.1.{n}" for n in ("9.100.1", "9.100.2", "66.7", "66.8"))
"""Waveform presentation states, label and height map segmentation: newer than pydicom's tables of PS3.6."""
NEW_SYNTAXES = tuple(f"1.2.840.10008.1.2.{n}" for n in ("4.110", "4.111", "4.112", "8.1"))
"""JPEG XL and deflated frames, likewise."""
ORDERS: tuple[tuple[str, ...], ...] = (
    (b.IMPLICIT, b.EXPLICIT),
    (b.EXPLICIT, b.IMPLICIT),
    (b.BIG, b.EXPLICIT, b.IMPLICIT),
    (b.BIG, b.IMPLICIT, b.EXPLICIT),
    (b.IMPLICIT, b.BIG),
    (b.BIG, b.IMPLICIT),
    (b.EXPLICIT, b.BIG),
    (b.DEFLATED, b.IMPLICIT),
    (b.IMPLICIT, b.DEFLATED),
    (b.DEFLATED, b.EXPLICIT),
    (b.DEFLATED, b.BIG),
    (JPEG, b.EXPLICIT),
    (b.EXPLICIT, JPEG),
    (JPEG, b.IMPLICIT),
    (JPEG, b.BIG),
    (JPEG_LS, JPEG_2000, b.IMPLICIT),
    (RLE, JPEG_LOSSLESS, b.BIG),
    (JPEG_LOSSLESS, RLE),
    (RLE, JPEG_LOSSLESS),
    (JPEG_2000, JPEG),
    (JPEG, JPEG_2000),
    (b.NOWHERE, b.IMPLICIT),
    (b.IMPLICIT, b.NOWHERE),
    (PRIVATE_SYNTAXES[0], b.DEFLATED),
    (b.DEFLATED, PRIVATE_SYNTAXES[0]),
    (b.DEFLATED, JPEG),
    (JPEG, b.DEFLATED),
)
"""Offers of which one must be picked."""
SERVICES = (
    ("verification", b.VERIFICATION),
    ("storage", CT),
    ("find", FIND),
    ("move", MOVE),
    ("get", GET),
    ("unknown", b.NOWHERE),
)
"""A SOP class for each service whose transfer syntaxes may differ; that of none stands for all that aren't known."""


@cache
def abstract_syntaxes() -> tuple[str, ...]:
    """All UIDs that PS3.6 annex A lists, retired ones included, and some of makers, in a fixed order.

    Those of other things are no abstract syntaxes, but a product that accepts what it doesn't know may know them.
    """
    return tuple(dict.fromkeys((*UIDS, *NEW_CLASSES, *OLD_CLASSES, *PRIVATE_CLASSES, b.NOWHERE)))


@cache
def transfer_syntaxes() -> tuple[str, ...]:
    """All that PS3.6 annex A lists, retired ones included, and some of makers, in a fixed order."""
    registry = (uid for uid, entry in UIDS.items() if entry[1] == "Transfer Syntax")
    return tuple(dict.fromkeys((*registry, *NEW_SYNTAXES, *PRIVATE_SYNTAXES, b.NOWHERE)))


@catalogue.add("syntaxes.abstract", "every UID of the registry as abstract syntax")
def abstract(lab: Laboratory) -> None:
    known = abstract_syntaxes()
    for start in range(0, len(known), PER_ASSOCIATION):
        part = known[start : start + PER_ASSOCIATION]
        proposals = [(2 * n + 1, uid, (b.EXPLICIT, b.IMPLICIT)) for n, uid in enumerate(part)]
        lab.line(f"from {start + 1}").associate(proposals).finish()


def _alone(uid: str) -> Callable[[Laboratory], None]:
    def play(lab: Laboratory) -> None:
        proposals = [(2 * n + 1, uid, (syntax,)) for n, syntax in enumerate(transfer_syntaxes())]
        lab.line().associate(proposals).finish()

    return play


def _picked(uid: str) -> Callable[[Laboratory], None]:
    def play(lab: Laboratory) -> None:
        lab.line().associate([(2 * n + 1, uid, offer) for n, offer in enumerate(ORDERS)]).finish()

    return play


for _name, _uid in SERVICES:
    catalogue.add(f"syntaxes.alone-{_name}", f"every transfer syntax alone, for {_name}")(_alone(_uid))
    catalogue.add(f"syntaxes.picked-{_name}", f"which transfer syntax is picked, for {_name}")(_picked(_uid))


@catalogue.add("syntaxes.separate", "whether one context's answer depends on the others")
def separate(lab: Laboratory) -> None:
    lab.line("verification last").associate(
        ((1, CT, (JPEG,)), (3, MR, (b.BIG,)), (5, b.VERIFICATION, (b.IMPLICIT,)))
    ).finish()
    lab.line("twice the same").associate(
        ((1, CT, (JPEG,)), (3, CT, (b.IMPLICIT,)), (5, CT, (b.EXPLICIT, b.IMPLICIT)))
    ).finish()
    lab.line("all syntaxes").associate(((1, CT, transfer_syntaxes()[:60]),)).finish()
