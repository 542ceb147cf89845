"""Two months in tokens, with notes, voids and late usage, come to what a second model says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from random import Random
from uuid import UUID

import pytest

from billing.money import plain_text
from billing.rating.terms import Shortfall
from billing.units import Taxation
from models.invoicing.invoices import Invoice
from repositories.catalog import meters
from repositories.credits import postings
from services.credits.deferred import read_deferred
from services.invoicing import payment_status
from services.usage.rollups import rebuild_rollups
from tests.billing.profiles import PROFILE
from tests.services.invoicing.bills import (
    GRACE_OVER,
    invoices_of,
    mark_changed,
    pass_to,
    require_proven,
)
from tests.services.invoicing.own_units.naive_tokens import Jar, Line, Till
from tests.services.invoicing.own_units.tokens import (
    give_tokens,
    give_tokens_back,
    live_on_tokens,
    notes,
    sell_tokens,
)
from tests.services.invoicing.prepaid.drawn import JANUARY, findings, void
from tests.services.lives import Life
from tests.services.shop import Shop
from tests.services.usage_facts import Fact, store_events

FEBRUARY = datetime(2025, 2, 1, tzinfo=UTC)
MARCH = datetime(2025, 3, 1, tzinfo=UTC)
NOON = timedelta(hours=12)
STORIES = {"quick": 4, "default": 8, "gate": 100, "deep": 2_000}[PROFILE]


@dataclass(kw_only=True)
class Story:
    """One customer, in the product and in the till. Units: tenths of a token."""

    random: Random
    life: Life
    till: Till
    grants: list[UUID]
    spent: list[tuple[datetime, int]] = field(default_factory=list)
    noted: int = 0

    def use(self, month: datetime, *, tenths: int, late: bool = False) -> None:
        """So much is used on some day of the month, before noon."""
        at = month + timedelta(days=self.random.randrange(28), hours=1)
        value = Decimal(tenths) / 20
        shop = self.life.shop
        meter_id = shop.read(meters.list_meters, offset=0, limit=1)[0][0].id
        fact = Fact(at=at, value=value, late=late)
        store_events(shop, self.life.row().customer_id, meter_id, [fact])
        shop.read(rebuild_rollups)
        self.spent.append((at, tenths))
        if late:
            mark_changed(self.life, at)

    def bill_of(self, month: datetime, end: datetime) -> Line:
        """What the till makes of the month's usage so far."""
        used = sorted(one for one in self.spent if month <= one[0] < end)
        return self.till.bill([(at, tenths, None) for at, tenths in used])


def begin(shop: Shop, random: Random) -> Story:
    """Tokens that are free, and in every second story some that are sold and taxed at their use."""
    tax = random.choice(list(Taxation))
    rate = random.choice(["0.02", "0.333", "0.0049", None])
    charge = {"shortfall": Shortfall.BLOCK} if rate is None else {}
    life = live_on_tokens(shop, rate=rate, charge=charge, tax=tax)
    jars, grants = [], []
    for number in range(random.randint(1, 4)):
        begins_at = JANUARY + timedelta(days=random.choice([0, 0, 0, 9, 20, 40]), hours=12)
        begins_at = JANUARY if begins_at.day == 1 and begins_at.month == 1 else begins_at
        ends_at = random.choice([None, begins_at + timedelta(days=random.randint(3, 45))])
        coins = random.randint(1, 900)
        is_sold = tax is Taxation.AT_USE and random.random() < 0.7
        cost = random.choice([1, 7, 333, 1000, 99_999]) if is_sold else None
        jar = Jar(number=number, coins=coins, begins_at=begins_at, ends_at=ends_at, cost=cost)
        jars.append(jar)
        amount = str(Decimal(coins) / 10)
        give = give_tokens if cost is None else partial(sell_tokens, cost=str(Decimal(cost) / 100))
        grants.append(give(life, amount, effective_at=begins_at, expires_at=ends_at))
    # Dollars for each token are tens of cents for each tenth.
    till = Till(jars=jars, rate=Fraction(rate or "0") * 10)
    return Story(random=random, life=life, till=till, grants=grants)


