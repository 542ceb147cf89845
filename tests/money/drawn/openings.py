"""How lives begin: worlds with some months of usage and bills, lived once and then copied.

A life's beginning costs as much as all the rest of it. So a run draws a number of beginnings, lets
each happen when it is first wanted, and lets several lives go on from it, each in a copy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from repositories.transactions import Transactions
from tests.money.arrivals import WayIn
from tests.money.copies import Copier
from tests.money.drawn.worlds import decimals, worlds
from tests.money.driver import Driver, open_world
from tests.money.model import journal
from tests.money.model.journal import Opened, Request
from tests.money.model.legality import refusal

HOUR = timedelta(hours=1)

amounts = decimals(20, 1).map(lambda one: one + Decimal("0.1"))
histories = st.lists(
    st.tuples(amounts, st.integers(0, 999), st.integers(0, 6)), min_size=1, max_size=2
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A world, and what is used of which meter on which day of the first periods."""

    opened: Opened
    used: list[tuple[Decimal, int, int]]


@dataclass(slots=True, kw_only=True)
class Openings:
    """Beginnings to choose from, those that have happened with what came of them."""

    transactions: Transactions
    way_in: WayIn
    copier: Copier
    drawn: list[Opening]
    lived: dict[int, Driver] = field(default_factory=dict)

    def begin(self, place: int) -> Driver:
        """A world of its own in which that beginning has happened."""
        if place not in self.lived:
            self.lived[place] = live(self.transactions, self.way_in, self.drawn[place])
        template = self.lived[place]
        return template.copied(self.copier.copy(template.market.shop.organization_id))


def draw_openings(count: int, *, number: int) -> list[Opening]:
    """So many beginnings, the same ones for the same number."""
    found: list[Opening] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(opened=worlds(), used=histories)
    def collect(opened: Opened, used: list[tuple[Decimal, int, int]]) -> None:
        found.append(Opening(opened=opened, used=used))

    collect()
    return found


def live(transactions: Transactions, way_in: WayIn, opening: Opening) -> Driver:
    """A subscription, and a period or two that are over and had some usage."""
    opened = opening.opened
    driver = open_world(transactions, way_in, opened)
    _do(driver, journal.Subscribed(subscription="s0", plan="basic", starts_at=opened.at))
    for place, (value, meter, days) in enumerate(opening.used):
        running = driver.model.lives["s0"].running
        assert running is not None
        at = max(driver.model.now, running.span.starts_at + timedelta(days=days))
        chosen = opened.meters[meter % len(opened.meters)]
        distinct = "ada" if chosen.aggregation == "UNIQUE_COUNT" else None
        sent = journal.Sent(
            key=f"e{place}", at=at, meter=chosen.name, value=value, distinct=distinct
        )
        _do(driver, journal.Advanced(to=at))
        _do(driver, sent)
        _do(driver, journal.Advanced(to=running.span.ends_at + HOUR))
    return driver


def _do(driver: Driver, request: Request) -> None:
    assert refusal(driver.model, request) is None
    code = driver.perform(request)
    assert code is None, f"answered {code}: {request}"
