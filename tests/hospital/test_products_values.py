"""How products read values whose VR isn't their attribute's, and what they answer (recorded from the products)."""

from __future__ import annotations

from struct import pack

import pytest

from dicomhawk.hospital.attributes import Level
from dicomhawk.hospital.dialect import QueryDialect
from dicomhawk.hospital.elements import EXPLICIT_LE, DataSet, Element, decode
from dicomhawk.hospital.errors import QueryError
from dicomhawk.hospital.heads import describe
from dicomhawk.hospital.products import request
from dicomhawk.hospital.products.answer import Answers
from dicomhawk.hospital.products.objects import StoredObject
from dicomhawk.hospital.products.resource import Resource
from dicomhawk.hospital.query import encode_match
from dicomhawk.persona.model import load

NAME, PATIENT_ID, ROWS, CREATOR, PRIVATE = 0x00100010, 0x00100020, 0x00280010, 0x00090010, 0x00091001
SEQUENCE, PADDING, LEVEL, CHARSET, DESCRIPTION = 0x00081110, 0xFFFCFFFC, 0x00080052, 0x00080005, 0x00081030
LEVELS = (Level.STUDY, Level.SERIES, Level.IMAGE)


class Found(Resource):
    """A study whose object has these elements."""

    def __init__(self, head: DataSet, rules: QueryDialect) -> None:
        self.ids = ("P", "1")
        self._object = StoredObject(head, rules)

    @property
    def charset(self) -> str:
        return self._object.charset

    def kept(self, tag: int) -> str | None:
        return self._object.value(tag)

    def object(self) -> StoredObject:
        return self._object

    def count(self, tag: int) -> str | None:
        return None


def dialect(product: str) -> QueryDialect:
    found = load(product).find.dialect()
    assert found is not None
    return found


def data_set(*elements: Element) -> DataSet:
    return {element.tag: element for element in elements}


def query(product: str, *elements: Element) -> request.Query:
    study = Element(LEVEL, "CS", b"STUDY ")
    return request.read(
        data_set(*elements) | ({} if LEVEL in data_set(*elements) else {LEVEL: study}), LEVELS, dialect(product)
    )


def answer(product: str, asked: request.Query, head: DataSet) -> DataSet:
    rules = dialect(product)
    match = Answers(asked, rules, "PACS").match(Found(head, rules))
    return decode(encode_match(match, EXPLICIT_LE), EXPLICIT_LE)


@pytest.mark.parametrize(
    ("element", "orthanc", "dcmqrscp"),
    [
        (Element(NAME, "PN", b"DOE "), "DOE", "DOE"),
        (Element(NAME, "LO", b"DOE\0X "), "DOE", "DOE"),
        (Element(NAME, "UN", b"DOE "), "DOE ", None),
        (Element(NAME, "UN", b"DOEX\0\0"), "DOEX\0", None),
        (Element(NAME, "OB", b"DOE "), None, None),
        (Element(NAME, "US", b"\1\0\2\0"), "1\\2", None),
        (Element(0x00280009, "AT", b"\x18\0\x63\x10"), "0018,1063", None),
        (Element(0x00280009, "AT", b""), None, None),
        (Element(0x00189087, "FD", pack("<d", 1 / 3)), "0.33333333333333331", None),
        (Element(ROWS, "UN", b"\4\0"), None, None),
        (Element(PRIVATE, "LO", b"private "), "private", "private"),
        (Element(PRIVATE, "UN", b"private "), None, None),
        (Element(0x00280000, "UL", b"\4\0\0\0"), None, None),
    ],
)
def test_values_of_objects(element: Element, orthanc: str | None, dcmqrscp: str | None) -> None:
    assert StoredObject(data_set(element), dialect("orthanc")).value(element.tag) == orthanc
    assert StoredObject(data_set(element), dialect("dcmqrscp")).value(element.tag) == dcmqrscp


@pytest.mark.parametrize("element", [Element(PATIENT_ID, vr, b"P0001 ") for vr in ("UN", "OB", "OD", "US")])
def test_a_key_of_another_vr_is_a_demand_that_nobody_meets_or_none(element: Element) -> None:
    tests = query("dcmqrscp", element).tests
    assert [test.as_sent.test("P0001") for test in tests] == [False]
    assert not query("dcmqrscp", element._replace(value=b"")).tests
    wanted = {"UN": [True], "OB": [], "OD": [], "US": [False]}[element.vr]
    asked = query("orthanc", element._replace(value=b"P0001\0"))
    assert [test.as_sent.test("P0001") for test in asked.tests] == wanted


