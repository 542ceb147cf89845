"""Stories of seams, each with what the customer owes at its end, worked out by hand."""

from __future__ import annotations

from decimal import Decimal

from tests.money.model.journal import (
    Advanced,
    Allowance,
    Billed,
    Canceled,
    DraftDeleted,
    DraftEdited,
    EventVoided,
    InvoiceVoided,
    LateLineNoted,
    Meter,
    Noted,
    Opened,
    Request,
    Subscribed,
)
from tests.money.stories.examples import START, charge, on, sold, used

FIRST = Subscribed(subscription="first", starts_at=START)
JANUARY, FEBRUARY, MARCH = (Advanced(to=on(month, 28)) for month in (1, 2, 3))
YEARLY = Allowance(units=Decimal(50), resets="year")

Story = tuple[Opened, list[Request], str]

STORIES: dict[str, Story] = {
    "late usage of a subscription that ends": (
        sold(charge("0.01")),
        [
            FIRST,
            FEBRUARY,
            used("late", "50", on(1, 10)),
            Canceled(subscription="first", at_period_end=True),
            Advanced(to=on(3, 2)),
        ],
        "0.50",
    ),
    "late usage that is settled alone": (
        sold(late_usage="credit_note_or_invoice", grace_minutes=0),
        [FIRST, FEBRUARY, used("late", "7", on(1, 10)), Advanced(to=on(2, 28, 2))],
        "7",
    ),
    "level that is carried": (
        sold(meter=Meter(aggregation="LAST", carries=True)),
        [
            FIRST,
            JANUARY,
            used("early", "5", on(1, 5)),
            Advanced(to=on(3, 10)),
            used("late", "9", on(1, 20)),
            Advanced(to=on(4, 2)),
        ],
        "27",
    ),
    "late usage takes the allowance of a later month": (
        sold(allowances=(YEARLY,)),
        [
            FIRST,
            JANUARY,
            used("january", "30", on(1, 5)),
            FEBRUARY,
            used("february", "30", on(2, 5)),
            MARCH,
            used("late", "10", on(1, 20)),
            Advanced(to=on(4, 2)),
        ],
        "20",
    ),
    "voided usage gives the allowance to a later month": (
        sold(allowances=(YEARLY,)),
        [
            FIRST,
            JANUARY,
            used("january", "30", on(1, 5)),
            FEBRUARY,
            used("february", "30", on(2, 5)),
            MARCH,
            EventVoided(key="january"),
            Advanced(to=on(4, 2)),
        ],
        "0",
    ),
    "credit of one subscription pays for the next": (
        sold(),
        [
            FIRST,
            JANUARY,
            used("first", "100", on(1, 5)),
            Advanced(to=on(2, 2)),
            EventVoided(key="first"),
            Canceled(subscription="first"),
            Subscribed(subscription="second", starts_at=on(2, 2)),
            FEBRUARY,
            used("again", "130", on(2, 3)),
            Advanced(to=on(3, 3)),
        ],
        "130",
    ),
    "note by hand before a correction": (
        sold(),
        [
            FIRST,
            JANUARY,
            used("all", "100", on(1, 5)),
            Advanced(to=on(2, 2)),
            Noted(subscription="first", period=0, charge="calls", amount=Decimal(80)),
            EventVoided(key="all"),
            Advanced(to=on(3, 2)),
        ],
        "0",
    ),
    "late line of an invoice that is void": (
        sold(charge("0.01")),
        [
            FIRST,
            FEBRUARY,
            used("late", "50", on(1, 10)),
            used("february", "100", on(2, 10)),
            Advanced(to=on(3, 2)),
            InvoiceVoided(subscription="first", period=1),
            Advanced(to=on(4, 2)),
        ],
        "0.50",
    ),
    "void invoice that is issued again after another late event": (
        sold(),
        [
            FIRST,
            JANUARY,
            used("all", "100", on(1, 5)),
            Advanced(to=on(2, 2)),
            used("late", "10", on(1, 6)),
            Advanced(to=on(3, 2)),
            InvoiceVoided(subscription="first", period=0),
            Advanced(to=on(4, 2)),
            used("later", "5", on(1, 7)),
            Billed(subscription="first", period=0),
            Advanced(to=on(5, 2)),
        ],
        "115",
    ),
    "draft that is deleted and made again": (
        sold(),
        [
            FIRST,
            JANUARY,
            used("all", "5", on(1, 5)),
            Advanced(to=on(2, 1)),
            DraftDeleted(subscription="first", period=0),
            used("late", "3", on(1, 6)),
            Advanced(to=on(3, 2)),
            Billed(subscription="first", period=0),
            Advanced(to=on(3, 4)),
        ],
        "8",
    ),
    "note on a late line of a month that is issued again": (
        sold(),
        [
            FIRST,
            JANUARY,
            used("all", "100", on(1, 5)),
            Advanced(to=on(2, 2)),
            used("late", "5", on(1, 6)),
            Advanced(to=on(3, 2)),
            LateLineNoted(subscription="first", place=0, amount=Decimal(5)),
            InvoiceVoided(subscription="first", period=0),
            Billed(subscription="first", period=0),
            Advanced(to=on(4, 2)),
        ],
        "100",
    ),
    "draft that people wrote anew": (
        sold(),
        [
            FIRST,
            JANUARY,
            used("all", "100", on(1, 5)),
            Advanced(to=on(2, 1)),
            DraftEdited(subscription="first", period=0, amount=Decimal(70)),
            used("in_grace", "5", on(1, 6)),
            Advanced(to=on(3, 2)),
        ],
        "75",
    ),
    "credit that a void invoice had taken": (
        sold(),
        [
            FIRST,
            JANUARY,
            used("all", "100", on(1, 5)),
            Advanced(to=on(2, 2)),
            EventVoided(key="all"),
            FEBRUARY,
            Advanced(to=on(3, 2)),
            used("march", "130", on(3, 1, 5)),
            Advanced(to=on(4, 2)),
            InvoiceVoided(subscription="first", period=2),
            used("april", "200", on(4, 1, 5)),
            Advanced(to=on(5, 2)),
        ],
        "200",
    ),
}
