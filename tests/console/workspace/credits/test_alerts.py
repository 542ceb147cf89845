"""Alerts and spending caps on screens: made, described in words, reached, and ended."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.people import Person
from tests.api.sold import V1
from tests.console.billed import billed, buyer, words_of
from tests.console.workspace.test_actions import confirmed, form_of


def alerts_of(owner: Person, customer: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = owner.get(f"{V1}/alerts?customer_id={customer}").json()["data"]
    return found


def watch(owner: Person, customer: str, **typed: str) -> str:
    """Send the form of a customer's alerts; what the page says then."""
    address, fields = form_of(owner, f"/console/customers/{customer}/alerts", "/alerts")
    return words_of(owner.post(address, data=fields | typed).text)


def test_alert_is_made_once_and_described_in_words(owner: Person) -> None:
    customer = buyer(owner)
    address, fields = form_of(owner, f"/console/customers/{customer}/alerts", "/alerts")
    typed = fields | {"on": "spend", "thresholds": "100, 500 1000", "action": "alert"}

    pages = [words_of(owner.post(address, data=typed).text) for _ in range(2)]

    assert "Spend in USD reaches 100 or 500 or 1,000" in pages[1]
    [made] = alerts_of(owner, customer)
    assert made["thresholds"] == [100, 500, 1000]
    assert made["subject"]["customer_name"] == "Harbor"
    assert "Harbor" in words_of(owner.get("/console/alerts").text)


def test_spending_cap_is_told_as_one_and_credit_falls_to_its_threshold(owner: Person) -> None:
    customer = buyer(owner)

    watch(owner, customer, on="spend", thresholds="50", action="block")
    page = watch(owner, customer, on="available", thresholds="10", action="alert")

    assert "Spend in USD reaches 50 Spending cap" in page
    assert "Available in USD falls to 10 Alert" in page


def test_alert_of_a_meter_names_it_and_shows_when_it_was_reached(owner: Person) -> None:
    sold, invoice = billed(owner)
    meter, customer = sold.feature["meter"], invoice["customer_id"]

    page = watch(owner, customer, on="usage", thresholds="1", action="alert", meter_id=meter["id"])
    [made] = alerts_of(owner, customer)

    assert f"Usage of one meter reaches 1 Alert {meter['name']}" in page
    assert "Not yet." in words_of(owner.get(f"/console/alerts/{made['id']}").text)


def test_what_the_api_refuses_is_told_in_its_words(owner: Person) -> None:
    page = watch(owner, buyer(owner), on="usage", thresholds="1", action="alert")

    assert "Usage is that of a meter." in page


def test_alert_is_ended_from_its_customers_screen(owner: Person) -> None:
    customer = buyer(owner)
    watch(owner, customer, on="spend", thresholds="50", action="alert")
    address, fields = form_of(owner, f"/console/customers/{customer}/alerts", "/end")

    refused = owner.post(address, data=fields | {"confirmation": "spend 5"})
    page = words_of(owner.post(address, data=confirmed(fields)).text)

    assert refused.status_code == 422
    assert fields["expected"] == "spend 50"
    assert "Nothing is watched." in page
    assert alerts_of(owner, customer) == []


@pytest.mark.parametrize("page", ["0", "x", "1000001"])
def test_times_are_paged_as_the_api_pages_them(owner: Person, page: str) -> None:
    customer = buyer(owner)
    watch(owner, customer, on="spend", thresholds="50", action="alert")
    [made] = alerts_of(owner, customer)

    assert owner.get(f"/console/alerts/{made['id']}?page={page}").status_code == 422


def test_form_shows_the_call_as_it_is_sent(owner: Person) -> None:
    customer = buyer(owner)

    words = words_of(owner.get(f"/console/customers/{customer}/alerts").text)

    assert f'"subject": {{"customer_id": "{customer}"' in words
    assert '"thresholds": ["<at, several with commas between>"]' in words
