"""Credit is topped up by itself: once for the whole gap, within its caps, and one at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from billing.credits.top_ups import PerWindow, Price, TopUpStatus
from billing.errors import Conflict, InvalidInput
from billing.invoicing.invoices import InvoiceStatus
from services.credits import grants
from services.credits import top_ups as rules
from services.credits.grants import NewGrant
from services.purchases import top_ups
from services.purchases.hourly import look_after
from tests.services.credits.purse import BEGIN, DAY, Purse
from tests.services.invoicing.bills import use
from tests.services.lives import begin_life
from tests.services.purchases.till import Till
from tests.services.purchases.topping_up import (
    HOUR,
    add_rule,
    end_charge,
    last,
    look,
    save_method,
    status_of,
    tell_again,
    tries,
)
from tests.services.shop import Shop

JANUARY = datetime(2025, 1, 1, tzinfo=UTC)


def test_lago_6177_one_charge_closes_the_whole_gap_in_whole_steps(till: Till) -> None:
    """Many charges instead of one, and money compared with credits: lago-api 6177."""
    save_method(till)
    add_rule(till)
    look(till)

    assert tries(till) == [(TopUpStatus.OPEN, Decimal(120))]
    end_charge(till, succeeds=True)
    assert tries(till) == [(TopUpStatus.SUCCEEDED, Decimal(120))]
    assert till.purse.balance().available == 120


def test_what_lowers_credit_below_the_threshold_asks_for_more(till: Till) -> None:
    save_method(till)
    till.purse.grant("130")
    add_rule(till)
    look(till)
    assert tries(till) == []

    till.purse.hold("31")
    look(till)

    assert tries(till) == [(TopUpStatus.OPEN, Decimal(40))]


def test_one_is_open_at_a_time_however_often_somebody_looks(till: Till) -> None:
    save_method(till)
    rule = add_rule(till)
    for _ in range(3):
        till.purse.shop.do(top_ups.consider, rule.id)

    assert len(tries(till)) == 1


def test_akash_3756_declines_wait_an_hour_then_a_day_and_then_the_rule_is_off(till: Till) -> None:
    """A card that is never approved, each try under a new key: akash 3756."""
    save_method(till)
    rule = add_rule(till)
    look(till)
    end_charge(till, succeeds=False)
    assert status_of(till, last(till).invoice_id) == InvoiceStatus.VOID

    look(till, now=BEGIN + HOUR - timedelta(seconds=1))
    assert len(tries(till)) == 1
    look(till, now=BEGIN + HOUR)
    assert len(tries(till)) == 2
    end_charge(till, succeeds=False, now=BEGIN + HOUR)
    look(till, now=BEGIN + 2 * HOUR)
    assert len(tries(till)) == 2
    look(till, now=BEGIN + 25 * HOUR)
    end_charge(till, succeeds=False, now=BEGIN + 25 * HOUR)

    look(till, now=BEGIN + 9 * DAY)
    till.purse.shop.do(top_ups.consider, rule.id, now=BEGIN + 10 * DAY)
    assert tries(till) == [(TopUpStatus.FAILED, Decimal(120))] * 3
    assert till.purse.balance(now=BEGIN + 10 * DAY).available == 0
    [found] = till.purse.shop.read(
        partial(rules.list_rules, offset=0, limit=9), till.purse.customer_id
    )[0]
    assert (found.enabled, found.disabled_because) == (False, "declined")


def test_caps_count_failed_tries_and_are_never_passed(till: Till) -> None:
    save_method(till)
    rule = add_rule(till, max_count=PerWindow(day=Decimal(1), month=Decimal(2)))
    look(till)
    end_charge(till, succeeds=False)

    till.purse.shop.do(top_ups.consider, rule.id, now=BEGIN + 2 * HOUR)
    assert len(tries(till)) == 1
    till.purse.shop.do(top_ups.consider, rule.id, now=BEGIN + DAY)
    assert len(tries(till)) == 2
    end_charge(till, succeeds=True, now=BEGIN + DAY)
    till.purse.settle(till.purse.hold("120", now=BEGIN + DAY).id, "120", now=BEGIN + DAY)
    till.purse.shop.do(top_ups.consider, rule.id, now=BEGIN + 5 * DAY)
    assert len(tries(till)) == 2


def test_an_amount_is_cut_to_the_steps_that_its_caps_leave(till: Till) -> None:
    save_method(till)
    add_rule(till, max_amount=PerWindow(day=Decimal(100), month=Decimal(4000)))
    look(till)

    assert tries(till) == [(TopUpStatus.OPEN, Decimal(80))]


def test_nobody_is_charged_without_a_saved_method(till: Till) -> None:
    add_rule(till)
    look(till)

    assert tries(till) == []


def test_lago_3703_a_top_up_that_somebody_voids_has_failed_and_is_not_credited_again(
    till: Till,
) -> None:
    save_method(till)
    add_rule(till)
    look(till)

    till.change(last(till).invoice_id, InvoiceStatus.VOID)

    assert tries(till) == [(TopUpStatus.FAILED, Decimal(120))]
    assert till.purse.balance().available == 0


def test_recurso_005_a_charge_that_is_told_twice_grants_once(till: Till) -> None:
    """The charge was de-duplicated by the gateway's key, the credit was not: recurso BUG-005."""
    save_method(till)
    add_rule(till)
    look(till)
    end_charge(till, succeeds=True)

    tell_again(till)
    look(till)

    assert till.purse.movements() == [("granted", Decimal(120))]
    assert tries(till) == [(TopUpStatus.SUCCEEDED, Decimal(120))]


