"""What other systems lost or invented of their users' credit, as it was reported: it is not here.

Those whose home is elsewhere: lago-api 3703, 6177, recurso BUG-005 and akash 3756 in
``tests/services/purchases``, Autumn 1822 and the three days of February in ``recurring``.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from billing.credits.expiry import Rollover
from billing.credits.grants import Scope
from billing.errors import Conflict
from billing.money import plain_text
from billing.rating.terms import Effective
from models.base import new_id
from repositories.transactions import Transactions
from services.catalog import versions
from services.corrections import purchases
from services.credits import balances, ends
from services.lifecycle import changes
from services.rating import accruing
from tests.services.credits.purse import BEGIN, DAY, Purse, open_purse
from tests.services.credits.test_races import at_once
from tests.services.invoicing.bills import (
    FEBRUARY,
    GRACE_OVER,
    invoices_of,
    pass_to,
    use,
)
from tests.services.invoicing.coupons import redeem, used
from tests.services.invoicing.prepaid.drawn import (
    JANUARY,
    amounts,
    findings,
    give,
    movements,
    void,
)
from tests.services.lives import Life, begin_life
from tests.services.plan_fees import add_fee
from tests.services.purchases.till import Till
from tests.services.shop import NOW, Shop, open_shop

TENTH = JANUARY + 9 * DAY


def available(life: Life) -> Decimal:
    """What the customer can spend now."""
    read = partial(balances.read_balance, at=None, look_at_accruing=accruing.find_accruing, now=NOW)
    return life.shop.read(read, life.row().customer_id, "USD").available


def test_lago_5599_a_closed_invoice_keeps_neither_coupon_nor_note_nor_credit(shop: Shop) -> None:
    """Closed gated invoices kept the customer's coupons, notes and credits."""
    life = begin_life(shop)
    give(life, "30")
    redeem(life, percent=Decimal(25), use_limit=1)
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    assert amounts(final) == ["80", "30", "30", "30"]
    assert [one.use_number for one in used(life, final)] == [1]

    void(life, final, settles_again=False)
    life.use(FEBRUARY + DAY, 40)
    pass_to(life, GRACE_OVER + timedelta(days=28))

    again = invoices_of(life)[-1]
    assert [one.use_number for one in used(life, again)] == [1]
    assert amounts(again) == ["40", "30", "0", "0"]
    assert findings(life) == []


@pytest.mark.parametrize("cents", [1, 2, 3, 333, 334, 1001])
def test_lago_4642_credit_for_some_charges_alone_leaves_no_cent_and_nothing_below_zero(
    shop: Shop, cents: int
) -> None:
    """One cent of difference and a negative total, where wallets were limited to fees."""
    life = begin_life(shop, charge={"unit_price": Decimal("3.335")})
    add_fee(shop, life.row().plan_id, "3.33", effective=Effective.RUNNING_PERIOD)
    terms = shop.read(versions.get_terms, life.row().plan_id, None)
    ids = [one.charge_id for one in terms.charges]
    assert len(ids) == 2
    for charge_id in ids:
        amount = plain_text(Decimal(cents) / 100)
        give(life, amount, applies_to=Scope(charge_ids=frozenset({charge_id})))
    use(life, (5, "1"))

    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert final.total == final.subtotal - final.credits_before_tax >= 0
    assert final.amount_due == final.total
    assert findings(life) == []


def test_twenty_23973_what_rolls_over_waits_for_what_was_used(shop: Shop) -> None:
    """Usage that nobody could read was none, so that everybody rolled a whole month over."""
    life = begin_life(shop)
    give(life, "100", expires_at=FEBRUARY, rollover=Rollover(times=1))
    use(life, (5, "80"))

    pass_to(life, FEBRUARY + timedelta(minutes=30))
    assert shop.do(ends.expire_due) == 0
    assert movements(life) == [("granted", "100")]
    pass_to(life, GRACE_OVER)

    assert movements(life) == [
        ("granted", "100"),
        ("drawn", "-80"),
        ("rolled", "-20"),
        ("granted", "20"),
        ("expired", "0"),
    ]
    assert available(life) == 20


def test_twenty_23973_a_grant_opens_what_its_lack_had_closed(shop: Shop) -> None:
    """A grant did not lift the flag that said that credit was out; here nothing is flagged."""
    life = begin_life(shop)
    give(life, "10")
    use(life, (5, "80"))
    life.send_clock(TENTH)
    assert available(life) == 0

    give(life, "90", at=JANUARY)

    assert available(life) == 20


