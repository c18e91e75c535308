"""Fingerprints of A-ASSOCIATE-RQs, and the table of known clients."""

from __future__ import annotations

import itertools
import random
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dicomhawk.persona.clients import Clients, Identified, canonical, fingerprint, load
from dicomhawk.persona.clients.fingerprint import reserved_mask
from dicomhawk.persona.clients.known import parse
from dicomhawk.upperlayer import items as it
from dicomhawk.upperlayer import pdu
from dicomhawk.upperlayer.errors import ProtocolError
from tests.fuzzing import mutated_inputs
from tests.upperlayer import strategies
from tests.upperlayer.golden import GOLDEN

DOCS = Path(__file__).parents[2] / "docs" / "clients.md"
IMPLICIT, EXPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
VERIFICATION, CT_STORAGE = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.1.2"
NO_CLOCK = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def context(number: int, abstract: str, *offered: str, reserved: bytes = bytes(3)) -> it.ProposedContext:
    syntaxes = tuple(it.TransferSyntax(uid) for uid in offered)
    return it.ProposedContext(number, (it.AbstractSyntax(abstract), *syntaxes), reserved_fields=reserved)


def request(
    *contexts: it.ProposedContext,
    class_uid: str = "1.2.3.4",
    version: str | None = None,
    max_length: int = 16384,
    more: tuple[it.UserItem, ...] = (),
    calling: str = "ECHOSCU",
    called: str = "ANY-SCP",
) -> pdu.AssociateRQ:
    user: list[it.UserItem] = [it.MaximumLength(max_length), *more, it.ImplementationClassUID(class_uid)]
    if version is not None:
        user.append(it.ImplementationVersionName(version))
    return pdu.AssociateRQ(
        pdu.ae_title(called),
        pdu.ae_title(calling),
        (it.ApplicationContext("1.2.840.10008.3.1.1.1"), *contexts, it.UserInformation(tuple(user))),
    )


def length(rq: pdu.AssociateRQ) -> int:
    return len(pdu.encode(rq)) - pdu.HEADER_SIZE


def dfp(rq: pdu.AssociateRQ) -> str:
    return fingerprint(rq, length(rq))


def identify(rq: pdu.AssociateRQ, clients: Clients | None = None) -> Identified:
    return (clients or load()).identify(rq, length(rq))


def golden(name: str) -> pdu.AssociateRQ:
    data = GOLDEN[name].turns[0][1]
    rq = pdu.decode(data[0], data[1], data[6:])
    assert isinstance(rq, pdu.AssociateRQ)
    return rq


def nmap(*, byte_43: int = 0, max_length: int = 16384, version: str = "OFFIS_DCMTK_362") -> pdu.AssociateRQ:
    """What nmap's dicom-ping sends, by its source; others copied it."""
    made = request(
        context(1, VERIFICATION, IMPLICIT),
        class_uid="1.2.276.0.7230010.3.0.3.6.2",
        version=version,
        max_length=max_length,
    )
    return replace(made, reserved_3=bytes((byte_43,)) + bytes(31))


# The canonical string, as docs/clients.md defines it


def test_the_canonical_string_of_an_echo() -> None:
    rq = golden("echoscu")
    said = canonical(rq, length(rq))
    assert said == (
        "v1|211|020.00000000|1|1.2.840.10008.3.1.1.1|1|1:1.2.840.10008.1.1:1.2.840.10008.1.2"
        "|51=16384,52=1.2.276.0.7230010.3.0.3.6.7,55=OFFIS_DCMTK_367|-|-|-"
    )
    assert dfp(rq) == "bb6f24333253"
    text = DOCS.read_text(encoding="utf-8")
    assert said in text
    assert "bb6f24333253" in text


