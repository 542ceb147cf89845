"""Random lives that credit and coupons pay of: receipts, verification and the stranger agree.

*Source: CREDITS 9 to 13, I6; CONTRACT section 6, Proof for anybody.*
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from sqlalchemy import text

from billing.credits.grants import GrantKind, Scope, Spendable
from billing.credits.purchases import Cost
from billing.identifiers import MeterId
from billing.invoicing.invoices import InvoiceStatus
from billing.metering.aggregations import Aggregation
from services.catalog.tax_rates import CreateTaxRate, create_tax_rate
from services.credits.grants import NewGrant
from services.invoicing import proofs
from services.purchases import buying
from services.purchases.buying import Terms
from tests.money.strangers import run, write_files
from tests.services.invoicing.bills import (
    GRACE_OVER,
    invoices_of,
    mark_changed,
    pass_to,
    use,
)
from tests.services.invoicing.coupons import redeem
from tests.services.invoicing.prepaid.drawn import JANUARY, findings
from tests.services.invoicing.receipts.record import CHARGES
from tests.services.invoicing.receipts.test_checks import check_all
from tests.services.lives import Life, begin_life
from tests.services.receipts_of import receipts_of, with_signer
from tests.services.shop import NOW, Shop

LIVES: Final = int(os.environ.get("FLUXRATE_RANDOM_LIVES", "8"))
SECOND_GRACE: Final = GRACE_OVER + timedelta(days=28)

NUMERIC: Final = [
    Aggregation.SUM,
    Aggregation.SUM,
    Aggregation.SUM,
    Aggregation.COUNT,
    Aggregation.MAX,
    Aggregation.AVG,
    Aggregation.LAST,
    Aggregation.WEIGHTED_SUM,
]


def instant_of(chance: Random) -> datetime:
    """Some hour of the two periods."""
    return JANUARY + timedelta(hours=chance.randrange(1, 58 * 24))


def begin(shop: Shop, chance: Random) -> Life:
    """A subscription with a charge of some model, taxed or not."""
    if chance.random() < 0.6:
        inclusive = chance.random() < 0.3
        rate = CreateTaxRate(
            name="VAT", country="GB", percentage=Decimal("7.7"), inclusive=inclusive
        )
        shop.do(create_tax_rate, rate)
    aggregation = chance.choice(NUMERIC)
    name = chance.choice(
        sorted(CHARGES if aggregation is Aggregation.SUM else {"per_unit", "volume"})
    )
    life = begin_life(shop, aggregation=aggregation, charge=CHARGES[name])
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(text("UPDATE customer SET billing_address_country = 'GB'"))
    return life


def grant(life: Life, chance: Random) -> None:
    """Some credit, free or sold, that begins and ends somewhere."""
    effective_at = chance.choice([JANUARY, instant_of(chance)])
    later = effective_at + timedelta(hours=chance.randrange(1, 40 * 24))
    more: dict[str, Any] = {}
    if chance.random() < 0.3:
        more["applies_to"] = Scope(meter_ids=frozenset({MeterId(life.meter_id())}))
    command = NewGrant(
        unit="USD",
        amount=Decimal(chance.randrange(1, 2500)) / 100,
        effective_at=effective_at,
        expires_at=chance.choice([None, later]),
        priority=chance.choice([10, 50, 50, 90]),
        **more,
    )
    terms = Terms(kind=GrantKind.FREE)
    if chance.random() < 0.5:
        price = Cost(amount=Decimal(3), currency="USD")
        terms = Terms(kind=GrantKind.PAID, cost=price, spendable=Spendable.AT_ONCE)
    life.shop.do(buying.create_grant, life.row().customer_id, command, terms, now=NOW)


def live(shop: Shop, chance: Random) -> Life:
    """Two periods, with usage, credit and coupons, and usage that comes too late for the first."""
    life = begin(shop, chance)
    for _ in range(chance.randrange(5)):
        grant(life, chance)
    if chance.random() < 0.4:
        redeem(life, percent=Decimal(chance.randrange(1, 100)), use_limit=chance.choice([1, 5]))
    use(life, *((chance.randrange(1, 31), str(chance.randrange(1, 40))) for _ in range(6)))
    pass_to(life, GRACE_OVER)
    if chance.random() < 0.5:
        day = chance.randrange(1, 31)
        use(life, (day, str(chance.randrange(1, 9))), late=True)
        mark_changed(life, datetime(2025, 1, day, tzinfo=JANUARY.tzinfo))
    pass_to(life, SECOND_GRACE)
    return life


@pytest.mark.parametrize("number", range(LIVES))
def test_everything_comes_out_again(shop: Shop, tmp_path: Path, number: int) -> None:
    shop = with_signer(shop)

    life = live(shop, Random(number))

    assert findings(life) == []
    assert check_all(shop) == []
    for invoice in invoices_of(life):
        if invoice.period_index is not None and invoice.status != InvoiceStatus.DRAFT:
            verify = partial(proofs.verify, now=NOW)
            assert shop.read(verify, invoice.id).difference is None
    for receipt in receipts_of(shop):
        code, said = run(write_files(shop, receipt, tmp_path))
        assert code == 0, said
