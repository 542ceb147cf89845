"""A thousand repeats of all that stands around credit, 64 at a time: one effect.

Movements of credit themselves are in ``tests/services/credits/test_thousand_repeats.py``.
*Source: CREDITS 2, 18, 22, 23, 24.*
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import text

from billing.credits.grants import GrantKind
from billing.credits.purchases import Cost
from billing.errors import BillingError
from billing.invoicing.kinds import LateUsage
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.corrections import purchases
from services.credits.grants import NewGrant
from services.discounts import coupons, redemptions
from services.discounts.coupons import CreateCoupon
from services.invoicing import late_settlement, payment_status
from services.invoicing.threshold import bills
from services.lifecycle import add_ons, changes
from services.payments import recording
from services.payments.recording import Told
from services.purchases import buying
from services.purchases.buying import Terms
from tests.services.credits.test_races import THREADS, at_once
from tests.services.invoicing.bills import ELEVENTH, FEBRUARY, bill_at, invoices_of, pass_to, use
from tests.services.invoicing.commitments.committed import begin, commit, give_country
from tests.services.invoicing.coupons import redeem
from tests.services.invoicing.threshold.stepped import begin_stepped
from tests.services.lives import Life, begin_life
from tests.services.seats import attach
from tests.services.shop import NOW, Shop

pytestmark = pytest.mark.long

REPEATS = 1_000

Story = tuple[Life, Callable[[], object], str, set[str]]
"""Whose it is, what is repeated, a statement that counts what it comes to, and refusals of it."""


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """A connection for everybody."""
    engine = create_application_engine(module_database_url, pool_size=THREADS)
    yield Transactions(engine)
    engine.dispose()


def redeeming(shop: Shop) -> Story:
    life = begin_life(shop)
    shop.do(coupons.create_coupon, CreateCoupon(code="SPRING", percent=Decimal(10)))
    again = partial(shop.do, redemptions.redeem_coupon, life.row().customer_id, "SPRING")
    return life, again, "SELECT count(*) FROM coupon_redemption", {"coupon_redeemed"}


def discounting(shop: Shop) -> Story:
    """A bill uses its coupon."""
    life = begin_life(shop)
    redeem(life, percent=Decimal(10))
    use(life, (5, "50"))
    pass_to(life, FEBRUARY)
    [draft, *_] = invoices_of(life)
    finalize = partial(shop.do, payment_status.finalize, draft.id)
    return life, finalize, "SELECT sum(use_number) FROM invoice_coupon", set()


def committing(shop: Shop) -> Story:
    """A bill settles a term."""
    life = begin(shop)
    use(life, (5, "50"))
    pass_to(life, FEBRUARY)
    [draft, *_] = invoices_of(life)
    finalize = partial(shop.do, payment_status.finalize, draft.id)
    return life, finalize, "SELECT count(*) FROM invoice_line WHERE type = 'true_up'", set()


def settling(shop: Shop) -> Story:
    """A term that ended at the instant of a bill is settled alone."""
    life = begin_life(shop)
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(text("UPDATE organization SET late_usage = :a"), {"a": LateUsage.IGNORE})
    commit(life)
    use(life, (5, "5"))
    bill_at(life, ELEVENTH)
    [draft, *_] = invoices_of(life)
    shop.do(payment_status.finalize, draft.id)
    life.do(partial(changes.cancel_subscription, at_period_end=False), now=NOW)
    settle = partial(life.do, late_settlement.settle_late_usage, due_at=ELEVENTH, now=NOW)
    return life, settle, "SELECT count(*) FROM invoice WHERE kind = 'late_usage'", set()


def stepping(shop: Shop) -> Story:
    """A threshold is reached."""
    life = begin_stepped(shop)
    use(life, (5, "60"))
    look = partial(life.do, bills.bill_if_reached, now=NOW)
    return life, look, "SELECT count(*) FROM invoice WHERE kind = 'threshold'", set()


def changing(shop: Shop) -> Story:
    """An add-on has another quantity."""
    life = begin_life(shop)
    change = partial(life.do, add_ons.change_quantity, attach(life).row.id, Decimal(5), now=NOW)
    return life, change, "SELECT count(*) FROM add_on_quantity WHERE quantity = 5", set()


def detaching(shop: Shop) -> Story:
    """An add-on ends."""
    life = begin_life(shop)
    end = partial(life.do, add_ons.end_add_on, attach(life).row.id, now=NOW)
    return life, end, "SELECT count(*) FROM add_on_quantity WHERE quantity = 0", set()


def refunding(shop: Shop) -> Story:
    """A grant that was bought is ended with its money."""
    life = begin_life(shop)
    give_country(life)
    cost = Cost(amount=Decimal(10), currency="USD")
    terms = Terms(kind=GrantKind.PAID, cost=cost)
    command = NewGrant(unit="USD", amount=Decimal(10))
    grant = shop.do(buying.create_grant, life.row().customer_id, command, terms).row
    assert grant.invoice_id is not None
    shop.do(recording.record_by_hand, grant.invoice_id, Told(amount=Decimal(10)))
    end = partial(shop.do, partial(purchases.end_grant, refund=True), grant.id)
    return life, end, "SELECT count(*) FROM credit_note", set()


STORIES: dict[str, Callable[[Shop], Story]] = {
    "redemption": redeeming,
    "use of a coupon": discounting,
    "true-up": committing,
    "true-up alone": settling,
    "threshold": stepping,
    "quantity": changing,
    "end of an add-on": detaching,
    "refund": refunding,
}


@pytest.mark.parametrize("name", STORIES)
def test_a_thousand_repeats_have_one_effect(shop: Shop, name: str) -> None:
    life, work, count, refusals = STORIES[name](shop)

    done = at_once(*[work] * REPEATS)

    refused = [one for one in done if isinstance(one, BillingError)]
    assert {one.code for one in refused} == refusals
    assert len(refused) in (0, REPEATS - 1)
    with life.shop.transactions.for_organization(shop.organization_id) as session:
        assert session.execute(text(count)).scalar_one() == 1