def test_the_canonical_string_with_everything() -> None:
    rq = request(
        context(3, CT_STORAGE, EXPLICIT, IMPLICIT),
        context(1, "1.2|3:4", "5,6"),
        version="A B-C",
        max_length=0,
        more=(
            it.RoleSelection(CT_STORAGE, 0, 1),
            it.RoleSelection(VERIFICATION, 1, 0),
            it.AsynchronousOperationsWindow(0, 7),
            it.ExtendedNegotiation(CT_STORAGE, b"\1"),
            it.CommonExtendedNegotiation(CT_STORAGE, "1.2", ()),
            it.UserIdentityRequest(2, 1, b"root", b"toor"),
            it.UnknownItem(0x5B, b"x"),
        ),
    )
    assert canonical(rq, length(rq)) == (
        f"v1|{length(rq) + 6}|000.00000000|1|1.2.840.10008.3.1.1.1|2|"
        "3:1.2.840.10008.5.1.4.1.1.2:1.2.840.10008.1.2.1,1.2.840.10008.1.2;1:1.2%7C3%3A4:5%2C6|"
        "51=0,54,54,53,56,57,58,5B,52=1.2.3.4,55=A%20B%2DC|"
        "1.2.840.10008.5.1.4.1.1.2=0/1,1.2.840.10008.1.1=1/0|0/7|2"
    )


def test_the_canonical_string_with_nothing() -> None:
    rq = pdu.AssociateRQ(bytes(16), bytes(16), ())
    assert canonical(rq, length(rq)) == "v1|74|000.00000000|1|-|0|||-|-|-"


PLAIN = request(context(1, VERIFICATION, IMPLICIT), more=(it.RoleSelection(VERIFICATION, 1, 1),))
RESERVED = {
    "001.00000000": lambda rq: replace(rq, reserved=1),
    "002.00000000": lambda rq: replace(rq, reserved_2=256),
    "004.80000000": lambda rq: replace(rq, reserved_3=b"0" + bytes(31)),
    "004.00000001": lambda rq: replace(rq, reserved_3=bytes(31) + b"\xff"),
    "008.00000000": lambda rq: with_item(rq, 0, replace(rq.items[0], reserved=1)),
    "010.00000000": lambda rq: with_item(rq, 1, replace(rq.items[1], reserved=1)),
    "020.00000000": lambda rq: with_item(rq, 1, replace(rq.items[1], reserved_fields=b"\0\xff\0")),
    "040.00000000": lambda rq: with_item(rq, 1, replace(rq.items[1], items=(it.AbstractSyntax("1.2", 9),))),
    "080.00000000": lambda rq: with_item(rq, 2, replace(rq.items[2], reserved=1)),
    "100.00000000": lambda rq: with_item(rq, 2, it.UserInformation((it.MaximumLength(0, 7),))),
}


def with_item(rq: pdu.AssociateRQ, at: int, item: it.Item) -> pdu.AssociateRQ:
    return replace(rq, items=(*rq.items[:at], item, *rq.items[at + 1 :]))


@pytest.mark.parametrize("mask", RESERVED)
def test_each_reserved_field_has_its_bit(mask: str) -> None:
    assert reserved_mask(PLAIN) == "000.00000000"
    assert reserved_mask(RESERVED[mask](PLAIN)) == mask


def test_the_version_of_a_common_extended_negotiation_is_not_reserved() -> None:
    rq = with_item(PLAIN, 2, it.UserInformation((it.CommonExtendedNegotiation("1.2", "1.3", (), b"", 1),)))
    assert reserved_mask(rq) == "000.00000000"


# Whatever comes


requests = st.builds(
    pdu.AssociateRQ,
    strategies.exactly(16), strategies.exactly(16), st.lists(strategies.items, max_size=6).map(tuple),
    strategies.u16, strategies.u8, strategies.u16, strategies.exactly(32),
)  # fmt: skip


@NO_CLOCK
@given(requests, strategies.exactly(16), strategies.exactly(16))
def test_every_request_has_a_fingerprint_which_ae_titles_do_not_change(
    rq: pdu.AssociateRQ, called: bytes, calling: bytes
) -> None:
    said = canonical(rq, length(rq))
    assert said.isascii() and said.isprintable()
    assert re.fullmatch("[0-9a-f]{12}", dfp(rq))
    assert dfp(replace(rq, called_ae=called, calling_ae=calling)) == dfp(rq)
    assert identify(rq).fingerprint == dfp(rq)


