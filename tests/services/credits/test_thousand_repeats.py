"""A thousand repeats of every movement, 64 at a time: one effect. Source: CREDITS.md rule 2."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from billing.credits.expiry import Rollover
from billing.errors import BillingError
from billing.periods import Cadence, Interval
from models.base import new_id
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.credits import grants
from services.credits.checks import check_credits
from services.credits.recurring.rules import NewGrantRule
from services.credits.standing import require_grant
from services.purchases import recurring
from tests.services.credits.purse import BEGIN, DAY, UNIT, Purse, grant_due
from tests.services.credits.test_races import THREADS, at_once
from tests.services.purchases.till import Till
from tests.services.purchases.topping_up import add_rule, end_charge, look, save_method, tell_again

REPEATS = 1_000
SOON = BEGIN + timedelta(minutes=1)

Story = tuple[Callable[[], object], list[str]]
"""What is repeated, and the kinds of the movements that it comes to."""


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """A connection for everybody."""
    engine = create_application_engine(module_database_url, pool_size=THREADS)
    yield Transactions(engine)
    engine.dispose()


def granting(purse: Purse) -> Story:
    grant_id = purse.grant("10").row.id

    def begin() -> None:
        with purse.shop.transactions.for_organization(purse.organization_id) as session:
            row = require_grant(session, purse.organization_id, grant_id)
            grants.begin(session, row, at=BEGIN, now=BEGIN)

    return begin, []


def drawing(purse: Purse) -> Story:
    grant_id, invoice = purse.grant("10").row.id, purse.invoice()
    return partial(purse.draw, invoice, (grant_id, 1, "4")), ["drawn"]


def returning(purse: Purse) -> Story:
    grant_id, invoice = purse.grant("10").row.id, purse.invoice()
    purse.draw(invoice, (grant_id, 1, "4"))
    return partial(purse.give_back, invoice), ["returned"]


def extending(purse: Purse) -> Story:
    grant_id, invoice = purse.grant("10", expires_at=BEGIN + DAY).row.id, purse.invoice()
    purse.draw(invoice, (grant_id, 1, "4"))
    back = partial(purse.give_back, invoice, now=BEGIN + 2 * DAY, extend_days=3)
    return back, ["returned", "rolled", "granted"]


def expiring(purse: Purse) -> Story:
    purse.grant("10", expires_at=BEGIN + DAY)
    return partial(purse.expire, now=BEGIN + DAY), ["expired"]


def rolling(purse: Purse) -> Story:
    purse.grant("10", expires_at=BEGIN + DAY, rollover=Rollover(max=Decimal(4)))
    return partial(purse.expire, now=BEGIN + DAY), ["rolled", "granted", "expired"]


def recurring_daily(purse: Purse) -> Story:
    daily = Cadence(interval=Interval.DAY)
    command = NewGrantRule(unit=UNIT, amount=Decimal(1), interval=daily)
    purse.shop.do(recurring.create_rule, purse.customer_id, command, now=BEGIN)
    return partial(grant_due, purse.shop, now=BEGIN + 2 * DAY), ["granted", "granted"]


def topping_up(purse: Purse) -> Story:
    till = Till(purse=purse)
    save_method(till)
    add_rule(till)
    look(till)
    end_charge(till, succeeds=True)

    def tell() -> None:
        tell_again(till)
        look(till)

    return tell, []


def holding(purse: Purse) -> Story:
    purse.grant("10")
    return partial(purse.hold, "4", hold_id=new_id()), ["held"]


def settling(purse: Purse) -> Story:
    purse.grant("10")
    hold_id = purse.hold("4").id
    return partial(purse.settle, hold_id, "3", now=SOON), ["released", "drawn"]


def releasing(purse: Purse) -> Story:
    purse.grant("10")
    return partial(purse.release, purse.hold("4").id, now=SOON), ["released"]


def ending(purse: Purse) -> Story:
    return partial(purse.end, purse.grant("10").row.id, now=SOON), ["expired"]


STORIES: dict[str, Callable[[Purse], Story]] = {
    "grant": granting,
    "draw": drawing,
    "return": returning,
    "return that lives on": extending,
    "expire": expiring,
    "roll": rolling,
    "recur": recurring_daily,
    "topup": topping_up,
    "hold": holding,
    "settle": settling,
    "release": releasing,
    "end": ending,
}
"""By the natural key of what moves."""


@pytest.mark.parametrize("name", STORIES)
def test_a_thousand_repeats_are_one_movement(purse: Purse, name: str) -> None:
    work, kinds = STORIES[name](purse)
    before = len(purse.ledger())

    done = at_once(*[work] * REPEATS)

    assert [one for one in done if isinstance(one, BillingError)] == []
    assert [one.kind for one in purse.ledger()[before:]] == kinds
    assert list(purse.shop.read(check_credits).findings) == []
