"""One wallet, and everybody at once: nothing is spent twice, and every repeat is one movement."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from billing.errors import BillingError, InvariantBroken
from billing.periods import Cadence, Interval
from models.base import new_id
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.credits.checks import check_credits
from services.credits.recurring import rules
from services.credits.recurring.rules import NewGrantRule
from services.purchases import recurring
from tests.services.credits.purse import BEGIN, DAY, UNIT, Purse, grant_due

THREADS = 64


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """A connection for everybody."""
    engine = create_application_engine(module_database_url, pool_size=THREADS)
    yield Transactions(engine)
    engine.dispose()


def at_once(*works: Callable[[], object]) -> list[object]:
    """What each came to, or the error that it raised."""

    def run(work: Callable[[], object]) -> object:
        try:
            return work()
        except BillingError as refused:
            return refused

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(run, works))


def test_everybody_spends_one_wallet_and_it_is_never_overdrawn(purse: Purse) -> None:
    grants = [purse.grant("10").row.id, purse.grant("10", expires_at=BEGIN + DAY).row.id]
    invoices = [purse.invoice() for _ in range(20)]

    def hold_and_settle(used: str) -> Decimal:
        made = purse.hold("1.50")
        purse.settle(made.id, used)
        return Decimal(used)

    def hold_and_release() -> Decimal:
        purse.release(purse.hold("2").id)
        return Decimal(0)

    def draw(number: int) -> Decimal:
        purse.draw(invoices[number], (grants[number % 2], 1, "1.25"))
        return Decimal("1.25")

    done = at_once(
        *[partial(hold_and_settle, "0.75")] * 24,
        *[hold_and_release] * 20,
        *(partial(draw, number) for number in range(20)),
    )

    refusals = [one for one in done if isinstance(one, BillingError)]
    spent = sum((one for one in done if isinstance(one, Decimal)), Decimal(0))
    assert all(one.code == "no_credit" or isinstance(one, InvariantBroken) for one in refusals), (
        refusals
    )
    balance = purse.balance()
    assert balance.settled == 20 - spent
    assert balance.held == 0
    assert balance.available >= 0
    assert min(one.balance_after for one in purse.ledger()) >= 0
    assert list(purse.shop.read(check_credits).findings) == []


def test_everything_goes_but_no_more(purse: Purse) -> None:
    purse.grant("10")

    done = at_once(*[partial(purse.hold, "1")] * THREADS)

    assert sum(not isinstance(one, BillingError) for one in done) == 10
    assert (purse.balance().held, purse.balance().available) == (10, 0)


@pytest.mark.parametrize("kind", ["draw", "return", "hold", "settle", "release", "end", "expire"])
def test_a_movement_that_is_repeated_is_there_once(purse: Purse, kind: str) -> None:
    grant_id = purse.grant("10", expires_at=BEGIN + DAY).row.id
    invoice, hold_id = purse.invoice(), new_id()
    soon = BEGIN + timedelta(minutes=1)
    if kind == "return":
        purse.draw(invoice, (grant_id, 1, "4"))
    if kind in {"settle", "release"}:
        purse.hold("4", hold_id=hold_id)
    before = len(purse.ledger())
    works: dict[str, tuple[Callable[[], object], list[str]]] = {
        "draw": (partial(purse.draw, invoice, (grant_id, 1, "4")), ["drawn"]),
        "return": (partial(purse.give_back, invoice), ["returned"]),
        "hold": (partial(purse.hold, "4", hold_id=hold_id), ["held"]),
        "settle": (partial(purse.settle, hold_id, "3", now=soon), ["released", "drawn"]),
        "release": (partial(purse.release, hold_id, now=soon), ["released"]),
        "end": (partial(purse.end, grant_id, now=soon), ["expired"]),
        "expire": (partial(purse.expire, now=BEGIN + DAY), ["expired"]),
    }
    work, kinds = works[kind]

    done = at_once(*[work] * THREADS)

    assert [one for one in done if isinstance(one, BillingError)] == []
    assert [one.kind for one in purse.ledger()[before:]] == kinds


def test_what_recurs_is_granted_once_whoever_stores_it(purse: Purse) -> None:
    """A thousand looks, holds and an end at once: each of its times is one grant."""
    monthly = Cadence(interval=Interval.MONTH)
    command = NewGrantRule(unit=UNIT, amount=Decimal(100), interval=monthly)
    rule = purse.shop.do(recurring.create_rule, purse.customer_id, command, now=BEGIN)
    later = BEGIN + 100 * DAY
    look = partial(grant_due, purse.shop, now=later)
    end = partial(purse.shop.do, rules.end_rule, purse.customer_id, rule.id, now=later)

    done = at_once(*([look] * 900 + [partial(purse.hold, "1", now=later)] * 60 + [end] * 40))

    assert [one for one in done if isinstance(one, BillingError)] == []
    granted = [one.at for one in purse.ledger() if one.kind == "granted"]
    assert granted == [BEGIN.replace(month=month) for month in (3, 4, 5, 6)]
    assert (purse.balance(now=later).settled, purse.balance(now=later).held) == (400, 60)
    assert list(purse.shop.read(check_credits).findings) == []