@NO_CLOCK
@given(requests)
def test_fields_can_be_told_apart(rq: pdu.AssociateRQ) -> None:
    fields = canonical(rq, length(rq)).split("|")
    assert len(fields) == 11
    assert int(fields[5]) == len(rq.contexts) == (len(fields[6].split(";")) if fields[6] else 0)
    assert len(fields[7].split(",")) == max(len(rq.user_items), 1)


@NO_CLOCK
@given(strategies.plain_requests, st.randoms(use_true_random=False))
def test_order_counts(rq: pdu.AssociateRQ, rng: random.Random) -> None:
    contexts = list(rq.contexts)
    rng.shuffle(contexts)
    shuffled = replace(rq, items=(rq.items[0], *contexts, rq.items[-1]))
    assert (dfp(shuffled) == dfp(rq)) == (tuple(contexts) == rq.contexts)


def test_spoiled_requests_have_one_too() -> None:
    found = 0
    for spoiled in itertools.islice(mutated_inputs(3, directions=">"), 3000):
        if spoiled.data[:1] != b"\1":
            continue
        try:
            rq = pdu.decode(1, 0, spoiled.data[6:])
        except (ProtocolError, IndexError):
            continue
        assert isinstance(rq, pdu.AssociateRQ)
        identify(rq)
        found += 1
    assert found > 100


# Clients that aren't here: their requests, built from what is published about them


def test_nmap_before_and_after_the_slip_was_mended() -> None:
    before, after = identify(nmap(byte_43=ord("0"))), identify(nmap())
    assert before.name == "nmap dicom-ping/dicom-brute or masscan with a dicom_hello"
    assert (after.name, after.versions) == ("nmap dicom-ping/dicom-brute", "7.96 and later")
    assert before.match == after.match == "dfp"
    assert before.fingerprint != after.fingerprint


def test_dcmtk_of_the_version_that_nmap_claims_to_be() -> None:
    real = replace(
        nmap(), items=tuple(replace(i, reserved_fields=b"\0\xff\0") if i.__class__ is it.ProposedContext else i
                            for i in nmap().items)
    )  # fmt: skip
    assert identify(real).name == "DCMTK, or built with it"


