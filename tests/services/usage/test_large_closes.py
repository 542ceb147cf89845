"""A close reads what its hours come to, so its memory does not grow with the events behind them."""

from __future__ import annotations

import os
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import text
from sqlmodel import select

from models.catalog.meters import Meter
from repositories.invoicing import invoices
from services.usage.rollups import rebuild_rollups
from tests.services.lives import Life, begin_life
from tests.services.shop import Shop

FEBRUARY = datetime(2025, 2, 1, 2, tzinfo=UTC)
FEW, MANY = 3_000, 2_000_000 if os.environ.get("FLUXRATE_CHAOS") else 300_000
MOST_MORE_BYTES = 2_000_000

EVENTS = text("""
INSERT INTO usage_event (organization_id, timestamp, id, meter_id, customer_id, quantity,
    arrival_sequence, counted, late, paused, ingested_at)
SELECT :organization, moment, gen_random_uuid(), :meter, :customer, 1, n, true, false, false, moment
FROM (
    SELECT n, timestamptz '2025-01-01T00:00:00Z' + n * (interval '31 days' / :count) AS moment
    FROM generate_series(0, :count - 1) AS n
) AS numbered
""")


def use(life: Life, count: int) -> None:
    """The customer has used the one meter so often in January."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(text("SELECT ensure_usage_partition('2025-01-01')"))
    with shop.transactions.for_organization(shop.organization_id) as session:
        values = {
            "organization": shop.organization_id,
            "meter": session.exec(select(Meter.id)).one(),
            "customer": life.row().customer_id,
            "count": count,
        }
        session.execute(EVENTS, values)
        rebuild_rollups(session, shop.organization_id)


def bytes_of_close(life: Life) -> int:
    """The most that Python holds at once while January is closed, billed and finalized."""
    life.send_clock(FEBRUARY)
    tracemalloc.start()
    life.catch_up()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def test_memory_of_a_close_does_not_grow_with_its_events(shop: Shop, other_shop: Shop) -> None:
    most = {}
    for one, count in ((shop, FEW), (other_shop, MANY)):
        life = begin_life(one)
        use(life, count)
        most[count] = bytes_of_close(life)
        invoice = one.read(invoices.find_period_invoice, life.subscription_id, 0)
        assert invoice is not None
        assert invoice.total == Decimal(count)

    assert most[MANY] < most[FEW] + MOST_MORE_BYTES
