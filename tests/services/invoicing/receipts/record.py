"""Records the golden receipts that ``make regress`` computes again.

    python -m tests.services.invoicing.receipts.record

A receipt in the hands of a customer never changes, so an old file is not replaced because the code
changed: what is new gets a file of its own.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from billing.credits.grants import GrantKind, Spendable
from billing.credits.purchases import Cost
from billing.metering.tallies import Aggregation
from repositories.invoicing import receipt_keys as stored_keys
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.catalog.tax_rates import CreateTaxRate, create_tax_rate
from services.credits import units
from services.credits.grants import NewGrant
from services.credits.units import CreateUnit
from services.discounts import coupons, redemptions
from services.discounts.coupons import CreateCoupon
from services.documents.assembly import read_invoice
from services.invoicing.threshold import amounts, bills
from services.purchases import buying
from services.purchases.buying import Terms
from services.receipts.export import describe_event, find_counted_spans, walk
from services.receipts.signing import public_jwk
from services.usage.rollups import rebuild_rollups
from tests.servers import TestRun, make_database, start_postgres
from tests.services.invoicing.commitments.committed import commit
from tests.services.lives import Life, begin_life
from tests.services.receipts_of import receipts_of, signing
from tests.services.seats import attach, change
from tests.services.shop import NOW, Shop, open_shop
from tests.services.usage_facts import Fact, store_events

GOLDEN: Final = Path(__file__).parent / "golden"
JANUARY: Final = datetime(2025, 1, 1, tzinfo=UTC)
FEBRUARY: Final = datetime(2025, 2, 1, 2, tzinfo=UTC)
TENTH: Final = datetime(2025, 1, 10, 9, 30, tzinfo=UTC)

TIERS: Final = [
    {"up_to": 10, "unit_price": Decimal("0.2"), "flat_fee": 1},
    {"up_to": 20, "unit_price": Decimal("0.1")},
    {"up_to": None, "unit_price": Decimal("0.05"), "flat_fee": 3},
]
STAIRS: Final = [{"up_to": 20, "flat_fee": 5}, {"up_to": None, "flat_fee": Decimal("12.5")}]

CHARGES: Final[dict[str, dict[str, Any]]] = {
    "per_unit": {"unit_price": Decimal("0.123")},
    "graduated": {"pricing": {"model": "graduated", "tiers": TIERS}},
    "volume": {"pricing": {"model": "volume", "tiers": TIERS}},
    "stairstep": {"pricing": {"model": "stairstep", "tiers": STAIRS}},
    "package": {"pricing": {"model": "package", "package_size": 10, "unit_price": 4}},
    "percentage": {
        "pricing": {"model": "percentage", "rate": Decimal("0.029"), "fixed_fee": Decimal("0.3")}
    },
    "included": {"unit_price": Decimal(1), "included_units": Decimal("11.5")},
    "minimum": {"unit_price": Decimal("0.01"), "minimum": Decimal(20)},
    "maximum": {"unit_price": Decimal(3), "maximum": Decimal(20)},
    "prepaid": {"unit_price": Decimal("0.123")},
    "at_use": {"unit_price": Decimal(2), "unit": "TOKENS", "overage_rate": Decimal("0.02")},
    "committed": {"unit_price": Decimal("0.123")},
    "seats": {"unit_price": Decimal("0.123")},
    "threshold": {"pricing": {"model": "graduated", "tiers": TIERS}, "minimum": Decimal(20)},
    "threshold_last": {"pricing": {"model": "graduated", "tiers": TIERS}, "minimum": Decimal(20)},
}
"""Charges of a SUM meter, by the name of their file."""


THRESHOLDS: Final = ("threshold", "threshold_last")
"""The second invoice of a period that is billed as it runs, and its last."""

PREPAID: Final = "prepaid"
"""A bill that a coupon and three grants, one of them sold, pay of."""


COMMITTED: Final = "committed"
"""A bill of less than was agreed, with a line for the rest."""


SEATS: Final = "seats"
"""A bill with an add-on whose number changed within the period."""


AT_USE: Final = "at_use"
"""A bill in a unit that is taxed as it is used, of which some was sold and some given."""


def sell_tokens(life: Life) -> None:
    """Two packs, one of which ends within January, and a few tokens for nothing."""
    free = Terms(kind=GrantKind.FREE)
    for amount, cost, ends_at in (("7", "1", TENTH + timedelta(days=1)), ("30", "10", None)):
        price = Cost(amount=Decimal(cost), currency="USD")
        terms = Terms(kind=GrantKind.PAID, cost=price, spendable=Spendable.AT_ONCE)
        pack = NewGrant(
            unit="TOKENS", amount=Decimal(amount), effective_at=JANUARY, expires_at=ends_at
        )
        life.shop.do(buying.create_grant, life.row().customer_id, pack, terms, now=NOW)
    few = NewGrant(unit="TOKENS", amount=Decimal(3), effective_at=JANUARY)
    life.shop.do(buying.create_grant, life.row().customer_id, few, free, now=NOW)


def give(life: Life) -> None:
    """Credit that ends within January, some that was sold, and a coupon of a tenth."""
    expiring = NewGrant(
        unit="USD",
        amount=Decimal("1.5"),
        effective_at=JANUARY,
        expires_at=TENTH + timedelta(days=1),
    )
    lasting = NewGrant(unit="USD", amount=Decimal("0.4"), effective_at=JANUARY)
    free = Terms(kind=GrantKind.FREE)
    price = Cost(amount=Decimal(1), currency="USD")
    sold = Terms(kind=GrantKind.PAID, cost=price, spendable=Spendable.AT_ONCE)
    customer_id = life.row().customer_id
    for command, terms in ((expiring, free), (lasting, free), (lasting, sold)):
        life.shop.do(buying.create_grant, customer_id, command, terms, now=NOW)
    coupon = CreateCoupon(code="SPRING", percent=Decimal(10))
    life.shop.do(coupons.create_coupon, coupon)
    life.shop.do(redemptions.redeem_coupon, customer_id, coupon.code)


def record(transactions: Transactions, name: str, aggregation: Aggregation) -> None:
    """One January of a customer in Great Britain, with VAT, and what its receipt was."""
    shop = open_shop(signing(transactions))
    rate = CreateTaxRate(
        name="VAT", country="GB", percentage=Decimal(20), inclusive=name == "volume"
    )
    shop.do(create_tax_rate, rate)
    if name == AT_USE:
        shop.do(units.create_unit, CreateUnit(code="TOKENS", name="Tokens", scale=1))
    life = begin_life(shop, aggregation=aggregation, charge=CHARGES.get(name))
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(text("UPDATE customer SET billing_address_country = 'GB'"))
    if name == PREPAID:
        give(life)
    if name == AT_USE:
        sell_tokens(life)
    if name == COMMITTED:
        commit(life, "100")
    if name == SEATS:
        added = attach(life, "3")
        life.advance(TENTH)
        change(life, added, "5")
    facts = [
        Fact(at=TENTH + timedelta(days=days), value=Decimal(value), distinct_value=who)
        for days, value, who in ((0, "7.25", "ada"), (3, "3", "bob"), (9, "15.5", "ada"))
    ]
    if name in THRESHOLDS:
        shop.do(amounts.set_threshold, life.subscription_id, Decimal(2))
    for fact in facts:
        store_events(shop, life.row().customer_id, life.meter_id(), [fact])
        shop.read(rebuild_rollups)
        life.do(bills.bill_if_reached, now=NOW)
    if name != THRESHOLDS[0]:
        life.advance(FEBRUARY)
    write(shop, name)


def write(shop: Shop, name: str) -> None:
    """The three files that a stranger gets."""
    *_, receipt = receipts_of(shop)
    with shop.transactions.for_organization(shop.organization_id) as session:
        document = read_invoice(session, shop.organization_id, receipt.invoice_id).receipt
        counted = find_counted_spans(session, shop.organization_id, receipt.invoice_id)
        events = [json.dumps(describe_event(one)) for one in walk(session, counted)]
        keys = stored_keys.list_active_keys(session, [shop.organization_id])
    published = [public_jwk(one.key_id, one.public_key) for one in keys.values()]
    (GOLDEN / f"{name}.receipt.json").write_bytes(document + b"\n")
    (GOLDEN / f"{name}.events.ndjson").write_text("".join(f"{one}\n" for one in events))
    (GOLDEN / f"{name}.keys.json").write_text(json.dumps({"keys": published}) + "\n")


def main() -> None:
    """Record what has no file yet."""
    GOLDEN.mkdir(exist_ok=True)
    run = TestRun()
    try:
        server = start_postgres("postgres-receipts")
        engine = create_application_engine(make_database(server, "receipts"))
        cases = dict.fromkeys(CHARGES, Aggregation.SUM)
        cases |= {f"aggregation_{one.value.lower()}": one for one in Aggregation}
        for name, aggregation in cases.items():
            if not (GOLDEN / f"{name}.receipt.json").exists():
                record(Transactions(engine), name, aggregation)
        engine.dispose()
    finally:
        run.end()
    sys.stdout.write(f"{len(list(GOLDEN.glob('*.receipt.json')))} receipts\n")


if __name__ == "__main__":
    main()
