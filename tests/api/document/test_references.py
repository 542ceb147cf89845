"""What a request names and nobody has is refused by a code of which the document tells.

That the document does is looked at in every answer to a test: see ``tests/api/refusals.py``.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from tests.api.access.furnished import MONTHLY
from tests.api.people import Person
from tests.api.sold import V1, Sold, sell

NOWHERE = str(uuid4())
OF_NO_CHARGE = {"applies_to": {"charge_ids": [NOWHERE]}}
OF_NO_METER = {"applies_to": {"meter_ids": [NOWHERE]}}
IN_NO_UNIT = {"type": "USAGE", "meter_id": "{meter}", "unit_price": 1, "unit": "NOTHING"}
OF_NO_METER_EITHER = {"type": "USAGE", "meter_id": NOWHERE, "unit_price": 1}
GRANT = {"unit": "USD", "amount": 1, "reason": "Welcome"}


@pytest.fixture
def sold(owner: Person) -> Sold:
    return sell(owner)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/plans/{plan}/charges", IN_NO_UNIT, "unit_not_found"),
        ("/plans/{plan}/charges", OF_NO_METER_EITHER, "meter_not_found"),
        ("/customers/{customer}/grants", GRANT | OF_NO_CHARGE, "charge_not_found"),
        ("/customers/{customer}/grants", GRANT | OF_NO_METER, "meter_not_found"),
        (
            "/customers/{customer}/grant-rules",
            MONTHLY | OF_NO_CHARGE,
            "charge_not_found",
        ),
        (
            "/customers/{customer}/grant-rules",
            MONTHLY | OF_NO_METER,
            "meter_not_found",
        ),
        (
            "/plans/{plan}/preview-edit",
            {"edit": {"add": [IN_NO_UNIT]}},
            "unit_not_found",
        ),
        (
            "/plans/{plan}/price",
            {"edit": {"add": [IN_NO_UNIT]}, "quantities": []},
            "unit_not_found",
        ),
        (
            "/features",
            {"name": "More", "lookup_key": "more", "type": "meter", "meter_id": NOWHERE},
            "meter_not_found",
        ),
    ],
)
def test_what_is_nowhere_is_refused_as_the_document_says(
    sold: Sold, path: str, body: dict[str, Any], code: str
) -> None:
    ids = {
        "plan": sold.plan["id"],
        "customer": sold.customer["id"],
        "meter": sold.feature["meter"]["id"],
    }

    answer = sold.owner.post(V1 + path.format(**ids), json=filled(body, ids))

    assert (answer.status_code, answer.json()["code"]) == (404, code), answer.text


def filled(body: Any, ids: dict[str, str]) -> Any:
    """The body, with ids in the place of names in braces."""
    if isinstance(body, dict):
        return {name: filled(value, ids) for name, value in body.items()}
    if isinstance(body, list):
        return [filled(value, ids) for value in body]
    if isinstance(body, str) and (named := re.fullmatch(r"\{(\w+)\}", body)):
        return ids[named[1]]
    return body
