"""Stories of void invoices whose corrections of other months are forgiven for good.

Each with what the customer owes at its end, worked out by hand. *Source: CONTRACT 85.*
"""

from __future__ import annotations

from decimal import Decimal

from tests.money.model.journal import (
    Advanced,
    Billed,
    EventVoided,
    InvoiceVoided,
    Noted,
)
from tests.money.stories.examples import on, sold, used
from tests.money.stories.seams import FEBRUARY, FIRST, JANUARY, Story

STORIES_OF_FORGIVENESS: dict[str, Story] = {
    "late line that is forgiven, and then its usage voided": (
        sold(),
        [
            FIRST,
            FEBRUARY,
            used("late", "50", on(1, 10)),
            Advanced(to=on(3, 2)),
            InvoiceVoided(subscription="first", period=1, settles_again=False),
            EventVoided(key="late"),
            Advanced(to=on(4, 2)),
        ],
        "0",
    ),
    "late line of a month with more that is forgiven, and then its usage voided": (
        sold(),
        [
            FIRST,
            JANUARY,
            used("all", "100", on(1, 5)),
            Advanced(to=on(2, 2)),
            used("late", "7", on(1, 6)),
            Advanced(to=on(3, 2)),
            InvoiceVoided(subscription="first", period=1, settles_again=False),
            EventVoided(key="late"),
            used("march", "50", on(3, 2)),
            Advanced(to=on(4, 2)),
        ],
        "150",
    ),
    "late line of less that is forgiven, and then the usage sent again": (
        sold(),
        [
            FIRST,
            JANUARY,
            used("all", "100", on(1, 5)),
            used("some", "7", on(1, 6)),
            Advanced(to=on(2, 2)),
            EventVoided(key="some"),
            used("february", "50", on(2, 2)),
            Advanced(to=on(3, 2)),
            InvoiceVoided(subscription="first", period=1, settles_again=False),
            used("again", "9", on(1, 6)),
            Advanced(to=on(4, 2)),
        ],
        "109",
    ),
    "forgiven late line of a month that is issued again": (
        sold(),
        [
            FIRST,
            JANUARY,
            used("all", "100", on(1, 5)),
            Advanced(to=on(2, 2)),
            used("late", "7", on(1, 6)),
            Advanced(to=on(3, 2)),
            InvoiceVoided(subscription="first", period=1, settles_again=False),
            InvoiceVoided(subscription="first", period=0),
            Billed(subscription="first", period=0),
            Advanced(to=on(4, 2)),
        ],
        "100",
    ),
    "late line that is forgiven, and more usage": (
        sold(),
        [
            FIRST,
            FEBRUARY,
            used("late", "50", on(1, 10)),
            Advanced(to=on(3, 2)),
            InvoiceVoided(subscription="first", period=1, settles_again=False),
            used("later", "20", on(1, 11)),
            Advanced(to=on(4, 2)),
        ],
        "20",
    ),
    "month that is forgiven, of which another invoice has a late line": (
        sold(),
        [
            FIRST,
            JANUARY,
            used("all", "100", on(1, 5)),
            Advanced(to=on(2, 2)),
            used("late", "5", on(1, 6)),
            Advanced(to=on(3, 2)),
            InvoiceVoided(subscription="first", period=0, settles_again=False),
            used("march", "50", on(3, 2)),
            Advanced(to=on(4, 2)),
        ],
        "50",
    ),
    "notes on an invoice that is forgiven": (
        sold(),
        [
            FIRST,
            JANUARY,
            used("all", "100", on(1, 5)),
            Advanced(to=on(2, 2)),
            Noted(subscription="first", period=0, charge="calls", amount=Decimal(30)),
            used("late", "10", on(1, 6)),
            InvoiceVoided(subscription="first", period=0, settles_again=False),
            FEBRUARY,
            used("february", "50", on(2, 10)),
            Advanced(to=on(3, 2)),
        ],
        "50",
    ),
    "less of a void month that another invoice took, and it is forgiven": (
        # January is void, February still says 7 less of it, and what March said against that is
        # forgiven: 7 less stays said.
        sold(),
        [
            FIRST,
            JANUARY,
            used("all", "100", on(1, 5)),
            used("some", "7", on(1, 6)),
            Advanced(to=on(2, 2)),
            EventVoided(key="some"),
            used("february", "50", on(2, 2)),
            Advanced(to=on(3, 2)),
            InvoiceVoided(subscription="first", period=0),
            used("march", "20", on(3, 2)),
            Advanced(to=on(4, 2)),
            InvoiceVoided(subscription="first", period=2, settles_again=False),
            used("late", "3", on(1, 7)),
            used("april", "30", on(4, 2)),
            Advanced(to=on(5, 2)),
        ],
        "73",
    ),
}
