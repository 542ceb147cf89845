"""Eight processes that look at one crossing issue one invoice.

*Source: CREDITS 24: one invoice per (subscription, period, step).*
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from billing.money import plain_text
from repositories.subscriptions import thresholds as stored_thresholds
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.invoicing.threshold import bills, looking
from tests.services.invoicing.bills import use
from tests.services.invoicing.threshold.stepped import begin_stepped, kinds, require_sound
from tests.services.shop import NOW, Shop

PROCESSES = 8


@dataclass(frozen=True)
class Asked:
    """Which subscription a process looks at, in which database."""

    address: str
    organization_id: UUID
    subscription_id: UUID


def look_in_a_process(asked: Asked) -> int:
    """Look ten times; how many invoices were issued."""
    engine = create_application_engine(asked.address)
    transactions = Transactions(engine)
    issued = 0
    for _ in range(10):
        with transactions.for_organization(asked.organization_id) as session:
            found = bills.bill_if_reached(
                session, asked.organization_id, asked.subscription_id, now=NOW
            )
            issued += found is not None
    engine.dispose()
    return issued


def test_of_eight_processes_one_issues_an_invoice(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (5, "170"))
    address = shop.transactions.address.render_as_string(hide_password=False)
    asked = Asked(address, shop.organization_id, life.subscription_id)

    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as processes:
        issued = list(processes.map(look_in_a_process, [asked] * PROCESSES))

    assert sum(issued) == 1
    assert kinds(life) == [("threshold", "170")]
    require_sound(life)


def test_a_look_that_was_asked_for_is_done_once(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"))
    customer_id = life.row().customer_id
    for _ in range(3):
        shop.do(stored_thresholds.wake, customer_id)

    # Setting the threshold has asked for one as well, and other shops may have.
    while looking.look_at_next(shop.transactions, now=datetime.now(UTC)):
        pass

    assert kinds(life) == [("threshold", "60")]


def test_a_clock_finds_what_has_arrived_before_it_goes_on(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"))

    shop.do(looking.look_before_advance, life.clock_id)

    assert [plain_text(one.total) for one in life.invoices()] == ["60"]
    assert life.period(0).threshold_steps == 1
    assert life.row().threshold_amount == Decimal(50)
