"""Rules that grant credit again and again, on the wire (docs/concepts/credits.md)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field

from api.schemas.common import (
    Count,
    Exact,
    Instant,
    LongWords,
    Moment,
    NotNegative,
    Schema,
    View,
    Words,
    any_case,
)
from api.schemas.credits.grants import (
    CreditDurationCreate,
    CreditDurationView,
    GrantCostCreate,
    GrantCostView,
    GrantRolloverCreate,
    GrantRolloverView,
    GrantScopeCreate,
    GrantScopeView,
)
from billing.credits.grants import DEFAULT_PRIORITY, GrantKind
from billing.money import find_currency
from billing.periods import Interval
from models.credits.grant_rules import CreditGrantRule
from services.credits.recurring.rules import NewGrantRule


def _read_duration(value: Any) -> Any:
    """The word of an interval alone is one of it."""
    return {"interval": value} if isinstance(value, str) else value


Duration = Annotated[CreditDurationCreate, BeforeValidator(_read_duration)]


class GrantRuleCreate(Schema):
    """Credit that is granted again and again. Nothing of it changes later."""

    unit: Words
    """What it is counted in: the code of a unit, or a currency."""
    amount: NotNegative
    """How much is granted each time, in the unit."""
    interval: Duration
    """How long it is from one grant to the next; `"month"` is short for
    `{"interval":"month","count":1}`."""
    anchor: Instant | None = None
    """When the first grant begins, from which all others are counted; absent for now. Give
    the start of the period, or usage before it is not paid."""
    expires_after: Duration | None = None
    """How long each grant lives, said as `interval` is; absent for ever."""
    ends_at: Instant | None = None
    """From when on nothing is granted any more; absent for never."""
    kind: Annotated[GrantKind, any_case(GrantKind)] = GrantKind.FREE
    """Whether it is given, or sold each time by an invoice for its `cost`."""
    cost: GrantCostCreate | None = None
    """What each grant is sold for; absent for free credit."""
    priority: Count = DEFAULT_PRIORITY
    """Which grants pay first: 0 to 100, the lowest first."""
    applies_to: GrantScopeCreate = Field(default_factory=GrantScopeCreate)
    """What the grants pay for; absent for all."""
    rollover: GrantRolloverCreate | None = None
    """What of each grant goes on as it expires; absent for nothing."""
    reason: LongWords | None = None
    """Why it is granted, in your words."""

    def command(self) -> NewGrantRule:
        """The command that the body stands for."""
        after, cost, rollover = self.expires_after, self.cost, self.rollover
        return self.fill(
            NewGrantRule,
            interval=self.interval.value(),
            expires_after=None if after is None else after.value(),
            cost=None if cost is None else cost.value(),
            applies_to=self.applies_to.value(),
            rollover=None if rollover is None else rollover.value(),
        )


class GrantRuleView(View, like=(GrantRuleCreate,)):
    """Credit that is granted again and again, and how far that has come."""

    id: UUID
    customer_id: UUID
    unit: str
    amount: Exact
    interval: CreditDurationView
    """How long it is from one grant to the next."""
    anchor: Moment
    """When the first grant begins, from which all others are counted."""
    timezone: str
    """The zone by whose calendar they are counted: the organization's as the rule was made."""
    expires_after: CreditDurationView | None
    """How long each grant lives; null for ever."""
    ends_at: Moment | None
    """From when on nothing is granted any more; null for never."""
    kind: GrantKind
    """Whether it is given, or sold each time."""
    cost: GrantCostView | None
    """What each grant is sold for, before taxes; null for free credit."""
    priority: int
    applies_to: GrantScopeView
    """What the grants pay for."""
    rollover: GrantRolloverView | None
    """What of each grant goes on as it expires; null for nothing."""
    reason: str | None
    """Why it is granted; null where nobody said."""
    occurrences: int
    """How many of its times are behind it."""
    next_at: Moment | None
    """When the next grant begins; null if there is none."""
    ended_at: Moment | None
    """When the rule was ended before its time; null if it was not."""
    ended_because: str | None
    """`person`, `customer_deleted`, or the code of what kept its credit from being sold; null
    while it goes on."""
    created_at: Moment


def view_grant_rule(row: CreditGrantRule) -> GrantRuleView:
    """The rule as the API shows it."""
    nested = {"interval", "expires_after", "cost", "applies_to", "occurrences"}
    after = cost = None
    if row.expires_interval is not None and row.expires_count is not None:
        after = CreditDurationView(interval=Interval(row.expires_interval), count=row.expires_count)
    if row.cost_currency is not None:
        money = find_currency(row.cost_currency).round(row.cost_amount)
        cost = GrantCostView(amount=money, currency=row.cost_currency)
    return GrantRuleView(
        **{name: getattr(row, name) for name in GrantRuleView.model_fields if name not in nested},
        interval=CreditDurationView(interval=Interval(row.interval), count=row.interval_count),
        expires_after=after,
        cost=cost,
        applies_to=GrantScopeView(meter_ids=row.meter_ids, charge_ids=row.charge_ids),
        occurrences=row.made,
    )
