"""A bill that is computed in a group equals the bill computed alone, to the last byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from activities import declarations
from activities.closing import ClosingActivities
from activities.declarations import ActionRequest, Step
from activities.subjects import ids_of
from billing.subscriptions import Action
from repositories.transactions import Transactions
from services.accounts.settings import ChangeSettings, change_settings
from tests.activities.closes import (
    SELL,
    START,
    Subscriber,
    do_and_take_back,
    roll_up,
    rows_of,
    subscribe,
    tax,
    without_ids,
)
from tests.services.shop import Shop, open_shop
from tests.services.usage_facts import Fact

MONTHS = 3
ENDS = [START.replace(month=month) for month in (2, 3, 4)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Somebody's usage in a month, and when it arrives: in time, in the grace, or a month late."""

    who: int
    meter: int
    month: int
    minutes: int
    quantity: int
    arrives: str

    @property
    def fact(self) -> Fact:
        at = START.replace(month=self.month + 1) + timedelta(minutes=self.minutes)
        return Fact(at=at, value=Decimal(self.quantity), distinct_value=str(self.quantity % 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Who subscribes to what, where, from when; how late usage is settled; and what is used."""

    people: tuple[tuple[str, int, int], ...]
    shares_customers: bool
    late_usage: str
    number_at: str
    uses: tuple[Use, ...]


USES = st.builds(
    Use,
    who=st.integers(0, 5),
    meter=st.integers(0, 6),
    month=st.integers(0, MONTHS - 1),
    minutes=st.integers(0, 27 * 24 * 60),
    quantity=st.sampled_from([1, 3, 40, 90, 250, -60]),
    arrives=st.sampled_from(["now", "now", "grace", "late"]),
)

WORLDS = st.builds(
    World,
    people=st.lists(
        st.tuples(st.sampled_from(sorted(SELL)), st.integers(0, 1), st.integers(0, 90)),
        min_size=2,
        max_size=6,
    ).map(tuple),
    shares_customers=st.booleans(),
    late_usage=st.sampled_from(["next_invoice", "credit_note_or_invoice", "ignore"]),
    number_at=st.sampled_from(["draft", "finalization"]),
    uses=st.lists(USES, max_size=25).map(tuple),
)


class Books:
    """Two organizations, their subscribers, and what becomes of them."""

    def __init__(self, transactions: Transactions, world: World) -> None:
        self.world = world
        self.shops = [open_shop(transactions) for _ in range(2)]
        for shop in self.shops:
            values = {"late_usage": world.late_usage, "number_at": world.number_at}
            shop.do(change_settings, ChangeSettings(values=values))
            tax(shop)
        sold = {
            (kind, place): SELL[kind](self.shops[place], kind)
            for kind, place in sorted({(kind, place) for kind, place, _ in world.people})
        }
        self.people: list[Subscriber] = []
        for kind, place, minutes in world.people:
            made = subscribe(
                self.shops[place],
                sold[kind, place],
                starts_at=START + timedelta(minutes=minutes),
                country="DE" if minutes % 2 else "US",
                customer_id=self._former_customer(self.shops[place], sold[kind, place][1]),
            )
            self.people.append(made)
        self.organizations = sorted(shop.organization_id for shop in self.shops)
        self.now = START
        self.closing = ClosingActivities(transactions, lambda: self.now)

    def _former_customer(self, shop: Shop, meters: Sequence[UUID]) -> UUID | None:
        """Somebody who has another plan already, where customers share."""
        for one in self.people if self.world.shares_customers else ():
            own = [other for other in self.people if other.customer_id == one.customer_id]
            if one.shop == shop and all(set(meters).isdisjoint(other.meters) for other in own):
                return one.customer_id
        return None

    def use(self, month: int, arrives: str) -> None:
        """What arrives now is stored; what is late marks its period."""
        for one in self.world.uses:
            if one.month != month or one.arrives != arrives:
                continue
            who = self.people[one.who % len(self.people)]
            who.use([one.fact], one.meter)
        for shop in self.shops:
            roll_up(shop)

    def mark_late(self, month: int, now: datetime) -> None:
        for one in self.world.uses:
            if one.month == month and one.arrives == "late":
                self.people[one.who % len(self.people)].mark(month, now=now)

    def due(self, action: Action, now: datetime) -> list[ActionRequest]:
        found = [one.due(action, now) for one in self.people]
        return sorted((one for one in found if one is not None), key=ids_of)

    def do(
        self, step: Step[ActionRequest, Any], due: Sequence[ActionRequest], now: datetime
    ) -> None:
        """The step is done alone; doing it together would have left the same.

        Alone, by a process that remembers what the steps before left; together, by one that reads.
        """
        together, rows = do_and_take_back(self.shops[0], self.organizations, step, due[::-1], now)
        self.now = now
        alone = [answer for one in due for answer in self.closing.perform(step, [one])]

        with self.shops[0].transactions.for_organizations(self.organizations) as session:
            assert rows == rows_of(session)
        assert together[::-1] == [without_ids(one) for one in alone]


def settle(people: Sequence[Subscriber], now: datetime) -> bool:
    """Whether nobody's late usage waits to be settled by itself."""
    return all(one.due(Action.SETTLE_LATE_USAGE, now) is None for one in people)


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=WORLDS)
def test_a_bill_of_a_group_equals_the_bill_alone(transactions: Transactions, world: World) -> None:
    books = Books(transactions, world)

    for month, ends_at in enumerate(ENDS):
        now = ends_at + timedelta(hours=2)
        books.use(month, "now")
        due = books.due(Action.CLOSE_PERIOD, now)
        for step in (
            declarations.ROLL_PERIOD,
            *declarations.BILL_STEPS,
            declarations.ISSUE_INVOICE,
        ):
            books.do(step, due, now)
        books.use(month, "grace")
        later = now + timedelta(days=1)
        books.do(declarations.FINALIZE_INVOICE, books.due(Action.FINALIZE_INVOICE, later), later)
        books.use(month, "late")
        books.mark_late(month, later)
        if not settle(books.people, later):
            break
