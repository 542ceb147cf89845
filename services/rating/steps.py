"""The first four steps of a bill: usage, quantities, prices, limits; each hands a row over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from billing.errors import NotFound
from billing.rating.frozen_usage import FrozenUsage, rate, with_add_ons
from billing.rating.lines import PricedLine
from billing.rating.periods import enforce_limits as mark_limits
from billing.rating.periods import measure_quantities, price_quantities
from billing.rating.quantities import ChargeQuantity
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.credits.wallets import CustomerKey
from repositories.subscriptions import subscriptions as stored_subscriptions
from repositories.usage import changes as stored_changes
from repositories.usage.changes import CountedWindow
from services.rating.frozen_usage import (
    Billed,
    Rated,
    anchor_of_period,
    freeze_spans,
    load_frozen,
    look_at_span,
    measure_again,
)
from services.rating.records import (
    EVIDENCE,
    PRICED_LINES,
    QUANTITIES,
    USAGE,
    BillKey,
    confirm_runs,
    keep_all,
    know_terms,
    load,
    read_runs,
)
from services.subscriptions.start import span_of

__all__ = [
    "EVIDENCE",
    "PRICED_LINES",
    "QUANTITIES",
    "USAGE",
    "BillKey",
    "Billed",
    "FrozenUsage",
    "Rated",
    "StepResult",
    "aggregate_usage",
    "anchor_of_period",
    "confirm_runs",
    "enforce_limits",
    "freeze_spans",
    "freeze_usage",
    "load",
    "load_frozen",
    "look_at_span",
    "measure_again",
    "price_usage",
    "query_usage",
    "rate",
    "read_runs",
    "revise_usage",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step left behind: the digest of its row and how many things the row holds."""

    digest: str
    count: int


def query_usage(session: Session, bills: Sequence[BillKey], *, now: datetime) -> list[StepResult]:
    """The usage of the periods is frozen up to a watermark. Idempotent by each bill's key."""
    runs = read_runs(session, bills)
    missing = [bill for bill in bills if USAGE not in runs[bill]]
    if missing:
        billed = dict(zip(missing, freeze_usage(session, missing), strict=True))
        keep_all(session, USAGE, {bill: one.frozen for bill, one in billed.items()}, now=now)
        for bill, one in billed.items():
            know_terms(runs[bill][USAGE], one.terms)
    found = [runs[bill][USAGE] for bill in bills]
    return [StepResult(digest=run.digest, count=len(run.content["usage"])) for run in found]


def aggregate_usage(
    session: Session, bills: Sequence[BillKey], *, now: datetime
) -> list[StepResult]:
    """What was measured, included and over a limit is known per charge. Idempotent by the key."""

    def compute(bill: BillKey) -> tuple[ChargeQuantity, ...]:
        frozen, terms = load_frozen(session, bill)
        return measure_quantities(terms, frozen.period, frozen.usage, engine=frozen.engine)

    return _step(session, bills, QUANTITIES, compute, now=now)


def price_usage(session: Session, bills: Sequence[BillKey], *, now: datetime) -> list[StepResult]:
    """Every charge has a priced, unrounded line. Idempotent by each bill's key."""

    def compute(bill: BillKey) -> tuple[PricedLine, ...]:
        frozen, terms = load_frozen(session, bill)
        quantities = load(session, bill, QUANTITIES, tuple[ChargeQuantity, ...])
        return price_quantities(terms, frozen.period, quantities, frozen.part)

    return _step(session, bills, PRICED_LINES, compute, now=now)


def enforce_limits(
    session: Session, bills: Sequence[BillKey], *, now: datetime
) -> list[StepResult]:
    """Lines over a hard limit are marked, or waived if the plan says so; add-ons have theirs.

    Idempotent by the key.
    """

    def compute(bill: BillKey) -> tuple[PricedLine, ...]:
        frozen, terms = load_frozen(session, bill)
        quantities = load(session, bill, QUANTITIES, tuple[ChargeQuantity, ...])
        lines = load(session, bill, PRICED_LINES, tuple[PricedLine, ...])
        enforced = mark_limits(terms, quantities, lines, frozen.part)
        return with_add_ons(terms, frozen, enforced)

    return _step(session, bills, EVIDENCE, compute, now=now)


