"""Numbers say how they came to be: to a pointer, to a keyboard, and as pages without script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from tests.api.people import Clock, Person
from tests.console.billed import bill, billed, buyer, words_of, write

BY_SCRIPT: Final = {"HX-Request": "true"}


def test_total_is_the_sum_of_its_lines(owner: Person) -> None:
    invoice = write(owner, buyer(owner), *(f"Line {number}" for number in range(15)))
    address = f"/console/invoices/{invoice['id']}/derivation"

    words = words_of(owner.get(address, headers=BY_SCRIPT).text)

    assert "Line 11 $10.00" in words
    assert "3 more lines $30.00" in words
    assert words.endswith("Total $150.00")


def test_derivation_leads_to_the_invoice_where_no_script_asks(owner: Person) -> None:
    _, invoice = billed(owner)
    [line] = invoice["line_items"]
    place = f"/console/invoices/{invoice['id']}"

    total = owner.get(f"{place}/derivation", follow_redirects=False)
    amount = owner.get(f"{place}/lines/{line['id']}/derivation", follow_redirects=False)

    assert total.headers["location"] == place
    assert amount.headers["location"] == f"{place}?line={line['id']}#line-{line['id']}"


@pytest.mark.parametrize("rest", ["derivation", "lines/{line}/derivation", "lines/{line}/unfolded"])
def test_another_organization_is_told_nothing(
    owner: Person, sign_up: Callable[[str], Person], rest: str
) -> None:
    _, invoice = billed(owner)
    path = rest.format(line=invoice["line_items"][0]["id"])

    answer = sign_up("Elsewhere").get(
        f"/console/invoices/{invoice['id']}/{path}", headers=BY_SCRIPT
    )

    assert answer.status_code == 404


def test_late_line_says_which_events_changed_its_period(owner: Person, clock: Clock) -> None:
    _, first = billed(owner)
    listed = owner.get("/api/v1/usage").json()["data"]
    [wrong] = [one["id"] for one in listed if one["idempotency_key"] == "run-0"]
    assert owner.post(f"/api/v1/usage/{wrong}/void").status_code == 200
    clock.advance(minutes=10)
    invoice = bill(owner, {"id": first["subscription_id"]})
    [late] = [one for one in invoice["line_items"] if one["type"] == "late_usage"]

    page = owner.get(f"/console/invoices/{invoice['id']}").text

    assert late["description"].startswith("Correction, ")
    assert "<code>run-0</code>, 1200 → 0" in page
    assert "All that changed, as events (1)" in page
