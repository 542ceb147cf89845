"""What the hourly check finds, and what it has repaired by waking workflows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlmodel import select

from models.accounts.organizations import OrganizationDirectory
from models.audit_log import AuditEntry
from models.subscriptions.subscriptions import OutboxMessage, Subscription, SubscriptionPeriod
from repositories.accounts import organizations
from repositories.invoicing import credit_notes
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.invoicing import manual as invoice_actions
from services.invoicing import parking, payment_status
from services.invoicing.manual import ManualInvoice, ManualLine
from services.operations import coverage
from services.operations.coverage import Coverage
from services.operations.findings import FindingKind
from tests.services.lives import Life, begin_life
from tests.services.shop import NOW, Shop

FEBRUARY = datetime(2025, 2, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def check(life: Life, running: set[UUID] | None, now: datetime = LATER) -> Coverage:
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        return coverage.check_coverage(session, shop.organization_id, running, now=now)


def deliver_messages(life: Life) -> int:
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        messages = session.exec(select(OutboxMessage)).all()
        for message in messages:
            session.delete(message)
        return len(messages)


def test_subscription_whose_workflow_runs_is_covered(shop: Shop) -> None:
    life = begin_life(shop)
    deliver_messages(life)

    found = check(life, {life.subscription_id})

    assert found == Coverage(subscriptions=1, findings=())


def test_missing_workflow_is_found_and_woken_again(shop: Shop) -> None:
    life = begin_life(shop)
    deliver_messages(life)

    found = check(life, set())

    assert [(one.kind, one.subscription_id) for one in found.findings] == [
        (FindingKind.MISSING_WORKFLOW, life.subscription_id)
    ]
    with shop.transactions.for_organization(shop.organization_id) as session:
        assert coverage.repair(session, shop.organization_id, found, now=LATER) == 1
    assert deliver_messages(life) == 1
    with shop.transactions.for_organization(shop.organization_id) as session:
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.action == "coverage.repaired")
        ).one()
        assert (entry.actor, entry.after) == ("system", {"owners_told": 1, "missing_owner": 1})


def test_workflow_that_is_about_to_be_woken_is_not_missing(shop: Shop) -> None:
    life = begin_life(shop)

    kinds = {one.kind for one in check(life, set()).findings}

    assert kinds == {FindingKind.OLD_MESSAGES}


def test_nothing_is_said_of_workflows_while_the_engine_is_away(shop: Shop) -> None:
    life = begin_life(shop)
    deliver_messages(life)

    assert check(life, None).findings == ()


def test_period_without_draft_is_overdue_after_more_than_ten_minutes(shop: Shop) -> None:
    life = begin_life(shop)
    deliver_messages(life)
    leave_the_clock(life)
    late = FEBRUARY + timedelta(minutes=10)
    assert check(life, {life.subscription_id}, late).findings == ()

    [finding] = check(life, {life.subscription_id}, late + timedelta(microseconds=1)).findings

    assert (finding.kind, finding.period_index) == (FindingKind.OVERDUE_PERIOD, 0)


def test_periods_of_a_test_clock_are_not_overdue_by_the_wall(shop: Shop) -> None:
    life = begin_life(shop)
    deliver_messages(life)

    assert check(life, {life.subscription_id}, FEBRUARY + timedelta(days=30)).findings == ()


def test_draft_is_stuck_more_than_ten_minutes_past_its_grace(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY + timedelta(hours=2))
    life.act(life.state().agenda[0])
    life.act(life.state().agenda[0])
    finalize_at = life.state().agenda[0].due_at
    deliver_messages(life)
    leave_the_clock(life)
    late = finalize_at + timedelta(minutes=10)
    assert check(life, {life.subscription_id}, late).findings == ()

    [finding] = check(life, {life.subscription_id}, late + timedelta(microseconds=1)).findings

    assert finding.kind is FindingKind.STUCK_DRAFT
    assert finding.invoice_id is not None


def test_parked_bill_is_shown_but_not_repaired_by_telling(shop: Shop) -> None:
    life = begin_life(shop)
    deliver_messages(life)
    life.do(
        parking.park_bill,
        period_index=0,
        step="price_usage",
        reason="a broken rule",
        at=FEBRUARY,
        now=NOW,
    )

    found = check(life, {life.subscription_id})

    assert [(one.kind, one.detail) for one in found.findings] == [
        (FindingKind.NEEDS_ATTENTION, "price_usage: a broken rule")
    ]
    with shop.transactions.for_organization(shop.organization_id) as session:
        assert coverage.repair(session, shop.organization_id, found, now=LATER) == 0


def test_period_whose_draft_was_deleted_is_found_with_its_customer(shop: Shop) -> None:
    life = begin_life(shop)
    life.advance(FEBRUARY)
    [draft] = life.invoices()
    shop.do(invoice_actions.delete_draft, draft.id)
    deliver_messages(life)

    [finding] = check(life, {life.subscription_id}).findings

    assert (finding.kind, finding.period_index) == (FindingKind.UNBILLED, 0)
    assert finding.customer_id == life.row().customer_id


def test_gap_between_periods_is_found(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY)
    life.catch_up()
    deliver_messages(life)
    with shop.transactions.for_organization(shop.organization_id) as session:
        second = session.get(SubscriptionPeriod, (shop.organization_id, life.subscription_id, 1))
        assert second is not None
        second.starts_at += timedelta(microseconds=1)

    [finding] = check(life, {life.subscription_id}).findings

    assert (finding.kind, finding.period_index) == (FindingKind.GAP, 1)


def test_tiling_that_starts_after_the_anchor_has_a_gap(shop: Shop) -> None:
    life = begin_life(shop)
    deliver_messages(life)
    with shop.transactions.for_organization(shop.organization_id) as session:
        first = session.get(SubscriptionPeriod, (shop.organization_id, life.subscription_id, 0))
        assert first is not None
        first.starts_at += timedelta(microseconds=1)

    [finding] = check(life, {life.subscription_id}).findings

    assert (finding.kind, finding.period_index) == (FindingKind.GAP, 0)


def test_tiling_that_ends_before_the_current_period_does_has_a_gap(shop: Shop) -> None:
    life = begin_life(shop)
    deliver_messages(life)
    with shop.transactions.for_organization(shop.organization_id) as session:
        first = session.get(SubscriptionPeriod, (shop.organization_id, life.subscription_id, 0))
        assert first is not None
        first.ends_at -= timedelta(microseconds=1)

    findings = check(life, {life.subscription_id}).findings

    assert [(one.kind, one.period_index) for one in findings] == [
        (FindingKind.GAP, 0),
        (FindingKind.PERIOD_MOVED, 0),
    ]


def test_other_organizations_are_not_looked_at(shop: Shop, other_shop: Shop) -> None:
    begin_life(shop)
    life = begin_life(other_shop)
    deliver_messages(life)

    assert check(life, set()).subscriptions == 1


def test_directory_in_pages_names_every_organization_once(shop: Shop, other_shop: Shop) -> None:
    ids = sorted((shop.organization_id, other_shop.organization_id))
    with shop.transactions.for_organizations([]) as session:
        session.add_all([OrganizationDirectory(id=one) for one in ids])
        session.flush()
        first = organizations.list_directory_after(session, None, limit=1)
        second = organizations.list_directory_after(session, first[0], limit=1)
        assert [*first, *second] == ids
        assert organizations.list_directory_after(session, second[0], limit=1) == []


def leave_the_clock(life: Life) -> None:
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        subscription = session.get(Subscription, (shop.organization_id, life.subscription_id))
        assert subscription is not None
        subscription.test_clock_id = None


def test_credit_of_a_customer_whom_nobody_owns_goes_back(shop: Shop) -> None:
    details = CustomerDetails(
        name="Harbor Labs", email="ap@harbor.test", billing_address_country="GB"
    )
    customer = shop.do(create_customer, CreateCustomer(details=details))
    manual = ManualInvoice(
        customer_id=customer.id,
        currency="USD",
        due_date=NOW,
        lines=(ManualLine(description="Refund", quantity=Decimal(1), unit_amount=Decimal(-5)),),
    )
    draft = shop.do(invoice_actions.create_invoice, manual)
    invoice = shop.do(payment_status.finalize, draft.id)
    assert (invoice.total, invoice.carried_credit) == (0, 5)
    late = NOW + timedelta(days=30, minutes=11)

    def look() -> Coverage:
        with shop.transactions.for_organization(shop.organization_id) as session:
            found = coverage.check_coverage(session, shop.organization_id, None, now=late)
            coverage.repair(session, shop.organization_id, found, now=late)
            return found

    assert [(one.kind, one.customer_id) for one in look().findings] == [
        (FindingKind.CREDIT_DUE, customer.id)
    ]
    assert look().findings == ()
    [note] = shop.read(credit_notes.list_credit_notes, invoice.id)
    assert (note.kind, note.total) == ("carried_credit", 5)
