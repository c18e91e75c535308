"""The index template has each field of each event, and dashboards ask for fields that are there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dicomhawk.evidence.ecs import catalogue, fields
from dicomhawk.outputs.forwarding.formats.dashboards import PANELS, saved_objects
from dicomhawk.outputs.forwarding.formats.template import Engine, index_template
from tests.support import dicomhawk


def mapped(engine: Engine) -> dict[str, Any]:
    """Mappings by dotted path."""
    found: dict[str, Any] = {}

    def walk(properties: dict[str, Any], path: str) -> None:
        for name, value in properties.items():
            assert "type" not in value or "properties" not in value, f"{path}{name} is a value and an object"
            if "properties" in value:
                walk(value["properties"], f"{path}{name}.")
            else:
                found[path + name] = value

    walk(index_template(engine)["template"]["mappings"]["properties"], "")
    return found


@pytest.mark.parametrize(("engine", "free"), [("elasticsearch", "flattened"), ("opensearch", "flat_object")])
def test_each_field_has_a_type_and_keys_of_strangers_make_no_fields(engine: Engine, free: str) -> None:
    found = mapped(engine)
    assert found["dicom.query.keys"] == {"type": free}
    assert found["honeypot.browser.facts"] == {"type": free}
    assert found["source.ip"]["type"] == "ip"
    assert found["@timestamp"] == {"type": "date"}
    assert found["dicom.query.matches"]["type"] == "long"
    assert found["dicom.query.wildcard"]["type"] == "boolean"
    assert found["dicom.status"]["type"] == "keyword", "0x0000 is no number"
    assert len(found) < 500
    every = {field.path for event in catalogue() for field in fields(event).values()}
    records = {"contexts", "roles", "extended", "common_extended", "unknown_items", "reserved"}
    assert every - set(found) == {f"dicom.{name}" for name in records}


def test_nothing_that_looks_like_a_date_becomes_one() -> None:
    mappings = index_template("elasticsearch")["template"]["mappings"]
    assert mappings["date_detection"] is False
    assert mappings["dynamic_templates"][0]["texts"]["mapping"]["type"] == "keyword"


def test_dashboards_refer_to_what_is_there() -> None:
    objects = {(one["type"], one["id"]): one for one in saved_objects()}
    assert len(objects) == len(PANELS) + 2
    for one in objects.values():
        for reference in one["references"]:
            assert (reference["type"], reference["id"]) in objects
        for name in ("visState", "uiStateJSON", "panelsJSON", "optionsJSON"):
            if name in one["attributes"]:
                json.loads(one["attributes"][name])
    known = set(mapped("elasticsearch")) | {
        *("event.action", "event.kind", "event.reason", "honeypot.session.depth", "honeypot.intel.category"),
        *("related.user", "threat.technique.id"),
    }
    for panel in PANELS:
        assert panel.field in known


def test_the_command_prints_them() -> None:
    done = dicomhawk("outputs", "template", "--for", "opensearch")
    assert json.loads(done.stdout) == index_template("opensearch")