def test_a_rule_is_switched_off_and_on_by_somebody(till: Till) -> None:
    save_method(till)
    rule = add_rule(till)
    switch = partial(rules.switch, asked_from="203.0.113.7")
    switch_off = partial(switch, is_enabled=False)
    till.purse.shop.do(switch_off, till.purse.customer_id, rule.id)
    look(till)
    assert tries(till) == []

    on = till.purse.shop.do(
        partial(switch, is_enabled=True), till.purse.customer_id, rule.id, now=BEGIN + HOUR
    )
    look(till, now=BEGIN + HOUR)

    assert (on.enabled_at, on.enabled_from) == (BEGIN + HOUR, "203.0.113.7")
    assert len(tries(till)) == 1


def test_a_wallet_has_one_rule_that_is_on(till: Till) -> None:
    add_rule(till)

    with pytest.raises(Conflict) as refused:
        add_rule(till)

    assert refused.value.code == "top_up_rule_exists"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"threshold": Decimal(-1)}, "threshold"),
        ({"threshold": Decimal("0.001")}, "threshold"),
        ({"step": Decimal(0)}, "step"),
        ({"target": Decimal(99)}, "target"),
        ({"price": None}, "price"),
        ({"unit": "USD"}, "price"),
        ({"max_count": PerWindow(day=Decimal(0), month=Decimal(1))}, "max_count.day"),
        ({"max_count": PerWindow(day=Decimal(1), month=Decimal(1001))}, "max_count.month"),
        ({"max_amount": PerWindow(day=Decimal(39), month=Decimal(90))}, "max_amount.day"),
        ({"price": Price(amount=Decimal("0.0001"), currency="USD")}, "step"),
    ],
)
def test_a_rule_that_makes_no_sense_names_its_field(
    till: Till, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        add_rule(till, **changes)

    assert refused.value.field == field


def test_usage_that_is_not_billed_yet_is_found_by_the_hourly_check(shop: Shop) -> None:
    life = begin_life(shop)
    customer_id = life.row().customer_id
    till = Till(purse=Purse(shop=shop, customer_id=customer_id))
    free = NewGrant(unit="USD", amount=Decimal(100), effective_at=JANUARY)
    shop.do(grants.grant_free, customer_id, free)
    save_method(till)
    add_rule(till, unit="USD", price=None)
    look(till)
    assert tries(till) == []

    use(life, (1, "50"))
    look(till)
    assert tries(till) == []
    shop.do(look_after)
    look(till)

    assert [status for status, _ in tries(till)] == [TopUpStatus.OPEN]
