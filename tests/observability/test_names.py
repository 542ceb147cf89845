"""Dashboards and rules name what the product shows, and nothing shown names anybody."""

from __future__ import annotations

import json
import re
from typing import Final

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest

from deploy.observability.boards import DASHBOARDS
from deploy.observability.panels import FOLDER
from runtime.measuring.counters import BillingCounters
from tests.api.people import Person
from tests.observability.promtool import RULES

NAME: Final = re.compile(r"\bfluxrate_\w+")
SHOWN: Final = re.compile(r"^(fluxrate_\w+?)(?:\{(.*)\})? ", re.MULTILINE)
LABEL: Final = re.compile(r"(\w+)=\"")
UNITS: Final = ("_total", "_seconds", "_bucket", "_count", "_sum")

LABELS: Final = {
    *("check", "fault", "invariant", "kind", "le", "method", "relay", "result", "route"),
    *("status", "timing", "work"),
}
"""All labels; a new one must not name a customer, an organization or an address."""

PLAIN: Final = {
    *("fluxrate_bills_needing_attention", "fluxrate_coverage_findings"),
    *("fluxrate_invariant_broken", "fluxrate_outbox_messages", "fluxrate_payments_last_hour"),
    *("fluxrate_verified_invoices", "fluxrate_verify_differences"),
}
"""Numbers of things, which have no unit and go up and down."""


@pytest.fixture
def shown(app: FastAPI) -> str:
    """What an API and a worker show."""
    registry = CollectorRegistry()
    BillingCounters(registry).count_worker_start()
    visitor = Person(app)
    visitor.get("/health")
    return visitor.get("/metrics").text + generate_latest(registry).decode()


def names_in(text: str) -> set[str]:
    return set(NAME.findall(text))


def test_rules_name_what_is_shown(shown: str) -> None:
    names = {name for name, _ in SHOWN.findall(shown)}

    asked = names_in(RULES.read_text())

    assert asked
    assert asked - names == set()


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_dashboards_name_what_is_shown(shown: str, board: object) -> None:
    names = {name for name, _ in SHOWN.findall(shown)}

    asked = names_in(json.dumps(board.document()))  # type: ignore[attr-defined]  # of each

    assert asked
    assert asked - names == set()


def test_everything_shown_is_in_a_dashboard(shown: str) -> None:
    boards = names_in(json.dumps([one.document() for one in DASHBOARDS]))
    names = {name for name, _ in SHOWN.findall(shown) if not name.endswith("_created")}
    parts = {name for name in names if name.endswith(("_sum", "_count"))}

    assert names - parts - boards == set()


def test_names_end_with_their_unit(shown: str) -> None:
    names = {name for name, _ in SHOWN.findall(shown) if not name.endswith("_created")}

    assert {one for one in names if not one.endswith(UNITS)} == PLAIN


def test_no_label_names_anybody(shown: str) -> None:
    labels = {label for _, text in SHOWN.findall(shown) for label in LABEL.findall(text)}

    assert labels == LABELS


def test_files_are_what_the_dashboards_say() -> None:
    files = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}

    assert files == {one.uid: one.document() for one in DASHBOARDS}
    assert len(files) == 4
