"""What an edit of a plan would change for whom, on the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from api.schemas.catalog.plan_prices import PlanProposal
from api.schemas.common import Moment, Money, Schema, View, any_case
from api.schemas.pages import PartMeta
from api.transport.pagination import write_pair_cursor
from services.estimates.plan_edits import Comparison, Difference, EditQuestion, TriedPeriod


class EditPreviewRequest(Schema):
    """What would this edit change, for whom?"""

    edit: PlanProposal
    """The edit; it is not made."""
    period: Annotated[TriedPeriod, any_case(TriedPeriod)] = TriedPeriod.CURRENT
    """Which period it is tried on: the one that runs, so far (`current`), or the last that is over
    (`last`)."""
    customer_id: UUID | None = None
    """The customer whose subscriptions it is tried on, by default all."""

    def question(self) -> EditQuestion:
        """The question that the body stands for."""
        return EditQuestion(
            proposal=self.edit.proposal(), period=self.period, customer_id=self.customer_id
        )


class EditDifferenceView(View):
    """What the edit would make of a subscription's period."""

    subscription_id: UUID
    """The subscription."""
    customer_id: UUID
    """Whose it is."""
    customer_name: str
    """What the customer is called."""
    external_id: str | None
    """Your id of the customer; null where there is none."""
    period_start: Moment
    """The begin of the period, itself included."""
    period_end: Moment
    """The end of the period, itself excluded."""
    before: Money
    """What the period comes to by the plan as it is, taxes and coupons included."""
    after: Money
    """What it would come to by the plan as the edit leaves it."""
    difference: Money
    """What the customer would pay more; below 0 what they would pay less."""


class EditPreviewView(View):
    """What an edit would change, subscription by subscription. Nothing is stored."""

    plan_id: UUID
    """The plan."""
    currency: str
    period: TriedPeriod
    """Which period the edit is tried on."""
    subscriptions: int
    """How many live subscriptions follow edits of the plan and have such a period, in all."""
    before: Money
    """What those of this part come to by the plan as it is."""
    after: Money
    """What those of this part would come to."""
    difference: Money
    """What those of this part would pay more in all; below 0 what they would pay less."""
    data: list[EditDifferenceView]
    """The subscriptions of this part, in the order of their ids."""
    meta: PartMeta
    """How large the part is at most, and how the list goes on. A part may be shorter, where time
    is up."""


def view_comparison(
    comparison: Comparison, *, period: TriedPeriod, page_size: int
) -> EditPreviewView:
    """The comparison as the API shows it."""
    last, plan = comparison.last, comparison.plan
    cursor = None if last is None else write_pair_cursor(plan.id, last)
    meta: dict[str, Any] = {"page_size": page_size, "next_cursor": cursor}
    return EditPreviewView(
        plan_id=plan.id,
        currency=plan.currency,
        period=period,
        subscriptions=comparison.subscription_count,
        before=comparison.sum_of(lambda one: one.before.total),
        after=comparison.sum_of(lambda one: one.after.total),
        difference=comparison.sum_of(lambda one: one.amount),
        data=[_view(one) for one in comparison.differences],
        meta=PartMeta(**meta),
    )


def _view(one: Difference) -> EditDifferenceView:
    return EditDifferenceView(
        subscription_id=one.subscription.id,
        customer_id=one.customer.id,
        customer_name=one.customer.name,
        external_id=one.customer.external_id,
        period_start=one.span.starts_at,
        period_end=one.span.ends_at,
        before=one.before.total,
        after=one.after.total,
        difference=one.amount,
    )