@dataclass(kw_only=True)
class Then:
    """What happened to January's bill. Units: ``late`` tenths of a token more, or fewer."""

    is_due: bool
    late: int = 0
    cents_back: int = 0
    is_void: bool = False


def happen(story: Story, first: Invoice, january: Line) -> Then:
    """One thing, or two, in the product and in the till."""
    life, till, random = story.life, story.till, story.random
    then = Then(is_due=january.cents > 0)
    chosen = random.choice(["note", "pay and note", "void", "more", "less", "note and less"])
    if chosen == "void":
        void(life, first)
        till.void(january, GRACE_OVER)
        then.is_void = True
    if chosen == "more":
        then.late = random.randint(1, 300)
    if chosen == "pay and note" and then.is_due:
        life.shop.do(payment_status.pay, first.id)
        then.is_due = False
    if "note" in chosen:
        story.noted = random.randint(1, january.left)
        give_tokens_back(life, first, plain_text(Decimal(story.noted) / 10))
        then.cents_back += till.give_back(january, story.noted, is_due=then.is_due, at=GRACE_OVER)
    if "less" in chosen and january.paid:
        then.late = -random.randint(1, sum(tenths for _, tenths in story.spent))
    return then


@pytest.mark.parametrize("seed", range(STORIES))
def test_bills_in_tokens_are_what_a_till_says(shop: Shop, seed: int) -> None:
    story = begin(shop, Random(seed))
    life, till, random = story.life, story.till, story.random
    for _ in range(random.randint(1, 3)):
        story.use(JANUARY, tenths=random.randint(1, 600))
    pass_to(life, GRACE_OVER)
    january = story.bill_of(JANUARY, FEBRUARY)
    [first, *_] = invoices_of(life)
    assert said(first) == (january.cents + january.cost, january.cost)

    then = happen(story, first, january)
    late, cents_back, is_void = then.late, then.cents_back, then.is_void
    billed = sum(tenths for _, tenths in story.spent)
    if late:
        story.use(JANUARY, tenths=late, late=True)
    story.use(FEBRUARY, tenths=random.randint(1, 300))
    pass_to(life, MARCH + timedelta(hours=2))

    final_at = MARCH + timedelta(hours=1)
    change = max(billed + late, story.noted) - billed if late else 0
    if change < 0:
        cents_back += till.give_back(january, -change, is_due=then.is_due, at=final_at)
    february = story.bill_of(FEBRUARY, MARCH)
    added = till.bill([(JANUARY, change, final_at)]) if change > 0 else Line()

    second = _february(life, is_void=is_void)
    cost = february.cost + added.cost
    assert said(second) == (february.cents + added.cents + cost, cost)
    assert sum(cents(one.total) for one in notes(life, first)) == cents_back
    assert used(story) == [jar.used for jar in till.jars]
    lasting = [jar for jar in till.jars if jar.ends_at is None or jar.ends_at > final_at]
    assert deferred(life) == sum(jar.cost_of(jar.coins) for jar in lasting)
    assert findings(life) == []
    if not is_void:
        require_proven(life)


def said(invoice: Invoice) -> tuple[int, int]:
    """What a bill comes to, and what of it tokens have paid by what they had cost, in cents."""
    return cents(invoice.total), cents(invoice.credits_after_tax)


def deferred(life: Life) -> int:
    """What was sold and is not spent, in cents."""
    return sum(cents(one.amount) for one in life.shop.read(read_deferred, "TOKENS"))


def _february(life: Life, *, is_void: bool) -> Invoice:
    found = invoices_of(life)
    return found[0 if is_void else 1]


def used(story: Story) -> list[int]:
    """Tenths that each grant has paid and not got back."""
    life = story.life
    shop = life.shop
    key = (shop.organization_id, life.row().customer_id, "TOKENS")
    with shop.transactions.for_organization(shop.organization_id) as session:
        moved = postings.list_ledger(session, key, after=0, limit=1000)
    return [
        int(
            -10
            * sum(
                one.amount
                for one in moved
                if one.grant_id == grant_id and one.kind in {"drawn", "returned"}
            )
        )
        for grant_id in story.grants
    ]


def cents(amount: Decimal) -> int:
    """Whole cents of dollars."""
    return int(amount * 100)
