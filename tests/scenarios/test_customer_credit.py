"""Credit is the customer's: whichever bill comes next takes it, and nothing of it is lost."""

from __future__ import annotations

import pytest

from tests.scenarios.account import Account
from tests.scenarios.seller import Seller


@pytest.fixture
def seller(account: Account) -> Seller:
    return Seller(account)


def test_credit_is_the_customers_and_the_next_subscription_takes_it(seller: Seller) -> None:
    first = seller.subscribe()
    event = seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-10T00:00:00Z")
    seller.void_event(event)
    seller.account.post(f"/subscriptions/{first['id']}/cancel", {"cancel_at_period_end": False})
    seller.advance("2025-02-10T02:00:00Z")
    assert seller.totals(first) == [100, 0]

    second = seller.subscribe(start_date="2025-02-10T02:00:00Z")
    seller.use(130, "2025-02-20T00:00:00Z")
    seller.advance("2025-03-12T00:00:00Z")

    assert seller.totals(second) == [30]


def test_credit_is_the_customers_when_the_correction_comes_after_the_end(seller: Seller) -> None:
    first = seller.subscribe()
    event = seller.use(100, "2025-01-10T00:00:00Z")
    seller.account.post(f"/subscriptions/{first['id']}/cancel")
    seller.advance("2025-02-10T00:00:00Z")
    seller.void_event(event)
    seller.advance("2025-02-10T02:00:00Z")
    assert seller.totals(first) == [100, 0]

    second = seller.subscribe(start_date="2025-02-10T02:00:00Z")
    seller.use(130, "2025-02-20T00:00:00Z")
    seller.advance("2025-03-12T00:00:00Z")

    assert seller.totals(second) == [30]


def test_credit_that_no_invoice_takes_is_given_back_after_thirty_days(seller: Seller) -> None:
    subscription = seller.subscribe()
    event = seller.use(100, "2025-01-10T00:00:00Z")
    seller.account.post(f"/subscriptions/{subscription['id']}/cancel")
    seller.advance("2025-02-10T00:00:00Z")
    seller.void_event(event)

    seller.advance("2025-03-02T23:00:00Z")
    [_, late] = seller.account.invoices(subscription)
    assert (late["total"], late["status"], seller.notes(late)) == (0, "PAID", [])
    seller.advance("2025-03-03T01:00:00Z")

    assert seller.notes(late) == [("carried_credit", 100)]
    seller.advance("2025-06-03T01:00:00Z")
    assert seller.notes(late) == [("carried_credit", 100)]


def test_manual_invoice_takes_the_customers_credit_when_it_is_finalized(seller: Seller) -> None:
    subscription = seller.subscribe()
    event = seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-10T00:00:00Z")
    seller.void_event(event)
    seller.advance("2025-03-10T00:00:00Z")
    assert seller.totals(subscription) == [100, 0]
    seller.account.request(
        "PUT", f"/customers/{seller.customer['id']}", {"billing_address_country": "GB"}
    )
    manual = seller.account.post(
        "/invoices",
        {
            "customer_id": seller.customer["id"],
            "currency": "USD",
            "due_date": "2025-04-01T00:00:00Z",
            "line_items": [{"description": "Import", "quantity": 1, "unit_amount": 70}],
        },
    )
    assert manual["total"] == 70

    final = seller.account.post(f"/invoices/{manual['id']}/finalize")

    assert (final["total"], final["status"]) == (0, "PAID")
    assert [line["line_total"] for line in final["line_items"]] == [70, -70]
    seller.use(50, "2025-03-12T00:00:00Z")
    seller.advance("2025-04-10T00:00:00Z")
    assert seller.totals(subscription)[-1] == 20  # 50 less the 30 that were left


def test_void_gives_the_credit_back_that_the_invoice_took(seller: Seller) -> None:
    subscription = seller.subscribe()
    event = seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-10T00:00:00Z")
    seller.void_event(event)
    seller.advance("2025-03-10T00:00:00Z")
    seller.use(130, "2025-03-12T00:00:00Z")
    seller.advance("2025-04-10T00:00:00Z")
    *_, march = seller.account.invoices(subscription)
    assert march["total"] == 30

    seller.void(march)
    seller.use(130, "2025-04-12T00:00:00Z")
    seller.advance("2025-05-10T00:00:00Z")

    assert seller.totals(subscription)[-1] == 30


def test_preview_shows_late_lines_and_the_customers_credit(seller: Seller) -> None:
    subscription = seller.subscribe()
    event = seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-10T00:00:00Z")
    seller.void_event(event)
    path = f"/subscriptions/{subscription['id']}/preview-invoice"
    preview = seller.account.post(path)
    assert [(one["type"], one["line_total"]) for one in preview["line_items"]] == [
        ("usage", 0),
        ("late_usage", -100),
        ("adjustment", 100),
    ]
    seller.advance("2025-03-10T00:00:00Z")
    seller.use(130, "2025-03-10T00:00:00Z")

    preview = seller.account.post(path)

    assert [(one["type"], one["line_total"]) for one in preview["line_items"]] == [
        ("usage", 130),
        ("credit", -100),
    ]
    assert preview["total"] == 30
