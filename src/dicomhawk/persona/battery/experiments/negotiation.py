"""Presentation contexts that are odd, and what is negotiated beside them (PS3.8 9.3.2.2, PS3.7 annex D.3.3)."""

from __future__ import annotations

from ... import sopclasses
from .. import building as b
from ..laboratory import Catalogue, Laboratory

catalogue = Catalogue()

CT, MR, CR, SECONDARY_CAPTURE = (f"1.2.840.10008.5.1.4.1.1.{n}" for n in ("2", "4", "1", "7"))
STORAGE_SERVICE = "1.2.840.10008.4.2"
FIND, MOVE, GET = sopclasses.STUDY_ROOT
SIMPLE = (b.IMPLICIT,)
CREDENTIALS = (
    (1, "user name", b"admin", b""),
    (2, "user name and passcode", b"admin", b"secret"),
    (3, "Kerberos", b"\x60\x82\x01\x02ticket", b""),
    (4, "SAML", b"<saml:Assertion/>", b""),
    (5, "JSON Web Token", b"eyJhbGciOiJub25lIn0.e30.", b""),
)
ROLES = ((1, 1), (1, 0), (0, 1), (0, 0))
ROLE_CLASSES = (("verification", b.VERIFICATION), ("storage", CT), ("find", FIND), ("get", GET))


@catalogue.add("negotiation.same-identifier", "three contexts with one identifier")
def same_identifier(lab: Laboratory) -> None:
    line = lab.line().associate(((1, b.VERIFICATION, SIMPLE), (1, CT, SIMPLE), (1, b.VERIFICATION, (b.EXPLICIT,))))
    if line.open:
        line.echo()
    line.finish()


@catalogue.add("negotiation.even-identifiers", "context identifiers that aren't odd")
def even_identifiers(lab: Laboratory) -> None:
    for number in (0, 2, 254):
        line = lab.line(str(number)).associate(((number, b.VERIFICATION, SIMPLE),))
        if line.open:
            line.echo(number)
        line.finish()


@catalogue.add("negotiation.many", "128 contexts, and more with identifiers that return")
def many(lab: Laboratory) -> None:
    for count in (128, 140):
        proposals = [((2 * n + 1) % 256, b.VERIFICATION, (b.IMPLICIT, b.EXPLICIT)) for n in range(count)]
        line = lab.line(str(count)).associate(proposals)
        if line.open:
            line.echo(255)
        line.finish()


@catalogue.add("negotiation.many-syntaxes", "100 transfer syntaxes in one context")
def many_syntaxes(lab: Laboratory) -> None:
    syntaxes = (*(f"{b.NOWHERE}.{n}" for n in range(99)), b.IMPLICIT)
    lab.line().associate(((1, b.VERIFICATION, syntaxes),)).finish()


@catalogue.add("negotiation.odd-abstract", "abstract syntaxes that are none")
def odd_abstract(lab: Laboratory) -> None:
    for label, abstract in (
        ("missing", None),
        ("empty", ""),
        ("padded", f"{b.VERIFICATION}\0"),
        ("padded with a space", f"{b.VERIFICATION} "),
        ("not a UID", "hello world"),
    ):
        lab.line(label).associate(((1, abstract, SIMPLE),)).finish()


@catalogue.add("negotiation.odd-transfer", "contexts without a transfer syntax, or with an odd one")
def odd_transfer(lab: Laboratory) -> None:
    lab.line("none").associate(((1, b.VERIFICATION, ()),)).finish()
    lab.line("empty").associate(((1, b.VERIFICATION, ("",)),)).finish()
    lab.line("padded").associate(((1, b.VERIFICATION, (f"{b.IMPLICIT}\0",)),)).finish()
    lab.line("none of many").associate(((1, b.VERIFICATION, ()), (3, b.VERIFICATION, SIMPLE))).finish()


@catalogue.add("negotiation.two-abstract", "two abstract syntaxes in one context")
def two_abstract(lab: Laboratory) -> None:
    line = lab.line()
    line.propose(((1, b.VERIFICATION, SIMPLE),))
    inner = b"\1\0\0\0" + b.item(0x30, b.VERIFICATION) + b.item(0x30, b.NOWHERE) + b.item(0x40, b.IMPLICIT)
    items = b.APPLICATION_CONTEXT + b.item(0x20, inner) + b.user()
    line.send(b.associate(lab.called, lab.calling, items), "A-ASSOCIATE-RQ").hear().finish()


