"""The palette: everything by name, number or id, with the keyboard alone, and without script."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.api.people import Person
from tests.api.sold import post
from tests.console.billed import billed, words_of


@pytest.mark.parametrize("asked", ["harbor", "acct_77", "ACCT"])
def test_customer_is_found_by_name_and_external_id(owner: Person, asked: str) -> None:
    _, invoice = billed(owner)

    page = owner.get("/console/search", params={"q": asked})

    assert f"/console/customers/{invoice['customer_id']}" in page.text


def test_invoice_is_found_by_its_number(owner: Person) -> None:
    _, invoice = billed(owner)

    page = owner.get("/console/search", params={"q": str(invoice["invoice_number"])})

    assert f"/console/invoices/{invoice['id']}" in page.text


def test_plan_meter_and_subscription_are_found_by_what_identifies_them(owner: Person) -> None:
    sold, invoice = billed(owner)
    subscription = str(invoice["subscription_id"])

    pages = {
        asked: owner.get("/console/search", params={"q": asked}).text
        for asked in (sold.plan["lookup_id"], "api_calls", subscription, invoice["customer_id"])
    }

    addresses = [
        f"/console/plans/{sold.plan['id']}",
        f"/console/meters/{sold.feature['meter']['id']}",
        f"/console/subscriptions/{subscription}",
        f"/console/customers/{invoice['customer_id']}",
    ]
    for address, page in zip(addresses, pages.values(), strict=True):
        assert f'href="{address}"' in page, address


def test_event_is_found_by_its_key_and_a_payment_by_its_reference(owner: Person) -> None:
    sold, invoice = billed(owner)
    paid = {"amount": 1, "method": "transfer", "reference": "wire-77"}
    post(owner, f"/invoices/{invoice['id']}/payments", paid)

    event, payment = (
        owner.get("/console/search", params={"q": asked}).text for asked in ("run-1", "wire-7")
    )

    assert f"/console/events?meter_id={sold.feature['meter']['id']}" in event
    assert f"/console/invoices/{invoice['id']}" in payment


def test_nothing_is_found_of_another_organization(
    owner: Person, sign_up: Callable[[str], Person]
) -> None:
    _, invoice = billed(owner)
    other = sign_up("Elsewhere")

    for asked in ("Harbor", "acct_77", str(invoice["invoice_number"]), str(invoice["id"])):
        words = words_of(other.get("/console/search", params={"q": asked}).text)
        assert "Nothing is called so." in words, asked


def test_script_is_given_rows_alone(owner: Person) -> None:
    part = owner.get("/console/search?q=inv", headers={"HX-Request": "true"})

    assert part.status_code == 200
    assert "<html" not in part.text
    assert 'href="/console/invoices"' in part.text
