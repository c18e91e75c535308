"""Marks: put into objects of every kind and syntax, without touching pixel data, and the same for the same mark."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.hospital.elements import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, Element, encode
from dicomhawk.hospital.typesetting import Line, pdf
from dicomhawk.lures.marks import COMMENTED, marked
from dicomhawk.lures.tokens import canonical
from tests.lures.laying import ANNA, BERT, laid

CT = "1.2.840.10008.5.1.4.1.1.2"
PDF = "1.2.840.10008.5.1.4.1.1.104.1"
SR = "1.2.840.10008.5.1.4.1.1.88.11"
URL = "http://c.example/mzuw4z3fnyya-2345/wado"
PIXELS = bytes(range(256)) * 8


class Instance(NamedTuple):
    sop_uid: str = "1.2.3.4.5"
    sop_class_uid: str = CT
    study_uid: str = "1.2.3"
    series_uid: str = "1.2.3.4"


def elements(*found: tuple[int, str, bytes]) -> dict[int, Element]:
    return {tag: Element(tag, vr, value) for tag, vr, value in found}


HEAD = elements(
    (0x00080005, "CS", b"ISO_IR 100"),
    (0x00080016, "UI", CT.encode() + b"\0"),
    (0x00080018, "UI", b"1.2.3.4.5\0"),
    (0x00081140, "SQ", b""),
    (0x00100010, "PN", b"Doe^John"),
    (0x00190010, "LO", b"SOMEBODY ELSE "),
    (0x00191001, "LO", b"theirs"),
    (0x00280010, "US", b"\x20\0"),
) | {0x00081140: Element(0x00081140, "SQ", (elements((0x00081155, "UI", b"1.2.9\0")),))}


def image(syntax: str) -> bytes:
    return encode(HEAD | elements((0x7FE00010, "OW", PIXELS)), syntax)


def read(data: bytes, syntax: str) -> pydicom.Dataset:
    """By somebody else's reader."""
    return pydicom.dcmread(io.BytesIO(_meta(syntax) + data), force=True)


def _meta(syntax: str) -> bytes:
    body = encode(elements((0x00020010, "UI", syntax.encode() + b"\0" * (len(syntax) % 2))), EXPLICIT_LE)
    size = elements((0x00020000, "UL", len(body).to_bytes(4, "little")))
    return bytes(128) + b"DICM" + encode(size, EXPLICIT_LE) + body


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE])
def test_a_header_s_address_is_read_by_others(syntax: str) -> None:
    data = image(syntax)
    made = marked(data, syntax, f"header\x1e{URL}")
    assert made is not None and made == marked(data, syntax, f"header\x1e{URL}")
    found = read(made, syntax)
    assert found.RetrieveURL == URL
    original = read(data, syntax)
    del found.RetrieveURL
    assert found == original
    # Pixel data are the same bytes at the end.
    assert made[-len(PIXELS) :] == data[-len(PIXELS) :]


def test_compressed_pixel_data_are_left_as_they_are() -> None:
    fragments = b"\xfe\xff\0\xe0\0\0\0\0" + b"\xfe\xff\0\xe0\4\0\0\0\xff\xd8\xff\xd9" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    pixels = b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff" + fragments
    data = encode(HEAD, EXPLICIT_LE) + pixels
    made = marked(data, "1.2.840.10008.1.2.4.50", f"header\x1e{URL}")
    assert made is not None and made.endswith(pixels) and URL.encode() in made


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE])
def test_a_private_element_has_a_block_of_its_own(syntax: str) -> None:
    made = marked(image(syntax), syntax, f"private\x1e001942\x1eIMAGE SERVER 2.0\x1e{URL}")
    assert made is not None
    found = read(made, syntax)
    assert found[0x0019, 0x0011].value == "IMAGE SERVER 2.0"
    value = found[0x0019, 0x1142].value
    assert (value if isinstance(value, str) else bytes(value).decode()).strip() == URL
    assert found[0x0019, 0x0010].value == "SOMEBODY ELSE"


def test_a_comment_is_in_the_object_s_characters() -> None:
    made = marked(image(EXPLICIT_LE), EXPLICIT_LE, "comment\x1eVises på röntgen: a / b")
    assert made is not None
    assert read(made, EXPLICIT_LE)[0x0032, 0x4000].value == "Vises på röntgen: a / b"


def test_two_marks_go_into_one_object_and_replace_what_is_there() -> None:
    twice = marked(image(EXPLICIT_LE), EXPLICIT_LE, f"comment\x1efirst\x1fheader\x1e{URL}")
    assert twice is not None
    again = marked(twice, EXPLICIT_LE, "header\x1ehttp://other.example/x")
    assert again is not None
    found = read(again, EXPLICIT_LE)
    assert found.RetrieveURL == "http://other.example/x" and found[0x0032, 0x4000].value == "first"


