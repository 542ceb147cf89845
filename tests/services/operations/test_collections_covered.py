"""Invoices that are collected and have no workflow are found, and have it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlmodel import Session, select

from billing.payments.gateways import Provider
from models.invoicing.invoices import Invoice
from models.payments.connections import Connection
from models.subscriptions.subscriptions import OutboxMessage
from services.operations import coverage
from services.operations.findings import FindingKind
from tests.services.lives import Life, begin_life
from tests.services.shop import NOW, Shop

FEBRUARY = datetime(2025, 2, 1, 2, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def deliver(session: Session) -> list[dict[str, str]]:
    """The payloads of all messages, which are gone."""
    messages = session.exec(select(OutboxMessage)).all()
    for message in messages:
        session.delete(message)
    return [message.payload for message in messages]


def begin_collected(shop: Shop) -> tuple[Life, Invoice]:
    """Seven dollars of January, of an organization with a gateway."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.add(
            Connection(
                organization_id=shop.organization_id,
                provider=Provider.SANDBOX,
                name="Test",
                created_at=NOW,
            )
        )
    life = begin_life(shop)
    life.use(datetime(2025, 1, 15, tzinfo=UTC), 7)
    life.advance(FEBRUARY)
    [invoice] = life.invoices()
    return life, invoice


def test_invoice_that_no_workflow_collects_is_found_and_woken_again(shop: Shop) -> None:
    life, invoice = begin_collected(shop)
    organization_id = shop.organization_id
    with shop.transactions.for_organization(organization_id) as session:
        assert {"invoice_id": str(invoice.id)} in deliver(session)

    with shop.transactions.for_organization(organization_id) as session:
        running = {life.subscription_id}
        found = coverage.check_coverage(session, organization_id, running, now=LATER)
        [finding] = found.findings
        assert (finding.kind, finding.invoice_id) == (FindingKind.MISSING_COLLECTION, invoice.id)
        assert coverage.repair(session, organization_id, found, now=LATER) == 1
        assert deliver(session) == [{"invoice_id": str(invoice.id)}]


def test_invoice_is_covered_while_it_is_young_woken_or_collected(shop: Shop) -> None:
    life, invoice = begin_collected(shop)
    organization_id = shop.organization_id
    running = {life.subscription_id}

    def kinds(now: datetime, *also: UUID) -> list[FindingKind]:
        ids = {*running, *also}
        with shop.transactions.for_organization(organization_id) as session:
            found = coverage.check_coverage(session, organization_id, ids, now=now)
            return [one.kind for one in found.findings if one.invoice_id is not None]

    assert kinds(LATER) == []
    with shop.transactions.for_organization(organization_id) as session:
        deliver(session)
    assert kinds(NOW) == []
    assert kinds(LATER, invoice.id) == []
    assert kinds(LATER) == [FindingKind.MISSING_COLLECTION]
