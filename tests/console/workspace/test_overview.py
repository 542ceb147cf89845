"""The overview: what comes next at once, what is summed and checked as parts of it."""

from __future__ import annotations

import re

import pytest

from tests.api.people import Person
from tests.api.sold import post
from tests.console.billed import addresses_in, billed, buyer, meter_and_sell, words_of, write

SCRIPT = {"HX-Request": "true"}
MONEY, ATTENTION = "/console/overview/money", "/console/overview/attention"


def test_sums_and_checks_are_parts_of_their_own(owner: Person) -> None:
    billed(owner)

    page = owner.get("/console").text
    money = owner.get(MONEY, headers=SCRIPT).text
    attention = owner.get(ATTENTION, headers=SCRIPT).text

    assert "Receivable in USD" not in words_of(page)
    assert f'hx-get="{MONEY}"' in page
    assert f'hx-get="{ATTENTION}"' in page
    assert "Receivable in USD $5.00" in words_of(money)
    assert "Invoiced $5.00" in words_of(money)
    assert "0 undelivered" in words_of(attention)
    assert "/reports/receivables" in money
    assert "/audit/coverage" in attention
    assert "<html" not in money + attention


@pytest.mark.parametrize(
    ("timezone", "starts_at", "closes"),
    [
        ("UTC", "2026-02-03T00:00:00Z", 1),
        ("UTC", "2026-02-03T00:00:02Z", 0),
        ("America/New_York", "2026-02-03T05:00:00Z", 1),
        ("Asia/Tokyo", "2026-02-03T00:00:00Z", 0),
    ],
)
def test_what_closes_tonight_ends_by_midnight_of_the_organizations_zone(
    owner: Person, timezone: str, starts_at: str, closes: int
) -> None:
    owner.patch("/api/v1/organization", json={"timezone": timezone})
    meter_and_sell(owner).subscribe(starts_at)

    part = owner.get(ATTENTION, headers=SCRIPT).text

    assert f"To close by midnight {closes} subscription" in words_of(part)
    [listed] = [one for one in addresses_in(part) if "period_ends_before" in one]
    assert ("Harbor Labs" in words_of(owner.get(listed).text)) is bool(closes)


def test_what_lives_by_a_test_clock_closes_by_no_midnight_of_ours(owner: Person) -> None:
    sold = meter_and_sell(owner)
    clock = post(owner, "/test-clocks", {"name": "Past", "frozen_time": "2025-01-20T00:00:00Z"})
    there = buyer(owner, name="Frozen", test_clock_id=clock["id"])
    sold.subscribe("2025-01-01T00:00:00Z", customer_id=there)
    sold.subscribe("2026-02-03T00:00:00Z")

    part = owner.get(ATTENTION, headers=SCRIPT).text
    [listed] = [one for one in addresses_in(part) if "period_ends_before" in one]
    page = words_of(owner.get(listed).text)

    assert "To close by midnight 1 subscription Harbor Labs" in words_of(part)
    assert "Frozen" not in words_of(part)
    assert ("Harbor Labs" in page, "Frozen" in page) == (True, False)


@pytest.mark.parametrize("part", [MONEY, ATTENTION])
def test_without_scripts_the_whole_is_one_page(owner: Person, part: str) -> None:
    billed(owner)

    whole = owner.get(part)

    words = words_of(whole.text)
    assert str(whole.url).endswith("/console?whole=now")
    for one in ("Receivable in USD $5.00", "Payments that failed", "undelivered", "Newest events"):
        assert one in words
    assert 'hx-get="/console/overview' not in whole.text


def test_who_has_billed_by_hand_needs_no_setup(owner: Person) -> None:
    assert "Make your first invoice" in owner.get("/console").text

    write(owner, buyer(owner), "Setup")

    assert "Make your first invoice" not in owner.get("/console").text


def test_what_is_rated_follows_the_page_of_a_subscription(owner: Person) -> None:
    sold, invoice = billed(owner)
    post(owner, "/coupons", {"code": "SPRING", "percent": 50})
    post(owner, f"/customers/{invoice['customer_id']}/coupons", {"code": "SPRING"})
    sold.used(70, "2026-03-02T07:30:00Z", idempotency_key="more")
    seats = {"charge": {"unit_price": 31, "display_name": "Seats"}}
    post(owner, f"/subscriptions/{invoice['subscription_id']}/add-ons", seats)
    screen = f"/console/subscriptions/{invoice['subscription_id']}"

    page = owner.get(screen).text
    so_far = owner.get(f"{screen}/so-far", headers=SCRIPT).text
    by_day = owner.get(f"{screen}/by-day", headers=SCRIPT).text
    whole = owner.get(f"{screen}/by-day").text

    assert "Timeline" in words_of(page)
    assert f'hx-get="{screen}/so-far"' in page
    assert "So far in this period $" in words_of(so_far)
    assert "preview-invoice" in so_far
    assert re.search(r"Subtotal \$[\d.]+ Coupon SPRING -\$[\d.]+ Total \$", words_of(so_far))
    assert "1,570" in words_of(by_day)
    for one in ("So far in this period $", "1,570", "Timeline"):
        assert one in words_of(whole)
