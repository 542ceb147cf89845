"""Series of numbers are tables before any script draws them."""

from __future__ import annotations

from tests.api.people import Person
from tests.console.billed import billed, words_of


def test_usage_is_a_table_of_its_days(owner: Person) -> None:
    _, invoice = billed(owner)

    page = owner.get(f"/console/subscriptions/{invoice['subscription_id']}?whole=now").text

    _, _, figure = page.partition('data-series="')
    assert "2026-03-02 1,500" in words_of(figure.partition("</figure>")[0])
