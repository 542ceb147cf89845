"""The first four steps of a bill: usage, quantities, prices, limits; each hands a row over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from billing.errors import NotFound
from billing.invoicing.receipts import from_document
from billing.rating.lines import PricedLine
from billing.rating.periods import enforce_limits as mark_limits
from billing.rating.periods import measure_quantities, price_quantities
from billing.rating.quantities import ChargeQuantity
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.invoicing.steps import StoredRun
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.rating.frozen_usage import (
    FrozenUsage,
    anchor_of_period,
    freeze_span,
    load_frozen,
    measure_again,
    rate,
)
from services.rating.records import (
    EVIDENCE,
    PRICED_LINES,
    QUANTITIES,
    USAGE,
    BillKey,
    find_runs,
    keep,
    load,
)
from services.subscriptions.start import span_of

__all__ = [
    "EVIDENCE",
    "PRICED_LINES",
    "QUANTITIES",
    "USAGE",
    "BillKey",
    "FrozenUsage",
    "StepResult",
    "aggregate_usage",
    "anchor_of_period",
    "enforce_limits",
    "freeze_span",
    "freeze_usage",
    "load",
    "load_frozen",
    "measure_again",
    "price_usage",
    "query_usage",
    "rate",
    "revise_usage",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step left behind: the digest of its row and how many things the row holds."""

    digest: str
    count: int


def query_usage(session: Session, bill: BillKey, *, now: datetime) -> StepResult:
    """The usage of the period is frozen up to a watermark. Idempotent by the bill's key."""
    run = find_runs(session, bill).get(USAGE)
    if run is None:
        frozen = freeze_usage(session, bill)
        run = keep(session, bill, USAGE, frozen, now=now)
    return _result(run, len(from_document(FrozenUsage, run.content).usage))


def aggregate_usage(session: Session, bill: BillKey, *, now: datetime) -> StepResult:
    """What was measured, included and over a limit is known per charge. Idempotent by the key."""

    def compute() -> tuple[ChargeQuantity, ...]:
        frozen, terms = load_frozen(session, bill)
        return measure_quantities(terms, frozen.period, frozen.usage, engine=frozen.engine)

    return _step(session, bill, QUANTITIES, compute, now=now)


def price_usage(session: Session, bill: BillKey, *, now: datetime) -> StepResult:
    """Every charge has a priced, unrounded line. Idempotent by the bill's key."""

    def compute() -> tuple[PricedLine, ...]:
        frozen, terms = load_frozen(session, bill)
        quantities = load(session, bill, QUANTITIES, tuple[ChargeQuantity, ...])
        return price_quantities(terms, frozen.period, quantities, frozen.part)

    return _step(session, bill, PRICED_LINES, compute, now=now)


def enforce_limits(session: Session, bill: BillKey, *, now: datetime) -> StepResult:
    """Lines over a hard limit are marked, or waived if the plan says so. Idempotent by the key."""

    def compute() -> tuple[PricedLine, ...]:
        frozen, terms = load_frozen(session, bill)
        quantities = load(session, bill, QUANTITIES, tuple[ChargeQuantity, ...])
        lines = load(session, bill, PRICED_LINES, tuple[PricedLine, ...])
        return mark_limits(terms, quantities, lines, frozen.part)

    return _step(session, bill, EVIDENCE, compute, now=now)


def revise_usage(session: Session, drafted: BillKey, *, now: datetime) -> BillKey | None:
    """The bill's next revision if events arrived since it was drafted, with its usage frozen.

    It keeps the plan version, the share and the rules that the draft was made with; only usage may
    have come in, its own or that of an earlier part of the same period. The caller holds the
    customer's ingestion lock, so that what arrives later finds the bill final.
    """
    former, terms = load_frozen(session, drafted)
    subscription, stored = _get_bill(session, drafted)
    present = measure_again(session, subscription, stored, former, terms)
    if (present.usage, present.earlier) == (former.usage, former.earlier):
        return None
    revised = replace(drafted, revision=drafted.revision + 1)
    keep(session, revised, USAGE, present, now=now)
    return revised


def freeze_usage(session: Session, bill: BillKey) -> FrozenUsage:
    """Read what the bill is computed from: the plan version of the period, the share, the usage.

    Takes the customer's ingestion lock until the transaction ends (docs/decisions/0010).
    """
    subscription, stored = _get_bill(session, bill)
    return freeze_span(session, subscription, stored, span_of(stored))


def _get_bill(session: Session, bill: BillKey) -> tuple[Subscription, SubscriptionPeriod]:
    subscription = stored_subscriptions.find_subscription(
        session, bill.organization_id, bill.subscription_id
    )
    stored = stored_subscriptions.find_period(
        session, bill.organization_id, bill.subscription_id, bill.period_index
    )
    if subscription is None or stored is None:
        raise NotFound("There is no such period to bill.", code="period_not_found")
    return subscription, stored


def _step(
    session: Session,
    bill: BillKey,
    step: str,
    compute: Callable[[], tuple[object, ...]],
    *,
    now: datetime,
) -> StepResult:
    run = find_runs(session, bill).get(step)
    if run is None:
        run = keep(session, bill, step, compute(), now=now)
    return _result(run, len(run.content))


def _result(run: StoredRun, count: int) -> StepResult:
    return StepResult(digest=run.digest, count=count)
