"""What was asked of the product, in order: the catalogue as it was sold, and every request since.

The model of money reads nothing else. Numbers are decimals as they were sent; names stand for ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from tests.money.model.agreements import Agreed, Commitment

WRITTEN = "written by hand"
"""The one line of an invoice that people wrote, where others name a charge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What a meter makes of its events; ``carries`` is its ``carry_forward``."""

    name: str = "calls"
    aggregation: str = "SUM"
    carries: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A price: for a meter's usage by the JSON of ``pricing``, or ``amount`` a period.

    ``groups`` are prices of their own for what some people used, in their order.
    """

    name: str = "calls"
    meter: str | None = "calls"
    pricing: Mapping[str, object] | None = None
    groups: Mapping[str, Mapping[str, object]] | None = None
    amount: Decimal | None = None
    included: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """A plan's feature on a meter: how much, how often anew, and what happens above it."""

    units: Decimal
    meter: str = "calls"
    resets: str | None = None
    is_soft: bool = True
    waives: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is sold, the oldest charge first."""

    name: str = "payg"
    interval: str = "month"
    charges: tuple[Charge, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    commitment: Commitment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An organization with its settings, one customer on a test clock, meters and plans."""

    at: datetime
    meters: tuple[Meter, ...]
    plans: tuple[Plan, ...]
    late_usage: str = "next_invoice"
    grace_minutes: int = 60
    proration: str = "day"
    places: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """The clock has come to an instant, and all that was due by then has happened."""

    to: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """So many seconds have passed on the wall, and none on the customer's clock."""

    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A usage event was accepted."""

    key: str
    at: datetime
    value: Decimal = Decimal(1)
    meter: str = "calls"
    distinct: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventVoided:
    """An event counts no more."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAmended:
    """An event counts with another value."""

    key: str
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEdited:
    """A plan has other terms, for periods that begin after this (CONTRACT 95)."""

    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed:
    """The customer has a subscription more."""

    subscription: str
    starts_at: datetime
    plan: str = "payg"
    by_calendar: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanged:
    """A subscription is on another plan: from here on, or from its period's end."""

    subscription: str
    plan: str
    at_period_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    """A subscription ends: here, or with its period."""

    subscription: str
    at_period_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """A subscription ends here and nobody sees it any more."""

    subscription: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactivated:
    """A planned end is taken back."""

    subscription: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledEarly:
    """The running period was cut here and what ran was billed (``generate-invoice``)."""

    subscription: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalized:
    """The draft of a period is final before its grace was over."""

    subscription: str
    period: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftDeleted:
    """A period's draft is gone and the period unbilled (CONTRACT 94)."""

    subscription: str
    period: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftEdited:
    """A period's draft says one line of its own instead of what was measured (CONTRACT 72)."""

    subscription: str
    period: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a document says of a charge of some period, besides its own bill.

    ``stands`` is what others still bill of it once the document is void, ``stand`` what they bill
    of all charges of the period.
    """

    period: int
    charge: str
    amount: Decimal
    stands: Decimal = Decimal(0)
    stand: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceVoided:
    """The final invoice of a period, or else the n-th of late usage, is void.

    What it settled is unsettled again, or forgiven for good (CONTRACT 85). ``invoice`` and ``said``
    are seen when it happens: nobody can know beforehand on which document a correction stands.
    """

    subscription: str
    period: int | None = None
    late: int | None = None
    settles_again: bool = True
    invoice: str = ""
    said: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """A period without a valid invoice has a new draft: unbilled before, or reissued."""

    subscription: str
    period: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Part of what a period's invoice says of a charge, or of ``WRITTEN``, was given back by hand.

    The same said again within a minute, on the wall and on the customer's clock, is said once.
    """

    subscription: str
    period: int
    charge: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LateLineNoted:
    """Part of the n-th late line was given back by hand.

    ``line``, its ``invoice``, and of which charges (``said``) are seen when it happens. What is
    said twice within a minute counts once.
    """

    subscription: str
    place: int
    amount: Decimal
    line: str = ""
    invoice: str = ""
    said: tuple[Said, ...] = ()


Request: TypeAlias = (
    Opened
    | Advanced
    | Waited
    | Sent
    | EventVoided
    | EventAmended
    | PlanEdited
    | Subscribed
    | PlanChanged
    | Canceled
    | Deleted
    | Reactivated
    | BilledEarly
    | Agreed
    | Finalized
    | DraftDeleted
    | DraftEdited
    | InvoiceVoided
    | Billed
    | Noted
    | LateLineNoted
)

OnSubscription: TypeAlias = PlanChanged | Canceled | Deleted | Reactivated | BilledEarly
OnBill: TypeAlias = (
    Finalized | DraftDeleted | DraftEdited | InvoiceVoided | Billed | Noted | LateLineNoted
)
