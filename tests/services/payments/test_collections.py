"""Which invoices are collected, and that a wave of them costs no more statements than one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlmodel import select

from billing.payments.dunning import CollectionStatus
from billing.payments.kinds import PaymentKind
from models.accounts.organizations import Organization
from models.invoicing.invoices import Invoice
from models.payments.collections import Collection
from models.subscriptions.subscriptions import OutboxMessage
from repositories.payments import collections as stored_collections
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.invoicing import payment_status
from services.invoicing.manual import ManualInvoice, ManualLine, create_invoice
from services.payments import collections, recording
from tests.dunning.conftest import connect
from tests.services.shop import NOW, Shop
from tests.services.test_transactions import count_statements

LINE = ManualLine(description="Setup", quantity=Decimal(1), unit_amount=Decimal(20))


def write_invoices(shop: Shop, count: int) -> list[Invoice]:
    """Drafts of twenty dollars each."""
    details = CustomerDetails(name="Harbor Labs", billing_address_country="US")
    customer = shop.do(create_customer, CreateCustomer(details=details))
    command = ManualInvoice(
        customer_id=customer.id, currency="USD", due_date=NOW + timedelta(days=30), lines=(LINE,)
    )
    return [shop.do(create_invoice, command) for _ in range(count)]


def finalize(shop: Shop, invoices: list[Invoice]) -> list[Invoice]:
    """They are OPEN."""
    return [shop.do(payment_status.finalize, one.id) for one in invoices]


def collected(shop: Shop) -> list[str]:
    """The states of all collections."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        return [one.status for one in session.exec(select(Collection)).all()]


def set_up(shop: Shop, **settings: object) -> None:
    """The organization has other settings."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        organization = session.get_one(Organization, shop.organization_id)
        for name, value in settings.items():
            setattr(organization, name, value)
        session.add(organization)


@pytest.mark.parametrize(
    ("settings", "is_connected", "count"),
    [
        ({}, False, 0),
        ({}, True, 1),
        ({"smtp_host": "mail.test"}, False, 1),
        ({"smtp_host": "mail.test", "reminder_days": []}, False, 0),
        ({"smtp_host": "mail.test", "auto_email": False}, False, 0),
    ],
    ids=["neither", "a gateway", "reminders", "no days", "no mails"],
)
def test_invoice_is_collected_where_there_is_a_gateway_or_reminders(
    shop: Shop, settings: dict[str, object], is_connected: bool, count: int
) -> None:
    set_up(shop, **settings)
    if is_connected:
        connect(shop.transactions, shop.organization_id)

    finalize(shop, write_invoices(shop, 1))

    assert len(collected(shop)) == count


@pytest.mark.parametrize(("is_connected", "statements"), [(False, 1), (True, 2)])
@pytest.mark.parametrize("count", [1, 20])
def test_wave_costs_a_statement_and_a_second_one_where_any_is_collected(
    shop: Shop, is_connected: bool, statements: int, count: int
) -> None:
    invoices = finalize(shop, write_invoices(shop, count))
    if is_connected:
        connect(shop.transactions, shop.organization_id)

    with shop.transactions.for_organization(shop.organization_id) as session:
        sent = count_statements(session.connection().engine)
        before = len(sent)
        collections.open_collections(session, invoices, now=NOW)
        assert len(sent) - before == statements
    assert len(collected(shop)) == (count if is_connected else 0)


def test_opening_again_changes_nothing(shop: Shop) -> None:
    connect(shop.transactions, shop.organization_id)
    invoices = finalize(shop, write_invoices(shop, 2))

    with shop.transactions.for_organization(shop.organization_id) as session:
        before = len(session.exec(select(OutboxMessage)).all())
        collections.open_collections(session, invoices, now=NOW)
        assert len(session.exec(select(OutboxMessage)).all()) == before
    assert len(collected(shop)) == 2


def test_invoice_that_is_paid_or_owes_nothing_is_not_collected(shop: Shop) -> None:
    connect(shop.transactions, shop.organization_id)
    [invoice] = write_invoices(shop, 1)

    with shop.transactions.for_organization(shop.organization_id) as session:
        collections.open_collections(session, [invoice], now=NOW)

    assert collected(shop) == []


def test_failed_try_on_a_page_begins_the_schedule_of_an_older_invoice(shop: Shop) -> None:
    """Also of one whose collection had ended."""
    [invoice] = finalize(shop, write_invoices(shop, 1))
    connect(shop.transactions, shop.organization_id)

    for _ in range(2):
        with shop.transactions.for_organization(shop.organization_id) as session:
            collections.begin_again(session, invoice, now=NOW)
        assert collected(shop) == [CollectionStatus.ACTIVE]
        with shop.transactions.for_organization(shop.organization_id) as session:
            stored = stored_collections.lock_collection(session, shop.organization_id, invoice.id)
            assert stored is not None
            stored.status, stored.ended_at = CollectionStatus.ENDED, datetime.now(UTC)
            session.add(stored)


@pytest.mark.parametrize(
    ("kind", "days", "counts_from", "page_days"),
    [
        (PaymentKind.LINK, 2, 30, 2),
        (PaymentKind.LINK, 31, 31, 31),
        (PaymentKind.SAVED_METHOD, 2, 2, None),
    ],
    ids=["on a page, before it is due", "on a page, overdue", "by us"],
)
def test_who_fails_on_a_page_before_the_due_date_is_not_dunned_before_it(
    shop: Shop, kind: PaymentKind, days: int, counts_from: int, page_days: int | None
) -> None:
    connection_id = connect(shop.transactions, shop.organization_id)
    [invoice] = finalize(shop, write_invoices(shop, 1))
    at = NOW + timedelta(days=days)

    with shop.transactions.for_organization(shop.organization_id) as session:
        tried = recording.begin(
            session,
            invoice,
            kind=kind,
            amount=Decimal(20),
            connection_id=connection_id,
            at=at,
            now=at,
        )
        recording.fail(session, invoice, tried, at=at, now=at)
        stored = stored_collections.find_facts(session, shop.organization_id, invoice.id)

    assert stored is not None
    assert stored.facts.first_failed_at == NOW + timedelta(days=counts_from)
    on_page = None if page_days is None else NOW + timedelta(days=page_days)
    assert stored.facts.page_failed_at == on_page


def test_payment_by_hand_wakes_what_collects(shop: Shop) -> None:
    connect(shop.transactions, shop.organization_id)
    [invoice] = finalize(shop, write_invoices(shop, 1))
    with shop.transactions.for_organization(shop.organization_id) as session:
        for message in session.exec(select(OutboxMessage)).all():
            session.delete(message)

    shop.do(recording.record_by_hand, invoice.id, recording.Told(amount=Decimal(20)))

    with shop.transactions.for_organization(shop.organization_id) as session:
        payloads = [one.payload for one in session.exec(select(OutboxMessage)).all()]
    assert {"invoice_id": str(invoice.id)} in payloads
