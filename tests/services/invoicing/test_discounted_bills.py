"""Bills use coupons as they become final: what each takes off, and how often it may."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from billing.errors import Conflict
from billing.invoicing.corrections import correct_period
from billing.invoicing.invoices import InvoiceStatus
from billing.money import plain_text
from billing.rating.lines import CorrectedCharge
from models.invoicing.invoices import Invoice
from repositories.discounts import uses
from repositories.invoicing import corrections, invoices
from services.corrections import credit_notes
from services.corrections.credit_notes import CreditedLine
from services.credits import grants, standing
from services.credits.grants import NewGrant
from services.discounts import redemptions
from services.invoicing import payment_status, previews
from services.lifecycle import plan_changes
from tests.services.invoicing.bills import (
    ELEVENTH,
    FEBRUARY,
    GRACE_OVER,
    invoices_of,
    pass_to,
    require_proven,
    require_sums,
    use,
)
from tests.services.invoicing.coupons import redeem, used
from tests.services.lives import begin_life
from tests.services.plan_fees import add_fee
from tests.services.shop import NOW, Shop


def amounts(invoice: Invoice) -> list[str]:
    """What an invoice comes to: its lines, less coupons, less credit, in all, and what is due."""
    shown = (
        invoice.subtotal,
        invoice.coupons_total,
        invoice.credits_before_tax,
        invoice.total,
        invoice.amount_due,
    )
    return [plain_text(one) for one in shown]


def test_coupon_takes_off_the_bill_as_it_becomes_final(shop: Shop) -> None:
    life = begin_life(shop)
    redeem(life, percent=Decimal(25))
    use(life, (5, "80"))

    preview = shop.read(previews.preview_invoice, life.subscription_id, at=None)
    pass_to(life, FEBRUARY)
    [draft, *_] = invoices_of(life)
    assert [one.use_number for one in used(life, draft)] == [None]
    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert plain_text(preview.totals.coupons_total) == "20"
    assert amounts(draft) == amounts(final) == ["80", "20", "0", "60", "60"]
    [coupon] = used(life, final)
    assert (coupon.code, coupon.amount, coupon.use_number) == ("SPRING", 20, 1)
    require_proven(life)
    require_sums(life)


def test_coupon_for_once_is_used_by_the_first_bill_that_becomes_final(shop: Shop) -> None:
    life = begin_life(shop)
    redeem(life, percent=Decimal(25), use_limit=1)
    use(life, (5, "80"))

    pass_to(life, GRACE_OVER)
    preview = shop.read(previews.preview_invoice, life.subscription_id, at=None)

    assert preview.totals.coupons_total == 0
    assert [plain_text(one.coupons_total) for one in invoices_of(life)] == ["20"]


def test_voiding_gives_a_use_back_and_the_next_bill_has_it(shop: Shop) -> None:
    life = begin_life(shop)
    redeem(life, amount=Decimal(10), currency="USD", use_limit=1)
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)

    void = shop.do(
        lambda session, of, now: payment_status.change_status(
            session, of, final.id, InvoiceStatus.VOID, note=None, now=now
        )
    )

    assert (void.coupons_total, void.amount_due) == (10, 0)
    assert [one.use_number for one in used(life, final)] == [None]
    with shop.transactions.for_organization(shop.organization_id) as session:
        key = (shop.organization_id, life.row().customer_id)
        assert len(uses.list_usable(session, [key], lock=False)) == 1


def test_database_refuses_a_use_above_the_limit(shop: Shop) -> None:
    life = begin_life(shop)
    redeem(life, percent=Decimal(10), use_limit=1)
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)

    def use_again() -> None:
        key = (shop.organization_id, final.id)
        with shop.transactions.for_organization(shop.organization_id) as session:
            [coupon] = uses.list_invoice_coupons(session, [key])[key]
            coupon.use_number = 2
            session.flush()

    with pytest.raises(IntegrityError, match="ck_invoice_coupon_use_number"):
        use_again()


def test_detached_coupon_is_not_used_though_the_draft_showed_it(shop: Shop) -> None:
    life = begin_life(shop)
    coupon_id = redeem(life, percent=Decimal(25))
    use(life, (5, "80"))
    pass_to(life, FEBRUARY)
    [draft, *_] = invoices_of(life)

    shop.do(redemptions.detach_coupon, life.row().customer_id, coupon_id)
    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert (amounts(draft)[1], amounts(final)) == ("20", ["80", "0", "0", "80", "80"])
    assert used(life, final) == []


def test_credit_pays_what_the_coupon_left(shop: Shop) -> None:
    life = begin_life(shop)
    redeem(life, percent=Decimal(25))
    begins = datetime(2025, 1, 1, tzinfo=UTC)
    command = NewGrant(unit="USD", amount=Decimal(100), effective_at=begins)
    shop.do(grants.grant_free, life.row().customer_id, command)
    use(life, (5, "80"))

    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert amounts(final) == ["80", "20", "60", "0", "0"]
    assert final.status == "PAID"
    require_sums(life)


def test_no_more_is_given_back_of_a_line_than_was_billed_of_it(shop: Shop) -> None:
    life = begin_life(shop)
    redeem(life, percent=Decimal(25))
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    [line] = shop.read(invoices.list_lines, [final.id])

    def give_back(amount: str) -> None:
        with shop.transactions.for_organization(shop.organization_id) as session:
            credit_notes.credit_invoice(
                session,
                shop.organization_id,
                final.id,
                [CreditedLine(line_id=line.id, amount=Decimal(amount))],
                reason="Goodwill",
                at=NOW,
                now=NOW,
            )

    with pytest.raises(Conflict) as refused:
        give_back("60.01")
    assert refused.value.code == "credit_exceeds_line"
    give_back("60")

    [after, *_] = invoices_of(life)
    assert (after.amount_due, after.amount_credited) == (0, 60)


def test_note_gives_what_a_grant_paid_back_to_the_grant_and_no_money_for_a_coupon(
    shop: Shop,
) -> None:
    life = begin_life(shop)
    redeem(life, percent=Decimal(25))
    begins = datetime(2025, 1, 1, tzinfo=UTC)
    command = NewGrant(unit="USD", amount=Decimal(100), effective_at=begins)
    grant_id = shop.do(grants.grant_free, life.row().customer_id, command).row.id
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    [line] = shop.read(invoices.list_lines, [final.id])

    with shop.transactions.for_organization(shop.organization_id) as session:
        note = credit_notes.credit_invoice(
            session,
            shop.organization_id,
            final.id,
            [CreditedLine(line_id=line.id, amount=Decimal(40))],
            reason="Goodwill",
            at=NOW,
            now=NOW,
        )
        money = note.total

    assert money == 0
    assert shop.do(standing.read_grant, grant_id).rest == 80


def test_corrections_count_on_no_more_than_coupons_left(shop: Shop) -> None:
    life = begin_life(shop)
    redeem(life, percent=Decimal(25))
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)

    with shop.transactions.for_organization(shop.organization_id) as session:
        [said] = corrections.list_said(session, life.row(), 0)
        back = CorrectedCharge(period_index=0, charge_id=said.charge_id, amount=Decimal(-80))
        [(_, left)] = corrections.list_billing_lines(session, life.row(), back)

    assert (said.billed, said.given_back, said.left) == (80, 20, 60)
    assert left == 60
    # All usage is taken back: 60 were paid, and 60 go back.
    assert correct_period(0, {said.charge_id: Decimal(0)}, [said]).amount == -60


def test_coupon_for_two_bills_on_an_upgrade_in_the_middle_of_a_month(shop: Shop) -> None:
    """The example of docs/concepts/coupons.md."""
    life, pro = begin_life(shop), shop.add_plan("pro")
    add_fee(shop, pro.id, "62")
    redeem(life, percent=Decimal(20), use_limit=2)
    use(life, (5, "30"))
    pass_to(life, ELEVENTH)

    life.do(plan_changes.change_plan, pro.id, at_period_end=False, now=NOW)
    pass_to(life, datetime(2025, 3, 1, 2, tzinfo=UTC))

    bills = [(amounts(one)[0], amounts(one)[1], amounts(one)[3]) for one in invoices_of(life)]
    assert bills == [("30", "6", "24"), ("42", "8.4", "33.6"), ("62", "0", "62")]
    require_proven(life)
