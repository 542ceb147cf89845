"""Grants of credit on the wire (docs/concepts/credits.md)."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from api.schemas.common import (
    AnyInterval,
    Count,
    Exact,
    Flag,
    Instant,
    LongWords,
    Moment,
    Money,
    NotNegative,
    Schema,
    View,
    Words,
    any_case,
)
from billing.credits.expiry import Rollover
from billing.credits.grants import DEFAULT_PRIORITY, GrantKind, GrantStatus, Scope, Spendable
from billing.credits.purchases import Cost
from billing.identifiers import ChargeId, MeterId
from billing.money import find_currency
from billing.periods import Cadence, Interval
from services.credits.grants import NewGrant
from services.credits.standing import GrantReading
from services.purchases.buying import Terms

CURRENCY: Final = "cost.currency"
SomeIds = Annotated[list[UUID], Field(max_length=100)]


class GrantScopeCreate(Schema):
    """What a grant pays for: lines of these meters or of these charges; all if both are empty."""

    meter_ids: SomeIds = Field(default_factory=list)
    """The meters whose lines it pays for."""
    charge_ids: SomeIds = Field(default_factory=list)
    """The charges whose lines it pays for."""

    def value(self) -> Scope:
        """The scope that the body stands for."""
        return Scope(
            meter_ids=frozenset(MeterId(one) for one in self.meter_ids),
            charge_ids=frozenset(ChargeId(one) for one in self.charge_ids),
        )


class CreditDurationCreate(Schema):
    """How long something lasts, by the calendar of the organization's zone."""

    interval: AnyInterval
    """What is counted."""
    count: Count = 1
    """How many of them."""

    def value(self) -> Cadence:
        """The duration that the body stands for."""
        return Cadence(interval=self.interval, count=self.count)


class GrantRolloverCreate(Schema):
    """What of a grant goes on in a new one as it expires, at most both of its limits."""

    times: Count = 1
    """How often: the new grant rolls over once less."""
    max: NotNegative | None = None
    """The most that goes on, in the unit; absent for no limit."""
    percent: NotNegative | None = None
    """The most that goes on, in percent of what was granted; absent for no limit."""
    expires_after: CreditDurationCreate | None = None
    """How long the new grant lives; absent for ever."""

    def value(self) -> Rollover:
        """The rollover that the body stands for."""
        after = self.expires_after
        lives = None if after is None else after.value()
        return self.fill(Rollover, expires_after=lives, calendar=None)


class GrantCostCreate(Schema):
    """What all of a grant is sold for."""

    amount: NotNegative
    """How much, in major units of the currency; its taxes come on top as on any invoice."""
    currency: Words
    """In which currency: its ISO 4217 code."""

    def value(self) -> Cost:
        """The cost that the body stands for."""
        return Cost(amount=self.amount, currency=find_currency(self.currency, field=CURRENCY).code)


class GrantCreate(Schema):
    """A lot of credit. Nothing of it changes later."""

    unit: Words
    """What it is counted in: the code of a unit, or a currency."""
    amount: NotNegative
    """How much is granted, in the unit."""
    kind: Annotated[GrantKind, any_case(GrantKind)] = GrantKind.FREE
    """Whether it is given, or sold by an invoice for its `cost`."""
    cost: GrantCostCreate | None = None
    """What all of it is sold for; absent for free credit."""
    spendable: Annotated[Spendable, any_case(Spendable)] | None = None
    """From when on credit that is sold can be spent: once its invoice is paid (`on_payment`, also
    where it is absent), or before (`at_once`)."""
    priority: Count = DEFAULT_PRIORITY
    """Which grants pay first: 0 to 100, the lowest first."""
    effective_at: Instant | None = None
    """From when on it can be spent; absent for now."""
    expires_at: Instant | None = None
    """From when on it cannot be spent any more; absent for never."""
    applies_to: GrantScopeCreate = Field(default_factory=GrantScopeCreate)
    """What it pays for; absent for all."""
    rollover: GrantRolloverCreate | None = None
    """What of it goes on as it expires; absent for nothing."""
    reason: LongWords | None = None
    """Why it is granted, in your words."""

    def command(self) -> NewGrant:
        """The command that the body stands for."""
        rollover = self.rollover
        return self.fill(
            NewGrant,
            applies_to=self.applies_to.value(),
            rollover=None if rollover is None else rollover.value(),
        )

    def terms(self) -> Terms:
        """Whether and for what it is sold."""
        cost = None if self.cost is None else self.cost.value()
        return Terms(kind=self.kind, cost=cost, spendable=self.spendable)


