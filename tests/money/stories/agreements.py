"""Stories of thresholds, add-ons and commitments, with what the customer owes at their end."""

from __future__ import annotations

from decimal import Decimal

from tests.money.model.agreements import (
    AddOnAttached,
    AddOnChanged,
    Commitment,
    Looked,
    StepVoided,
    ThresholdSet,
)
from tests.money.model.journal import (
    Advanced,
    BilledEarly,
    Canceled,
    EventVoided,
    InvoiceVoided,
    PlanEdited,
)
from tests.money.stories.examples import charge, on, sold, used
from tests.money.stories.seams import FIRST, Story

LOOKED = Looked(subscription="first")
STEPPED = ThresholdSet(subscription="first", amount=Decimal(30))
HUNDRED = Commitment(amount=Decimal(100))
QUARTER = Commitment(amount=Decimal(300), periods=3)

STORIES_OF_AGREEMENTS: dict[str, Story] = {
    "tiers do not begin again after a threshold": (
        sold(charge(included=Decimal(20))),
        [
            FIRST,
            STEPPED,
            Advanced(to=on(1, 10)),
            used("all", "60", on(1, 9)),
            LOOKED,
            used("more", "10", on(1, 10)),
            LOOKED,
            Advanced(to=on(2, 2)),
        ],
        "50",
    ),
    "a void threshold invoice is in the last bill": (
        sold(),
        [
            FIRST,
            STEPPED,
            Advanced(to=on(1, 10)),
            used("all", "60", on(1, 9)),
            LOOKED,
            StepVoided(subscription="first", period=0, place=0),
            Advanced(to=on(2, 2)),
        ],
        "60",
    ),
    "usage that was billed as it ran is voided": (
        sold(late_usage="credit_note_or_invoice"),
        [
            FIRST,
            STEPPED,
            Advanced(to=on(1, 10)),
            used("all", "60", on(1, 9)),
            LOOKED,
            Advanced(to=on(2, 2)),
            EventVoided(key="all"),
            Advanced(to=on(2, 3)),
        ],
        "0",
    ),
    "seats that change within a month": (
        sold(),
        [
            FIRST,
            AddOnAttached(
                subscription="first", name="extra", price=Decimal(31), quantity=Decimal(2)
            ),
            Advanced(to=on(1, 11, 9)),
            AddOnChanged(subscription="first", name="extra", quantity=Decimal(3)),
            Advanced(to=on(1, 21)),
            BilledEarly(subscription="first"),
            Advanced(to=on(1, 31, 9)),
            AddOnChanged(subscription="first", name="extra", quantity=Decimal(0)),
            Advanced(to=on(2, 2)),
        ],
        "80",
    ),
    "late usage in a month that lacked some": (
        sold(commitment=HUNDRED),
        [
            FIRST,
            used("all", "60", on(1, 1)),
            Advanced(to=on(2, 10)),
            used("late", "10", on(1, 20)),
            Advanced(to=on(3, 2)),
        ],
        "200",
    ),
    "a corrected true-up goes with the bill that is void": (
        sold(commitment=HUNDRED),
        [
            FIRST,
            used("all", "60", on(1, 1)),
            Advanced(to=on(2, 10)),
            used("late", "10", on(1, 20)),
            Advanced(to=on(3, 2)),
            InvoiceVoided(subscription="first", period=0),
            Advanced(to=on(4, 2)),
        ],
        "200",
    ),
    "a term that an end cuts short": (
        sold(commitment=QUARTER),
        [
            FIRST,
            used("all", "60", on(1, 1)),
            Advanced(to=on(2, 15)),
            Canceled(subscription="first"),
            Advanced(to=on(2, 20)),
        ],
        "150",
    ),
    "another commitment from the next month on": (
        sold(commitment=QUARTER),
        [
            FIRST,
            used("all", "60", on(1, 1)),
            Advanced(to=on(2, 10)),
            PlanEdited(plan=sold(commitment=HUNDRED).plans[0]),
            Advanced(to=on(4, 2)),
        ],
        "300",
    ),
}
