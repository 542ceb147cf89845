"""Bills that were frozen by former rules are proven by those rules."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from uuid import UUID

import pytest
from sqlmodel import select

from billing.invoicing.receipts import digest, from_document, to_document
from billing.metering.aggregations import Aggregation
from billing.rating.engines import Engine
from billing.rating.frozen_usage import FrozenUsage
from models.usage.events import UsageEvent
from repositories.catalog import meters
from repositories.invoicing import invoices
from repositories.usage.digests import EXPLAINED_LINES
from services.invoicing import proofs
from services.rating import frozen_usage
from services.usage.rollups import rebuild_rollups
from tests.services.invoicing.bills import (
    ELEVENTH,
    FEBRUARY,
    MINIMUM,
    bill_at,
    frozen_of,
    invoices_of,
    pass_to,
    require_proven,
    use,
)
from tests.services.lives import begin_life
from tests.services.shop import Shop
from tests.services.usage_facts import Fact, store_events

OLD_BILLS = [
    (Aggregation.AVG, {"unit_price": Decimal("0.015")}, ["1", "0", "0"], "0.00", "0.01"),
    (
        Aggregation.SUM,
        {
            "pricing": {"model": "percentage", "rate": Decimal("0.01"), "fixed_fee": Decimal(1)},
            "included_units": Decimal(100),
        },
        ["50", "50"],
        "0.00",
        "2.00",
    ),
    (Aggregation.SUM, MINIMUM, ["1"], "100.00", "32.26"),
]


@pytest.mark.parametrize(("aggregation", "charge", "values", "before", "now_due"), OLD_BILLS)
def test_a_bill_of_the_first_engine_is_proven_by_its_rules(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    aggregation: Aggregation,
    charge: dict[str, Decimal],
    values: list[str],
    before: str,
    now_due: str,
) -> None:
    life = begin_life(shop, aggregation=aggregation, charge=charge)
    use(life, *((place + 2, value) for place, value in enumerate(values)))

    with monkeypatch.context() as older:
        older.setattr(frozen_usage, "ENGINE_VERSION", Engine.FIRST)
        bill_at(life, ELEVENTH)
    (invoice,) = invoices_of(life)

    assert format(invoice.total, "f") == before
    assert now_due != before
    receipt = shop.read(proofs.get_receipt, invoice.id)
    assert receipt.engine_version == "1"
    assert receipt.inputs_digest == digest(frozen_of(life, 0))
    require_proven(life)
    pass_to(life, FEBRUARY)
    require_proven(life)
    assert shop.read(proofs.get_receipt, invoices_of(life)[1].id).engine_version == "2"


def test_what_was_frozen_before_engines_had_versions_is_read_as_it_was(shop: Shop) -> None:
    life = begin_life(shop)
    bill_at(life, ELEVENTH)
    document = to_document(frozen_of(life, 0))
    assert isinstance(document, dict)
    former = {key: value for key, value in document.items() if key not in ("earlier", "engine")}

    read = from_document(FrozenUsage, former)

    assert (read.engine, read.earlier) == (Engine.FIRST, ())
    assert digest(read) != digest(frozen_of(life, 0))
    assert "engine" not in former
    assert digest(from_document(FrozenUsage, to_document(read))) == digest(read)


def test_a_fingerprint_leaves_void_events_out_and_takes_amended_ones_as_they_count(
    shop: Shop,
) -> None:
    life = begin_life(shop)
    meter_id = shop.read(meters.list_meters, offset=0, limit=1)[0][0].id
    day = datetime(2025, 1, 5, tzinfo=UTC)
    store_events(
        shop,
        life.row().customer_id,
        meter_id,
        [Fact(at=day, value=Decimal(7), correction="void"), Fact(at=day, correction=Decimal(3))],
    )
    shop.read(rebuild_rollups)
    bill_at(life, ELEVENTH)
    (invoice,) = invoices_of(life)
    (line,) = shop.read(invoices.list_lines, [invoice.id])

    contents = shop.show_one(EXPLAINED_LINES, invoice.id, line_id=line.id)

    assert proofs.explain(contents).digest == digest_of_amended(shop, meter_id)


def digest_of_amended(shop: Shop, meter_id: UUID) -> str:
    """The fingerprint of the one event that counts, worked out by hand."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        event = session.exec(
            select(UsageEvent).where(UsageEvent.meter_id == meter_id, UsageEvent.quantity == 1)
        ).one()
        text = f"{event.id}:3"
    value = sha256(text.encode()).hexdigest()
    first, second = int(value[:15], 16), int(value[-15:], 16)
    return f"{first:020x}{second:020x}"
