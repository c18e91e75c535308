"""What the tests of the upper layer share: a policy, a user that answers, and ways to write bytes down."""

from __future__ import annotations

from collections.abc import Iterable

from dicomhawk.upperlayer import dimse, pdu
from dicomhawk.upperlayer import items as it
from dicomhawk.upperlayer.dialect import Close, Dialect
from dicomhawk.upperlayer.dimse import Command, Key
from dicomhawk.upperlayer.fragments import FILLING, fragments
from dicomhawk.upperlayer.indications import AssociateIndication, Indication, ReleaseIndication
from dicomhawk.upperlayer.message import CommandReceived
from dicomhawk.upperlayer.negotiation import (
    DICOM_APPLICATION_CONTEXT,
    IMPLICIT_VR_LITTLE_ENDIAN,
    AbstractSyntaxPolicy,
    Accepted,
    Policy,
    negotiate,
)
from dicomhawk.upperlayer.provider import Provider
from tests.upperlayer.golden import GOLDEN

VERIFICATION = "1.2.840.10008.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
FIND = "1.2.840.10008.5.1.4.1.2.2.1"
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = IMPLICIT_VR_LITTLE_ENDIAN
DIALECT = Dialect()
PLAIN_CLOSES = (Close.WAIT, Close.FIN, Close.RESET)
"""Those that don't depend on how much of the input has come."""


def request(*contexts: tuple[int, str, tuple[str, ...]], user: tuple[it.UserItem, ...] = ()) -> pdu.AssociateRQ:
    """An A-ASSOCIATE-RQ; without arguments, one for an echo."""
    proposed = [
        it.ProposedContext(number, (it.AbstractSyntax(abstract), *map(it.TransferSyntax, syntaxes)))
        for number, abstract, syntaxes in contexts or ((1, VERIFICATION, (IMPLICIT,)),)
    ]
    return pdu.AssociateRQ(
        pdu.ae_title("CALLED"),
        pdu.ae_title("CALLING"),
        (
            it.ApplicationContext(DICOM_APPLICATION_CONTEXT),
            *proposed,
            it.UserInformation((it.MaximumLength(16384), it.ImplementationClassUID("1.2.3"), *user)),
        ),
    )


def policy(**more: object) -> Policy:
    """Accepts every abstract syntax that the golden conversations propose, in two transfer syntaxes."""
    accepted = {VERIFICATION, CT, FIND}
    for conversation in GOLDEN.values():
        unit = decode(conversation.turns[0][1])
        assert isinstance(unit, pdu.AssociateRQ)
        accepted.update(context.abstract_syntax for context in unit.contexts)
    syntaxes = AbstractSyntaxPolicy((IMPLICIT, EXPLICIT), scp_role=True, extended=b"\1\0\1")
    return Policy(dict.fromkeys(accepted, syntaxes), "1.2.3.4", "TEST", **more)  # type: ignore[arg-type]


def decode(data: bytes) -> pdu.PDU:
    """One whole PDU, header included."""
    pdu_type, length = pdu.decode_header(data, 0, 1 << 21)
    assert length == len(data) - pdu.HEADER_SIZE
    return pdu.decode(pdu_type, data[1], data[pdu.HEADER_SIZE :])


def p_data(context_id: int, command: Command | bytes, data: bytes | None = None, maximum: int = 16384) -> bytes:
    """The P-DATA-TFs of a message."""
    raw = command if isinstance(command, bytes) else dimse.encode(command.elements)
    piece = FILLING.piece(maximum)
    parts = fragments(context_id, raw, piece, command=True)
    if data is not None:
        parts += fragments(context_id, data, piece)
    return b"".join(parts)


def echo_rq(message_id: int = 1) -> Command:
    """A C-ECHO-RQ."""
    return Command(
        {
            Key.AffectedSOPClassUID: VERIFICATION,
            Key.CommandField: 0x0030,
            Key.MessageID: message_id,
            Key.CommandDataSetType: dimse.NO_DATA_SET,
        }
    )


def output(provider: Provider, now: float = 0.0) -> bytes:
    """All that the provider wants to write."""
    return b"".join(provider.take_output(now))


def indications(provider: Provider, data: bytes = b"", now: float = 0.0) -> list[Indication]:
    """What `data` amount to, if nobody answers."""
    if data:
        provider.feed(data, now)
    found = []
    while (indication := provider.poll(now)) is not None:
        found.append(indication)
        assert len(found) <= provider.received + 2, "indications without end"
    return found


def associated(dialect: Dialect = DIALECT, rq: pdu.AssociateRQ | None = None) -> Provider:
    """An acceptor in Sta6, with nothing left to write."""
    provider = Provider(dialect, 0.0)
    (indication,) = indications(provider, pdu.encode(rq or request()))
    answer(provider, indication, policy())
    output(provider)
    return provider


def answer(provider: Provider, indication: Indication, accepting: Policy, now: float = 0.0) -> None:
    """A user who answers each indication at once."""
    match indication:
        case AssociateIndication(rq):
            outcome = negotiate(rq, accepting)
            if isinstance(outcome, Accepted):
                provider.accept(outcome)
            else:
                provider.reject(outcome.rj, now)
        case CommandReceived(context_id, command):
            if not command.command_field & dimse.RESPONSE_BIT and command.command_field != 0x0FFF:
                provider.send(context_id, dimse.encode(dimse.response(command, 0)))
        case ReleaseIndication(collision=False):
            provider.confirm_release(now)


def converse(provider: Provider, parts: Iterable[bytes], accepting: Policy) -> tuple[list[Indication], bytes]:
    """Feed the parts one after the other to a provider whose user answers at once: indications and output."""
    found: list[Indication] = []
    out = b""
    for data in parts:
        provider.feed(data, 0.0)
        while (indication := provider.poll(0.0)) is not None:
            found.append(indication)
            assert len(found) <= provider.received + 2, "indications without end"
            answer(provider, indication, accepting)
        provider.consumed()
        out += output(provider)
    return found, out


# PDUs that most scripts need, and a requestor

RQ = pdu.encode(request())
RELEASE_RQ, RELEASE_RP = bytes.fromhex("0500000000040000 0000"), bytes.fromhex("0600000000040000 0000")
RJ = bytes.fromhex("03000000000400010101")
ABORT = bytes.fromhex("07000000000400000000")
ECHO = p_data(1, echo_rq())
STORE = p_data(1, Command({Key.CommandField: 1, Key.MessageID: 1, Key.CommandDataSetType: 1}))


def abort(source: int, reason: int) -> bytes:
    """An A-ABORT."""
    return bytes((7, 0, 0, 0, 0, 4, 0, 0, source, reason))


def requestor(*contexts: tuple[int, str, tuple[str, ...]], dialect: Dialect = DIALECT) -> Provider:
    """A requestor in Sta5, with nothing left to write."""
    provider = Provider(dialect, 0.0, requestor=True)
    provider.request(request(*contexts))
    assert output(provider)[0] == pdu.RQ
    return provider


def accepted(rq: pdu.AssociateRQ) -> Accepted:
    """The answer of a policy that accepts it."""
    outcome = negotiate(rq, policy())
    assert isinstance(outcome, Accepted)
    return outcome


AC = pdu.encode(accepted(request()).ac)
