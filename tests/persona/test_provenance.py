"""What a persona file says about the origin of its values."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dicomhawk.persona.model import Persona

SOURCES = {"statement": {"title": "A Statement", "version": "2", "url": "https://example.org/statement"}}


def persona(**more: Any) -> Persona:
    tables = {"name": "a", "title": "A", "kind": "built", "sources": SOURCES, **more}
    return Persona.model_validate(tables)


def test_the_most_precise_path_speaks_for_a_field() -> None:
    found = persona(
        wire={"max_pdu": 8192, "idle": 60},
        stated={"wire": "statement: 4.2"},
        inferred={"wire.idle": "the library's default"},
    )
    assert found.origin("wire.max_pdu") == "A Statement (2), 4.2"
    assert found.origin("wire.idle") == "inferred: the library's default"
    assert found.unexplained() == []


def test_what_nothing_explains_is_listed_by_its_path() -> None:
    found = persona(
        identity={"implementation_version_name": "X"},
        wire={"on_association": {"unknown-pdu": {"abort": [2, 1]}}},
        stated={"identity": "statement"},
    )
    assert found.unexplained() == ["wire.on_association.unknown-pdu.abort"]


def test_an_empty_table_is_a_claim_too() -> None:
    assert persona(wire={"on_association": {}}).unexplained() == ["wire.on_association"]


def test_what_is_said_of_everything_holds_where_nothing_else_is_said() -> None:
    found = persona(
        wire={"max_pdu": 8192, "idle": 60}, stated={"wire.idle": "statement"}, inferred={"*": "like its sibling"}
    )
    assert found.origin("wire.max_pdu") == "inferred: like its sibling"
    assert found.origin("wire.idle") == "A Statement (2)"


@pytest.mark.parametrize(
    ("origins", "complaint"),
    [
        ({"stated": {"wire.idle": "statement"}}, "doesn't set it"),
        ({"stated": {"wire.max": "statement"}}, "doesn't set it"),
        ({"inferred": {"wir": "as in the library"}}, "doesn't set it"),
        ({"stated": {"wire": "hearsay: 4"}}, "no source of this file"),
        ({"stated": {"wire": "statement"}, "inferred": {"wire": "because"}}, "both stated and inferred"),
        ({"inferred": {"wire": " "}}, "without a reason"),
    ],
)
def test_an_origin_must_be_of_something_and_from_somewhere(origins: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        persona(wire={"max_pdu": 8192}, **origins)
