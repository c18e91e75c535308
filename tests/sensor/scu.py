"""pynetdicom as a client."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_context, build_role, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode
from pynetdicom.presentation import PresentationContext

from tests.support import wait_until

VERIFICATION = "1.2.840.10008.1.1"
STUDY_FIND, STUDY_MOVE, STUDY_GET = (f"1.2.840.10008.5.1.4.1.2.2.{number}" for number in (1, 2, 3))
PATIENT_FIND = "1.2.840.10008.5.1.4.1.2.1.1"
WORKLIST = "1.2.840.10008.5.1.4.31"
CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)
PENDING = (0xFF00, 0xFF01)

Address = tuple[str, int]
Response = tuple[Dataset, Dataset | None]


@contextlib.contextmanager
def associate(
    address: Address,
    contexts: Sequence[str | PresentationContext],
    *,
    ip: str = "",
    scp: Sequence[str] = (),
    items: Sequence[Any] = (),
    handlers: Sequence[Any] = (),
    max_pdu: int = 16382,
    title: str = "PEER",
    called: str = "ANY-SCP",
    refused: bool = False,
) -> Iterator[Association]:
    """An association, released in the end. `ip` is the source address, `scp` the classes to take the SCP role for."""
    ae = AE(ae_title=title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = 60
    for each in contexts:
        context = build_context(each, list(SYNTAXES)) if isinstance(each, str) else each
        for syntax in context.transfer_syntax:
            ae.add_requested_context(context.abstract_syntax, syntax)
    negotiation = [*(build_role(uid, scp_role=True) for uid in scp), *items]
    association = ae.associate(
        *address,
        ae_title=called,
        bind_address=(ip, 0) if ip else None,
        ext_neg=negotiation or None,
        evt_handlers=list(handlers) or None,
        max_pdu=max_pdu,
    )
    try:
        assert association.is_established != refused, "refused" if not refused else "accepted"
        yield association
    except BaseException:
        association.abort()  # whose release might wait for ever: pynetdicom may be in the middle of something
        raise
    if association.is_established:
        association.release()
        association.join(10)


def keys(**values: Any) -> Dataset:
    """An identifier."""
    identifier = Dataset()
    for keyword, value in values.items():
        setattr(identifier, keyword, value)
    return identifier


def find(association: Association, identifier: Dataset, model: str = STUDY_FIND) -> tuple[list[Dataset], int]:
    """Matches and final status of a C-FIND."""
    matches = []
    status = -1
    for answer, match in association.send_c_find(identifier, model):
        status = answer.Status
        if match is not None and status in PENDING:
            matches.append(match)
    return matches, status


class Received:
    """Takes the C-STOREs of a C-GET: `objects` has the data sets' bytes and transfer syntaxes by UID."""

    def __init__(self, status: int = 0x0000) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.order: list[str] = []
        self.status = status

    @property
    def handler(self) -> tuple[Any, Any]:
        """For `associate`."""
        return evt.EVT_C_STORE, self._take

    def _take(self, event: Any) -> int:
        request = event.request
        self.objects[request.AffectedSOPInstanceUID] = (
            request.DataSet.getvalue(),
            str(event.context.transfer_syntax),
        )
        self.order.append(request.AffectedSOPInstanceUID)
        return self.status


def get(association: Association, identifier: Dataset, model: str = STUDY_GET) -> list[Response]:
    """All responses to a C-GET."""
    return [(status, data) for status, data in association.send_c_get(identifier, model)]


@contextlib.contextmanager
def unattended(association: Association) -> Iterator[None]:
    """Nobody but the caller takes the messages that come, not pynetdicom's own thread either."""
    association._reactor_checkpoint.clear()
    wait_until(lambda: association._is_paused, "pause")
    try:
        yield
    finally:
        association._reactor_checkpoint.set()


def exchange(association: Association, request: Any, context_id: int) -> Any:
    """Send a message as it is, however wrong, and return the next one that comes."""
    with unattended(association):
        association.dimse.send_msg(request, context_id)
        _, response = association.dimse.get_msg(block=True)
    assert response is not None, "no answer"
    return response


def store_bytes(
    association: Association, context: PresentationContext, sop_class: str, sop_instance: str, data: bytes
) -> Any:
    """C-STORE with these bytes as they are; the response."""
    request = C_STORE()
    request.MessageID = 7
    request.AffectedSOPClassUID = sop_class
    request.AffectedSOPInstanceUID = sop_instance
    request.Priority = 2
    request.DataSet = BytesIO(data)
    assert context.context_id is not None
    return exchange(association, request, context.context_id)


def encoded(data: Dataset, *, implicit: bool = False) -> bytes:
    """A data set's bytes, little-endian."""
    found = encode(data, implicit, True)
    assert found is not None
    return found
