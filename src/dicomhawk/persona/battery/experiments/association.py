"""Who the product says it is, whom it lets in, and for which reason it refuses (PS3.8 7.1.1 and 9.3)."""

from __future__ import annotations

from struct import pack

from ....upperlayer import pdu
from .. import building as b
from ..laboratory import Catalogue, Laboratory
from ..line import final

catalogue = Catalogue()

STRANGE_TITLE = b"\xc4\xd6\xdc\xe9\xff\x80 X"
"""Bytes outside ASCII, which an AE title can't have."""
PLAIN: tuple[b.Proposal, ...] = ((1, b.VERIFICATION, (b.IMPLICIT,)),)
ODD_SIZES = (1, 7, 127, 4096, 65536, 0xFFFFFFFF)


@catalogue.add("association.usual", "an association, a C-ECHO, a release")
def usual(lab: Laboratory) -> None:
    lab.line().associate().echo().release()


@catalogue.add("association.calling", "unusual calling AE titles")
def calling(lab: Laboratory) -> None:
    titles: tuple[tuple[str, str | bytes], ...] = (
        ("unknown", lab.stranger),
        ("of spaces", bytes(16).replace(b"\0", b" ")),
        ("of NULs", bytes(16)),
        ("outside ASCII", STRANGE_TITLE),
        ("with control characters", b"A\\B\x1b\x07\n"),
        ("of 16 characters", "ABCDEFGHIJKLMNOP"),
        ("in lower case", lab.calling.lower()),
        ("padded with NULs", b.raw(lab.calling).ljust(16, b"\0")),
        ("behind spaces", f"  {lab.calling}"),
    )
    for label, title in titles:
        line = lab.line(label).associate(calling=title)
        if line.open:
            line.echo()
        line.finish()


@catalogue.add("association.called", "called AE titles that are not the product's")
def called(lab: Laboratory) -> None:
    titles: tuple[tuple[str, str | bytes], ...] = (
        ("of another", "NOSUCHAE"),
        ("ANY-SCP", "ANY-SCP"),
        ("of spaces", b" " * 16),
        ("of NULs", bytes(16)),
        ("outside ASCII", STRANGE_TITLE),
        ("in other case", lab.called.swapcase()),
        ("padded with NULs", b.raw(lab.called).ljust(16, b"\0")),
        ("behind spaces", f" {lab.called}"),
        ("longer", f"{lab.called}X"),
    )
    for label, title in titles:
        lab.line(label).associate(called=title).finish()


@catalogue.add("association.version", "protocol versions")
def version(lab: Laboratory) -> None:
    for number in (0, 2, 3, 4, 0xFFFF):
        lab.line(f"{number:#x}").associate(version=number).finish()


@catalogue.add("association.application", "application context names that aren't DICOM's")
def application(lab: Laboratory) -> None:
    name = b.APPLICATION_CONTEXT
    for label, items in (
        ("another", b.item(0x10, b.NOWHERE)),
        ("none", b""),
        ("empty", b.item(0x10, b"")),
        ("twice", name * 2),
        ("padded", b.item(0x10, name[4:] + b"\0")),
        ("first wrong", b.item(0x10, b.NOWHERE) + name),
    ):
        lab.line(label).associate(application=items).finish()


@catalogue.add("association.reasons", "two reasons to refuse at once: which one counts?")
def reasons(lab: Laboratory) -> None:
    wrong = b.item(0x10, b.NOWHERE)
    lab.line("name and title").associate(application=wrong, called="NOSUCHAE").finish()
    lab.line("name and version").associate(application=wrong, version=2).finish()
    lab.line("title and version").associate(called="NOSUCHAE", version=2).finish()
    lab.line("name and contexts").associate((), application=wrong).finish()
    lab.line("title and contexts").associate((), called="NOSUCHAE").finish()
    lab.line("title and stranger").associate(called="NOSUCHAE", calling=lab.stranger).finish()


@catalogue.add("association.no-contexts", "no presentation context")
def no_contexts(lab: Laboratory) -> None:
    lab.line().associate(()).finish()


@catalogue.add("association.all-refused", "only an abstract syntax that doesn't exist")
def all_refused(lab: Laboratory) -> None:
    line = lab.line().associate(((1, b.NOWHERE, (b.IMPLICIT,)),))
    line.send(b.RELEASE_RQ, "A-RELEASE-RQ").hear().finish()


@catalogue.add("association.maximum", "maximum lengths that a requestor may announce")
def maximum(lab: Laboratory) -> None:
    for size in (0, *ODD_SIZES):
        line = lab.line(str(size)).associate(information=b.user(length=size))
        if line.open:
            line.echo()
        line.finish()


@catalogue.add("association.user-information", "user information that is incomplete or odd")
def user_information(lab: Laboratory) -> None:
    long = "1." + "2" * 98
    for label, information in (
        ("missing", b""),
        ("empty", b.item(0x50, b"")),
        ("without maximum length", b.user(length=None)),
        ("without class UID", b.user(uid=None)),
        ("without version name", b.user(version=None)),
        ("with a long UID", b.user(uid=long)),
        ("with a UID that is none", b.user(uid="not a uid!")),
        ("with an empty UID", b.user(uid="")),
        ("with a long version", b.user(version="V" * 64)),
        ("with an empty version", b.user(version="")),
        ("twice", b.user() * 2),
    ):
        line = lab.line(label).associate(information=information)
        if line.open:
            line.echo()
        line.finish()


