"""The model of money says what was worked out by hand, before anything is compared with it.

The rows are those of the list of wrong bills that the model was written for.
"""

from __future__ import annotations

from decimal import Decimal

from tests.money.model.journal import (
    Advanced,
    Allowance,
    Billed,
    BilledEarly,
    Canceled,
    Charge,
    DraftDeleted,
    EventVoided,
    InvoiceVoided,
    Meter,
    Noted,
    Plan,
    PlanChanged,
    PlanEdited,
    Sent,
    Subscribed,
)
from tests.money.stories.examples import START, charge, each, fee, on, sold, total, used

FIRST = Subscribed(subscription="first", starts_at=START)
FEBRUARY, MARCH, APRIL = (Advanced(to=on(month, 2)) for month in (2, 3, 4))


def test_late_usage_is_owed_once_the_subscription_has_ended() -> None:
    late = used("late", "50", on(1, 10))
    ended = Canceled(subscription="first", at_period_end=True)

    assert total(sold(charge("0.01")), FIRST, FEBRUARY, late, ended, MARCH) == Decimal("0.50")


def test_late_usage_is_owed_by_itself() -> None:
    world = sold(late_usage="credit_note_or_invoice", grace_minutes=0)

    assert total(world, FIRST, FEBRUARY, used("late", "7", on(1, 10))) == 7


def test_level_that_is_carried_changes_every_month_after_it() -> None:
    world = sold(meter=Meter(aggregation="LAST", carries=True))
    early = used("early", "5", on(1, 5))

    assert each(
        (world, FIRST, early, MARCH),
        (used("late", "9", on(1, 20)),),
        (APRIL,),
    ) == [10, 18, 27]


def test_late_usage_takes_the_allowance_of_a_later_month() -> None:
    yearly = Allowance(units=Decimal(50), resets="year")
    world = sold(allowances=(yearly,))

    assert each(
        (world, FIRST, used("january", "30", on(1, 5)), used("february", "30", on(2, 5)), MARCH),
        (used("late", "10", on(1, 20)),),
    ) == [10, 20]


def test_voided_usage_gives_the_allowance_to_a_later_month() -> None:
    yearly = Allowance(units=Decimal(50), resets="year")
    world = sold(allowances=(yearly,))

    assert each(
        (world, FIRST, used("january", "30", on(1, 5)), used("february", "30", on(2, 5)), MARCH),
        (EventVoided(key="january"),),
    ) == [10, 0]


def test_credit_of_one_subscription_pays_for_the_next() -> None:
    # The bills are 100 and 30: the credit of 100 is granted by the second subscription's.
    again = Subscribed(subscription="second", starts_at=on(2, 2))

    assert each(
        (sold(), FIRST, used("first", "100", on(1, 5)), FEBRUARY),
        (EventVoided(key="first"), Canceled(subscription="first")),
        (again, used("again", "130", on(2, 2, 1)), Advanced(to=on(3, 3))),
    ) == [100, 0, 130]


def test_note_by_hand_is_not_given_back_again_by_a_correction() -> None:
    note = Noted(subscription="first", period=0, charge="calls", amount=Decimal(80))

    assert each(
        (sold(), FIRST, used("all", "100", on(1, 5)), FEBRUARY),
        (note,),
        (EventVoided(key="all"),),
        (used("more", "90", on(1, 6)),),
    ) == [100, 20, 0, 10]


def test_late_line_of_a_void_invoice_is_owed_again() -> None:
    assert each(
        (sold(charge("0.01")), FIRST, FEBRUARY, used("late", "50", on(1, 10))),
        (used("february", "100", on(2, 10)), MARCH),
        (InvoiceVoided(subscription="first", period=1),),
        (Billed(subscription="first", period=1), Advanced(to=on(3, 3))),
    ) == [Decimal("0.50"), Decimal("1.50"), Decimal("0.50"), Decimal("1.50")]


def test_edit_of_a_plan_spares_the_month_that_runs() -> None:
    world = sold(fee("10"))
    edited = PlanEdited(plan=Plan(charges=(fee("10"), fee("99", "support"))))

    assert each((world, FIRST, Advanced(to=on(1, 15)), edited, FEBRUARY), (MARCH,)) == [10, 119]


