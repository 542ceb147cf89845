"""Receipts sign what coupons and prepaid credit take off, and who changes it is found and named.

*Source: CONTRACT section 6, Proof for anybody; CREDITS I4 to I6.*
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest

from repositories.invoicing import invoices as stored_invoices
from repositories.usage.digests import EXPLAINED_LINES
from services.invoicing import proofs
from services.invoicing.proofs import Verification
from services.usage.corrections import void_usage
from tests.services.invoicing.bills import (
    FEBRUARY,
    GRACE_OVER,
    invoices_of,
    pass_to,
    use,
)
from tests.services.invoicing.coupons import redeem
from tests.services.invoicing.prepaid.drawn import FIFTEENTH, drawn, give, void
from tests.services.invoicing.receipts.test_checks import Tamper, check_all, tamper
from tests.services.lives import Life, begin_life
from tests.services.receipts_of import receipts_of, with_signer
from tests.services.shop import NOW, Shop

__all__ = ["tamper"]


@pytest.fixture
def life(shop: Shop) -> Life:
    """January was billed 80: 50 before the fifteenth, and 30 after it; 8 are off by a coupon.

    A grant of 100 that ended on the fifteenth paid 50, and one of 10 that began then 10.
    """
    life = begin_life(with_signer(shop))
    give(life, "100", expires_at=FIFTEENTH)
    give(life, "10", at=FIFTEENTH)
    redeem(life, percent=Decimal(10))
    use(life, (5, "50"), (20, "30"))
    pass_to(life, GRACE_OVER)
    return life


def verify(life: Life) -> Verification:
    [final, *_] = invoices_of(life)
    return life.shop.read(partial(proofs.verify, now=NOW), final.id)


def test_a_receipt_signs_what_is_taken_off(shop: Shop, life: Life) -> None:
    [receipt, *_] = receipts_of(shop)

    assert receipt.content["format"] == 2
    assert (receipt.content["coupons_total"], receipt.content["credits_total"]) == ("8", "60")
    for name in ("coupons", "credits", "credits_after_tax", "drawing"):
        assert len(receipt.content[f"{name}_digest"]) == 64


def test_what_credit_pays_comes_out_again(shop: Shop, life: Life) -> None:
    assert check_all(shop) == []
    assert verify(life).difference is None


def test_a_void_bill_is_still_what_its_receipt_says(shop: Shop, life: Life) -> None:
    [final, *_] = invoices_of(life)
    assert drawn(life, final)

    void(life, final)

    assert check_all(shop) == []


TAMPERINGS = {
    "one draw": (
        "UPDATE invoice_draw SET amount = 49, money = 49 WHERE amount = 50",
        "credits_changed",
        "Line 1: credits.{first} is 49 before_tax, and comes out as 50 before_tax.",
    ),
    "whose draw": (
        "UPDATE invoice_draw SET amount = 51, money = 51 WHERE amount = 50",
        "credits_changed",
        "Line 1: credits.{first} is 51 before_tax, and comes out as 50 before_tax.",
    ),
    "removed draw": (
        "DELETE FROM invoice_draw WHERE amount = 10",
        "credits_changed",
        "Line 1: credits.{second} is None, and comes out as 10 before_tax.",
    ),
    "money of a draw": (
        "UPDATE invoice_draw SET money = 51 WHERE amount = 50",
        "credits_changed",
        "Line 1: credits.{first} is 50 before_tax for 51, and comes out as 50 before_tax.",
    ),
    "order of grants": (
        "UPDATE credit_grant SET priority = 1 WHERE amount = 10",
        "credits_changed",
        "grants.{second} is ",
    ),
    "lots": (
        (
            "UPDATE invoice_drawing SET content = jsonb_set(content, '{{lots,0,rest}}', '\"101\"')"
            " WHERE content->'lots'->0->>'rest' = '100'"
        ),
        "credits_changed",
        "What its draws were decided from was changed.",
    ),
    "when it was used": (
        (
            "UPDATE invoice_drawing SET content = jsonb_set(jsonb_set(content,"
            " '{{before_tax,0,segments,0,amount}}', '\"50.5\"'),"
            " '{{before_tax,0,segments,1,amount}}', '\"21.5\"') WHERE true"
        ),
        "credits_changed",
        "Line 1: credits.{first} is 50 before_tax, and comes out as 50.5 before_tax.",
    ),
    "gone evidence": (
        "DELETE FROM invoice_drawing WHERE true",
        "credits_changed",
        "drawing is ",
    ),
    "coupon": (
        "UPDATE invoice_coupon SET code = 'OTHER' WHERE true",
        "coupons_changed",
        "What coupons take off is not what was issued.",
    ),
    "sum": (
        "UPDATE invoice SET credits_after_tax = 1, amount_due = 11 WHERE credits_before_tax = 60",
        "invoice_changed",
        "credits_total is 61, and was 60 when it was issued.",
    ),
}


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_what_was_changed_is_named(shop: Shop, life: Life, tamper: Tamper, kind: str) -> None:
    statement, fault, detail = TAMPERINGS[kind]
    [final, *_] = invoices_of(life)
    first, second = [grant_id for grant_id, _, _ in sorted(drawn(life, final), key=paid_most)]

    tamper(statement.replace("{{", "{").replace("}}", "}"))
    found = check_all(shop)

    assert found[0].fault == fault
    assert found[0].detail.startswith(detail.format(first=first, second=second))
    assert found[0].invoice_number == "INV-2025-0001"


def paid_most(one: tuple[UUID, int, str]) -> Decimal:
    return -Decimal(one[2])


def test_verify_of_the_invoice_names_the_draw(shop: Shop, life: Life, tamper: Tamper) -> None:
    [final, *_] = invoices_of(life)
    (grant_id, _, _), _ = sorted(drawn(life, final), key=paid_most)

    tamper("UPDATE invoice_draw SET amount = 49, money = 49 WHERE amount = 50")
    found = verify(life)

    assert found.difference is not None
    assert (found.difference.field, found.difference.billed, found.difference.recomputed) == (
        f"credits.{grant_id}",
        "49 before_tax",
        "50 before_tax",
    )
    assert found.line_id is not None


def test_cuts_are_computed_from_events(shop: Shop, life: Life, tamper: Tamper) -> None:
    tamper("UPDATE usage_event SET timestamp = timestamp - interval '10 days' WHERE quantity = 30")
    found = verify(life)

    assert found.difference is not None
    assert found.difference.field == "segments"


def test_a_line_explains_what_grants_pay_and_when_that_was_used(shop: Shop, life: Life) -> None:
    [final, *_] = invoices_of(life)
    (first, _, _), (second, _, _) = sorted(drawn(life, final), key=paid_most)
    [line, *_] = shop.read(stored_invoices.list_lines, [final.id])

    steps = proofs.explain(shop.show_one(EXPLAINED_LINES, final.id, line_id=line.id)).steps

    shown = [(one.name, one.output, dict(one.inputs)) for one in steps[-5:]]
    named = {"unit": "USD", "place": "before_tax"}
    assert shown[0][:2] == ("coupon", "72")
    assert [one[:2] for one in shown[1:3]] == [("used", "50"), ("used", "22")]
    assert shown[2][2]["used_at"] == "2025-01-15T00:00:00Z"
    assert sorted(shown[3:], key=lambda one: one[1]) == [
        ("credit", "10", {"amount": "10", "grant_id": str(second), **named}),
        ("credit", "50", {"amount": "50", "grant_id": str(first), **named}),
    ]


def test_evidence_without_lots_is_named_as_well(shop: Shop, life: Life, tamper: Tamper) -> None:
    tamper("UPDATE invoice_drawing SET content = jsonb_set(content, '{lots}', '[]') WHERE true")
    tamper("DELETE FROM invoice_draw WHERE true")
    tamper(
        "UPDATE invoice SET credits_before_tax = 0, total = 72, amount_due = 72"
        " WHERE credits_before_tax = 60"
    )

    found = verify(life)

    assert found.difference is not None
    assert found.difference.field == "segments"
    assert {one.fault for one in check_all(shop)} & {"credits_changed", "invoice_changed"}


def test_as_much_at_another_time_of_the_month_is_another_bill(shop: Shop) -> None:
    life = begin_life(with_signer(shop))
    give(life, "10", expires_at=FIFTEENTH)
    second = give(life, "10", at=FIFTEENTH)
    first_used = life.use(FIFTEENTH - timedelta(days=10), 10)
    pass_to(life, FEBRUARY)

    shop.do(void_usage, first_used.id)
    life.use(FIFTEENTH + timedelta(days=10), 10)
    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert drawn(life, final) == [(second, 0, "10")]
    assert verify(life).difference is None
    assert check_all(shop) == []
