"""Periods that are billed as they run: what each invoice bills, and what the last one takes off.

*Source: CREDITS 24.*
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from billing.errors import BillingError
from billing.metering.aggregations import Aggregation
from billing.money import plain_text
from services.invoicing import previews
from services.invoicing.threshold import amounts
from services.lifecycle import bill_now, changes, plan_changes
from tests.services.invoicing.bills import (
    ELEVENTH,
    GRACE_OVER,
    invoices_of,
    pass_to,
    use,
)
from tests.services.invoicing.prepaid.drawn import FIFTEENTH
from tests.services.invoicing.threshold.stepped import (
    begin_stepped,
    kinds,
    look,
    require_sound,
    shown,
)
from tests.services.lives import begin_life
from tests.services.shop import NOW, Shop

TIERS: dict[str, Any] = {
    "pricing": {
        "model": "graduated",
        "tiers": [
            {"up_to": 10, "unit_price": Decimal(5)},
            {"up_to": None, "unit_price": Decimal(1)},
        ],
    }
}


def test_what_is_unbilled_is_billed_at_once_and_the_last_bill_takes_it_off(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"))

    invoice = look(life)
    assert invoice is not None
    assert (invoice.kind, invoice.status, invoice.revision) == ("threshold", "OPEN", -1)
    use(life, (20, "15"))
    assert look(life) is None
    pass_to(life, GRACE_OVER)

    assert kinds(life)[:2] == [("threshold", "60"), ("period", "15")]
    [last, *_] = invoices_of(life)
    assert shown(life, last) == [("usage", "75"), ("invoiced_before", "-60")]
    require_sound(life)


def test_less_than_the_threshold_is_billed_as_the_period_ends(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (5, "49.99"))

    assert look(life) is None
    pass_to(life, GRACE_OVER)

    assert kinds(life)[:1] == [("period", "49.99")]


def test_nobody_is_billed_as_it_runs_who_did_not_ask(shop: Shop) -> None:
    life = begin_life(shop)
    use(life, (5, "60"))

    assert look(life) is None


def test_tiers_go_on_where_the_invoice_before_stopped(shop: Shop) -> None:
    life = begin_stepped(shop, "30", TIERS)
    use(life, (5, "8"))
    look(life)
    use(life, (9, "32"))
    look(life)
    pass_to(life, GRACE_OVER)

    # 8 at 5; then 2 at 5 and 30 at 1, where tiers that began anew would bill 10 at 5 again.
    assert kinds(life)[:3] == [("threshold", "40"), ("threshold", "40"), ("period", "0")]
    assert shown(life, life.invoices()[1]) == [("usage", "80"), ("invoiced_before", "-40")]
    require_sound(life)


def test_what_is_included_is_used_up_first(shop: Shop) -> None:
    life = begin_stepped(shop, "10", {"unit_price": Decimal(1), "included_units": Decimal(100)})
    use(life, (5, "105"))
    assert look(life) is None
    use(life, (6, "10"))

    look(life)
    pass_to(life, GRACE_OVER)

    assert kinds(life)[:2] == [("threshold", "15"), ("period", "0")]
    require_sound(life)


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ({"minimum": Decimal(200)}, [("threshold", "60"), ("period", "140")]),
        ({"maximum": Decimal(50)}, [("threshold", "50"), ("period", "0")]),
    ],
)
def test_a_minimum_is_owed_at_the_end_and_a_maximum_holds_from_the_start(
    shop: Shop, bound: dict[str, Decimal], expected: list[tuple[str, str]]
) -> None:
    life = begin_stepped(shop, charge={"unit_price": Decimal(1), **bound})
    use(life, (5, "60"))

    look(life)
    pass_to(life, GRACE_OVER)

    assert kinds(life)[:2] == expected
    require_sound(life)


@pytest.mark.parametrize(
    ("aggregation", "carries"), [(Aggregation.WEIGHTED_SUM, False), (Aggregation.LAST, True)]
)
def test_time_that_has_not_been_yet_is_not_billed(
    shop: Shop, aggregation: Aggregation, carries: bool
) -> None:
    life = begin_stepped(shop, aggregation=aggregation, carry_forward=carries)
    use(life, (5, "600"))

    assert look(life) is None


def test_a_preview_takes_off_what_was_invoiced(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"))
    look(life)
    use(life, (6, "10"))

    preview = shop.read(previews.preview_invoice, life.subscription_id, at=None)

    assert plain_text(preview.totals.total) == "10"


def test_a_bill_in_the_middle_takes_off_what_was_invoiced_of_its_part(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"))
    look(life)
    use(life, (6, "7"))
    pass_to(life, ELEVENTH)
    life.do(bill_now.generate_invoices, now=NOW)
    life.catch_up()
    use(life, (20, "55"))
    look(life)
    pass_to(life, GRACE_OVER)

    assert [plain_text(one.total) for one in life.invoices()][:4] == ["60", "7", "55", "0"]
    require_sound(life)


def test_another_plan_begins_at_nothing_and_what_ran_takes_off_the_rest(
    shop: Shop,
) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"))
    look(life)
    use(life, (6, "7"))
    pass_to(life, ELEVENTH)
    dearer = shop.add_plan(lookup_id="dearer")
    shop.add_usage_charge(dearer, life.meter_id(), unit_price=Decimal(2))

    life.do(partial(plan_changes.change_plan, at_period_end=False), dearer.id, now=NOW)
    life.catch_up()
    use(life, (20, "30"))
    assert look(life) is not None
    pass_to(life, GRACE_OVER)

    assert [plain_text(one.total) for one in life.invoices()][:4] == ["60", "7", "60", "0"]
    require_sound(life)


def test_an_end_at_once_takes_off_what_was_invoiced(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"))
    look(life)
    use(life, (6, "7"))
    pass_to(life, ELEVENTH)

    life.do(partial(changes.cancel_subscription, at_period_end=False), now=NOW)
    life.catch_up()
    pass_to(life, GRACE_OVER)

    assert kinds(life) == [("threshold", "60"), ("period", "7")]
    assert look(life) is None
    require_sound(life)


def test_nothing_is_billed_while_a_clock_advances(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"))
    life.send_clock(FIFTEENTH)

    assert look(life) is None
    life.catch_up()
    assert look(life) is not None


@pytest.mark.parametrize("amount", ["0", "-1", "10.001"])
def test_a_threshold_is_money(shop: Shop, amount: str) -> None:
    life = begin_life(shop)

    with pytest.raises(BillingError) as refused:
        shop.do(amounts.set_threshold, life.subscription_id, Decimal(amount))

    assert (refused.value.code, refused.value.field) == ("amount_invalid", "threshold_amount")
