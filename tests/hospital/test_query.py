"""C-FIND, C-GET and C-MOVE over the catalogue (PS3.4 annex C)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomhawk.hospital.answer import Answering
from dicomhawk.hospital.attributes import ATTRIBUTES
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.charset import character_set
from dicomhawk.hospital.elements import (
    DEFLATED_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    DataSet,
    Element,
    decode,
)
from dicomhawk.hospital.instances import InstanceRef
from dicomhawk.hospital.matching import compile_key, key_text
from dicomhawk.hospital.query import Match, Model, QueryError, QueryProblem, encode_match, find
from dicomhawk.hospital.retrieval import retrieve
from tests.hospital.small_hospital import CT, LATER, MR, NOW, SR, build, column, keys, read

STUDY_UID, SERIES_UID, SOP_UID = 0x0020000D, 0x0020000E, 0x00080018


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    path = tmp_path_factory.mktemp("hospital") / "catalogue.sqlite"
    build(path)
    return Catalogue(path)


def found(catalogue: Catalogue, identifier: DataSet, model: Model = Model.STUDY_ROOT, **more: object) -> list[Match]:
    arguments: dict[str, object] = {"now": NOW} | more
    return [match for match in find(catalogue, model, identifier, **arguments) if match]  # type: ignore[arg-type]


def studies(catalogue: Catalogue, **values: str) -> list[object]:
    return column(found(catalogue, keys("STUDY", g0020000D="", **values)), STUDY_UID)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("g00100010", "", ["1.1", "1.2", "1.3", "1.4"]),
        ("g00100010", "*", ["1.1", "1.2", "1.3", "1.4"]),
        ("g00100010", "å*", ["1.1", "1.2"]),
        ("g00100010", "Å*^søren*", ["1.1", "1.2"]),
        ("g00100010", "aalto^anna", ["1.4"]),
        ("g00100010", "A*", ["1.4"]),
        ("g00100010", "*nn*", ["1.4"]),
        ("g00100010", "山田*", ["1.3"]),
        ("g00100010", "=山田*", ["1.3"]),
        ("g00100010", "=yamada*", []),
        ("g00100010", "*太*", ["1.3"]),
        ("g00100020", "P1", ["1.1", "1.2"]),
        ("g00100020", "p1", []),
        ("g00100020", "P?", ["1.1", "1.2", "1.3", "1.4"]),
        ("g00100020", "P2\\P3", ["1.3", "1.4"]),
        ("g00100020", "x' OR 1=1 --", []),
        ("g00101000", "X2", ["1.1", "1.2"]),
        ("g00101000", "X*", ["1.1", "1.2"]),
        ("g00100040", "F", ["1.4"]),
        ("g00100030", "19200101-", ["1.3", "1.4"]),
        ("g00080020", "20240110", ["1.1"]),
        ("g00080020", "20240101-20240229", ["1.1", "1.2"]),
        ("g00080020", "-20240109", ["1.4"]),
        ("g00080030", "09", ["1.1"]),
        ("g00080030", "1015-1115", ["1.2", "1.3"]),
        ("g00080050", "ACC3", ["1.3"]),
        ("g00080050", "*3", ["1.3"]),
        ("g00080050", "ACC_", []),
        ("g00080061", "SR", ["1.1"]),
        ("g00080061", "CT", ["1.1", "1.3"]),
        ("g00080061", "S*", ["1.1"]),
        ("g00080061", "SR\\MR", ["1.1", "1.2", "1.4"]),
        ("g00080061", "ct", []),
        ("g00080062", SR, ["1.1"]),
        ("g00080090", "strange*", ["1.1", "1.2", "1.3", "1.4"]),
        ("g00081030", "*Y 2", ["1.2"]),
        ("g00201206", "2", ["1.1", "1.4"]),
        ("g00201208", "5", ["1.4"]),
    ],
)
def test_studies_are_found_by(catalogue: Catalogue, key: str, value: str, expected: list[str]) -> None:
    assert studies(catalogue, **{key: value}) == expected


def test_all_keys_must_match(catalogue: Catalogue) -> None:
    assert studies(catalogue, g00100020="P1", g00080061="MR") == ["1.2"]
    assert studies(catalogue, g00100020="P2", g00080061="MR") == []


def test_study_uids_may_be_a_list(catalogue: Catalogue) -> None:
    identifier = keys("STUDY", g0020000D="1.1\\1.3\\9.9", g00100020="")
    assert column(found(catalogue, identifier), 0x00100020) == ["P1", "P2"]


def test_computed_attributes_count_what_is_visible(catalogue: Catalogue) -> None:
    tags = ("g00201200", "g00201202", "g00201204", "g00201206", "g00201208", "g00080061", "g00080062")
    identifier = keys("STUDY", g0020000D="1.1", **dict.fromkeys(tags, ""))
    (match,) = found(catalogue, identifier)
    values = match.values()
    assert [values[int(tag[1:], 16)] for tag in tags] == [2, 3, 6, 2, 4, "CT\\SR", f"{CT}\\{SR}"]
    identifier = keys("PATIENT", g00100020="P3", g00201200="", g00201202="", g00201204="")
    (before,) = found(catalogue, identifier, Model.PATIENT_ROOT)
    (after,) = found(catalogue, identifier, Model.PATIENT_ROOT, now=LATER)
    assert [before.values()[tag] for tag in (0x00201200, 0x00201202, 0x00201204)] == [1, 2, 5]
    assert [after.values()[tag] for tag in (0x00201200, 0x00201202, 0x00201204)] == [2, 3, 6]


def test_studies_appear_when_their_time_has_come(catalogue: Catalogue) -> None:
    identifier = keys("STUDY", g0020000D="", g00100020="P3")
    assert column(found(catalogue, identifier), STUDY_UID) == ["1.4"]
    assert column(found(catalogue, identifier, now=LATER), STUDY_UID) == ["1.4", "1.5"]


@pytest.mark.parametrize(
    ("model", "identifier", "tag", "expected"),
    [
        (Model.PATIENT_ROOT, keys("PATIENT", g00100020=""), 0x00100020, ["P1", "P2", "P3"]),
        (Model.PATIENT_ROOT, keys("STUDY", g00100020="P1", g0020000D=""), STUDY_UID, ["1.1", "1.2"]),
        (Model.PATIENT_STUDY_ONLY, keys("STUDY", g00100020="P1", g0020000D=""), STUDY_UID, ["1.1", "1.2"]),
        (
            Model.PATIENT_ROOT,
            keys("SERIES", g00100020="P1", g0020000D="1.1", g0020000E=""),
            SERIES_UID,
            ["1.1.1", "1.1.2"],
        ),
        (Model.STUDY_ROOT, keys("SERIES", g0020000D="1.4", g0020000E="", g00200011="2"), SERIES_UID, ["1.4.2"]),
        (Model.STUDY_ROOT, keys("SERIES", g0020000D="1.1", g0020000E="", g00201209="3"), SERIES_UID, ["1.1.1"]),
        (Model.STUDY_ROOT, keys("SERIES", g0020000D="1.2", g0020000E="", g00181000="SN*"), SERIES_UID, ["1.2.1"]),
        (
            Model.STUDY_ROOT,
            keys("IMAGE", g0020000D="1.1", g0020000E="1.1.1", g00080018="", g00200013="3"),
            SOP_UID,
            ["1.1.1.3"],
        ),
        (
            Model.STUDY_ROOT,
            keys("IMAGE", g0020000D="1.1", g0020000E="1.1.1", g00080018="1.1.1.1\\1.1.1.2"),
            SOP_UID,
            ["1.1.1.1", "1.1.1.2"],
        ),
    ],
)
def test_every_level_is_found(
    catalogue: Catalogue, model: Model, identifier: DataSet, tag: int, expected: list[str]
) -> None:
    assert column(found(catalogue, identifier, model), tag) == expected


@pytest.mark.parametrize(
    ("model", "identifier", "tags"),
    [
        (Model.STUDY_ROOT, keys(), (0x00080052,)),
        (Model.STUDY_ROOT, keys("PATIENT"), (0x00080052,)),
        (Model.STUDY_ROOT, keys("study"), (0x00080052,)),
        (Model.PATIENT_STUDY_ONLY, keys("SERIES", g00100020="P1", g0020000D="1.1"), (0x00080052,)),
        (Model.PATIENT_ROOT, keys("STUDY"), (0x00100020,)),
        (Model.PATIENT_ROOT, keys("STUDY", g00100020="P*"), (0x00100020,)),
        (Model.PATIENT_ROOT, keys("IMAGE", g00100020="P1"), (STUDY_UID, SERIES_UID)),
        (Model.STUDY_ROOT, keys("SERIES", g0020000D=""), (STUDY_UID,)),
        (Model.STUDY_ROOT, keys("SERIES", g0020000D="1.1\\1.2"), (STUDY_UID,)),
        (Model.STUDY_ROOT, keys("SERIES", g0020000D="*"), (STUDY_UID,)),
        (Model.STUDY_ROOT, keys("IMAGE", g0020000D="1.1"), (SERIES_UID,)),
    ],
)
def test_what_the_model_forbids_is_refused_at_once(
    catalogue: Catalogue, model: Model, identifier: DataSet, tags: tuple[int, ...]
) -> None:
    for ask in (find, retrieve):
        with pytest.raises(QueryError) as caught:
            ask(catalogue, model, identifier, now=NOW)
        assert caught.value.kind is QueryProblem.IDENTIFIER_MISMATCH
        assert caught.value.tags == tags
        assert 0 < len(caught.value.comment) <= 64


def test_relational_queries_need_no_unique_keys_and_match_on_all_levels(catalogue: Catalogue) -> None:
    identifier = keys("SERIES", g0020000E="", g00100020="P1")
    assert column(found(catalogue, identifier, relational=True), SERIES_UID) == ["1.1.1", "1.1.2", "1.2.1"]
    identifier = keys("STUDY", g0020000D="", g00080060="CT", g00180015="CHEST")
    assert column(found(catalogue, identifier, relational=True), STUDY_UID) == ["1.1", "1.3"]
    identifier = keys("STUDY", g0020000D="", g00080060="SR", g00180015="CHEST")
    assert found(catalogue, identifier, relational=True) == []
    identifier = keys("PATIENT", g00100020="", g00080018="1.3.1.2\\1.3.1.1")
    assert column(found(catalogue, identifier, Model.PATIENT_ROOT, relational=True), 0x00100020) == ["P2"]


def test_keys_of_lower_levels_and_unknown_ones_come_back_empty_with_a_warning(catalogue: Catalogue) -> None:
    identifier = keys("STUDY", g0020000D="1.1", g00080060="MR", g00091010="x", g00081032="", g0020000E="")
    (match,) = found(catalogue, identifier)
    assert set(match.unsupported) == {0x00080060, 0x00091010, 0x00081032, SERIES_UID}
    answer = read(match)
    assert answer.StudyInstanceUID == "1.1"
    for tag in match.unsupported:
        assert tag in answer
        assert answer[tag].is_empty
    (match,) = found(catalogue, keys("STUDY", g0020000D="1.1"))
    assert match.unsupported == ()


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE])
def test_a_response_has_what_the_standard_wants(catalogue: Catalogue, syntax: str) -> None:
    tags = ("g00280010", "g00280011", "g00080056", "g00080016", "g00083002", "g00200013", "g00100010", "g00080020")
    identifier = keys(
        "IMAGE",
        g0020000D="1.1",
        g0020000E="1.1.1",
        g00080018="1.1.1.2",
        **dict.fromkeys((*tags, "g00200011", "g00020010", "g00080000"), ""),
    )
    answering = Answering(retrieve_ae="ARCHIVE", character_set="ISO_IR 100")
    (match,) = found(catalogue, identifier, answering=answering)
    answer = read(match, syntax)
    assert answer.SpecificCharacterSet == "ISO_IR 100"
    assert answer.QueryRetrieveLevel == "IMAGE"
    assert answer.RetrieveAETitle == "ARCHIVE"
    assert answer.InstanceAvailability == "ONLINE"
    assert answer.PatientName == "Ågård^Søren^^Dr"
    assert answer.Rows == 512
    assert answer["Columns"].is_empty
    assert answer.SOPClassUID == CT
    assert answer.AvailableTransferSyntaxUID == EXPLICIT_LE
    assert answer.InstanceNumber == 2
    assert answer.SeriesNumber == 1
    assert 0x00080000 not in answer
    tags = list(decode(encode_match(match, syntax), syntax))
    assert tags == sorted(tags)
    assert set(tags) == set(identifier) - {0x00080000} | {0x00080054}
    assert all(len(element.value) % 2 == 0 for element in decode(encode_match(match, syntax), syntax).values())


def test_a_deflated_response_is_the_explicit_one(catalogue: Catalogue) -> None:
    (match,) = found(catalogue, keys("STUDY", g0020000D="1.1", g00100010=""))
    assert decode(encode_match(match, DEFLATED_LE), DEFLATED_LE) == decode(
        encode_match(match, EXPLICIT_LE), EXPLICIT_LE
    )


def test_the_character_set_is_named_where_it_is_needed(catalogue: Catalogue) -> None:
    def name_and_set(patient: str, answering: Answering) -> tuple[str, object]:
        (match,) = found(
            catalogue, keys("PATIENT", g00100020=patient, g00100010=""), Model.PATIENT_ROOT, answering=answering
        )
        answer = read(match)
        return str(answer.PatientName), answer.get("SpecificCharacterSet")

    latin = Answering(character_set="ISO_IR 100")
    assert name_and_set("P3", latin) == ("Aalto^Anna", None)
    assert name_and_set("P1", latin) == ("Ågård^Søren^^Dr", "ISO_IR 100")
    assert name_and_set("P2", latin) == ("Yamada^Tarou=山田^太郎=やまだ^たろう", "ISO_IR 192")
    japanese = Answering(character_set="\\ISO 2022 IR 87")
    assert name_and_set("P2", japanese)[0] == "Yamada^Tarou=山田^太郎=やまだ^たろう"
    assert name_and_set("P2", japanese)[1] == ["", "ISO 2022 IR 87"]
    always = Answering(character_set="ISO_IR 100", always_name_character_set=True)
    assert name_and_set("P3", always) == ("Aalto^Anna", "ISO_IR 100")


def test_keys_are_read_in_their_own_character_set(catalogue: Catalogue) -> None:
    identifier = keys("PATIENT", g00100020="")
    identifier[0x00080005] = Element(0x00080005, "CS", b"ISO_IR 100")
    identifier[0x00100010] = Element(0x00100010, "PN", "ågård*".encode("latin-1"))
    assert column(found(catalogue, identifier, Model.PATIENT_ROOT), 0x00100020) == ["P1"]


def test_every_attribute_can_be_asked_for_and_returned(catalogue: Catalogue) -> None:
    every = {f"g{tag:08X}": "" for tag in ATTRIBUTES}
    identifier = keys("IMAGE", **(every | {"g0020000D": "1.1", "g0020000E": "1.1.1", "g00080018": "1.1.1.1"}))
    (match,) = found(catalogue, identifier)
    assert match.unsupported == ()
    answer = decode(encode_match(match, EXPLICIT_LE), EXPLICIT_LE)
    assert {tag: element.vr for tag, element in answer.items() if tag in ATTRIBUTES} == {
        tag: attribute.vr for tag, attribute in ATTRIBUTES.items()
    }
    again = keys("IMAGE")
    for tag, element in answer.items():
        if tag not in (0x00080005, 0x00080052):
            again[tag] = element
    again[0x00080005] = answer[0x00080005]
    assert len(found(catalogue, again)) == 1, "a match matches its own answer"


def test_a_query_can_be_stopped_at_any_time(catalogue: Catalogue) -> None:
    matches = find(catalogue, Model.STUDY_ROOT, keys("STUDY"), now=NOW)
    next(matches)
    other = find(catalogue, Model.STUDY_ROOT, keys("STUDY"), now=NOW)
    next(other)
    matches.close()  # type: ignore[attr-defined]
    assert len(list(other)) == 3


def test_too_many_keys_are_refused(catalogue: Catalogue) -> None:
    many = keys("STUDY") | {tag: Element(tag, "LO", b"") for tag in range(0x00091000, 0x00091000 + 1000)}
    with pytest.raises(QueryError) as caught:
        find(catalogue, Model.STUDY_ROOT, many, now=NOW)
    assert caught.value.kind is QueryProblem.UNABLE_TO_PROCESS


def test_a_broken_index_is_an_error_that_says_nothing(tmp_path: Path) -> None:
    build(tmp_path / "c")
    broken = Catalogue(tmp_path / "c")
    broken.connection.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
    with pytest.raises(QueryError) as caught:
        list(find(broken, Model.STUDY_ROOT, keys("STUDY"), now=NOW))
    assert caught.value.kind is QueryProblem.UNABLE_TO_PROCESS
    assert "SQL" not in caught.value.comment


ANY_VALUE = st.one_of(st.binary(max_size=30), st.text("*?^=\\-0123456789.PACTé ", max_size=20).map(str.encode))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.one_of(st.sampled_from(sorted(ATTRIBUTES)), st.integers(0, 0xFFFDFFFF)), ANY_VALUE, max_size=6
    ),
    st.sampled_from(["PATIENT", "STUDY", "SERIES", "IMAGE"]),
    st.booleans(),
)
def test_any_identifier_is_answered_or_refused(
    catalogue: Catalogue, values: dict[int, bytes], level: str, relational: bool
) -> None:
    identifier = {tag: Element(tag, "LO", value) for tag, value in values.items()}
    identifier[0x00080052] = Element(0x00080052, "CS", level.encode())
    try:
        matches = found(catalogue, identifier, Model.PATIENT_ROOT, relational=relational)
    except QueryError:
        return
    for match in matches:
        for syntax in (IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE):
            answer = decode(encode_match(match, syntax), syntax)
            assert answer[0x00080052].value.strip() == level.encode()


@settings(max_examples=150)
@given(st.sampled_from(sorted(ATTRIBUTES)), ANY_VALUE)
def test_what_narrows_in_the_index_loses_no_match(catalogue: Catalogue, tag: int, value: bytes) -> None:
    """The same query, with and without the coarse conditions: on all rows, compared one by one."""
    attribute = ATTRIBUTES[tag]
    identifier = keys("IMAGE", g00080018="") | {tag: Element(tag, attribute.vr, value)}
    everything = found(
        catalogue, keys("IMAGE", g00080018="") | {tag: Element(tag, attribute.vr, b"")}, relational=True
    )
    matcher = compile_key(attribute.vr, key_text(identifier[tag], character_set("ISO_IR 192")))
    expected = [match for match in everything if matcher is None or matcher.matches(match.values()[tag])]  # type: ignore[arg-type]
    narrowed = found(catalogue, identifier, relational=True)
    assert column(narrowed, SOP_UID) == column(expected, SOP_UID)


def refs(catalogue: Catalogue, identifier: DataSet, model: Model = Model.STUDY_ROOT, **more: object) -> list[str]:
    arguments: dict[str, object] = {"now": NOW} | more
    return [ref.sop_uid for ref in retrieve(catalogue, model, identifier, **arguments)]  # type: ignore[arg-type]


def test_an_instance_to_send_says_all_about_itself(catalogue: Catalogue) -> None:
    identifier = keys("IMAGE", g0020000D="1.1", g0020000E="1.1.1", g00080018="1.1.1.2")
    assert list(retrieve(catalogue, Model.STUDY_ROOT, identifier, now=NOW)) == [
        InstanceRef(
            instance_key=2,
            sop_uid="1.1.1.2",
            sop_class_uid=CT,
            transfer_syntax_uid=EXPLICIT_LE,
            study_uid="1.1",
            series_uid="1.1.1",
            path="files/1.1.2",
            size=1002,
            origin="catalogue",
        )
    ]


@pytest.mark.parametrize(
    ("model", "identifier", "expected"),
    [
        (Model.PATIENT_ROOT, keys("PATIENT", g00100020="P1"), 6),
        (Model.PATIENT_ROOT, keys("STUDY", g00100020="P1", g0020000D="1.1"), 4),
        (Model.PATIENT_ROOT, keys("STUDY", g00100020="P2", g0020000D="1.1"), 0),
        (Model.STUDY_ROOT, keys("STUDY", g0020000D="1.1\\1.2\\9"), 6),
        (Model.STUDY_ROOT, keys("STUDY", g0020000D="1.1", g00100010="Nobody"), 4),
        (Model.STUDY_ROOT, keys("SERIES", g0020000D="1.1", g0020000E="1.1.1\\1.1.2\\1.2.1"), 4),
        (Model.STUDY_ROOT, keys("IMAGE", g0020000D="1.1", g0020000E="1.1.1", g00080018="1.1.1.1\\1.1.1.3"), 2),
        (Model.STUDY_ROOT, keys("STUDY", g0020000D="1.5"), 0),
        (Model.STUDY_ROOT, keys("STUDY", g0020000D="9.9"), 0),
    ],
)
def test_what_is_retrieved(catalogue: Catalogue, model: Model, identifier: DataSet, expected: int) -> None:
    assert len(refs(catalogue, identifier, model)) == expected


def test_instances_come_in_order(catalogue: Catalogue) -> None:
    assert refs(catalogue, keys("STUDY", g0020000D="1.1")) == ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.2.1"]
    assert refs(catalogue, keys("STUDY", g0020000D="1.5"), now=LATER) == ["1.5.1.1"]


@pytest.mark.parametrize(
    "identifier",
    [
        keys("STUDY", g0020000D=""),
        keys("STUDY", g0020000D="*"),
        keys("STUDY", g0020000D="\\"),
        keys("STUDY", g00100010="A*"),
        keys("PATIENT", g00100020="P*"),
    ],
)
def test_a_retrieval_says_what_it_wants(catalogue: Catalogue, identifier: DataSet) -> None:
    with pytest.raises(QueryError) as caught:
        retrieve(catalogue, Model.PATIENT_ROOT, identifier, now=NOW, relational=True)
    assert caught.value.kind is QueryProblem.IDENTIFIER_MISMATCH
    assert caught.value.tags


def test_a_relational_retrieval_needs_the_key_of_its_level_only(catalogue: Catalogue) -> None:
    assert refs(catalogue, keys("IMAGE", g00080018="1.2.1.1\\1.3.1.1"), relational=True) == ["1.2.1.1", "1.3.1.1"]
    assert refs(catalogue, keys("SERIES", g0020000E="1.4.2", g0020000D="1.1"), relational=True) == []


def test_a_long_list_of_uids_is_one_query(catalogue: Catalogue) -> None:
    uids = "\\".join(f"1.2.3.{number}" for number in range(50_000)) + "\\1.4"
    assert len(refs(catalogue, keys("STUDY", g0020000D=uids))) == 5
    assert len(found(catalogue, keys("STUDY", g0020000D=uids))) == 1


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """Enough rows for the planner to take an index seriously."""
    path = tmp_path_factory.mktemp("large") / "catalogue.sqlite"
    build(path, more=2000)
    return Catalogue(path)


@pytest.mark.parametrize(
    "values",
    [
        {"g00100020": "P1"},
        {"g00100020": "P1*"},
        {"g00100010": "Aal*"},
        {"g00100010": "aalto^anna"},
        {"g00100010": "=山*"},
        {"g00080050": "ACC1"},
        {"g00080050": "ACC12*"},
        {"g0020000D": "1.1"},
        {"g0020000D": "1.1\\1.2"},
        {"g00080020": "20240110-20240111"},
        {"g00080020": "20240110", "g00080061": "CT", "g00201208": ""},
    ],
)
def test_usual_queries_scan_no_table(large: Catalogue, values: dict[str, str]) -> None:
    statements: list[str] = []
    large.connection.set_trace_callback(statements.append)
    found(large, keys("STUDY", **values))
    large.connection.set_trace_callback(None)
    assert statements
    steps = [
        row[3] for statement in statements for row in large.connection.execute(f"EXPLAIN QUERY PLAN {statement}")
    ]
    assert not [step for step in steps if step.startswith(("SCAN p", "SCAN t", "SCAN patient", "SCAN study"))], steps


def test_models_and_sop_classes_of_images(catalogue: Catalogue) -> None:
    identifier = keys("IMAGE", g0020000D="1.2", g0020000E="1.2.1", g00080016=MR, g00080018="")
    assert column(found(catalogue, identifier), SOP_UID) == ["1.2.1.1", "1.2.1.2"]
