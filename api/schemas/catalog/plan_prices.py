"""What quantities cost by a plan, on the wire."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.catalog.plans import ProposedCharge
from api.schemas.common import Count, Moment, Money, NotNegative, Schema, View, Words
from api.schemas.discounts.invoice_coupons import InvoiceCouponView, view_discounts
from api.schemas.invoicing.lines import (
    InvoiceTaxView,
    PreviewLineView,
    view_preview_line,
    view_tax,
)
from api.schemas.invoicing.proofs import CalculationStepView, view_step
from billing.errors import InvalidInput
from billing.identifiers import MeterId
from billing.invoicing.explanations import Deducted, explain_line
from billing.invoicing.invoices import InvoiceLine
from billing.invoicing.taxes import TaxStatus
from billing.rating.groups import MOST_PROPERTIES
from billing.rating.supposed import Supposed
from services.estimates.prices import Estimate, Question
from services.estimates.proposals import Proposal

MOST_CHARGES = 50
MOST_QUANTITIES = 500
MOST_EVENTS = 10**15


class PlanProposal(Schema):
    """An edit of a plan's charges that is not made: what would be added, and what deactivated."""

    add: Annotated[list[ProposedCharge], Field(max_length=MOST_CHARGES)] = Field(
        default_factory=list
    )
    """The charges that would be added, each as `POST /plans/{id}/charges` takes it."""
    deactivate: Annotated[list[UUID], Field(max_length=MOST_CHARGES)] = Field(default_factory=list)
    """The ids of the charges that would be deactivated. A new price of a charge is one that is
    added, and the old one deactivated."""

    def proposal(self) -> Proposal:
        """The edit that the body stands for."""
        return Proposal(
            add=tuple(one.command() for one in self.add), deactivate=tuple(self.deactivate)
        )


class SupposedQuantity(Schema):
    """How much of a meter would be used in a period."""

    meter_id: UUID
    """The meter."""
    quantity: NotNegative
    """What the meter's aggregation would come to, in the unit of the meter."""
    events: Annotated[Count, Field(ge=0, le=MOST_EVENTS)] | None = None
    """How many events that would be, for prices with a fee an event. By default as many as a COUNT
    counts, and one of every other meter."""
    properties: Annotated[
        dict[Words, Words], Field(max_length=10 * MOST_PROPERTIES, examples=[{"model": "large"}])
    ] = Field(default_factory=dict)
    """What these events say of themselves, by the names that a charge with `group_by` prices by.
    Values that no price is named for, and events without any, have its default price."""

    def supposed(self) -> Supposed:
        """The usage that the body stands for."""
        return Supposed(
            meter_id=MeterId(self.meter_id),
            quantity=self.quantity,
            event_count=self.events,
            properties=self.properties,
        )


class PriceRequest(Schema):
    """What would this much cost?"""

    quantities: Annotated[list[SupposedQuantity], Field(max_length=MOST_QUANTITIES)] = Field(
        default_factory=list
    )
    """How much would be used; of a meter that is left out nothing. Of a SUM or COUNT meter there
    may be several, with other properties each."""
    version: Annotated[Count, Field(ge=1, le=2**31 - 1)] | None = None
    """The version of the plan to price by, by default the newest."""
    edit: PlanProposal | None = None
    """An edit of the newest version, to price by what it would leave."""
    customer_id: UUID | None = None
    """The customer whose taxes and coupons count; without one neither does."""

    def question(self) -> Question:
        """The question that the body stands for. Raises InvalidInput."""
        if self.version is not None and self.edit is not None:
            raise InvalidInput("An edit is of the newest version.", field="version")
        return Question(
            supposed=tuple(one.supposed() for one in self.quantities),
            version=self.version,
            proposal=None if self.edit is None else self.edit.proposal(),
            customer_id=self.customer_id,
        )


class EstimatedLineView(PreviewLineView):
    """A line that would be billed, with how it is computed."""

    steps: list[CalculationStepView]
    """From the quantity to the rounded amount, in order."""


class PriceView(View):
    """What a whole period would come to. Nothing is stored, and no credit pays of it."""

    plan_id: UUID
    """The plan."""
    version: int | None
    """The version that it is priced by; null for an edit that is not made."""
    currency: str
    period_start: Moment
    """The begin of the period that is priced, today in the organization's zone."""
    period_end: Moment
    """The end of the period that is priced, itself excluded."""
    lines: list[EstimatedLineView]
    """What would be billed, in the order of the plan's charges."""
    subtotal: Money
    """What the lines come to, without taxes."""
    coupons_total: Money
    """What the customer's coupons take off the lines; it is not in the total."""
    coupons: list[InvoiceCouponView]
    """What each coupon takes off which line, in their order."""
    tax: Money
    """The tax of all rates; 0 where no customer is named."""
    tax_status: TaxStatus | None
    """Whether tax was computed, and if not why; null where no customer is named."""
    taxes: list[InvoiceTaxView]
    """The tax by rate."""
    total: Money
    """What the period would cost: the lines less `coupons_total`, with tax."""


def view_price(estimate: Estimate, *, has_customer: bool) -> PriceView:
    """The price as the API shows it."""
    totals, coupons = estimate.totals, defaultdict[int, list[tuple[str, Decimal]]](list)
    for one in totals.discounts:
        for share in one.lines:
            coupons[share.position].append((one.code, share.amount))
    return PriceView(
        plan_id=estimate.plan.id,
        version=estimate.version,
        currency=totals.currency,
        period_start=estimate.span.starts_at,
        period_end=estimate.span.ends_at,
        lines=[_view_line(one, coupons[place]) for place, one in enumerate(totals.lines)],
        subtotal=totals.subtotal,
        coupons_total=totals.coupons_total,
        coupons=view_discounts(totals.discounts),
        tax=totals.tax,
        tax_status=totals.tax_status if has_customer else None,
        taxes=[view_tax(one) for one in totals.taxes],
        total=totals.total,
    )


def _view_line(billed: InvoiceLine, coupons: Sequence[tuple[str, Decimal]]) -> EstimatedLineView:
    steps = [view_step(one) for one in explain_line(billed, Deducted(coupons=coupons))]
    return EstimatedLineView(**dict(view_preview_line(billed)), steps=steps)
