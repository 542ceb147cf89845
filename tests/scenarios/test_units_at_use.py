"""A customer of tokens that are taxed as they are used: two bills, a void, a note and a refund."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.scenarios.account import Account
from tests.scenarios.seller import CUSTOMER, Seller


@pytest.fixture
def seller(account: Account) -> Seller:
    """A call costs a token, or 0.02 where no token pays; British customers pay 20 % more."""
    seller = Seller(account)
    account.post("/tax-rates", {"name": "VAT", "country": "GB", "percentage": 20})
    account.patch(f"/customers/{seller.customer['id']}", {"billing_address_country": "GB"})
    account.post("/units", {"code": "TOKENS", "name": "Tokens", "scale": 0})
    plan = account.create_plan("tokens")
    account.post(
        f"/plans/{plan['id']}/charges",
        {
            "type": "USAGE",
            "meter_id": seller.feature["meter_id"],
            "unit": "TOKENS",
            "unit_price": 1,
            "overage_rate": "0.02",
        },
    )
    seller.plan = plan
    return seller


def buy(seller: Seller, amount: int, cost: str) -> dict[str, Any]:
    """A pack, paid at once."""
    pack = {"unit": "TOKENS", "amount": amount, "kind": "paid"}
    pack["cost"] = {"amount": cost, "currency": "USD"}
    made: dict[str, Any] = seller.account.post(f"/customers/{CUSTOMER}/grants", pack)
    sale = seller.account.patch(f"/invoices/{made['invoice_id']}/status", {"status": "PAID"})
    assert (sale["tax"], sale["total"]) == (0, Decimal(cost))
    return made


def owed(seller: Seller) -> Decimal:
    """What was sold and is not spent."""
    found = seller.account.get("/credits/deferred-revenue?unit=TOKENS")["totals"]
    return sum((Decimal(str(one["amount"])) for one in found), Decimal(0))


def amounts(invoice: dict[str, Any]) -> list[Decimal]:
    names = ("subtotal", "tax", "total", "credits_after_tax", "amount_due")
    return [Decimal(str(invoice[name])) for name in names]


def test_tokens_are_taxed_as_bills_draw_them(seller: Seller) -> None:
    account = seller.account
    subscription = seller.subscribe()
    pack = buy(seller, 1000, "10")
    seller.use(250, "2025-01-10T00:00:00Z")
    preview = account.post(f"/subscriptions/{subscription['id']}/preview-invoice", {})
    seller.use(850, "2025-02-10T00:00:00Z")
    seller.advance("2025-03-01T02:00:00Z")

    # 250 had cost 2.50; of February's 850 the pack had 750, which had cost 7.50, and 100 are over.
    january, february = account.invoices(subscription)[:2]
    wanted = ["2.5", "0.5", "3", "2.5", "0.5"]
    assert amounts(january) == amounts(preview) == [Decimal(one) for one in wanted]
    wanted = ["9.5", "1.9", "11.4", "7.5", "3.9"]
    assert amounts(february) == [Decimal(one) for one in wanted]
    assert owed(seller) == 0

    # A void bill owes the pack again what it had said, and a bill gives back a part with its tax.
    seller.void(january)
    assert owed(seller) == Decimal("2.5")
    account.patch(f"/invoices/{february['id']}/status", {"status": "PAID"})
    [line] = [one for one in february["line_items"] if one["priced_in"]]
    note = account.post(
        f"/invoices/{february['id']}/credit-notes",
        {"reason": "Outage", "lines": [{"line_id": line["id"], "amount": 425}]},
    )
    # Half of 375 tokens and of 50 that were over: 3.75 and 1.00, with their tax.
    assert (Decimal(str(note["total"])), Decimal(str(note["credits_after_tax"]))) == (
        Decimal("5.7"),
        Decimal("3.75"),
    )
    assert owed(seller) == Decimal("6.25")

    # What is left goes back by what it had cost.
    ended = account.post(f"/grants/{pack['id']}/end", {"refund": True})
    assert (ended["status"], owed(seller)) == ("ended", 0)
    assert account.get("/audit/credits")["findings"] == []
    assert account.get("/audit/coverage")["findings"] == []
    assert account.post(f"/invoices/{february['id']}/verify", {})["result"] == "equal"
