"""A threshold is told once, whoever looks; any usage, voids and looks leave what a child says."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session, select

from billing.notifications.alerts import AlertDirection, AlertOn, AlertTerms
from models.usage.events import UsageEvent
from repositories import outbox as stored_outbox
from repositories.notifications import alerts as stored_alerts
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.embedded.processes import wait_until
from services.rating.alerts import looking, rules
from services.rating.alerts.rules import NewAlert
from services.usage import corrections
from tests.billing.profiles import PROFILE
from tests.services.invoicing.bills import FEBRUARY, pass_to, use
from tests.services.invoicing.prepaid.drawn import FIFTEENTH, give
from tests.services.lives import Life, begin_life
from tests.services.shop import NOW, Shop, open_shop

THREADS: Final = 64
EXAMPLES: Final = {"quick": 4, "default": 8, "gate": 100, "deep": 2_000}


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """A connection for everybody."""
    engine = create_application_engine(module_database_url, pool_size=THREADS)
    yield Transactions(engine)
    engine.dispose()


def watch(life: Life, *thresholds: int, rearm: bool = False) -> UUID:
    """An alert on what the customer spends."""
    terms = AlertTerms(
        on=AlertOn.SPEND,
        thresholds=tuple(map(Decimal, thresholds)),
        direction=AlertDirection.UP,
    )
    command = NewAlert(terms=terms, customer_id=life.row().customer_id, rearm=rearm)
    return life.shop.do(rules.create_alert, command).id


def look(life: Life) -> None:
    life.shop.do(looking.look, life.row().customer_id)


def look_at_all(transactions: Transactions, *, now: datetime) -> None:
    """Whoever waits for a look, of these tests and of others."""
    while looking.look_at_next(transactions, now=now):
        pass


def told(life: Life, alert_id: UUID) -> list[tuple[Decimal, int]]:
    """Which thresholds were told, and under which numbers."""
    found, _ = life.shop.read(rules.list_crossings, alert_id, offset=0, limit=1000)
    return sorted((one.threshold, one.number) for one in found)


def test_a_threshold_is_told_once_whoever_looks(shop: Shop) -> None:
    life = begin_life(shop)
    alert_id = watch(life, 50, 80, 100)
    use(life, (5, "80"))

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda _: look(life), range(300)))

    assert told(life, alert_id) == [(50, 1), (80, 1)]


def test_a_period_that_begins_is_a_new_window(shop: Shop) -> None:
    life = begin_life(shop)
    alert_id = watch(life, 50)
    use(life, (5, "80"))
    look(life)

    pass_to(life, FEBRUARY)
    look(life)
    assert told(life, alert_id) == [(50, 1)]


def test_what_time_alone_takes_is_told_where_a_test_clock_arrives(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "100", expires_at=FIFTEENTH)
    terms = AlertTerms(
        on=AlertOn.AVAILABLE, thresholds=(Decimal(10),), direction=AlertDirection.DOWN
    )
    command = NewAlert(terms=terms, customer_id=life.row().customer_id, unit="USD")
    alert_id = life.shop.do(rules.create_alert, command).id
    look_at_all(shop.transactions, now=NOW)
    assert told(life, alert_id) == []

    pass_to(life, FIFTEENTH)

    look_at_all(shop.transactions, now=datetime.now(UTC))
    assert told(life, alert_id) == [(10, 1)]


def test_each_customer_is_looked_at_in_a_transaction_of_their_own(
    transactions: Transactions,
) -> None:
    look_at_all(transactions, now=datetime.now(UTC))
    lives = [begin_life(open_shop(transactions)) for _ in range(3)]
    alerts = [watch(one, 50) for one in lives]
    for one in lives:
        use(one, (5, "80"))

    counts = []
    while looking.look_at_next(transactions, now=datetime.now(UTC)):
        found = zip(lives, alerts, strict=True)
        counts.append(sum(len(told(life, alert_id)) for life, alert_id in found))

    assert counts[:3] == [1, 2, 3]
    assert counts[-1] == 3


def test_nobody_waits_while_another_customer_is_looked_at(transactions: Transactions) -> None:
    look_at_all(transactions, now=datetime.now(UTC))
    lives = [begin_life(open_shop(transactions)) for _ in range(2)]
    alerts = {one.shop.organization_id: watch(one, 50) for one in lives}
    for one in lives:
        use(one, (5, "80"))
    kind = stored_alerts.MESSAGE
    with transactions.looking_up(stored_outbox.LOOKUP, kind) as session:
        [first] = stored_outbox.lock_due_messages(session, kind, now=datetime.now(UTC), limit=1)
        is_first = first.organization_id
    # Whoever was asked for at the same instant is looked at in the order of the messages' ids.
    slow, other = sorted(lives, key=lambda one: one.shop.organization_id != is_first)
    look = partial(looking.look_at_next, transactions, now=datetime.now(UTC))

    with ThreadPoolExecutor(1) as threads:
        with transactions.for_organization(slow.shop.organization_id) as session:
            stored_alerts.lock_of_customer(
                session, slow.shop.organization_id, slow.row().customer_id, on=None, waits=True
            )
            waiting = threads.submit(look)
            assert wait_until(lambda: other_waits(session), timeout_seconds=30)
            assert look()
            assert len(told(other, alerts[other.shop.organization_id])) == 1
        assert waiting.result()
    assert len(told(slow, alerts[slow.shop.organization_id])) == 1


def other_waits(session: Session) -> bool:
    """Whether somebody waits for what this transaction has locked."""
    asked = text(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted"
        " AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
    )
    return bool(session.execute(asked).scalar_one())


def test_alerts_say_what_a_child_would(transactions: Transactions) -> None:
    """Coins on a table: some are added, the last are taken back, and somebody looks up at times."""
    steps = st.lists(
        st.one_of(st.integers(min_value=1, max_value=12), st.just("void"), st.just("look")),
        max_size=12,
    )

    @settings(max_examples=EXAMPLES[PROFILE], deadline=None, derandomize=PROFILE == "default")
    @given(steps=steps, thresholds=st.sets(st.integers(0, 60), min_size=1, max_size=3))
    def compare(steps: list[int | str], thresholds: set[int]) -> None:
        life = begin_life(open_shop(transactions))
        once, again = watch(life, *thresholds), watch(life, *thresholds, rearm=True)
        child = Child(thresholds)
        for step in steps:
            act(life, child, step)
        act(life, child, "look")
        assert told(life, again) == sorted(child.told)
        assert told(life, once) == sorted(one for one in child.told if one[1] == 1)

    compare()


class Child:
    """Who counts coins, and calls out what is reached and was not as they looked last."""

    def __init__(self, thresholds: set[int]) -> None:
        self.coins: list[int] = []
        self.was: dict[int, bool] = dict.fromkeys(thresholds, False)
        self.told: list[tuple[int, int]] = []

    def look(self) -> None:
        for threshold, was in self.was.items():
            self.was[threshold] = sum(self.coins) >= threshold
            if self.was[threshold] and not was:
                before = sum(one == threshold for one, _ in self.told)
                self.told.append((threshold, before + 1))


def act(life: Life, child: Child, step: int | str) -> None:
    """One step, on the table and in the database."""
    if step == "look":
        look(life)
        child.look()
    elif step == "void":
        if child.coins:
            child.coins.pop()
            void_newest(life)
    else:
        assert isinstance(step, int)
        child.coins.append(step)
        use(life, (5, str(step)))


def void_newest(life: Life) -> None:
    """The newest event that counts counts no more."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        found = session.exec(select(UsageEvent)).all()
        ids = [one.id for one in sorted(found, key=lambda one: one.arrival_sequence, reverse=True)]
    for event_id in ids:
        if event_id not in VOIDED:
            VOIDED.add(event_id)
            shop.do(corrections.void_usage, event_id)
            return


VOIDED: Final[set[UUID]] = set()
