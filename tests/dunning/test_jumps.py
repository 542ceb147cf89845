"""One jump of a clock does what many do, whichever workflow happens to run first (CONTRACT 49)."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import pytest

from billing.payments.dunning import AfterRetries
from repositories.transactions import Transactions
from services.accounts.settings import ChangeSettings, change_settings
from tests.dunning.conftest import connect, save_method
from tests.dunning.gateway import Answer, ScriptedGateway
from tests.dunning.jumps import Collected, cut
from tests.services.lives import START, begin_life
from tests.services.shop import open_shop

END = datetime(2025, 5, 20, tzinfo=UTC)
SEEDS = 40 if "FLUXRATE_CHAOS" in os.environ else 4
ENDS = list(AfterRetries)


def begin(transactions: Transactions, seed: int, *, order: int) -> Collected:
    """A subscription that is used every month, and a gateway that takes some of what is asked."""
    random = Random(seed)
    shop = open_shop(transactions)
    connection_id = connect(transactions, shop.organization_id)
    settings = {
        "dunning": {
            "retry_days": sorted(random.sample(range(1, 45), random.randint(0, 4))),
            "then": ENDS[seed % len(ENDS)],
        },
        "reminder_days": sorted(random.sample(range(-20, 30), random.randint(0, 4))),
    }
    shop.do(change_settings, ChangeSettings(values=settings))
    life = begin_life(shop)
    keys = (shop.organization_id, connection_id)
    save_method(transactions, keys, life.row().customer_id)
    for month in range(1, 6):
        life.use(datetime(2025, month, 10, tzinfo=UTC), month)
    return Collected(life=life, gateway=DecidedGateway(seed), random=Random(f"{seed}/{order}"))


class DecidedGateway(ScriptedGateway):
    """What becomes of a charge depends on nothing but how often the same amount was asked for."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed
        self._asked: dict[Decimal, int] = {}

    def answer_to(self, amount: Decimal) -> Answer:
        """Most are declined, of the first invoice all."""
        if amount == 1:
            return Answer.DECLINED
        number = self._asked[amount] = self._asked.get(amount, 0) + 1
        random = Random(f"{self._seed}/{amount}/{number}")
        return random.choice([Answer.PAID, Answer.DECLINED, Answer.DECLINED, Answer.DECLINED])


@pytest.mark.parametrize("seed", range(SEEDS))
def test_one_jump_does_what_many_do(transactions: Transactions, seed: int) -> None:
    one, many = (begin(transactions, seed, order=order) for order in (1, 2))

    one.advance(END)
    for stop in cut(Random(seed), START, END):
        many.advance(stop)

    told = one.told()
    assert many.told() == told
    assert ENDS[seed % len(ENDS)] in {end for *_, end in told["ends"]}
