"""What can be undone is done at once and undone by one press; what cannot is confirmed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.people import Person
from tests.api.sold import V1
from tests.console.billed import billed, words_of
from tests.console.workspace.test_actions import form_of, forms_of


def subscription_of(owner: Person, invoice: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = owner.get(f"{V1}/subscriptions/{invoice['subscription_id']}").json()
    return found


@pytest.mark.parametrize(
    ("verb", "back", "field", "values"),
    [
        ("cancel", "reactivate", "cancel_at_period_end", (True, False)),
        ("pause", "resume", "status", ("PAUSED", "ACTIVE")),
    ],
)
def test_what_was_done_is_undone_by_one_press(
    owner: Person, verb: str, back: str, field: str, values: tuple[Any, Any]
) -> None:
    _, invoice = billed(owner)
    screen = f"/console/subscriptions/{invoice['subscription_id']}"
    address, fields = form_of(owner, screen, f"/{verb}")

    done = owner.post(address, data=fields)
    after = subscription_of(owner, invoice)[field]
    undo, _ = form_of(owner, screen, f"/{back}")
    undone = owner.post(undo)

    assert "Undo" in words_of(done.text)
    assert "Undo" not in words_of(owner.get(screen).text)
    assert undone.status_code == 200
    assert (after, subscription_of(owner, invoice)[field]) == values


def test_nothing_is_undone_that_is_undone_already(owner: Person) -> None:
    _, invoice = billed(owner)

    page = owner.get(f"/console/subscriptions/{invoice['subscription_id']}?done=canceled")

    assert "Undo" not in words_of(page.text)


@pytest.mark.parametrize("typed", ["", "acct", "Harbor Labs"])
def test_end_at_once_is_confirmed_by_the_customer(owner: Person, typed: str) -> None:
    _, invoice = billed(owner)
    screen = f"/console/subscriptions/{invoice['subscription_id']}"
    address, fields = form_of(owner, screen, "/end")

    refused = owner.post(address, data=fields | {"confirmation": typed})
    still = subscription_of(owner, invoice)["status"]
    owner.post(address, data=fields | {"confirmation": "acct_77"})

    assert (refused.status_code, still) == (422, "ACTIVE")
    assert subscription_of(owner, invoice)["status"] == "CANCELED"
    assert forms_of(owner.get(screen).text) == {}
