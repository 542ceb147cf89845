"""What supposed quantities cost by a plan: as it is, as it was, or as an edit would leave it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.invoices import InvoiceTotals, assemble_invoice
from billing.invoicing.taxes import Address
from billing.money import find_currency
from billing.periods import Anchor, Period, local_date, period, start_of_day
from billing.rating.engines import ENGINE_VERSION
from billing.rating.frozen_usage import FrozenUsage, rate
from billing.rating.proration import WHOLE
from billing.rating.supposed import Supposed, suppose_usage
from billing.rating.terms import PlanTerms
from models.catalog.plans import Plan
from models.customers import Customer
from repositories import customers as stored_customers
from repositories.accounts import organizations as stored_organizations
from repositories.catalog import meters as stored_meters
from repositories.catalog import plans as stored_plans
from services.catalog import versions
from services.estimates.proposals import Proposal, propose_terms
from services.invoicing import composition
from services.invoicing.prepaid.available import Totaling
from services.rating.steps import Rated
from services.required import require_customer, require_meter, require_plan
from services.subscriptions import clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What would this much cost?

    By the ``version`` of the plan, the newest where none is named, or by the newest one with the
    ``proposal``. Commitments of single periods count; with a customer their taxes and coupons do.
    """

    supposed: Sequence[Supposed] = ()
    version: int | None = None
    proposal: Proposal | None = None
    customer_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a whole period would come to. ``version`` is None where an edit is only proposed."""

    plan: Plan
    version: int | None
    span: Period
    totals: InvoiceTotals


def price_plan(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    question: Question,
    *,
    now: datetime,
) -> Estimate:
    """What a whole period that begins today would come to, before credit pays of it.

    Raises NotFound, InvalidInput naming what of the question cannot be.
    """
    plan = require_plan(stored_plans.find_plan(session, organization_id, plan_id))
    customer = _find_customer(session, organization_id, question.customer_id)
    _require_meters(session, organization_id, question.supposed)
    terms = _terms_of(session, plan, question, now=now)
    clock_id = None if customer is None else customer.test_clock_id
    present = clocks.present_of(session, organization_id, clock_id, now=now)
    timezone = stored_organizations.get_organization(session, organization_id).timezone
    rated = _rate(terms, _anchor_at(present, timezone), question.supposed)
    totals = _total(session, terms, rated, customer)
    return Estimate(
        plan=plan,
        version=None if question.proposal is not None else terms.version,
        span=rated.frozen.period,
        totals=totals,
    )


def _find_customer(
    session: Session, organization_id: UUID, customer_id: UUID | None
) -> Customer | None:
    if customer_id is None:
        return None
    found = stored_customers.find_customer(session, organization_id, customer_id)
    return require_customer(found, field="customer_id")


def _require_meters(session: Session, organization_id: UUID, supposed: Sequence[Supposed]) -> None:
    meter_ids = {one.meter_id for one in supposed}
    known = stored_meters.list_meters_by_id(session, organization_id, meter_ids)
    for place, one in enumerate(supposed):
        require_meter(known.get(one.meter_id), field=f"quantities.{place}.meter_id")


def _terms_of(session: Session, plan: Plan, question: Question, *, now: datetime) -> PlanTerms:
    if question.proposal is not None:
        return propose_terms(session, plan, question.proposal, now=now)
    return versions.get_terms(session, plan.organization_id, plan.id, question.version)


def _anchor_at(present: datetime, timezone: str) -> Anchor:
    today = start_of_day(local_date(present, timezone), timezone)
    return Anchor(starts_at=today, timezone=timezone)


def _rate(terms: PlanTerms, anchor: Anchor, supposed: Sequence[Supposed]) -> Rated:
    span = period(anchor, terms.cadence, 0)
    frozen = FrozenUsage(
        plan_id=terms.plan_id,
        plan_version=terms.version,
        period=span,
        share=WHOLE,
        watermark=0,
        usage=suppose_usage(terms, span, anchor, supposed),
        engine=ENGINE_VERSION,
    )
    return Rated(terms=terms, frozen=frozen, lines=rate(terms, frozen))


def _total(
    session: Session, terms: PlanTerms, rated: Rated, customer: Customer | None
) -> InvoiceTotals:
    if customer is None:
        nowhere = Address(country=None, state=None)
        currency = find_currency(terms.currency)
        return assemble_invoice(rated.lines, (), nowhere, currency, terms=rated.terms_of_one)
    asked = Totaling(
        customer=customer,
        lines=rated.lines,
        currency=terms.currency,
        at=rated.frozen.period.ends_at,
        rated=rated,
        terms=rated.terms_of_one,
    )
    [totals] = composition.total_prices(session, [asked])
    return totals