def test_group_lengths_that_would_be_wrong_are_left_out() -> None:
    head = HEAD | elements((0x00080000, "UL", b"\x40\0\0\0"), (0x00100000, "UL", b"\x10\0\0\0"))
    made = marked(encode(head, EXPLICIT_LE), EXPLICIT_LE, f"header\x1e{URL}")
    assert made is not None
    found = read(made, EXPLICIT_LE)
    assert (0x0008, 0x0000) not in found and (0x0010, 0x0000) in found


def test_a_report_has_one_more_line() -> None:
    inner = elements((0x0040A040, "CS", b"TEXT"), (0x0040A160, "UT", "Ingen förändring.".encode("latin-1")))
    container = elements((0x0040A040, "CS", b"CONTAINER ")) | {0x0040A730: Element(0x0040A730, "SQ", (inner, inner))}
    data = encode(HEAD | {0x0040A730: Element(0x0040A730, "SQ", (container,))}, EXPLICIT_LE)
    made = marked(data, EXPLICIT_LE, f"report\x1eBilder på: {URL}")
    assert made is not None
    items = read(made, EXPLICIT_LE).ContentSequence[0].ContentSequence
    assert items[0].TextValue == "Ingen förändring."
    assert items[1].TextValue == f"Ingen förändring. Bilder på: {URL}"


def test_an_encapsulated_document_opens_the_address() -> None:
    document = pdf([Line("Befund", 12)], title="x", producer="y", created="20240101120000")
    padded = document + b"\0" * (len(document) % 2)
    head = HEAD | elements((0x00420011, "OB", padded), (0x00420015, "UL", len(document).to_bytes(4, "little")))
    made = marked(encode(head, EXPLICIT_LE), EXPLICIT_LE, f"document\x1e{URL}")
    assert made is not None
    found = read(made, EXPLICIT_LE)
    content = found.EncapsulatedDocument[: found.EncapsulatedDocumentLength]
    assert content.startswith(document) and content.endswith(b"%%EOF\n") and URL.encode() in content


@given(st.binary(max_size=400), st.sampled_from([IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE]))
def test_what_is_no_object_is_never_an_error(data: bytes, syntax: str) -> None:
    for mark in (f"header\x1e{URL}", f"report\x1e{URL}", f"document\x1e{URL}", "comment\x1ex"):
        marked(data, syntax, mark)


def test_nothing_is_marked_without_a_canary_but_some_studies_comments(tmp_path: Path) -> None:
    with laid(tmp_path) as lures:
        marks = {lures.mark(Instance(study_uid=f"1.2.{number}"), ANNA) for number in range(400)}
        assert len(marks) == 2 and "" in marks
        (comment,) = marks - {""}
        credential = next(one for one in lures.credentials if one.place == "study")
        assert comment.startswith("comment") and credential.password in comment and "http" not in comment
        of_all = [bool(lures.mark(Instance(study_uid=f"1.2.{number}"), ANNA)) for number in range(2000)]
        assert 0.3 * COMMENTED < sum(of_all) / 2000 < 3 * COMMENTED
        assert list(lures.ledger.minted()) == []


def test_each_retrieval_has_a_token_of_its_own_that_names_its_session(tmp_path: Path) -> None:
    kinds = set()
    with laid(tmp_path, canary_url="http://c.example:8088") as lures:
        for number, sop_class in enumerate([CT] * 12 + [SR, PDF]):
            instance = Instance(f"1.2.3.4.{number}", sop_class, "1.2.3", f"1.2.3.{number}")
            one, other = lures.mark(instance, ANNA), lures.mark(instance, BERT)
            if not one:
                assert sop_class == CT
                continue
            for mark, taker in ((one, ANNA), (other, BERT)):
                found = lures.minter.find(mark)
                assert found is not None and found[1].session == taker.session
                minted = lures.ledger.get(canonical(found[0]))
                assert minted is not None and minted.address == taker.address and minted.what == instance.sop_uid
                kinds.add(minted.lure)
            assert one != other
    assert kinds == {"url/header", "url/private", "url/report", "url/document"}


def test_an_operator_s_own_addresses_take_the_place_of_ours(tmp_path: Path) -> None:
    own = {"pdf": "http://canarytokens.example/abc/contact.php", "report": "https://own.example/{token}/x"}
    with laid(tmp_path, own=own) as lures:
        assert own["pdf"] in lures.mark(Instance(sop_class_uid=PDF), ANNA)
        mark = lures.mark(Instance(sop_class_uid=SR), ANNA)
        found = lures.minter.find(mark)
        assert "https://own.example/" in mark and found is not None and found[1].session == ANNA.session
        assert not lures.addresses.has("image")
