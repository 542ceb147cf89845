"""What a screen says that a total is the sum of adds up to it, and to what is left to pay."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from console.workspace.sums import Summand, list_summands, list_summands_of_total
from tests.api.people import Person
from tests.api.sold import V1, post
from tests.console.billed import bill, billed, buyer, issue, meter_and_sell, words_of, write

BY_SCRIPT = {"HX-Request": "true"}
MARCH = "2026-03-01T00:00:00Z"


def parts_of(owner: Person, invoice_id: str) -> tuple[dict[str, Any], list[Summand]]:
    """An invoice with its exact amounts, and what they are made of."""
    found: dict[str, Any] = owner.get(f"{V1}/invoices/{invoice_id}").json(parse_float=Decimal)
    return found, list_summands(found)


def require_that_it_adds_up(invoice: dict[str, Any], summands: list[Summand]) -> None:
    running = sum((Decimal(one["line_total"]) for one in invoice["line_items"]), Decimal(0))
    for one in summands:
        if one.is_sum:
            assert one.amount == running, one
        else:
            running += one.amount


def test_coupon_tax_credit_and_payment_lead_from_the_lines_to_what_is_due(owner: Person) -> None:
    post(owner, "/tax-rates", {"name": "VAT", "country": "GB", "percentage": 20})
    sold = meter_and_sell(owner)
    customer = sold.customer["id"]
    owner.patch(f"{V1}/customers/{customer}", json={"billing_address_country": "GB"})
    post(owner, "/coupons", {"code": "SPRING", "percent": 10})
    post(owner, f"/customers/{customer}/coupons", {"code": "SPRING"})
    post(
        owner, f"/customers/{customer}/grants", {"unit": "USD", "amount": 2, "effective_at": MARCH}
    )
    subscription = sold.subscribe()
    sold.used(3_000, "2026-03-02T06:00:00Z")
    made = bill(owner, subscription)
    post(owner, f"/invoices/{made['id']}/payments", {"amount": 5, "method": "bank_transfer"})

    invoice, summands = parts_of(owner, made["id"])
    page = words_of(owner.get(f"/console/invoices/{made['id']}").text)
    total = owner.get(f"/console/invoices/{made['id']}/derivation", headers=BY_SCRIPT).text

    require_that_it_adds_up(invoice, summands)
    assert {"Coupon SPRING", "VAT (20%)", "Paid", "Amount due"} <= {one.words for one in summands}
    assert any(one.words.startswith("Credit") for one in summands), (summands, invoice["credits"])
    assert "Coupon SPRING -$2.00" in page
    assert "Coupon SPRING -$2.00" in words_of(total)
    assert "Paid -$5.00" in page
    assert "Paid" not in words_of(total)


def test_tax_within_prices_is_taken_off_the_lines_first(owner: Person) -> None:
    rate = {"name": "VAT", "country": "GB", "percentage": 25, "inclusive": True}
    post(owner, "/tax-rates", rate)

    invoice, summands = parts_of(owner, issue(owner, buyer(owner))["id"])

    require_that_it_adds_up(invoice, summands)
    assert summands[0] == Summand(words="Tax within these prices", amount=Decimal(-2))


def test_nothing_is_due_of_a_void_invoice_and_nothing_was_paid(owner: Person) -> None:
    made = issue(owner, buyer(owner))
    owner.patch(f"{V1}/invoices/{made['id']}/status", json={"status": "VOID"})

    _, summands = parts_of(owner, made["id"])

    assert [(one.words, one.amount) for one in summands] == [
        *(("Subtotal", 10), ("Total", 10), ("Amount due", 0))
    ]


def test_credit_that_went_back_pays_nothing_of_a_void_invoice(owner: Person) -> None:
    sold = meter_and_sell(owner)
    cost = {"kind": "paid", "spendable": "at_once", "cost": {"amount": 10, "currency": "USD"}}
    grant = {"unit": "USD", "amount": 10, "effective_at": MARCH, **cost}
    post(owner, f"/customers/{sold.customer['id']}/grants", grant)
    subscription = sold.subscribe()
    sold.used(2_000, "2026-03-02T06:00:00Z")
    made = bill(owner, subscription)
    before, paid = parts_of(owner, made["id"])
    void = owner.patch(f"{V1}/invoices/{made['id']}/status", json={"status": "VOID"})
    assert void.status_code == 200, void.text

    invoice, summands = parts_of(owner, made["id"])

    assert before["credits_after_tax"] == 10
    assert Summand(words="Credit, of the total", amount=Decimal(-10)) in paid
    assert invoice["status"] == "VOID"
    assert [(one.words, one.amount) for one in summands] == [
        *(("Subtotal", 10), ("Total", 10), ("Amount due", 0))
    ]


def test_what_was_refunded_is_due_again(owner: Person) -> None:
    made = issue(owner, buyer(owner))
    paid = post(owner, f"/invoices/{made['id']}/payments", {"amount": 8, "method": "cash"})
    post(owner, f"/payments/{paid['id']}/refund", {"amount": 3})

    invoice, summands = parts_of(owner, made["id"])

    require_that_it_adds_up(invoice, summands)
    assert Summand(words="Refunded", amount=Decimal(3)) in summands


def test_total_of_lines_alone_says_no_more_than_the_total(owner: Person) -> None:
    draft = write(owner, buyer(owner), "Set-up")
    _, invoice = billed(owner)

    for one in (draft, invoice):
        found, _ = parts_of(owner, one["id"])
        assert [part.words for part in list_summands_of_total(found)] == ["Total"]
