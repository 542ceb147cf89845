"""Rules that top credit up, and their tries, on the wire (docs/concepts/credits.md)."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal
from uuid import UUID

from api.schemas.common import (
    Count,
    Exact,
    Flag,
    Moment,
    NotNegative,
    Schema,
    View,
    Words,
)
from billing.credits.top_ups import PerWindow, Price, TopUpStatus
from models.credits.top_ups import CreditTopUp, CreditTopUpRule
from services.credits.top_ups import NewRule


class TopUpCountCreate(Schema):
    """How many tries there are at most, failed ones included."""

    day: Count
    """In a local day of the organization's zone."""
    month: Count
    """In a local month of the organization's zone."""


class TopUpAmountCreate(Schema):
    """How much is bought at most, failed tries included."""

    day: NotNegative
    """In a local day of the organization's zone, in the unit."""
    month: NotNegative
    """In a local month of the organization's zone, in the unit."""


class TopUpPriceCreate(Schema):
    """What one of an organization's own unit costs."""

    amount: NotNegative
    """How much one costs, in major units of the currency."""
    currency: Words
    """In which currency: its ISO 4217 code."""


class TopUpRuleCreate(Schema):
    """When credit is bought by itself, and how much at most."""

    unit: Words
    """What is topped up: the code of a unit, or a currency."""
    threshold: NotNegative
    """Credit is bought once less than this is available, in the unit."""
    step: NotNegative
    """Whole steps of this are bought, in the unit."""
    target: NotNegative | None = None
    """How much there is to be afterwards, in the unit; absent for the threshold."""
    max_count: TopUpCountCreate
    """How often at most."""
    max_amount: TopUpAmountCreate
    """How much at most; of a gap that is larger, as many whole steps are bought as fit."""
    price: TopUpPriceCreate | None = None
    """What one of your own unit costs; absent for a currency, which costs what it is worth."""

    def command(self, *, asked_from: str) -> NewRule:
        """The command that the body stands for."""
        counts, amounts, price = self.max_count, self.max_amount, self.price
        return self.fill(
            NewRule,
            max_count=PerWindow(day=Decimal(counts.day), month=Decimal(counts.month)),
            max_amount=PerWindow(day=amounts.day, month=amounts.month),
            price=None
            if price is None
            else Price(amount=price.amount, currency=price.currency.upper()),
            asked_from=asked_from,
        )


class TopUpRuleUpdate(Schema):
    """Whether a rule is on."""

    enabled: Flag
    """Whether it buys. Switched on, it begins to count declines anew."""


class TopUpCountView(View, like=(TopUpCountCreate,)):
    """How many tries there are at most, failed ones included."""

    day: int
    month: int


class TopUpAmountView(View, like=(TopUpAmountCreate,)):
    """How much is bought at most, failed tries included."""

    day: Exact
    month: Exact


class TopUpPriceView(View, like=(TopUpPriceCreate,)):
    """What one of an organization's own unit costs."""

    amount: Exact
    currency: str


class TopUpRuleView(View, like=(TopUpRuleCreate,)):
    """When credit is bought by itself, and who wants it so."""

    id: UUID
    customer_id: UUID
    unit: str
    threshold: Exact
    step: Exact
    target: Exact | None
    """How much there is to be afterwards, in the unit; null for the threshold."""
    max_count: TopUpCountView
    """How often at most."""
    max_amount: TopUpAmountView
    """How much at most."""
    price: TopUpPriceView | None
    """What one of your own unit costs; null for a currency."""
    enabled: bool
    """Whether it is on."""
    enabled_by: str
    """Who switched it on last, as the audit log names them."""
    enabled_at: Moment
    """When it was switched on last, by the wall clock."""
    enabled_from: str | None
    """From which address it was switched on last; null where none is known."""
    disabled_at: Moment | None
    """When it was switched off, by the wall clock; null while it is on."""
    disabled_because: Literal["person", "declined"] | None
    """Whether somebody switched it off, or three declines in a row did; null while it is on."""
    created_at: Moment


class TopUpView(View):
    """A try to top credit up."""

    id: UUID
    rule_id: UUID
    """The rule that made it."""
    unit: str
    """What it is counted in."""
    amount: Exact
    """How much it was to bring, in the unit."""
    status: TopUpStatus
    """Whether its end is open, it was paid, or it failed."""
    at: Moment
    """When it was made, by the customer's clock."""
    settled_at: Moment | None
    """When it was paid or failed, by the customer's clock; null while it is open."""
    grant_id: UUID
    """The grant that it buys, which begins once it is paid."""
    invoice_id: UUID
    """The invoice that sells the grant, void if it failed."""


def view_rule(row: CreditTopUpRule) -> TopUpRuleView:
    """The rule as the API shows it."""
    price = None
    if row.price_amount is not None and row.price_currency is not None:
        price = TopUpPriceView(amount=row.price_amount, currency=row.price_currency)
    facts = row.model_dump()
    nested = {"max_count", "max_amount", "price"}
    return TopUpRuleView(
        **{name: facts[name] for name in TopUpRuleView.model_fields if name not in nested},
        max_count=TopUpCountView(day=row.max_count_day, month=row.max_count_month),
        max_amount=TopUpAmountView(day=row.max_amount_day, month=row.max_amount_month),
        price=price,
    )


def view_top_up(row: CreditTopUp) -> TopUpView:
    """The try as the API shows it."""
    return TopUpView.model_validate(row, from_attributes=True)