@catalogue.add("negotiation.roles", "every role, for some SOP classes")
def roles(lab: Laboratory) -> None:
    for label, uid in ROLE_CLASSES:
        for scu, scp in ROLES:
            information = b.user(b.role(uid, scu, scp))
            lab.line(f"{label} {scu}/{scp}").associate(((1, uid, SIMPLE),), information=information).finish()


@catalogue.add("negotiation.roles-together", "roles for several SOP classes, proposed or not, and one twice")
def roles_together(lab: Laboratory) -> None:
    proposals = tuple(
        (2 * n + 1, uid, SIMPLE) for n, uid in enumerate((b.VERIFICATION, CT, MR, SECONDARY_CAPTURE, GET))
    )
    information = b.user(
        b.role(b.VERIFICATION, 1, 1),
        b.role(CT, 0, 1),
        b.role(MR, 1, 0),
        b.role(SECONDARY_CAPTURE, 0, 0),
        b.role(GET, 1, 1),
        b.role(CR, 1, 1),
        b.role(MR, 0, 1),
    )
    lab.line("several").associate(proposals, information=information).finish()
    odd = b.user(b.role(CT, 2, 7), b.role(b.NOWHERE, 1, 1))
    lab.line("odd").associate(((1, CT, SIMPLE), (3, b.NOWHERE, SIMPLE)), information=odd).finish()


@catalogue.add("negotiation.extended", "SOP class extended negotiation")
def extended(lab: Laboratory) -> None:
    proposals = ((1, FIND, SIMPLE), (3, CT, SIMPLE), (5, MOVE, SIMPLE), (7, GET, SIMPLE))
    for label, find, storage, other in (
        ("all", b"\1\1\1\1", b"\2\0\3\0\1\0", b"\1"),
        ("relational", b"\1", b"\0\0", b"\1"),
        ("nothing", b"\0\0\0\0", b"\0\0\0\0\0\0", b"\0"),
        ("long", b"\1" * 9, b"\1" * 9, b"\1" * 9),
    ):
        information = b.user(
            b.extended(FIND, find), b.extended(CT, storage), b.extended(MOVE, other), b.extended(GET, other)
        )
        lab.line(label).associate(proposals, information=information).finish()


@catalogue.add("negotiation.common-extended", "a SOP class that is said to be like a known one (PS3.7 D.3.3.6)")
def common_extended(lab: Laboratory) -> None:
    information = b.user(b.common_extended(b.NOWHERE, STORAGE_SERVICE, [CT]))
    lab.line().associate(((1, b.NOWHERE, SIMPLE), (3, CT, SIMPLE)), information=information).finish()


@catalogue.add("negotiation.window", "asynchronous operations windows")
def window(lab: Laboratory) -> None:
    for invoked, performed in ((5, 5), (0, 0), (1, 1), (1, 0), (0, 1)):
        information = b.user(b.window(invoked, performed))
        lab.line(f"{invoked}/{performed}").associate(information=information).finish()


@catalogue.add("negotiation.identity", "user identities, with and without an answer wanted")
def identity(lab: Laboratory) -> None:
    for kind, label, primary, secondary in CREDENTIALS:
        for respond in (0, 1):
            information = b.user(b.identity(kind, respond, primary, secondary))
            wanted = "answer wanted" if respond else "no answer wanted"
            lab.line(f"{label}, {wanted}").associate(information=information).finish()


@catalogue.add("negotiation.odd-identity", "user identities that are none")
def odd_identity(lab: Laboratory) -> None:
    for label, item in (
        ("unknown type", b.identity(99, 1, b"x")),
        ("empty name", b.identity(1, 1, b"")),
        ("lengths that overrun", b.item(0x58, b"\1\1\xff\xffadmin\0\0")),
    ):
        lab.line(label).associate(information=b.user(item)).finish()


@catalogue.add("negotiation.together", "everything at once: the order of the items in the answer")
def together(lab: Laboratory) -> None:
    proposals = (
        (1, b.VERIFICATION, (b.IMPLICIT, b.EXPLICIT)),
        (3, CT, (b.EXPLICIT,)),
        (5, b.NOWHERE, SIMPLE),
        (7, FIND, SIMPLE),
    )
    information = b.user(
        b.window(3, 3),
        b.role(CT, 1, 1),
        b.role(b.VERIFICATION, 1, 0),
        b.extended(FIND, b"\1\1"),
        b.common_extended(CT, STORAGE_SERVICE, []),
        b.identity(1, 1, b"admin"),
    )
    lab.line().associate(proposals, information=information).echo().release()
