"""Values at every edge of a few operations: what the suite tries of ``test_ranges``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.access.furnished import Ids
from tests.api.credentials import Operation
from tests.api.people import Person
from tests.api.sold import V1
from tests.api.transport.test_ranges import document, ids, person
from tests.api.transport.test_ranges import test_values_at_every_edge_are_answered as answers_edges

__all__ = ["document", "ids", "person"]

OPERATIONS = (("POST", f"{V1}/invoices"), ("POST", f"{V1}/usage"), ("GET", f"{V1}/invoices"))


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_values_at_every_edge_of_bills_and_usage_are_answered(
    person: Person, document: dict[str, Any], ids: Ids, operation: Operation
) -> None:
    answers_edges(person, document, ids, operation)