@catalogue.add("association.items", "items that don't exist, and an unusual order of those that do")
def items(lab: Laboratory) -> None:
    lab.line("unknown sub-item").associate(information=b.user(b.item(0x5F, "hello"))).finish()
    lab.line("unknown item").associate(application=b.APPLICATION_CONTEXT + b.item(0x60, "hello")).finish()
    line = lab.line("reordered")
    line.propose(PLAIN)
    backwards = b.user() + b.context(PLAIN[0]) + b.APPLICATION_CONTEXT
    line.send(b.associate(lab.called, lab.calling, backwards), "A-ASSOCIATE-RQ").hear().finish()


@catalogue.add("association.reserved", "reserved bytes that aren't zero: which ones are echoed?")
def reserved(lab: Laboratory) -> None:
    line = lab.line()
    proposals: tuple[b.Proposal, ...] = ((1, b.VERIFICATION, (b.IMPLICIT,)), (3, b.NOWHERE, (b.IMPLICIT,)))
    line.propose(proposals)
    items = b.item(0x10, b.APPLICATION_CONTEXT[4:], reserved=0xA1)
    for proposal in proposals:
        items += b.context(proposal, reserved=b"\xb1\xb2\xb3", item_reserved=0xB4)
    items += b.item(0x50, b.user()[4:], reserved=0xC1)
    request = b.associate(
        lab.called,
        lab.calling,
        items,
        reserved=0xD1,
        reserved_2=0xD2D3,
        reserved_3=bytes(range(0x41, 0x61)),
    )
    line.send(request, "A-ASSOCIATE-RQ").hear()
    if line.open:
        line.echo()
    line.send(b.unit(pdu.RELEASE_RQ, b"\1\2\3\4", reserved=0x55), "A-RELEASE-RQ").hear().finish()


@catalogue.add("association.title-bytes", "the sixteen bytes of both AE titles: are they echoed as they came?")
def title_bytes(lab: Laboratory) -> None:
    padded = b.raw(lab.called).ljust(16, b"\0")
    lab.line("NULs").associate(called=padded, calling=b.raw(lab.calling).ljust(16, b"\0")).finish()
    lab.line("spaces before").associate(calling=f"  {lab.calling}").finish()


@catalogue.add("association.segments", "an A-ASSOCIATE-RQ byte by byte")
def segments(lab: Laboratory) -> None:
    line = lab.line()
    line.propose(PLAIN)
    request = b.associate(lab.called, lab.calling, b.items(PLAIN))
    pieces = [request[at : at + 1] for at in range(20)] + [
        request[at : at + 16] for at in range(20, len(request), 16)
    ]
    line.send_slowly(pieces, 0.004, "A-ASSOCIATE-RQ in small segments").hear()
    if line.open:
        line.echo()
    line.finish()


@catalogue.add("association.one-segment", "a whole association in one segment")
def one_segment(lab: Laboratory) -> None:
    line = lab.line()
    line.propose(PLAIN)
    request = b.associate(lab.called, lab.calling, b.items(PLAIN))
    line.send(request + b.echo() + b.RELEASE_RQ, "A-ASSOCIATE-RQ, C-ECHO-RQ and A-RELEASE-RQ")
    line.hear(lambda line: line.over or len(line.answers) > 2).finish()


@catalogue.add("association.half-close", "a requestor that says it will send no more")
def half_close(lab: Laboratory) -> None:
    lab.line("at once").associate().half_close().finish()
    lab.line("after C-ECHO").associate().echo().half_close().finish()
    lab.line("behind C-ECHO").associate().send(b.echo(), "C-ECHO-RQ").half_close().hear(final).finish()
    lab.line("before any request").half_close().finish()


@catalogue.add("association.abort", "a requestor that aborts")
def abort(lab: Laboratory) -> None:
    for label, body in (("usual", bytes(4)), ("odd source and reason", b"\0\0\x09\x09"), ("provider", b"\0\0\2\1")):
        line = lab.line(label).associate()
        line.send(b.unit(pdu.ABORT, body), "A-ABORT").finish()


@catalogue.add("association.release-twice", "two A-RELEASE-RQ in one segment")
def release_twice(lab: Laboratory) -> None:
    lab.line().associate().send(b.RELEASE_RQ * 2, "A-RELEASE-RQ twice").finish()


@catalogue.add("association.after-release", "a C-ECHO behind the A-RELEASE-RQ")
def after_release(lab: Laboratory) -> None:
    line = lab.line("one segment").associate()
    line.send(b.RELEASE_RQ + b.echo(), "A-RELEASE-RQ and C-ECHO-RQ").finish()
    line = lab.line("later").associate()
    line.send(b.RELEASE_RQ, "A-RELEASE-RQ").hear()
    line.send(b.echo(), "C-ECHO-RQ").finish()


@catalogue.add("association.long-request", "an A-ASSOCIATE-RQ of 20 KiB, of 60 KiB")
def long_request(lab: Laboratory) -> None:
    for size in (20_000, 60_000):
        fill = b"".join(b.item(0x5F, bytes(1000)) for _ in range(size // 1004))
        line = lab.line(f"{size} bytes").associate(information=b.item(0x50, b.user()[4:] + fill))
        if line.open:
            line.echo()
        line.finish()


@catalogue.add("association.common-scanners", "the request that a well-known network scanner sends")
def scanners(lab: Laboratory) -> None:
    information = b.user(length=0x4000, uid="1.2.276.0.7230010.3.0.3.6.2", version="OFFIS_DCMTK_362")
    request = b.associate("ANY-SCP", "ECHOSCU", b.items(PLAIN, information=information), reserved_3=b"0" + bytes(31))
    line = lab.line("nmap")
    line.propose(PLAIN)
    line.send(request, "A-ASSOCIATE-RQ").hear().finish()
    claimed = pack(">BBL", pdu.RQ, 0, len(request) + 14)
    line = lab.line("with a wrong length")
    line.propose(PLAIN)
    line.send(claimed + request[6:], "A-ASSOCIATE-RQ").finish()
