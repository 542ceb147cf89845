"""Corrections come to the right sum in orders that are unusual but allowed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from sqlalchemy import text

from billing.invoicing.invoices import InvoiceStatus
from billing.subscriptions import Action
from repositories import customer_accounts
from repositories.catalog import plans
from repositories.ingestion import late_marks
from repositories.subscriptions import subscriptions
from services.corrections.credit_returns import return_credit
from services.customers import CustomerDetails, UpdateCustomer, update_customer
from services.invoicing import manual, parking, payment_status
from services.invoicing.manual import DraftEdit, ManualLine
from services.lifecycle.bill_now import generate_invoices
from services.lifecycle.changes import cancel_subscription
from services.lifecycle.reissue import reissue_invoice
from services.usage.corrections import void_usage
from tests.services.corrections.late import APRIL, FEBRUARY, MARCH, MAY, TENTH, Late
from tests.services.shop import NOW, Shop


def test_late_line_of_a_draft_is_billed_though_another_draft_is_final_first(shop: Shop) -> None:
    late = Late(shop)
    late.use(TENTH, 100)
    late.advance(FEBRUARY)
    late.set(grace_period_minutes=60 * 24 * 60)
    late.use(TENTH, 10)
    late.advance(MARCH)
    late.use(TENTH, 5)
    late.advance(APRIL)
    _, february, march = late.invoices()
    shop.do(payment_status.finalize, march.id)
    shop.do(payment_status.finalize, february.id)
    assert sum(late.totals()) == 115


def test_forgiven_invoice_that_was_credited_is_issued_again_as_it_is_rated(shop: Shop) -> None:
    late = Late(shop)
    late.use(TENTH, 100)
    late.advance(FEBRUARY)
    [january] = late.invoices()
    late.credit(january, 30)
    late.change(january, InvoiceStatus.VOID, settles_again=False)
    again = shop.do(reissue_invoice, january.id)
    assert again.total == 100


def test_event_arrives_while_its_subscription_is_changed(shop: Shop) -> None:
    late = Late(shop)
    late.use(TENTH, 100)
    late.advance(FEBRUARY)
    done = threading.Event()

    def arrive() -> None:
        with shop.transactions.for_organization(shop.organization_id) as session:
            session.execute(text("SET LOCAL lock_timeout = '5s'"))
            late_marks.mark_periods_changed_by(
                session, shop.organization_id, late.customer_id, late.meter_id, TENTH, now=NOW
            )
        done.set()

    with shop.transactions.for_organization(shop.organization_id) as session:
        subscriptions.lock_subscription(session, shop.organization_id, late.life.subscription_id)
        thread = threading.Thread(target=arrive)
        thread.start()
        came = done.wait(2)
    thread.join()
    assert came


def test_late_line_of_several_charges_is_given_back_no_further_than_it_goes(shop: Shop) -> None:
    late = Late(shop)
    row = late.life.row()
    late.set(grace_period_minutes=0)
    meters = [late.meter_id]
    for name in ("storage", "traffic"):
        feature = shop.add_feature(name)
        assert feature.meter_id is not None
        with shop.transactions.for_organization(shop.organization_id) as session:
            plan = plans.find_plan(session, shop.organization_id, row.plan_id)
        assert plan is not None
        shop.add_usage_charge(plan, feature.meter_id, unit_price=Decimal(1))
        meters.append(feature.meter_id)
    first, second, third = meters
    gone = late.use(TENTH, 5, third)
    late.advance(FEBRUARY)
    assert late.totals() == [5]
    one, two = late.use(TENTH, 10, first), late.use(TENTH, 5, second)
    shop.do(void_usage, gone.id)
    late.advance(MARCH)
    assert late.totals() == [5, 10]
    shop.do(void_usage, one.id)
    shop.do(void_usage, two.id)
    late.set(late_usage="credit_note_or_invoice")
    late.advance(datetime(2025, 3, 2, tzinfo=UTC))
    assert late.owed() == 0


def test_later_part_of_a_period_older_than_its_bounds_is_rated_again(shop: Shop) -> None:
    late = Late(shop, charge={"unit_price": Decimal(1), "included_units": Decimal(100)})
    late.set(grace_period_minutes=0)
    late.advance(datetime(2025, 1, 11, tzinfo=UTC))
    late.life.do(generate_invoices, now=NOW)
    late.advance(datetime(2025, 1, 20, tzinfo=UTC))
    late.use(datetime(2025, 1, 19, tzinfo=UTC), 100)
    late.advance(FEBRUARY)
    assert late.totals() == [0, 0]
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(
            text(
                "UPDATE subscription_period SET regular_starts_at = NULL, regular_ends_at = NULL"
                " WHERE organization_id = :id"
            ),
            {"id": shop.organization_id},
        )
    late.use(TENTH, 50)
    late.advance(MARCH)
    assert late.totals() == [0, 0, 50]


def test_credit_goes_back_while_its_subscription_is_settled(shop: Shop) -> None:
    late = Late(shop)
    event = late.use(TENTH, 100)
    late.advance(FEBRUARY)
    shop.do(void_usage, event.id)
    late.life.do(cancel_subscription, now=NOW)
    late.advance(MARCH)
    late.life.send_clock(MAY)
    give_back = threading.Thread(
        target=late.life.do, args=(return_credit,), kwargs={"due_at": MAY, "now": NOW}
    )

    with shop.transactions.for_organization(shop.organization_id) as session:
        subscriptions.lock_subscription(session, shop.organization_id, late.life.subscription_id)
        give_back.start()
        give_back.join(1)
        # As a bill does once it holds its subscription.
        customer_accounts.lock_accounts(session, [(shop.organization_id, late.customer_id, "USD")])
    give_back.join()

    assert shop.read(customer_accounts.list_left_by_bills, late.customer_id) == {}


def test_invoice_that_people_rewrote_gives_back_no_more_than_they_wrote(shop: Shop) -> None:
    late = Late(shop)
    shop.do(
        update_customer,
        late.customer_id,
        UpdateCustomer(
            details=CustomerDetails(
                name="Harbor Labs", email="ap@harbor.test", billing_address_country="GB"
            ),
            given=frozenset({"billing_address_country"}),
        ),
    )
    event = late.use(TENTH, 100)
    late.advance(FEBRUARY.replace(hour=0, minute=30))
    [draft] = late.invoices()
    five = ManualLine(description="Agreed", quantity=Decimal(1), unit_amount=Decimal(5))
    shop.do(manual.edit_draft, draft.id, DraftEdit(lines=(five,)))
    late.advance(FEBRUARY)

    shop.do(void_usage, event.id)
    late.advance(MARCH)
    assert [(one.total, one.carried_credit) for one in late.invoices()] == [(5, 0), (0, 5)]

    late.use(TENTH, 100)
    late.advance(APRIL)
    january, february, march = late.invoices()
    assert (january.total, february.total, march.total) == (5, 0, 0)
    assert march.granted_credit == 5


def test_settlement_that_a_broken_rule_stops_sets_its_period_aside(shop: Shop) -> None:
    late = Late(shop)
    late.set(late_usage="credit_note_or_invoice")
    late.use(TENTH, 100)
    late.advance(FEBRUARY)
    late.use(TENTH, 7)
    [due] = [one for one in late.life.state().agenda if one.action is Action.SETTLE_LATE_USAGE]
    assert due.period_index == 0

    shop.do(
        partial(
            parking.park_bill,
            period_index=due.period_index,
            step="settle_late_usage",
            reason="a broken rule",
            at=FEBRUARY,
        ),
        late.life.subscription_id,
    )
    late.advance(MARCH)
    assert [one.total for one in late.invoices()] == [100, 0]
    assert len(late.life.state().attention) == 1

    shop.do(parking.retry_bill, late.life.subscription_id, 0)
    late.advance(APRIL)
    assert sorted(one.total for one in late.invoices()) == [0, 0, 7, 100]


def test_what_was_forgiven_is_not_given_back_with_its_period(shop: Shop) -> None:
    late = Late(shop)
    late.use(TENTH, 100)
    late.advance(FEBRUARY)
    late.use(TENTH, 7)
    late.advance(MARCH)
    january, february = late.invoices()
    late.change(february, InvoiceStatus.VOID, settles_again=False)

    late.change(january, InvoiceStatus.VOID)
    late.advance(APRIL)
    late.use(APRIL, 50)
    late.advance(MAY)

    assert late.totals()[-2:] == [0, 50]
