"""Whoever changes money behind the customers' accounts, or the accounts behind it, is found out."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import Engine, create_engine, pool
from sqlmodel import Session

from billing.invoicing.invoices import InvoiceStatus
from runtime.database.engine import sqlalchemy_url
from services.invoicing import payment_status
from services.operations import coverage
from services.payments import recording
from tests.servers import superuser_url
from tests.services.operations.test_tampering import Books
from tests.services.shop import NOW, Shop


@pytest.fixture
def owner(module_database_url: str) -> Iterator[Engine]:
    """Somebody whom no policy holds back."""
    engine = create_engine(
        sqlalchemy_url(superuser_url(module_database_url)), poolclass=pool.NullPool
    )
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payment SET amount = amount + 5",
        "UPDATE payment SET applied_amount = applied_amount - 1, refunded_amount = 1",
        "UPDATE payment SET status = 'failed', applied_amount = 0",
        "UPDATE account_posting SET kind = 'paid' WHERE kind = 'written_off'",
        "UPDATE account_posting SET kind = 'unapplied' WHERE kind = 'paid'",
        "UPDATE invoice SET amount_due = 90, amount_credited = 10 WHERE status = 'UNCOLLECTIBLE'",
    ],
)
def test_money_that_is_changed_behind_the_account_is_named(
    shop: Shop, owner: Engine, statement: str
) -> None:
    books = Books(shop)
    january, _, march = books.invoices()
    told = recording.Told(amount=Decimal(37), keeps_surplus=True)
    shop.do(recording.record_by_hand, march.id, told)
    with shop.transactions.for_organization(shop.organization_id) as session:
        payment_status.change_status(
            session,
            shop.organization_id,
            january.id,
            InvoiceStatus.UNCOLLECTIBLE,
            note=None,
            now=NOW,
        )
    assert books.findings() == set()
    with Session(owner) as session:
        where = "AND" if "WHERE" in statement else "WHERE"
        changed = session.connection().exec_driver_sql(
            f"{statement} {where} organization_id = '{shop.organization_id}'"
        )
        found = coverage.check_coverage(session, shop.organization_id, None, now=NOW)
        session.rollback()

    assert changed.rowcount == 1
    assert "account_changed" in {one.kind.value for one in found.findings}
