"""Charges that price by property come to what the model says, and to what a stranger computes.

The model knows groups as what is billed of everybody up to them, less what is billed without them.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from repositories.transactions import Transactions
from tests.money.arrivals import WayIn
from tests.money.comparison import compare_settled
from tests.money.drawn.openings import draw_openings
from tests.money.drawn.worlds import ADDITIVE
from tests.money.driver import Driver, open_world
from tests.money.model import journal
from tests.money.model.journal import Charge, Opened, Plan
from tests.money.model.legality import refusal
from tests.money.strangers import run, write_files
from tests.services.receipts_of import receipts_of, signing

LIVES = 8
PEOPLE = ("ada", "ben", "cyd", None)
DEAR = {"model": "per_unit", "unit_price": Decimal("1.005")}


def by_person(opened: Opened, number: int) -> Opened:
    """The same world, where charges that can price by person do."""
    aggregations = {meter.name: meter.aggregation for meter in opened.meters}

    def grouped(charge: Charge) -> Charge:
        if charge.meter is None or aggregations[charge.meter] not in ADDITIVE:
            return charge
        own = charge.pricing if number % 2 and charge.pricing is not None else DEAR
        return replace(charge, groups={"ben": DEAR, "ada": own})

    def changed(plan: Plan) -> Plan:
        return replace(plan, charges=tuple(grouped(charge) for charge in plan.charges))

    return replace(opened, plans=tuple(changed(plan) for plan in opened.plans))


def do(driver: Driver, request: journal.Request) -> None:
    assert refusal(driver.model, request) is None
    code = driver.perform(request)
    assert code is None, f"answered {code}: {request}"


@pytest.mark.parametrize("number", range(LIVES))
def test_lives_with_prices_by_person_come_to_what_the_model_says(
    transactions: Transactions, way_in: WayIn, tmp_path: Path, number: int
) -> None:
    opening = draw_openings(LIVES, number=66)[number]
    dice = random.Random(number)
    driver = open_world(signing(transactions), way_in, by_person(opening.opened, number))
    opened = driver.model.opened
    do(driver, journal.Subscribed(subscription="s0", plan="basic", starts_at=opened.at))
    for place in range(12):
        meter = dice.choice(opened.meters)
        at = driver.model.now - timedelta(hours=dice.randrange(200))
        if at < opened.at:
            at = driver.model.now
        who = "ada" if meter.aggregation == "UNIQUE_COUNT" else dice.choice(PEOPLE)
        value = Decimal(dice.randrange(1, 300)) / 10
        sent = journal.Sent(key=f"e{place}", at=at, meter=meter.name, value=value, distinct=who)
        do(driver, sent)
        if place % 5 == 3:
            do(driver, journal.EventVoided(key=f"e{place - 2}"))
        do(driver, journal.Advanced(to=driver.model.now + timedelta(days=dice.randrange(9))))

    compare_settled(transactions, driver)

    for receipt in receipts_of(driver.market.shop):
        code, said = run(write_files(driver.market.shop, receipt, tmp_path))
        assert code == 0, said