def test_twenty_25603_no_change_of_a_subscription_ends_credit(shop: Shop) -> None:
    """Credits expired because a transition of the subscription misfired."""
    life = begin_life(shop)
    give(life, "30")
    give(life, "5", expires_at=JANUARY + 300 * DAY)
    life.send_clock(TENTH)
    life.catch_up()

    life.do(changes.pause_subscription, now=NOW)
    life.do(changes.resume_subscription, now=NOW)
    life.do(changes.cancel_subscription, at_period_end=False, now=NOW)
    life.catch_up()

    assert movements(life) == [("granted", "30"), ("granted", "5")]
    assert available(life) == 35


def test_twenty_25603_a_balance_outlives_no_expiry(purse: Purse) -> None:
    """A balance that was kept said what had expired meanwhile."""
    purse.grant("10", expires_at=BEGIN + DAY)
    purse.grant("1")

    moment = timedelta(microseconds=1)
    read = [purse.balance(now=BEGIN + DAY + shift).available for shift in (-moment, 0 * moment)]

    assert read == [11, 1]


def test_fountain_1126_an_expiry_takes_no_paid_credit_whoever_moves_it_meanwhile(
    transactions: Transactions,
) -> None:
    """The rest was read outside of the lock, and what was taken back was paid credit."""
    purse = open_purse(open_shop(transactions))
    till = Till(purse=purse)
    sold = till.sell("50", "10.00")
    till.pay(sold.row.invoice_id, "10.00")
    free = purse.grant("10", expires_at=BEGIN + DAY, priority=90)
    late = BEGIN + 2 * DAY
    invoices = [purse.invoice(now=late) for _ in range(8)]

    at_once(
        *[partial(purse.expire, now=late)] * 8,
        *(partial(purse.draw, one, (free.row.id, 1, "1"), now=late) for one in invoices),
        *[partial(purse.hold, "1", now=late)] * 8,
    )

    taken = [one for one in purse.ledger() if one.kind == "expired"]
    assert {one.grant_id for one in taken} == {free.row.id}
    assert purse.balance(now=late).settled == 50


def test_fountain_1126_a_refund_after_a_dispute_takes_it_once(purse: Purse) -> None:
    """What a dispute had taken was taken by the refund again."""
    till = Till(purse=purse)
    sold = till.sell("1000", "10.00")
    till.pay(sold.row.invoice_id, "10.00")
    end = partial(purchases.end_grant, refund=True)

    purse.shop.do(end, sold.row.id)
    purse.shop.do(end, sold.row.id)

    assert purse.movements() == [("granted", 1000), ("refunded", -1000)]
    assert purse.balance().settled == 0


def test_fountain_1126_what_is_over_cannot_be_spent_before_somebody_sweeps(purse: Purse) -> None:
    """Expired credit could be spent until the daily sweep."""
    purse.grant("10", expires_at=BEGIN + DAY)

    with pytest.raises(Conflict) as refused:
        purse.hold("1", now=BEGIN + DAY)

    assert refused.value.code == "no_credit"


def test_autumn_no_older_balance_comes_back(purse: Purse) -> None:
    """A snapshot of before overwrote the newer state; here a balance is what was posted."""
    purse.grant("10")
    before = purse.balance()
    purse.hold("4")

    assert (before.available, purse.balance().available) == (10, 6)
    assert purse.balance().available == sum(one.amount for one in purse.ledger())


def test_openmeter_a_repeated_commit_is_one(purse: Purse) -> None:
    """The journal does not know a repeat from another commit; callers were to."""
    grant_id, invoice, hold_id = purse.grant("10").row.id, purse.invoice(), new_id()

    for _ in range(3):
        purse.draw(invoice, (grant_id, 1, "4"))
        purse.hold("1", hold_id=hold_id)

    assert purse.movements() == [("granted", 10), ("drawn", -4), ("held", -1)]


def test_nyxid_1051_what_is_bought_is_granted_once(purse: Purse) -> None:
    """Free credit was granted on top of paid credit: 2N for N."""
    till = Till(purse=purse)
    sold = till.sell("1000", "10.00")

    for part in ("4.00", "6.00"):
        till.pay(sold.row.invoice_id, part)

    assert purse.movements() == [("granted", Decimal(1000))]
