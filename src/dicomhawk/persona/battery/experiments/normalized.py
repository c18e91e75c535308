"""DIMSE-N requests (PS3.7 section 10) on the services that an archive may have."""

from __future__ import annotations

from ....upperlayer.dimse import CommandField, Value
from .. import building as b
from ..datasets import Key, data_set
from ..laboratory import Catalogue, Laboratory
from ..line import final
from .negotiation import CT

catalogue = Catalogue()

COMMITMENT, COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1"
MPPS = "1.2.840.10008.3.1.2.3.3"
PRINTER, PRINTER_INSTANCE = "1.2.840.10008.5.1.1.16", "1.2.840.10008.5.1.1.17"
UPS = "1.2.840.10008.5.1.4.34.6.1"
SECONDS = 6.0
"""Some products look into their database first."""
_MISSING: list[Key] = [
    ("TransactionUID", f"{b.NOWHERE}.1"),
    ("ReferencedSOPSequence", [[("ReferencedSOPClassUID", CT), ("ReferencedSOPInstanceUID", b.NOWHERE)]]),
]


def _requested(field: int, sop_class: str, instance: str, *, data: bool = False, **more: Value) -> bytes:
    return b.command(
        field,
        data_set=data,
        RequestedSOPClassUID=sop_class,
        MessageID=1,
        RequestedSOPInstanceUID=instance,
        **more,
    )


@catalogue.add("normalized.services", "requests for nothing that exists, where the product accepts the service")
def services(lab: Laboratory) -> None:
    for label, sop_class, head, keys in (
        (
            "storage commitment",
            COMMITMENT,
            _requested(CommandField.N_ACTION_RQ, COMMITMENT, COMMITMENT_INSTANCE, data=True, ActionTypeID=1),
            _MISSING,
        ),
        (
            "storage commitment, unknown action",
            COMMITMENT,
            _requested(CommandField.N_ACTION_RQ, COMMITMENT, COMMITMENT_INSTANCE, data=True, ActionTypeID=9),
            _MISSING,
        ),
        ("performed procedure step", MPPS, _requested(CommandField.N_GET_RQ, MPPS, b.NOWHERE), None),
        ("printer", PRINTER, _requested(CommandField.N_GET_RQ, PRINTER, PRINTER_INSTANCE), None),
        ("unified procedure step", UPS, _requested(CommandField.N_GET_RQ, UPS, b.NOWHERE), None),
    ):
        line = lab.line(label).associate(((1, sop_class, (b.IMPLICIT,)),))
        if 1 in line.accepted:
            data = None if keys is None else data_set(keys)
            line.send(b.message(1, head, data), "a request").hear(final, SECONDS)
        if line.over:
            line.finish()
        else:
            line.release()
