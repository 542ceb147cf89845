"""Bills that are exact: means, fees, bounds of periods in parts, and proofs of older rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from billing.invoicing.receipts import from_document, to_document
from billing.metering.aggregations import Aggregation
from billing.rating.frozen_usage import FrozenUsage
from repositories.catalog import meters
from repositories.invoicing import invoices
from repositories.operations import document_checks
from services.invoicing import previews
from services.lifecycle import changes, plan_changes
from tests.services.invoicing.bills import (
    ELEVENTH,
    FEBRUARY,
    GRACE_OVER,
    MAXIMUM,
    MINIMUM,
    TWENTY_FIRST,
    bill_at,
    frozen_of,
    invoices_of,
    mark_changed,
    pass_to,
    require_proven,
    totals,
    use,
)
from tests.services.lives import begin_life
from tests.services.shop import NOW, Shop


def test_a_minimum_that_was_cut_trues_up_in_the_rest(shop: Shop) -> None:
    life = begin_life(shop, charge=MINIMUM)

    bill_at(life, ELEVENTH)
    preview = shop.read(previews.preview_invoice, life.subscription_id, at=None)
    pass_to(life, GRACE_OVER)

    assert totals(life)[:2] == ["32.26", "67.74"]
    assert format(preview.totals.total, "f") == "67.74"
    require_proven(life)


def test_usage_of_the_first_part_counts_for_the_bounds_of_the_last(shop: Shop) -> None:
    life = begin_life(shop, charge=MINIMUM)
    use(life, (5, "80"), (25, "5"))

    bill_at(life, ELEVENTH)
    pass_to(life, GRACE_OVER)

    assert totals(life)[:2] == ["80.00", "20.00"]
    require_proven(life)


def test_a_maximum_of_three_parts_holds_for_all_of_them(shop: Shop) -> None:
    life = begin_life(shop, charge=MAXIMUM)
    use(life, (5, "80"), (15, "10"), (25, "30"))

    bill_at(life, ELEVENTH)
    bill_at(life, TWENTY_FIRST)
    pass_to(life, GRACE_OVER)

    assert totals(life)[:3] == ["32.26", "32.26", "35.48"]
    require_proven(life)


def test_a_canceled_period_owes_its_covered_share(shop: Shop) -> None:
    life = begin_life(shop, charge=MINIMUM)
    pass_to(life, ELEVENTH)

    life.do(changes.cancel_subscription, at_period_end=False, now=NOW)
    life.catch_up()

    assert totals(life) == ["32.26"]
    require_proven(life)


def test_each_plan_is_bounded_for_the_time_that_it_ran(shop: Shop) -> None:
    life = begin_life(shop, charge=MINIMUM)
    other, meter_id = (
        shop.add_plan("other"),
        shop.read(meters.list_meters, offset=0, limit=1)[0][0].id,
    )
    shop.add_usage_charge(other, meter_id, unit_price=Decimal(1), minimum=Decimal(310))
    pass_to(life, ELEVENTH)

    preview = life.do(plan_changes.preview_change, other.id, at_period_end=False, now=NOW)
    life.do(plan_changes.change_plan, other.id, at_period_end=False, now=NOW)
    pass_to(life, GRACE_OVER)

    assert preview is not None
    assert format(preview.total, "f") == "32.26"
    assert totals(life)[:2] == ["32.26", "210.00"]
    require_proven(life)


def test_a_preview_of_a_part_says_what_its_bill_will(shop: Shop) -> None:
    life = begin_life(shop, charge=MINIMUM)
    bill_at(life, ELEVENTH)

    preview = shop.read(previews.preview_invoice, life.subscription_id, at=TWENTY_FIRST)
    bill_at(life, TWENTY_FIRST)

    assert format(preview.totals.total, "f") == totals(life)[1] == "32.26"


def test_late_usage_of_a_part_is_rated_within_its_share(shop: Shop) -> None:
    life = begin_life(shop, charge=MINIMUM)
    bill_at(life, ELEVENTH)
    pass_to(life, ELEVENTH + timedelta(hours=2))
    use(life, (5, "80"), late=True)
    mark_changed(life, datetime(2025, 1, 5, tzinfo=UTC))

    pass_to(life, FEBRUARY)

    # 47.74 more for the first part, 20 for the second: 100 in all.
    assert totals(life) == ["32.26", "67.74"]
    lines = shop.read(invoices.list_lines, [invoices_of(life)[1].id])
    assert [format(one.line_total, "f") for one in lines] == ["20.00", "47.74"]
    require_proven(life)


def test_an_average_is_rounded_with_its_line(shop: Shop) -> None:
    life = begin_life(shop, aggregation=Aggregation.AVG, charge={"unit_price": Decimal("0.015")})
    use(life, (2, "1"), (3, "0"), (4, "0"))

    pass_to(life, GRACE_OVER)

    (line,) = shop.read(invoices.list_lines, [invoices_of(life)[0].id])
    assert (totals(life)[0], line.exact_amount) == ("0.01", Decimal("0.005"))
    assert line.quantity == Decimal("0." + "3" * 40)
    assert from_document(FrozenUsage, to_document(frozen_of(life, 0))) == frozen_of(life, 0)
    require_proven(life)


def test_amounts_whose_digits_never_end_contradict_nothing(shop: Shop) -> None:
    life = begin_life(shop, aggregation=Aggregation.AVG, charge={"unit_price": Decimal(1)})
    use(life, (2, "1"), (3, "0"), (4, "0"))

    pass_to(life, GRACE_OVER)

    assert totals(life)[0] == "0.33"
    assert shop.read(document_checks.list_contradictions) == []


def test_every_event_of_a_percentage_carries_its_fee(shop: Shop) -> None:
    rate = {"model": "percentage", "rate": Decimal("0.01"), "fixed_fee": Decimal("0.50")}
    life = begin_life(shop, charge={"pricing": rate, "included_units": Decimal(100)})
    use(life, (2, "50"), (3, "50"))

    pass_to(life, GRACE_OVER)

    assert totals(life)[0] == "1.00"
