"""Stories of what is given back: by hand and by corrections no more than was billed, never twice.

Each with what the customer owes at its end, worked out by hand. *Source: CONTRACT 72, 82.*
"""

from __future__ import annotations

from decimal import Decimal

from tests.money.model.journal import (
    WRITTEN,
    Advanced,
    Billed,
    BilledEarly,
    DraftEdited,
    EventAmended,
    EventVoided,
    InvoiceVoided,
    LateLineNoted,
    Noted,
    Request,
    Subscribed,
    Waited,
)
from tests.money.stories.examples import START, charge, on, sold, used
from tests.money.stories.seams import Story

FIRST = Subscribed(subscription="first", starts_at=START)
USED: list[Request] = [FIRST, Advanced(to=on(1, 28)), used("all", "100", on(1, 5))]
BILLED: list[Request] = [*USED, Advanced(to=on(2, 2))]
REWRITTEN: list[Request] = [
    *USED,
    Advanced(to=on(2, 1)),
    DraftEdited(subscription="first", period=0, amount=Decimal(5)),
    Advanced(to=on(2, 2)),
]
VOID_FEBRUARY = InvoiceVoided(subscription="first", period=1, settles_again=False)
TEN_LATE: list[Request] = [used("late", "10", on(1, 6)), Advanced(to=on(3, 2))]


def given_back(amount: int, charge: str = "calls") -> Noted:
    """So much of January was given back."""
    return Noted(subscription="first", period=0, charge=charge, amount=Decimal(amount))


STORIES_OF_NOTES: dict[str, Story] = {
    "rewritten month whose usage is voided": (
        sold(),
        [*REWRITTEN, EventVoided(key="all"), Advanced(to=on(3, 2))],
        "0",
    ),
    "rewritten month whose usage is voided and comes again": (
        sold(),
        [
            *REWRITTEN,
            EventVoided(key="all"),
            Advanced(to=on(3, 2)),
            used("again", "102", on(1, 6)),
            Advanced(to=on(4, 2)),
        ],
        "7",
    ),
    "rewritten month that is given back, and then its usage voided": (
        sold(),
        [*REWRITTEN, given_back(5, WRITTEN), EventVoided(key="all"), Advanced(to=on(3, 2))],
        "0",
    ),
    "rewritten month that is given back in part, and then its usage voided": (
        sold(),
        [*REWRITTEN, given_back(3, WRITTEN), EventVoided(key="all"), Advanced(to=on(3, 2))],
        "0",
    ),
    "rewritten month whose late line is given back, and a little of its usage amended": (
        sold(),
        [
            *REWRITTEN,
            *TEN_LATE,
            LateLineNoted(subscription="first", place=0, amount=Decimal(10)),
            EventAmended(key="all", value=Decimal(98)),
            Advanced(to=on(4, 2)),
        ],
        "3",
    ),
    "rewritten month whose usage is voided, and the rest of it is not given back": (
        # The usage of 100 is gone, of which people billed 5. Nobody gives the 5 back, and usage
        # stands for what was forgiven until it is more than that.
        sold(),
        [
            *REWRITTEN,
            EventVoided(key="all"),
            used("february", "50", on(2, 2)),
            Advanced(to=on(3, 2)),
            VOID_FEBRUARY,
            used("one", "1", on(1, 7)),
            Advanced(to=on(4, 2)),
            used("more", "103", on(1, 7)),
            Advanced(to=on(5, 2)),
        ],
        "9",
    ),
    "rewritten month with a late line, of which some is not given back": (
        sold(),
        [
            *REWRITTEN,
            used("late", "10", on(1, 6)),
            used("february", "50", on(2, 2)),
            Advanced(to=on(3, 2)),
            EventAmended(key="all", value=Decimal(93)),
            used("march", "50", on(3, 2)),
            Advanced(to=on(4, 2)),
            InvoiceVoided(subscription="first", period=2, settles_again=False),
            EventAmended(key="late", value=Decimal(9)),
            Advanced(to=on(5, 2)),
        ],
        "64",
    ),
    "rewritten month of which something was forgiven, and that is issued again": (
        sold(),
        [
            *REWRITTEN,
            used("late", "10", on(1, 6)),
            used("february", "50", on(2, 2)),
            Advanced(to=on(3, 2)),
            VOID_FEBRUARY,
            InvoiceVoided(subscription="first", period=0),
            Billed(subscription="first", period=0),
            Advanced(to=on(4, 2)),
        ],
        "100",
    ),
    "rewritten part of a month whose usage was voided before it was final, and is ignored": (
        # What people wrote stands for the 100 that were measured; they cover January's minimum.
        sold(charge(minimum=Decimal(31)), late_usage="ignore"),
        [
            FIRST,
            Advanced(to=on(1, 11)),
            used("all", "100", on(1, 5)),
            BilledEarly(subscription="first"),
            EventVoided(key="all"),
            DraftEdited(subscription="first", period=0, amount=Decimal(50)),
            Advanced(to=on(2, 2)),
        ],
        "50",
    ),
    "same note twice at once": (sold(), [*BILLED, given_back(30), given_back(30)], "70"),
    "same note twice, a minute apart on the wall": (
        sold(),
        [*BILLED, given_back(30), Waited(seconds=60), given_back(30)],
        "40",
    ),
    "same note twice, half a minute apart on the wall": (
        sold(),
        [*BILLED, given_back(30), Waited(seconds=30), given_back(30)],
        "70",
    ),
    "same note twice, a minute apart on the customer's clock": (
        sold(),
        [*BILLED, given_back(30), Advanced(to=on(2, 2, minute=1)), given_back(30)],
        "40",
    ),
    "same note again after another": (
        sold(),
        [*BILLED, given_back(30), given_back(20), given_back(30)],
        "50",
    ),
    "same note on a late line twice at once": (
        sold(),
        [
            *BILLED,
            *TEN_LATE,
            LateLineNoted(subscription="first", place=0, amount=Decimal(4)),
            LateLineNoted(subscription="first", place=0, amount=Decimal(4)),
        ],
        "106",
    ),
    "rewritten month whose late line is given back, and then its usage voided": (
        sold(),
        [
            *REWRITTEN,
            *TEN_LATE,
            LateLineNoted(subscription="first", place=0, amount=Decimal(10)),
            EventVoided(key="all"),
            EventVoided(key="late"),
            Advanced(to=on(4, 2)),
        ],
        "0",
    ),
}