def test_parts_of_a_month_share_its_minimum() -> None:
    world = sold(charge(minimum=Decimal(100)))

    assert each(
        (world, FIRST, Advanced(to=on(1, 11)), BilledEarly(subscription="first")),
        (Advanced(to=on(1, 12)),),
        (FEBRUARY,),
    ) == [0, Decimal("32.26"), 100]


def test_last_part_trues_up_to_the_maximum_of_the_whole() -> None:
    world = sold(charge(maximum=Decimal(100)))

    assert each(
        (world, FIRST, used("much", "60", on(1, 5)), Advanced(to=on(1, 11))),
        (BilledEarly(subscription="first"), Advanced(to=on(1, 12))),
        (used("little", "10", on(1, 20)), FEBRUARY),
    ) == [0, Decimal("32.26"), 70]


def test_canceled_month_has_its_share_of_the_minimum() -> None:
    world = sold(charge(minimum=Decimal(100)))
    ended = Canceled(subscription="first")

    assert total(world, FIRST, Advanced(to=on(1, 11)), ended, FEBRUARY) == Decimal("32.26")


def test_each_plan_has_its_share_of_a_month() -> None:
    world = sold(fee("31"))
    dear = Plan(name="dear", charges=(fee("310"),))
    changed = PlanChanged(subscription="first", plan="dear")

    assert total(
        world, PlanEdited(plan=dear), FIRST, Advanced(to=on(1, 11)), changed, FEBRUARY
    ) == Decimal(10 + 210)


def test_month_whose_draft_was_deleted_owes_nothing_until_it_is_billed() -> None:
    draft = Advanced(to=on(2, 1))

    assert each(
        (sold(), FIRST, used("all", "5", on(1, 5)), draft),
        (DraftDeleted(subscription="first", period=0), FEBRUARY),
        (Billed(subscription="first", period=0), Advanced(to=on(2, 3))),
    ) == [0, 0, 5]


def test_ignored_usage_is_what_comes_after_the_bill_is_final() -> None:
    world = sold(late_usage="ignore")

    assert each(
        (world, FIRST, used("in_time", "5", on(1, 5)), Advanced(to=on(2, 1))),
        (used("in_grace", "3", on(1, 6)), FEBRUARY),
        (used("late", "100", on(1, 7)), EventVoided(key="in_time")),
    ) == [0, 8, 8]


def test_average_is_not_rounded_before_its_price() -> None:
    world = sold(charge("0.015"), meter=Meter(aggregation="AVG"))
    values = [used(f"{place}", value, on(1, 5)) for place, value in enumerate("100")]

    assert total(world, FIRST, *values, FEBRUARY) == Decimal("0.01")


def test_fee_of_an_event_is_due_also_where_the_allowance_covers_it() -> None:
    percentage = {"model": "percentage", "rate": "0.01", "fixed_fee": "0.50"}
    world = sold(Charge(pricing=percentage, included=Decimal(100)))
    payments = used("one", "50", on(1, 5)), used("two", "50", on(1, 6))

    assert total(world, FIRST, *payments, FEBRUARY) == 1


def test_mean_of_a_level_is_that_of_its_seconds() -> None:
    # Ten from 11 January on: 21 of 31 days, and from February on the whole month.
    world = sold(meter=Meter(aggregation="WEIGHTED_SUM", carries=True))

    assert each(
        (world, FIRST, Sent(key="up", at=on(1, 11), value=Decimal(10)), FEBRUARY), (MARCH,)
    ) == [Decimal("6.77"), Decimal("16.77")]


def test_weekly_allowance_is_counted_week_by_week() -> None:
    # From 1 January: 8 in the first week, 2 in the second, 6 in the third; 5 a week are free.
    weekly = Allowance(units=Decimal(5), resets="week")
    events = used("a", "8", on(1, 3)), used("b", "2", on(1, 9)), used("c", "6", on(1, 15))

    assert total(sold(allowances=(weekly,)), FIRST, *events, FEBRUARY) == 3 + 0 + 1