def revise_usage(
    session: Session,
    drafted: Sequence[BillKey],
    *,
    drawing: Collection[CustomerKey],
    now: datetime,
) -> dict[BillKey, BillKey]:
    """The next revision of each bill for which events arrived since it was drafted, rated anew.

    They keep the plan version, the share and the rules that the drafts were made with; only usage
    may have come in, their own or that of an earlier part of the same period. Of customers who may
    be ``drawing`` credit, which asks when something was used, it may also be as much as before at
    another time. The caller holds the
    customers' ingestion locks, so that what arrives later finds the bills final.
    """
    read_runs(session, drafted)
    bills = []
    for bill, (subscription, stored) in zip(drafted, _get_bills(session, drafted), strict=True):
        frozen, terms = load_frozen(session, bill)
        bills.append(Billed(subscription=subscription, stored=stored, frozen=frozen, terms=terms))
    revised, contents = {}, {}
    present = measure_again(session, bills) if bills else []
    moved = _find_moved(session, bills, drawing)
    for place, (bill, former, new) in enumerate(zip(drafted, bills, present, strict=True)):
        is_other = (new.usage, new.earlier) != (former.frozen.usage, former.frozen.earlier)
        if is_other or place in moved:
            revised[bill] = replace(bill, revision=bill.revision + 1)
            contents[revised[bill]] = new
    keep_all(session, USAGE, contents, now=now)
    for step in (aggregate_usage, price_usage, enforce_limits):
        step(session, [*contents], now=now)
    return revised


def _find_moved(
    session: Session, bills: Sequence[Billed], drawing: Collection[CustomerKey]
) -> set[int]:
    """The places of bills whose usage may be of another time: they are cut by when it was.

    An event that arrives is counted, so as many as before means that one was corrected as well.
    """
    return stored_changes.find_corrected(
        session,
        [
            CountedWindow(
                place=place,
                organization_id=one.asked.organization_id,
                customer_id=one.asked.customer_id,
                meter_id=window.meter_id,
                starts_at=window.starts_at,
                ends_at=window.ends_at,
                watermark=one.frozen.watermark,
            )
            for place, one in enumerate(bills)
            if (one.subscription.organization_id, one.subscription.customer_id) in drawing
            for window in one.asked.windows
        ],
    )


def freeze_usage(session: Session, bills: Sequence[BillKey]) -> list[Billed]:
    """Read what bills are computed from: the plan version of the period, the share, the usage.

    Takes the customers' ingestion locks until the transaction ends (docs/decisions/0010).
    """
    return freeze_spans(
        session,
        [
            (subscription, stored, span_of(stored))
            for subscription, stored in _get_bills(session, bills)
        ],
    )


def _get_bills(
    session: Session, bills: Sequence[BillKey]
) -> list[tuple[Subscription, SubscriptionPeriod]]:
    periods = stored_subscriptions.list_periods_by_key(session, [bill.key[:3] for bill in bills])
    subscriptions = stored_subscriptions.list_by_key(session, {bill.key[:2] for bill in bills})
    if any(bill.key[:3] not in periods for bill in bills):
        raise NotFound("There is no such period to bill.", code="period_not_found")
    return [(subscriptions[bill.key[:2]], periods[bill.key[:3]]) for bill in bills]


def _step(
    session: Session,
    bills: Sequence[BillKey],
    step: str,
    compute: Callable[[BillKey], tuple[object, ...]],
    *,
    now: datetime,
) -> list[StepResult]:
    runs = read_runs(session, bills)
    contents = {bill: compute(bill) for bill in bills if step not in runs[bill]}
    keep_all(session, step, contents, now=now)
    found = [runs[bill][step] for bill in bills]
    return [StepResult(digest=run.digest, count=len(run.content)) for run in found]
