"""What a life uses, and the bills that it gets of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from billing.rating.frozen_usage import FrozenUsage
from models.invoicing.invoices import Invoice
from repositories.catalog import meters
from repositories.ingestion import late_marks
from repositories.invoicing import invoices
from repositories.operations import document_checks
from services.invoicing import proofs
from services.lifecycle import bill_now
from services.rating import steps
from services.rating.records import BillKey
from services.usage.rollups import rebuild_rollups
from tests.services.lives import Life
from tests.services.shop import NOW
from tests.services.usage_facts import Fact, store_events

ELEVENTH = datetime(2025, 1, 11, tzinfo=UTC)
TWENTY_FIRST = datetime(2025, 1, 21, tzinfo=UTC)
FEBRUARY = datetime(2025, 2, 1, tzinfo=UTC)
GRACE_OVER = FEBRUARY + timedelta(hours=2)
MINIMUM = {"unit_price": Decimal(1), "minimum": Decimal(100)}
MAXIMUM = {"unit_price": Decimal(1), "maximum": Decimal(100)}


def use(life: Life, *facts: tuple[int, str], late: bool = False) -> None:
    """Events of the life's only meter, by their day of January and value."""
    shop = life.shop
    meter_id = shop.read(meters.list_meters, offset=0, limit=1)[0][0].id
    stored = [
        Fact(at=datetime(2025, 1, day, tzinfo=UTC), value=Decimal(value), late=late)
        for day, value in facts
    ]
    store_events(shop, life.row().customer_id, meter_id, stored)
    shop.read(rebuild_rollups)


def mark_changed(life: Life, at: datetime) -> None:
    """Final periods that an event changed are rated again, as ingestion says."""
    shop = life.shop
    meter_id = shop.read(meters.list_meters, offset=0, limit=1)[0][0].id
    with shop.transactions.for_organization(shop.organization_id) as session:
        late_marks.mark_periods_changed_by(
            session, shop.organization_id, life.row().customer_id, meter_id, at, now=NOW
        )


def bill_at(life: Life, at: datetime) -> None:
    """Everything that is due is done, and what ran up to then is billed."""
    life.send_clock(at)
    life.catch_up()
    life.do(bill_now.generate_invoices, now=NOW)
    life.catch_up()


def pass_to(life: Life, at: datetime) -> None:
    """Everything that is due up to then is done."""
    life.send_clock(at)
    life.catch_up()


def invoices_of(life: Life) -> Sequence[Invoice]:
    """The invoices of the life's periods, in order."""
    found = [
        life.shop.read(invoices.find_period_invoice, life.subscription_id, index)
        for index in range(5)
    ]
    return [one for one in found if one is not None]


def totals(life: Life) -> list[str]:
    """What the bills of its periods come to, in order."""
    return [format(one.total, "f") for one in invoices_of(life)]


def require_proven(life: Life) -> None:
    """Every invoice comes out the same when it is computed again."""
    for invoice in invoices_of(life):
        assert life.shop.do(proofs.verify, invoice.id).difference is None


def require_sums(life: Life) -> None:
    """The hourly check has nothing to say of amounts."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        asked = {"organization_id": shop.organization_id}
        assert session.execute(document_checks.CHANGED_AMOUNTS, asked).all() == []


def frozen_of(life: Life, index: int) -> FrozenUsage:
    """The usage that the bill of a period is computed from."""
    bill = BillKey.of(life.period(index))
    with life.shop.transactions.for_organization(life.shop.organization_id) as session:
        return steps.load_frozen(session, bill)[0]
