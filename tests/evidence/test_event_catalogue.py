"""The catalogue, what emits it and docs/events.md stay in step."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import dicomhawk
from dicomhawk.evidence import describe, ecs
from dicomhawk.evidence.fields import Event

PACKAGE = Path(dicomhawk.__file__).parent
DOCS = PACKAGE.parent.parent / "docs" / "events.md"
CATEGORIES = {
    *("network", "session", "process", "file", "web", "authentication", "intrusion_detection", "malware", "threat"),
}
TYPES = {
    *("connection", "start", "end", "protocol", "info", "access", "denied", "allowed"),
    *("creation", "deletion", "change", "indicator", "error"),
}
KINDS = ecs.catalogue()


def test_actions_are_unique() -> None:
    assert len({kind.kind.action for kind in KINDS}) == len(KINDS) > 20


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind.action)
def test_a_type_is_complete(kind: type[Event]) -> None:
    assert kind.__doc__
    assert set(kind.kind.category) <= CATEGORIES
    assert set(kind.kind.type) <= TYPES
    assert 0 <= kind.kind.severity <= 100
    assert set(ecs.fields(kind)) == set(kind.__struct_fields__)
    assert all(field.doc.endswith(".") for field in ecs.fields(kind).values())


def test_a_path_means_the_same_kind_of_thing_everywhere() -> None:
    paths = {field.path for kind in KINDS for field in ecs.fields(kind).values()}
    for path in paths:
        assert not any(other.startswith(f"{path}.") for other in paths), path


def test_no_inner_object_has_the_name_of_an_outer_one() -> None:
    """Where an event's fields are put into what a connection's events have in common, they are looked for by name."""
    paths = {field.path for kind in KINDS for field in ecs.fields(kind).values()}
    outer = {path.split(".")[0] for path in paths}
    inner = {name for path in paths for name in path.split(".")[1:-1]}
    assert not inner & outer


def test_what_is_repeated_never_meets_a_field_of_the_later_event() -> None:
    repeated = {f.path.split(".")[1] for kind in KINDS for f in ecs.fields(kind).values() if f.follows}
    for kind in KINDS:
        fields = ecs.fields(kind).values()
        if not any(field.follows for field in fields):
            own = {field.path.split(".")[1] for field in fields if field.path.startswith("dicom.")}
            assert not own & repeated, kind.kind.action


def test_the_documentation_is_in_step() -> None:
    assert DOCS.read_text(encoding="utf-8") == describe.markdown(), "run: make docs"


def test_every_type_is_emitted_somewhere() -> None:
    if not (PACKAGE / "sensor" / "worker.py").exists():
        pytest.skip("there is no sensor to emit anything")
    used = set()
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name != "events":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute):
                    used.add(node.attr)
                elif isinstance(node, ast.Name):
                    used.add(node.id)
    assert {kind.__name__ for kind in KINDS} - used == set()
