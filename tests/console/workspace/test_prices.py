"""Prices of a plan are tried on its page before they are saved."""

from __future__ import annotations

import re
from typing import Any

import pytest

from console.workspace.pricing.edit import read_charges, write_edit
from tests.api.people import Person
from tests.api.sold import V1, Sold, post, sell
from tests.console.billed import meter_and_sell, words_of
from tests.console.workspace.test_actions import forms_of

TIERS = [{"up_to": 1000, "unit_price": 0.01}, {"up_to": None, "unit_price": 0.001}]


@pytest.fixture
def sold(owner: Person) -> Sold:
    """The first thousand calls cost a cent each, further ones a tenth of it; 3,000 were used."""
    found = sell(owner, usage_limit=0, is_soft_limit=True)
    pricing = {"model": "graduated", "tiers": TIERS}
    charge = {"type": "USAGE", "meter_id": found.feature["meter"]["id"], "pricing": pricing}
    post(owner, f"/plans/{found.plan['id']}/charges", charge)
    found.subscribe()
    found.used(3000, "2026-03-02T06:00:00Z")
    return found


def charges_of(sold: Sold) -> list[dict[str, Any]]:
    return list(sold.owner.get(f"{V1}/plans/{sold.plan['id']}").json()["charges"])


def second_tier(sold: Sold) -> str:
    [charge] = charges_of(sold)
    return f"c.{charge['id']}.pricing.tiers.1.unit_price"


def screen(sold: Sold, **query: str) -> str:
    answer = sold.owner.get(f"/console/plans/{sold.plan['id']}/prices", params=query)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def test_every_number_of_a_price_is_a_field(sold: Sold) -> None:
    [charge] = charges_of(sold)
    names = set(re.findall(r'name="(c\.[^"]+)"', screen(sold)))

    assert names == {
        f"c.{charge['id']}.{rest}"
        for rest in (
            "included_units",
            "pricing.tiers.0.unit_price",
            "pricing.tiers.0.up_to",
            "pricing.tiers.1.unit_price",
            *(f"pricing.tiers.{place}.flat_fee" for place in (0, 1)),
        )
    } & names | {second_tier(sold)}
    assert len(names) >= 4


def test_what_raising_the_second_tier_costs_a_customer_is_said(sold: Sold) -> None:
    words = words_of(screen(sold, **{second_tier(sold): "0.002", "customer": "acct_77"}))

    assert "Who would pay what more +$2.00 a period: $14.00 in the place of $12.00" in words
    assert "1 of 1 subscription " in words
    assert charges_of(sold)[0]["pricing"]["tiers"][1]["unit_price"] == 0.001


def test_quantities_are_priced_now_and_then_with_their_steps(sold: Sold) -> None:
    meter = sold.feature["meter"]["id"]

    words = words_of(screen(sold, **{second_tier(sold): "0.003", f"q.{meter}": "2000"}))

    now, then = words.split("What that would cost")
    assert "Total $11.00" in now
    assert "Total $13.00" in then
    assert "Aggregate" in then


def test_what_was_tried_is_saved_once_however_often_it_is_sent(sold: Sold) -> None:
    page = screen(sold, **{second_tier(sold): "0.002"})
    address = f"/console/plans/{sold.plan['id']}/prices"
    fields = forms_of(page)[address]

    first = sold.owner.post(address, data=fields, follow_redirects=False)
    again = sold.owner.post(address, data=fields, follow_redirects=False)

    assert (first.status_code, again.status_code) == (303, 303)
    [charge] = charges_of(sold)
    assert [tier["unit_price"] for tier in charge["pricing"]["tiers"]] == [0.01, 0.002]


def test_what_cannot_be_priced_is_said_beside_the_fields(sold: Sold) -> None:
    page = screen(sold, **{second_tier(sold): "a lot"})
    unknown = screen(sold, customer="nobody")

    assert 'role="alert"' in page
    assert "Customer not found." in words_of(unknown)


def test_another_plan_is_nobodys(sold: Sold) -> None:
    nowhere = "/console/plans/0192a2c4-5b7d-7c3a-8f00-0123456789ab/prices"

    assert sold.owner.get(nowhere).status_code == 404


def test_the_customers_page_leads_there(sold: Sold) -> None:
    page = sold.owner.get(f"/console/customers/{sold.customer['id']}").text

    assert f"/console/plans/{sold.plan['id']}/prices?customer={sold.customer['id']}" in page


def test_prices_of_groups_are_fields_by_their_values(owner: Person) -> None:
    sold = meter_and_sell(owner)
    charge = {
        **charges_of(sold)[0],
        "group_by": ["model"],
        "group_prices": [{"values": ["large"], "pricing": {"model": "per_unit", "unit_price": 2}}],
    }
    name = f"c.{charge['id']}.group_prices.0.pricing.unit_price"

    [edited] = read_charges([charge], {name: "3"})
    edit = write_edit([edited])

    assert [one.title for one in edited.changed] == ["Large, unit price"]
    assert edit is not None
    assert edit["add"][0]["group_prices"][0]["pricing"]["unit_price"] == "3"
