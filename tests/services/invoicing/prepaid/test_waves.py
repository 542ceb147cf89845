"""Bills of many customers become final together; each draws as of its own customer's present."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from billing.money import plain_text
from billing.periods import Cadence, Interval
from models.invoicing.draws import InvoiceDrawing
from models.invoicing.invoices import Invoice
from services.credits import holds
from services.credits.holds import NewHold
from services.credits.recurring.rules import NewGrantRule
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.invoicing import finalize
from services.invoicing.finalize import DueInvoice
from services.purchases import recurring
from services.subscriptions import start
from services.subscriptions.start import CreateSubscription
from tests.services.invoicing.bills import (
    FEBRUARY,
    GRACE_OVER,
    invoices_of,
    pass_to,
    require_proven,
    use,
)
from tests.services.invoicing.prepaid.drawn import drawn, findings, give
from tests.services.lives import START, Life, begin_life
from tests.services.receipts_of import with_signer
from tests.services.shop import NOW, Shop

MONTHLY = Cadence(interval=Interval.MONTH)


def live_in_the_present(shop: Shop, other: Life) -> Invoice:
    """The draft of somebody who is on no test clock, subscribed to the same plan."""
    person = CustomerDetails(name="Pier Works", email="ap@pier.test")
    customer = shop.do(create_customer, CreateCustomer(details=person))
    command = CreateSubscription(
        customer_id=customer.id, plan_id=other.row().plan_id, start_date=NOW - timedelta(days=40)
    )
    subscription = shop.do(start.create_subscription, command)
    life = Life(shop=shop, subscription_id=subscription.id, clock_id=other.clock_id)
    while not invoices_of(life):
        life.act(life.state().agenda[0])
    [draft] = invoices_of(life)
    assert draft.status == "DRAFT"
    return draft


def finalize_together(shop: Shop, *drafts: Invoice) -> None:
    due = [
        DueInvoice(
            organization_id=one.organization_id,
            invoice_id=one.id,
            due_at=one.scheduled_finalize_at,
        )
        for one in drafts
        if one.scheduled_finalize_at is not None
    ]
    assert len(due) == len(drafts)
    with shop.transactions.for_organizations([shop.organization_id]) as session:
        finalize.finalize_due_invoices(session, due, now=NOW)


def lots_of(life: Life, invoice: Invoice) -> list[tuple[str, datetime]]:
    """What the draws of an invoice were decided from: what was left, and since when it lived."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        kept = session.get(InvoiceDrawing, (shop.organization_id, invoice.id))
        assert kept is not None
        return [
            (one["rest"], datetime.fromisoformat(one["effective_at"]))
            for one in kept.content["lots"]
        ]


def test_a_bill_on_a_test_clock_knows_no_grants_of_the_wall_clock(shop: Shop) -> None:
    life = begin_life(with_signer(shop))
    rule = NewGrantRule(unit="USD", amount=Decimal(10), interval=MONTHLY)
    shop.do(recurring.create_rule, life.row().customer_id, rule)
    use(life, (5, "80"))
    pass_to(life, FEBRUARY)
    [draft] = invoices_of(life)
    of_present = live_in_the_present(shop, life)

    life.send_clock(GRACE_OVER)
    finalize_together(shop, draft, of_present)

    [final] = invoices_of(life)
    assert lots_of(life, final) == [("10", START), ("10", FEBRUARY)]
    assert [amount for _, _, amount in drawn(life, final)] == ["10"]
    require_proven(life)
    assert findings(life) == []


def test_a_hold_on_a_test_clock_is_not_over_by_the_wall_clock(shop: Shop) -> None:
    life = begin_life(with_signer(shop))
    give(life, "50")
    use(life, (5, "80"))
    pass_to(life, FEBRUARY)
    [draft] = invoices_of(life)
    hold = NewHold(
        customer_id=life.row().customer_id,
        unit="USD",
        amount=Decimal(30),
        expires_at=FEBRUARY + timedelta(hours=12),
    )
    shop.do(holds.hold, hold)
    of_present = live_in_the_present(shop, life)

    life.send_clock(GRACE_OVER)
    finalize_together(shop, draft, of_present)

    [final] = invoices_of(life)
    assert plain_text(final.credits_before_tax) == "20"
    require_proven(life)
    assert findings(life) == []