class GrantEnd(Schema):
    """How a grant is ended before its time."""

    refund: Flag = False
    """Whether the money of what is left goes back, by a credit note on the invoice that sold it."""


class GrantScopeView(View, like=(GrantScopeCreate,)):
    """What a grant pays for; all if both are empty."""

    meter_ids: list[UUID]
    charge_ids: list[UUID]


class CreditDurationView(View, like=(CreditDurationCreate,)):
    """How long something lasts, by the calendar of the organization's zone."""

    interval: Interval
    count: int


class GrantRolloverView(View, like=(GrantRolloverCreate,)):
    """What of a grant goes on in a new one as it expires."""

    times: int
    max: Exact | None
    """The most that goes on, in the unit; null for no limit."""
    percent: Exact | None
    """The most that goes on, in percent of what was granted; null for no limit."""
    expires_after: CreditDurationView | None
    """How long the new grant lives; null for ever."""


class GrantCostView(View, like=(GrantCostCreate,)):
    """What all of a grant was sold for."""

    amount: Money
    currency: str


class GrantView(View, like=(GrantCreate,)):
    """A lot of credit, as it stands."""

    id: UUID
    customer_id: UUID
    unit: str
    amount: Exact
    rest: Exact
    """What is left of it and can be drawn, in the unit; what is held is not."""
    held: Exact
    """What holds have set aside of it, in the unit."""
    kind: GrantKind
    """Whether it is given, or sold."""
    cost: GrantCostView | None
    """What all of it was sold for, before taxes; null for free credit."""
    spendable: Spendable | None
    """From when on it can be spent, of credit that is sold; null for free credit."""
    invoice_id: UUID | None
    """The invoice that sells it; null for free credit, and for what rolled over."""
    status: GrantStatus
    """How it stands now: not begun, alive, used up, over by its time, or ended before it."""
    priority: int
    effective_at: Moment
    expires_at: Moment | None
    """From when on it cannot be spent any more; null for never."""
    ended_at: Moment | None
    """When it was ended before its time; null if it was not."""
    applies_to: GrantScopeView
    """What it pays for."""
    rollover: GrantRolloverView | None
    """What of it goes on as it expires; null for nothing."""
    rolled_from: UUID | None
    """The grant whose rest it is; null if it is nobody's."""
    rule_id: UUID | None
    """The rule that granted it; null if none did."""
    reason: str | None
    """Why it was granted; null where nobody said."""
    created_at: Moment


def view_grant(reading: GrantReading) -> GrantView:
    """The grant as the API shows it."""
    row = reading.row
    facts: dict[str, Any] = row.model_dump(
        exclude={"organization_id", "sequence", "meter_ids", "charge_ids", "spendable"}
    )
    cost = None
    if row.cost_currency is not None:
        money = find_currency(row.cost_currency).round(row.cost_amount)
        cost = GrantCostView(amount=money, currency=row.cost_currency)
    return GrantView(
        **{name: facts[name] for name in GrantView.model_fields.keys() & facts.keys()},
        rest=reading.rest,
        held=reading.held,
        status=reading.status,
        ended_at=reading.ended_at,
        cost=cost,
        spendable=None if cost is None else Spendable(row.spendable),
        applies_to=GrantScopeView(meter_ids=row.meter_ids, charge_ids=row.charge_ids),
    )
