"""Any rules, stored whenever somebody likes, leave what a second model says that counts by hand."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.periods import Cadence, Interval
from repositories.transactions import Transactions
from services.credits.recurring.rules import NewGrantRule
from services.purchases import recurring
from tests.billing.profiles import PROFILE
from tests.services.credits.purse import UNIT, Purse, grant_due, open_purse
from tests.services.shop import open_shop

EXAMPLES = {"quick": 5, "default": 15, "gate": 60, "deep": 600}
DAYS = {Interval.DAY: 1, Interval.WEEK: 7}
MONTHS = {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.YEAR: 12}
START = datetime(2026, 1, 28, 23, 30, tzinfo=UTC)
CADENCES = st.builds(
    Cadence, interval=st.sampled_from(list(Interval)), count=st.integers(min_value=1, max_value=3)
)


def later(begin: datetime, *steps: Cadence) -> datetime:
    """So much later by a wall calendar in UTC: days are added, and months turned over."""
    days = sum(DAYS.get(one.interval, 0) * one.count for one in steps)
    months = sum(MONTHS.get(one.interval, 0) * one.count for one in steps)
    month = begin.year * 12 + begin.month - 1 + months
    year, month = divmod(month, 12)
    day = min(begin.day, monthrange(year, month + 1)[1])
    return begin.replace(year=year, month=month + 1, day=day) + timedelta(days=days)


@dataclass(frozen=True)
class Habit:
    """Somebody puts coins into a jar, again and again, and throws them away later."""

    amount: int
    every: Cadence
    lasts: Cadence | None
    starts: datetime
    stops: datetime | None

    def coins(self, at: datetime) -> int:
        """How many lie there."""
        found, times = 0, 0
        while (put := later(self.starts, *[self.every] * times)) <= at:
            if self.stops is not None and put >= self.stops:
                break
            found += self.amount * (self.lasts is None or at < self._gone(put, times))
            times += 1
        return found

    def _gone(self, put: datetime, times: int) -> datetime:
        assert self.lasts is not None
        if (self.every.interval in DAYS) == (self.lasts.interval in DAYS):
            return later(self.starts, *[self.every] * times, self.lasts)
        return later(put, self.lasts)


@st.composite
def habits(draw: Any) -> Habit:
    starts = START + timedelta(days=draw(st.integers(min_value=0, max_value=70)))
    length = draw(st.one_of(st.none(), st.integers(min_value=1, max_value=300)))
    return Habit(
        amount=draw(st.integers(min_value=1, max_value=1000)),
        every=draw(CADENCES),
        lasts=draw(st.one_of(st.none(), CADENCES)),
        starts=starts,
        stops=None if length is None else starts + timedelta(days=length),
    )


def test_rules_leave_what_coins_in_jars_do(transactions: Transactions) -> None:
    @settings(max_examples=EXAMPLES[PROFILE], deadline=None, derandomize=PROFILE == "default")
    @given(
        kept=st.lists(habits(), min_size=1, max_size=3),
        looks=st.lists(
            st.tuples(st.integers(min_value=0, max_value=400), st.booleans()), max_size=6
        ),
    )
    def compare(kept: list[Habit], looks: list[tuple[int, bool]]) -> None:
        purse = open_purse(open_shop(transactions))
        for one in kept:
            make(purse, one)
        for days, stores in sorted(looks):
            now = START + timedelta(days=days)
            expected = sum(one.coins(now) for one in kept)
            assert purse.balance(now=now).available == expected
            if stores:
                grant_due(purse.shop, now=now)
            assert purse.balance(now=now).available == expected
            assert purse.balance(at=now).available == expected

    compare()


def make(purse: Purse, one: Habit) -> None:
    command = NewGrantRule(
        unit=UNIT,
        amount=Decimal(one.amount),
        interval=one.every,
        expires_after=one.lasts,
        anchor=one.starts,
        ends_at=one.stops,
    )
    purse.shop.do(recurring.create_rule, purse.customer_id, command, now=START)
