"""Grafana dashboards written down as rows of panels, and their JSON.

``python -m deploy.observability`` writes ``dashboards/*.json`` again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SCHEMA_VERSION: Final = 39
"""Of Grafana 11; later versions bring it up to date by themselves."""

SOURCE: Final = {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}
WIDTH: Final = 24
HEIGHT: Final = 8
FOLDER: Final = Path(__file__).parent / "dashboards"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture: what it shows, in which unit, from which queries with their legends.

    Where a figure above ``alarm`` is bad, it is red from there on.
    """

    title: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    kind: str = "timeseries"
    alarm: float | None = None
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """A page of panels, in rows that share the width."""

    uid: str
    title: str
    rows: Sequence[Sequence[Panel]] = field(default_factory=tuple)

    def document(self) -> dict[str, Any]:
        """What Grafana imports; it asks which Prometheus ``DS_PROMETHEUS`` is."""
        return {
            "__inputs": [
                {
                    "name": "DS_PROMETHEUS",
                    "label": "Prometheus",
                    "type": "datasource",
                    "pluginId": "prometheus",
                    "pluginName": "Prometheus",
                }
            ],
            "uid": self.uid,
            "title": self.title,
            "tags": ["fluxrate"],
            "schemaVersion": SCHEMA_VERSION,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "timezone": "utc",
            "templating": {"list": [_instances()]},
            "panels": [
                _panel_document(panel, number=number, place=place)
                for number, (panel, place) in enumerate(self._places(), start=1)
            ],
        }

    def _places(self) -> list[tuple[Panel, dict[str, int]]]:
        return [
            (panel, {"h": HEIGHT, "w": WIDTH // len(row), "x": WIDTH // len(row) * x, "y": y})
            for y, row in zip(range(0, HEIGHT * len(self.rows), HEIGHT), self.rows, strict=True)
            for x, panel in enumerate(row)
        ]


def _instances() -> dict[str, Any]:
    return {
        "name": "instance",
        "label": "Process",
        "type": "query",
        "datasource": SOURCE,
        "query": "label_values(fluxrate_period_closes_total, instance)",
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "refresh": 2,
        "current": {"text": "All", "value": "$__all"},
    }


def _panel_document(panel: Panel, *, number: int, place: dict[str, int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.alarm is not None:
        steps.append({"color": "red", "value": panel.alarm})
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": steps},
            },
            "overrides": [],
        },
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": expression,
                "legendFormat": legend,
            }
            for index, (expression, legend) in enumerate(panel.queries)
        ],
    }


def write_all(dashboards: Sequence[Dashboard]) -> None:
    """The files are what the dashboards say."""
    for one in dashboards:
        path = FOLDER / f"{one.uid}.json"
        path.write_text(json.dumps(one.document(), indent=2) + "\n", encoding="utf-8")