def test_what_is_no_key() -> None:
    for product in ("orthanc", "dcmqrscp"):
        assert not query(product, Element(PADDING, "OB", b"\0\0")).keys
    assert not query("orthanc", Element(PATIENT_ID, "LO", b"\0\0")).tests
    (test,) = query("dcmqrscp", Element(PATIENT_ID, "LO", b"\0\0")).tests
    assert not test.as_sent.test("")


@pytest.mark.parametrize(
    ("product", "element", "status"),
    [
        ("orthanc", Element(LEVEL, "UN", b"STUDY "), 0xC000),
        ("orthanc", Element(LEVEL, "OB", b"STUDY "), 0xC000),
        ("dcmqrscp", Element(LEVEL, "UN", b"STUDY "), 0xC000),
        ("dcmqrscp", Element(LEVEL, "CS", b"\0\0"), 0xC000),
        ("dcmqrscp", Element(LEVEL, "CS", b"  "), 0xA900),
        ("orthanc", Element(SEQUENCE, "LO", b"text"), 0xC000),
    ],
)
def test_failures(product: str, element: Element, status: int) -> None:
    with pytest.raises(QueryError) as caught:
        query(product, element)
    assert caught.value.status == status


def test_a_level_ends_with_a_nul() -> None:
    assert query("orthanc", Element(LEVEL, "CS", b"STUDY\0XX")).level is Level.STUDY


def test_a_sequence_in_place_of_a_value() -> None:
    head = data_set(Element(NAME, "PN", b"DOE^JANE"))
    assert NAME not in answer("orthanc", query("orthanc", Element(NAME, "SQ", ())), head)
    assert answer("dcmqrscp", query("dcmqrscp", Element(NAME, "SQ", ())), head)[NAME].value == b"DOE^JANE"
    (test,) = query("dcmqrscp", Element(NAME, "SQ", ({},))).tests
    assert not test.as_sent.test("DOE^JANE")


def test_private_attributes_come_back_as_unknown_ones() -> None:
    head = data_set(
        Element(CREATOR, "LO", b"ACME"), Element(PRIVATE, "LO", b"value "), Element(0x00091002, "US", b"\7\0")
    )
    asked = query("orthanc", *(Element(tag, "LO", b"") for tag in head))
    found = answer("orthanc", asked, head)
    assert [(found[tag].vr, found[tag].value) for tag in head] == [
        ("UN", b"ACME"),
        ("UN", b"value\0"),
        ("UN", b"7\0"),
    ]


def test_what_comes_back_of_items() -> None:
    item = data_set(
        Element(PRIVATE, "LO", b"private "),
        Element(ROWS, "US", b"\7\0"),
        Element(0x00280009, "AT", b"\x18\0\x63\x10"),
        Element(0x00282000, "OB", b"\1\2"),
    )
    head = data_set(Element(SEQUENCE, "SQ", (item, {})))
    (first, second) = answer("orthanc", query("orthanc", Element(SEQUENCE, "SQ", ())), head)[SEQUENCE].value
    assert isinstance(first, dict)
    assert [first[tag].value for tag in sorted(item)] == [b"private\0", b"\x18\0\x63\x10", b"\7\0", b""]
    assert second == {}


@pytest.mark.parametrize(
    "head",
    [
        data_set(Element(0x00091003, "SQ", ({},))),
        data_set(Element(SEQUENCE, "SQ", (data_set(Element(0x00091003, "SQ", ())),))),
        data_set(Element(SEQUENCE, "SQ", (data_set(Element(ROWS, "US", b"\1\0\2\0")),))),
        data_set(Element(SEQUENCE, "SQ", (data_set(Element(ROWS, "US", b"")),))),
        data_set(Element(SEQUENCE, "SQ", (data_set(Element(0x00280009, "AT", b"")),))),
    ],
)
def test_items_of_which_no_answer_can_be_made(head: DataSet) -> None:
    asked = query("orthanc", Element(0x00091003, "SQ", ()), Element(SEQUENCE, "SQ", ()))
    assert Answers(asked, dialect("orthanc"), "PACS").may_fail
    with pytest.raises(QueryError) as caught:
        answer("orthanc", asked, head)
    assert caught.value.status == 0xC000


