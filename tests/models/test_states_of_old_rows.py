"""Rows from before a state had to be told whole are mended by the migrations, then refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from billing.invoicing.invoices import InvoiceStatus
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.database.migrations import downgrade, upgrade
from services.invoicing import payment_status
from services.lifecycle.changes import cancel_subscription
from tests.servers import migration_url, superuser_engine
from tests.services.lives import Life, begin_life
from tests.services.shop import NOW, open_shop

TENTH, FEBRUARY, THIRD = (
    datetime(2025, month, day, tzinfo=UTC) for month, day in ((1, 10), (2, 1), (2, 3))
)


@pytest.fixture
def owner(database_url: str) -> Iterator[Engine]:
    """The owner's connections to a database with today's schema."""
    engine = superuser_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def life(owner: Engine, database_url: str) -> Iterator[Life]:
    """January was billed 100 and voided; the subscription was canceled on 3 February."""
    engine = create_application_engine(database_url)
    life = begin_life(open_shop(Transactions(engine)))
    life.use(TENTH, 100)
    life.advance(FEBRUARY.replace(hour=2))
    [january] = life.invoices()
    with life.shop.transactions.for_organization(life.shop.organization_id) as session:
        payment_status.change_status(
            session, january.organization_id, january.id, InvoiceStatus.VOID, note=None, now=NOW
        )
    life.advance(THIRD)
    life.do(cancel_subscription, at_period_end=False, now=NOW)
    yield life
    engine.dispose()


def test_void_invoice_is_due_nothing(owner: Engine, database_url: str, life: Life) -> None:
    assert life.invoices()[0].amount_due == 0
    downgrade(migration_url(database_url), "0014")
    due = text("UPDATE invoice SET amount_due = 100.00 WHERE status = 'VOID'")
    with owner.begin() as connection:
        connection.execute(due)

    upgrade(migration_url(database_url))

    [january, *_] = life.invoices()
    assert (str(january.total), str(january.amount_due)) == ("100.00", "0.00")
    with owner.connect() as connection, pytest.raises(IntegrityError, match="void_is_due_nothing"):
        connection.execute(due)


def test_canceled_subscription_has_ended(owner: Engine, database_url: str, life: Life) -> None:
    downgrade(migration_url(database_url), "0015")
    open_end = text("UPDATE subscription SET ended_at = NULL")
    with owner.begin() as connection:
        connection.execute(open_end)

    upgrade(migration_url(database_url))

    assert life.row().ended_at == THIRD
    with owner.connect() as connection, pytest.raises(IntegrityError, match="ended_at"):
        connection.execute(open_end)


def test_subscription_that_goes_on_has_not_ended(
    owner: Engine, database_url: str, life: Life
) -> None:
    downgrade(migration_url(database_url), "0015")
    going_on = text("UPDATE subscription SET status = 'ACTIVE'")
    with owner.begin() as connection:
        connection.execute(going_on)

    upgrade(migration_url(database_url))

    assert life.row().ended_at is None
    with owner.connect() as connection, pytest.raises(IntegrityError, match="ended_at"):
        connection.execute(text("UPDATE subscription SET ended_at = now()"))
