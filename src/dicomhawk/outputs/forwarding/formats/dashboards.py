"""Dashboards for Kibana and OpenSearch Dashboards, as saved objects (NDJSON) to be imported."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from .template import PATTERN

Json = dict[str, Any]

_PATTERN_ID = "dicomhawk"
_FORMAT = "7.10.0"
"""Version of the saved objects: the last that both programs have in common; each makes of it what it needs."""
_WIDTH, _HEIGHT = 24, 12
"""Of a panel, in units of which a dashboard has 48 across."""


class Panel(NamedTuple):
    """A picture of values of one field."""

    id: str
    title: str
    kind: str
    """histogram, pie or table."""
    field: str
    query: str = ""


PANELS = (
    Panel("events-over-time", "Events over time", "histogram", "event.action"),
    Panel("severity", "Severity", "pie", "event.severity"),
    Panel("visitors", "Visitors", "table", "source.ip"),
    Panel("sessions-by-depth", "Sessions by depth", "pie", "honeypot.session.depth", "event.action:session.verdict"),
    Panel("categories", "Who knocks", "pie", "honeypot.intel.category", "event.action:session.verdict"),
    Panel("called", "Called AE titles", "table", "dicom.ae.called", "event.action:dicom.association*"),
    Panel("calling", "Calling AE titles", "table", "dicom.ae.calling", "event.action:dicom.association*"),
    Panel("implementations", "Clients", "table", "dicom.implementation.version"),
    Panel("paths", "Paths asked for", "table", "url.path", "event.action:http.request"),
    Panel("users", "User names tried", "table", "related.user"),
    Panel("techniques", "Techniques", "table", "threat.technique.id", "event.action:session.verdict"),
    Panel("alerts", "Alerts", "table", "event.reason", "event.kind:alert"),
)


def saved_objects() -> list[Json]:
    """An index pattern, the panels, and a dashboard of them; each is a line of the file to be imported."""
    pattern: Json = {
        "type": "index-pattern",
        "id": _PATTERN_ID,
        "attributes": {"title": PATTERN, "timeFieldName": "@timestamp"},
        "references": [],
        "migrationVersion": {"index-pattern": "7.6.0"},
    }
    return [pattern, *map(_visualisation, PANELS), _dashboard()]


def _visualisation(panel: Panel) -> Json:
    source = {
        "query": {"query": panel.query, "language": "lucene"},
        "filter": [],
        "indexRefName": "kibanaSavedObjectMeta.searchSourceJSON.index",
    }
    return {
        "type": "visualization",
        "id": f"dicomhawk-{panel.id}",
        "attributes": {
            "title": panel.title,
            "visState": json.dumps({"title": panel.title, **_state(panel)}),
            "uiStateJSON": "{}",
            "description": "",
            "version": 1,
            "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)},
        },
        "references": [{"name": source["indexRefName"], "type": "index-pattern", "id": _PATTERN_ID}],
        "migrationVersion": {"visualization": _FORMAT},
    }


def _state(panel: Panel) -> Json:
    count: Json = {"id": "1", "enabled": True, "type": "count", "schema": "metric", "params": {}}
    terms: Json = {
        "id": "2",
        "enabled": True,
        "type": "terms",
        "schema": {"histogram": "group", "pie": "segment", "table": "bucket"}[panel.kind],
        "params": {"field": panel.field, "orderBy": "1", "order": "desc", "size": 15, "otherBucket": False},
    }
    if panel.kind == "table":
        params: Json = {"perPage": 10, "showPartialRows": False, "showMetricsAtAllLevels": False, "showTotal": False}
        return {"type": "table", "aggs": [count, terms], "params": params}
    if panel.kind == "pie":
        params = {"type": "pie", "addTooltip": True, "addLegend": True, "legendPosition": "right", "isDonut": True}
        return {"type": "pie", "aggs": [count, terms], "params": params}
    moments: Json = {
        "id": "3",
        "enabled": True,
        "type": "date_histogram",
        "schema": "segment",
        "params": {"field": "@timestamp", "useNormalizedEsInterval": True, "interval": "auto", "min_doc_count": 1},
    }
    axis = {"id": "CategoryAxis-1", "type": "category", "position": "bottom", "show": True, "labels": {"show": True}}
    value = {"id": "ValueAxis-1", "name": "LeftAxis-1", "type": "value", "position": "left", "show": True}
    series = {
        "show": True,
        "type": "histogram",
        "mode": "stacked",
        "data": {"label": "Count", "id": "1"},
        "valueAxis": "ValueAxis-1",
    }
    params = {
        "type": "histogram",
        "addTooltip": True,
        "addLegend": True,
        "legendPosition": "right",
        "categoryAxes": [axis | {"scale": {"type": "linear"}}],
        "valueAxes": [value | {"scale": {"type": "linear", "mode": "normal"}, "labels": {"show": True}}],
        "seriesParams": [series],
    }
    return {"type": "histogram", "aggs": [count, moments, terms], "params": params}


def _dashboard() -> Json:
    panels, references = [], []
    for number, panel in enumerate(PANELS):
        place = {"x": number % 2 * _WIDTH, "y": number // 2 * _HEIGHT, "w": _WIDTH, "h": _HEIGHT, "i": str(number)}
        name = f"panel_{number}"
        panels.append(
            {
                "version": _FORMAT,
                "gridData": place,
                "panelIndex": str(number),
                "embeddableConfig": {},
                "panelRefName": name,
            }
        )
        references.append({"name": name, "type": "visualization", "id": f"dicomhawk-{panel.id}"})
    return {
        "type": "dashboard",
        "id": "dicomhawk",
        "attributes": {
            "title": "DICOMHawk",
            "description": "What knocks on the honeypot.",
            "hits": 0,
            "panelsJSON": json.dumps(panels),
            "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}),
            "version": 1,
            "timeRestore": False,
            "kibanaSavedObjectMeta": {
                "searchSourceJSON": json.dumps({"query": {"query": "", "language": "kuery"}, "filter": []})
            },
        },
        "references": references,
        "migrationVersion": {"dashboard": "7.9.3"},
    }
