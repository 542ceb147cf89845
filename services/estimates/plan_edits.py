"""What an edit of a plan would make of a period that customers have had, or have.

Both sides are rated from the same usage, by the plan as it is and as the edit would leave it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict
from billing.invoicing.invoices import InvoiceTotals
from billing.money import exactly, find_currency
from billing.periods import Period
from billing.rating.terms import PlanTerms
from billing.ratios import add_up, as_decimal
from models.catalog.plans import Plan
from models.customers import Customer
from models.subscriptions.subscriptions import Subscription
from repositories import customers as stored_customers
from repositories.catalog import plans as stored_plans
from repositories.subscriptions import plan_followers
from repositories.subscriptions.plan_followers import Follower, FollowersOf
from services.catalog import versions
from services.catalog.group_prices import is_told_apart
from services.estimates.proposals import Proposal, propose_terms
from services.invoicing import composition
from services.invoicing.prepaid.available import Totaling
from services.rating.frozen_usage import look_at_spans_by
from services.required import require_customer, require_plan
from services.subscriptions.start import span_of

AT_ONCE: Final = 20
"""How many subscriptions are rated between two looks at the time."""


class TriedPeriod(StrEnum):
    """Which period an edit is tried on: the one that runs, so far, or the last that is over."""

    CURRENT = "current"
    LAST = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class EditQuestion:
    """What would the edit change, for whom? Of one customer's subscriptions where one is named."""

    proposal: Proposal
    period: TriedPeriod = TriedPeriod.CURRENT
    customer_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a period of a subscription comes to by the plan as it is, and as the edit leaves it."""

    subscription: Subscription
    customer: Customer
    span: Period
    before: InvoiceTotals
    after: InvoiceTotals

    @property
    @exactly
    def amount(self) -> Decimal:
        """What the customer would pay more; below 0 what they would pay less."""
        return self.after.total - self.before.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Some of the subscriptions that the edit would meet, and how many there are in all.

    ``last`` is the place of the last of them, None where none is left after it.
    """

    plan: Plan
    subscription_count: int
    differences: Sequence[Difference]
    last: UUID | None

    def sum_of(self, amount: Callable[[Difference], Decimal]) -> Decimal:
        """An amount of all these subscriptions together."""
        total = as_decimal(add_up(map(amount, self.differences)))
        return find_currency(self.plan.currency).round(total)


def compare_edit(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    question: EditQuestion,
    *,
    after: UUID = plan_followers.FIRST,
    limit: int,
    has_time: Callable[[], bool],
    now: datetime,
) -> Comparison:
    """What the edit would change for the next subscriptions, as many as there is time for.

    Coupons, taxes and commitments of single periods count, credit and late usage of other periods
    do not. Raises NotFound,
    InvalidInput naming what of the edit cannot be, Conflict ``usage_not_told_apart``.
    """
    plan = require_plan(stored_plans.find_plan(session, organization_id, plan_id))
    _require_customer(session, organization_id, question.customer_id)
    before = versions.build_terms(session, plan)
    proposed = propose_terms(session, plan, question.proposal, now=now)
    _require_told_apart(session, organization_id, proposed)
    which = FollowersOf(
        organization_id=organization_id,
        plan_id=plan_id,
        is_running=question.period is TriedPeriod.CURRENT,
        customer_id=question.customer_id,
    )
    met = plan_followers.list_followers(session, which, after=after, limit=limit + 1)
    differences: list[Difference] = []
    while len(differences) < min(limit, len(met)) and (not differences or has_time()):
        done = len(differences)
        some = met[done : min(done + AT_ONCE, limit)]
        differences += _compare(session, some, before, proposed)
    return Comparison(
        plan=plan,
        subscription_count=plan_followers.count_followers(session, which),
        differences=differences,
        last=differences[-1].subscription.id if len(differences) < len(met) else None,
    )


def _require_customer(session: Session, organization_id: UUID, customer_id: UUID | None) -> None:
    if customer_id is not None:
        found = stored_customers.find_customer(session, organization_id, customer_id)
        require_customer(found, field="customer_id")


def _compare(
    session: Session, met: Sequence[Follower], before: PlanTerms, proposed: PlanTerms
) -> list[Difference]:
    keys = [(subscription.organization_id, subscription.customer_id) for subscription, _ in met]
    known = stored_customers.list_by_key(session, set(keys))
    customers = [known[key] for key in keys]
    totals = [_total(session, met, customers, terms) for terms in (before, proposed)]
    return [
        Difference(
            subscription=subscription,
            customer=customer,
            span=span_of(stored),
            before=old,
            after=new,
        )
        for (subscription, stored), customer, old, new in zip(met, customers, *totals, strict=True)
    ]


def _total(
    session: Session, met: Sequence[Follower], customers: Sequence[Customer], terms: PlanTerms
) -> list[InvoiceTotals]:
    spans = [(subscription, stored, span_of(stored)) for subscription, stored in met]
    asked = [
        Totaling(
            customer=customer,
            lines=rated.lines,
            currency=terms.currency,
            at=rated.frozen.period.ends_at,
            rated=rated,
            terms=rated.terms_of_one,
        )
        for customer, rated in zip(customers, look_at_spans_by(session, spans, terms), strict=True)
    ]
    return composition.total_prices(session, asked)


def _require_told_apart(session: Session, organization_id: UUID, terms: PlanTerms) -> None:
    for charge in terms.charges:
        if charge.grouping is None or charge.meter is None:
            continue
        if not is_told_apart(session, organization_id, charge.meter.meter_id, charge.grouping):
            raise Conflict(
                "No charge has told the meter's usage apart by all of these values yet, so what it"
                " was of each is not known. Try quantities of yours with POST /plans/{id}/price.",
                code="usage_not_told_apart",
                field="edit",
            )