@pytest.mark.parametrize(
    ("rq", "name", "match"),
    [
        (nmap(max_length=0), "Driftnet (Internet Measurement)", "dfp"),
        (nmap(version="NMAP_DICOM_PING"), "nmap_dicom (fork of nmap's scripts)", "properties"),
        (nmap(max_length=4096), "imitation of DCMTK", "properties"),
        (
            request(
                *(context(2 * n + 1, f"{CT_STORAGE}.{n}", EXPLICIT, IMPLICIT) for n in range(42)),
                class_uid="1.2.276.0.7230010.3.0.3.6.7", version="OFFIS_DCMTK_367", calling="NMAP-INFO",
            ),
            "nmap dicom-info", "properties",
        ),
        (
            request(
                context(1, "1.2.840.10008.5.1.4.1.2.2.3", EXPLICIT, IMPLICIT),
                more=(it.RoleSelection(CT_STORAGE, 1, 1),),
                class_uid="1.2.276.0.7230010.3.0.3.6.7", version="OFFIS_DCMTK_367", calling="FINDSCU",
            ),
            "nmap dicom-cfind-ls/dicom-store-fuzzer/dicom-info", "properties",
        ),
        (
            request(context(1, VERIFICATION, IMPLICIT), calling="AIMAP", called="ORTHANC"),
            "NuClide aimap", "properties",
        ),
        (request(class_uid="1.2.40.0.13.1.3", version="dcm4che-5.34.1", max_length=16378), "dcm4che", "properties"),
        (request(class_uid="1.2.40.0.13.1.3", version="dcm4go-1.0", max_length=16378), "dcm4go", "properties"),
        (request(class_uid="1.3.6.1.4.1.30071.8", version="fo-dicom 5.1.2"), "fo-dicom", "properties"),
        (request(version="GONETDICOM_1_1"), "go-netdicom", "properties"),
        (request(class_uid="2.25.137038125948464847900039011591283709926"), "dicom-rs", "properties"),
        (request(class_uid="1.3.6.1.4.1.25403.1.1.1", version="Dicom 0.1"), "ClearCanvas", "properties"),
        (
            request(
                context(1, CT_STORAGE, EXPLICIT, reserved=b"\0\xff\0"),
                context(3, CT_STORAGE, IMPLICIT, BIG_ENDIAN, reserved=b"\0\xff\0"),
                class_uid="1.2.276.0.7230010.3.0.3.6.8",
            ),
            "Orthanc", "properties",
        ),
        (request(context(1, VERIFICATION, IMPLICIT)), None, None),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_published_clients(rq: pdu.AssociateRQ, name: str | None, match: str | None) -> None:
    found = identify(rq)
    assert (found.name, found.match) == (name, match)


@pytest.mark.parametrize(
    ("name", "client"),
    [
        ("echoscu", "DCMTK echoscu"), ("findscu", "DCMTK findscu"), ("findscu_worklist", "DCMTK findscu"),
        ("getscu", "DCMTK getscu"), ("movescu", "DCMTK movescu"), ("storescu", "DCMTK storescu"),
        ("storescu_identity", "DCMTK storescu"), ("pynetdicom_negotiation", "pynetdicom"),
    ],
)  # fmt: skip
def test_recorded_conversations(name: str, client: str) -> None:
    assert identify(golden(name)).name == client


def test_ae_titles_of_a_scanner_do_not_make_one_of_another_client() -> None:
    rq = replace(golden("findscu"), calling_ae=pdu.ae_title("NMAP-INFO"), called_ae=pdu.ae_title("ANY-SCP"))
    assert identify(rq).name == "DCMTK findscu"


# The table


ROW = """
[[client]]
name = "a client"
known = "measured"
source = "a test"
"""


def test_a_fingerprint_beats_properties_and_the_first_properties_win() -> None:
    rq = request(class_uid="1.2.3.4", version="V1")
    properties = ROW.replace("a client", "the first") + '[client.match]\nclass_uid = "1.2.*"\n'
    others = ROW.replace("a client", "the second") + '[client.match]\nclass_uid = "1.2.3.4"\nversion_name = "V1"\n'
    exact = ROW + f'dfp = ["{dfp(rq)}"]\n'
    assert identify(rq, parse(properties + others)).name == "the first"
    assert identify(rq, parse(others + properties)).name == "the second"
    assert identify(rq, parse(properties + others + exact)) == (dfp(rq), "a client", None, "dfp")


@pytest.mark.parametrize(
    "spoiled",
    [
        ROW,  # nothing to recognise it by
        ROW + 'dfp = ["0123456789AB"]',
        ROW + 'dfp = ["0123"]',
        ROW + "[client.match]",
        ROW + '[client.match]\nclass_uuid = "1.2"',
        ROW.replace("measured", "guessed") + 'dfp = ["0123456789ab"]',
        ROW + 'dfp = ["0123456789ab"]\nafter_ac = ["nothing"]',
    ],
)
def test_a_row_that_is_wrong_is_refused(spoiled: str) -> None:
    tomllib.loads(spoiled)
    with pytest.raises(ValidationError):
        parse(spoiled)


def test_the_table_says_each_thing_once() -> None:
    rows = load().rows
    for row in rows:
        assert len(set(row.dfp)) == len(row.dfp)
    matches = [row.match for row in rows if row.match is not None]
    assert len(set(matches)) == len(matches)


def test_the_documentation_has_the_table() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for row in load().rows:
        by = " ".join(f"`{value}`" for value in row.dfp) or "properties"
        line = f"| {row.name} | {row.versions or ''} | {by} | {row.known} | {row.source} |"
        assert line in text, f"docs/clients.md lacks\n{line}"
