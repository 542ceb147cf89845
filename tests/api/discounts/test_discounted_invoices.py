"""What the API shows of coupons on an invoice, and how it explains a line."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from api.context import AppContext
from api.routers.invoicing.invoices import view_invoices
from api.transport.exact_json import dump_json
from repositories.invoicing.invoices import find_invoice
from tests.api.people import Person
from tests.api.sold import V1, add_plan, post, sell


def test_invoice_shows_coupons_by_line_and_explains_them(
    owner: Person, context: AppContext
) -> None:
    sold = sell(owner)
    charge = {"type": "FIXED", "unit_price": 31}
    post(owner, f"/plans/{sold.plan['id']}/charges", charge)
    post(owner, "/coupons", {"code": "SPRING", "percent": 10, "duration": "forever"})
    post(owner, f"/customers/{sold.customer['id']}/coupons", {"code": "SPRING"})
    subscription = sold.subscribe("2025-12-01T00:00:00Z")

    [bill, *_] = post(owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})["data"]

    shown = owner.get(f"{V1}/invoices/{bill['id']}")
    invoice = shown.json()
    [coupon] = invoice["coupons"]
    taken = [Decimal(str(one["amount"])) for one in coupon["lines"]]
    lines = {one["id"]: one for one in invoice["line_items"]}
    assert coupon["code"] == "SPRING"
    assert Decimal(str(coupon["amount"])) == Decimal(str(invoice["coupons_total"])) == sum(taken)
    assert all(one["line_id"] in lines for one in coupon["lines"])
    assert Decimal(str(invoice["total"])) == (
        Decimal(str(invoice["subtotal"])) - sum(taken) + Decimal(str(invoice["tax"]))
    )
    line_id = coupon["lines"][0]["line_id"]
    explained = owner.get(f"{V1}/invoices/{bill['id']}/lines/{line_id}/explain").json()
    assert explained["steps"][-1]["name"] == "coupon"
    assert explained["steps"][-1]["inputs"]["code"] == "SPRING"
    organization_id = UUID(owner.get(f"{V1}/organization").json()["id"])
    with context.transactions.for_organization(organization_id) as session:
        row = find_invoice(session, organization_id, UUID(bill["id"]))
        assert row is not None
        [view] = view_invoices(session, organization_id, [row])
    assert shown.content == dump_json(view)


def test_preview_shows_what_a_coupon_would_take_off(owner: Person) -> None:
    sold = sell(owner)
    post(owner, f"/plans/{sold.plan['id']}/charges", {"type": "FIXED", "unit_price": 31})
    post(owner, "/coupons", {"code": "FIVE", "amount": 5, "currency": "USD"})
    post(owner, f"/customers/{sold.customer['id']}/coupons", {"code": "FIVE"})
    subscription = sold.subscribe("2026-03-01T00:00:00Z")

    preview = post(owner, f"/subscriptions/{subscription['id']}/preview-invoice", {})

    [coupon] = preview["coupons"]
    assert (coupon["amount"], coupon["lines"][0]["line_id"]) == (5, None)
    assert (preview["subtotal"], preview["coupons_total"], preview["total"]) == (31, 5, 26)


def test_preview_of_a_change_of_plan_says_what_a_coupon_takes_off(owner: Person) -> None:
    sold = sell(owner)
    post(owner, f"/plans/{sold.plan['id']}/charges", {"type": "FIXED", "unit_price": 31})
    post(owner, "/coupons", {"code": "FIFTH", "percent": 20})
    post(owner, f"/customers/{sold.customer['id']}/coupons", {"code": "FIFTH"})
    path = f"/subscriptions/{sold.subscribe('2026-02-20T00:00:00Z')['id']}"
    other = {"plan_id": add_plan(owner, "other")["id"]}

    preview = post(owner, f"{path}/change-plan", other | {"preview": True})
    nothing = post(owner, f"{path}/change-plan", other | {"preview": True, "when": "period_end"})
    post(owner, f"{path}/change-plan", other)

    whose = {"subscription_id": path.rpartition("/")[2]}
    [bill] = owner.get(f"{V1}/invoices", params=whose).json()["data"]
    amounts = ("subtotal", "coupons_total", "credits_total", "tax", "total", "amount_due")
    assert preview["coupons_total"] > 0
    assert {name: preview[name] for name in amounts} == {name: bill[name] for name in amounts}
    assert nothing == dict.fromkeys(amounts, 0) | {"lines": []}
