"""A bad request is refused, and told by the name of the field that is wrong.

By default a sample, another part of it in each operation; all of them by ``make corpus``.
"""

from __future__ import annotations

import os
from typing import Any, Final, get_args

import pytest
from pydantic_core.core_schema import ErrorType

from tests.api.access.furnished import V1, Ids, fill, furnish
from tests.api.people import Person
from tests.api.shared_document import shared_document
from tests.api.transport.bad_requests import NOT_NUMBERS, BadRequest, bad_requests, names

EVERY: Final = 1 if "FLUXRATE_CORPUS" in os.environ else 17
LEAST: Final = 3_000
GROUP_PRICE: Final = {"values": ["eu"], "unit_price": 2}
JSON: Final = {"Content-Type": "application/json"}
LIBRARY: Final = frozenset(get_args(ErrorType))
OURS: Final = ("must ", "is ", "No body is taken here.")
"""How words of ours begin where a code is the library's that reads requests."""


def send(person: Person, bad: BadRequest, ids: Ids) -> tuple[int, dict[str, Any]]:
    """What the request is answered."""
    method, path = bad.operation.split()
    query = {bad.field: bad.sent} if bad.place == "query" else {}
    if path.endswith("/usage/batch"):
        # Else a bad row is answered in its place, and the others are stored.
        query.setdefault("atomic", "true")
    body = bad.sent.encode() if bad.place == "body" else None
    answer = person.request(
        method, fill(path, ids), params=query, content=body, headers=JSON if body else {}
    )
    return answer.status_code, answer.json() if answer.content else {}


def is_told(bad: BadRequest, problem: dict[str, Any]) -> bool:
    """Whether the problem names the field; of what is no JSON nobody reads the fields."""
    is_no_json = bad.way in NOT_NUMBERS and problem["code"] == "invalid_json"
    return is_no_json or names(bad.field, problem.get("errors", []))


def foreign_words(problem: dict[str, Any]) -> list[str]:
    """What the problem says of fields in the words of the library that reads requests."""
    told = [one for one in problem.get("errors", []) if "in" in one and one["code"] in LIBRARY]
    return [one["detail"] for one in told if not one["detail"].startswith(OURS)]


def good_bodies(person: Person, ids: Ids) -> dict[str, dict[str, Any]]:
    """Bodies of which more is asked than types, by their schemas."""
    (meter,) = person.get(f"{V1}/meters").json()["data"]
    event = {"customer_external_id": "acct_77", "quantity": 1}
    charge = {
        "type": "USAGE",
        "meter_id": ids["meter_id"],
        "unit_price": 1,
        "group_by": ["region"],
        "group_prices": [GROUP_PRICE],
    }
    line = {"description": "Work", "quantity": 1, "unit_amount": 1}
    whose = {"customer_id": ids["customer_id"]}
    words = {"name": "Seats", "lookup_key": "seats", "type": "meter"}
    return {
        "EventReport": {"meter_id": meter["id"]} | event,
        "TrackedEvent": {"meter_token": meter["meter_token"]} | event,
        "FeatureCreate": words | {"meter_name": "seats", "aggregation_type": "SUM"},
        "SubscriptionCreate": whose | {"plan_id": ids["plan_id"], "start_date": "2026-01-01"},
        "InvoiceCreate": whose
        | {"currency": "USD", "due_date": "2026-02-01", "line_items": [line]},
        "CouponCreate": {"code": "SPRING", "amount": 5, "currency": "USD"},
        "ChargeCreate": charge,
        "ProposedCharge": charge,
        "GroupPriceWrite": GROUP_PRICE,
        "PriceModelWrite": {"model": "graduated", "tiers": [{"up_to": None, "unit_price": 1}]},
        "PriceTierWrite": {"up_to": None, "unit_price": 1},
        "EventFilterWrite": {"property": "region", "operator": "eq", "value": "eu"},
    }


def test_bad_requests_are_many_and_all_different() -> None:
    made = list(bad_requests(shared_document(), {}))

    assert len(set(made)) > LEAST


def test_bad_requests_are_refused_by_the_name_of_the_field(owner: Person) -> None:
    ids = furnish(owner)
    unnamed, unworded = [], []

    for bad in list(bad_requests(shared_document(), good_bodies(owner, ids)))[::EVERY]:
        status, problem = send(owner, bad, ids)
        if not (400 <= status < 500 and is_told(bad, problem)):
            unnamed.append((str(bad), bad.sent[:80], status, problem.get("errors", problem)))
        unworded += [(str(bad), words) for words in foreign_words(problem)]

    assert unnamed == []
    assert unworded == []


@pytest.mark.parametrize("sent", [1.5, True, "none", [], [[]]])
def test_what_is_no_object_is_none_that_leaves_all_out(owner: Person, sent: object) -> None:
    answer = owner.patch(f"{V1}/organization", json={"dunning": sent})

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == ["dunning"]


@pytest.mark.parametrize(
    ("field", "told", "is_named"),
    [
        ("name", "name", True),
        ("tiers", "tiers.0.up_to", True),
        ("name", "names", False),
        ("line_items.0.quantity", "line_items.0", False),
    ],
)
def test_what_counts_as_naming_a_field(field: str, told: str, *, is_named: bool) -> None:
    assert names(field, [{"field": told}]) is is_named