def test_tags_and_several_numbers_come_back() -> None:
    head = data_set(
        Element(0x00280009, "AT", b"\x18\0\x63\x10\x18\0\x65\x10"),
        Element(0x00281101, "US", b"\0\1\0\0\x10\0"),
    )
    found = answer("orthanc", query("orthanc", *(element._replace(value=b"") for element in head.values())), head)
    assert found[0x00280009].value == b"\x18\0\x63\x10"
    assert found[0x00281101].value == b"\0\1\0\0\x10\0"


def test_what_is_counted_elsewhere_is_read_from_the_object() -> None:
    head = data_set(Element(0x00201206, "IS", b"99"))
    image = Element(LEVEL, "CS", b"IMAGE ")
    found = answer("orthanc", query("orthanc", image, Element(0x00201206, "IS", b"99")), head)
    assert found[0x00201206].value == b"99"


def test_values_up_to_one_that_cannot_be_said_are_converted() -> None:
    head = data_set(
        Element(CHARSET, "CS", b"ISO_IR 192"),
        Element(DESCRIPTION, "LO", "Größe".encode()),
        Element(NAME, "PN", "Müller=山".encode()),
        Element(0x00104000, "LT", "Ä".encode()),
    )
    asked = query(
        "dcmqrscp", Element(CHARSET, "CS", b"ISO_IR 100"), *(Element(tag, "LO", b"") for tag in (DESCRIPTION, NAME))
    )
    found = answer("dcmqrscp", asked, head)
    assert found[CHARSET].value == b"ISO_IR 192"
    assert found[DESCRIPTION].value == "Größe ".encode("latin-1")
    assert found[NAME].value == "Müller=山 ".encode()


@pytest.mark.parametrize(
    ("vr", "value", "orthanc", "dcmqrscp"),
    [
        ("CS", b" ISO_IR 192 ", "ISO_IR 192", "ISO_IR 192"),
        ("CS", b" \\ISO 2022 IR 87 ", "\\ISO 2022 IR 87", "\\ISO 2022 IR 87"),
        ("CS", b"ISO_IR 192\0 ", "ISO_IR 192", "ISO_IR 192\0"),
        ("UN", b"ISO_IR 192", "", ""),
    ],
)
def test_declared_character_sets(vr: str, value: bytes, orthanc: str, dcmqrscp: str) -> None:
    assert query("orthanc", Element(CHARSET, vr, value)).charset == orthanc
    assert query("dcmqrscp", Element(CHARSET, vr, value)).charset == dcmqrscp


def test_what_is_no_vr_stands_for_a_binary_one() -> None:
    assert decode(b"\x10\0\x20\0zz\4\0P001", EXPLICIT_LE, lenient=True)[PATIENT_ID] == Element(
        PATIENT_ID, "OB", b"P001"
    )


@pytest.mark.parametrize(
    ("element", "orthanc", "dcmqrscp"),
    [
        (Element(PATIENT_ID, "LO", b"P1\0X"), b"P1", b"P1"),
        (Element(PATIENT_ID, "UN", b"P1X\0"), b"P1X", "nothing"),
        (Element(PATIENT_ID, "OB", b"P1"), None, "nothing"),
        (Element(PATIENT_ID, "SQ", ({},)), None, "nothing"),
        (Element(PATIENT_ID, "SQ", ()), None, b""),
        (Element(PATIENT_ID, "LO", b"\0\0"), b"", "nothing"),
        (Element(ROWS, "US", b"\1\0"), b"\1\0", b"\1\0"),
    ],
)
def test_identifiers_of_retrievals(element: Element, orthanc: bytes | None, dcmqrscp: bytes | str) -> None:
    for product, expected in (("orthanc", orthanc), ("dcmqrscp", dcmqrscp)):
        found, unreadable = request.as_read(data_set(element), dialect(product))
        assert (element.tag in unreadable) is (expected == "nothing"), product
        if expected is None:
            assert element.tag not in found
        elif expected != "nothing":
            assert found[element.tag].value == expected


def test_a_text_ends_with_a_nul_in_the_index_too() -> None:
    found = describe(data_set(Element(PATIENT_ID, "LO", b"NUL\0ID"), Element(0x00200013, "IS", b"7 ")))
    assert (found["PATIENT"]["patient_id"], found["IMAGE"]["instance_number"]) == ("NUL", 7)
