"""The first four steps of a bill: usage, quantities, prices, limits. Each hands a stored row over.

The rows are append-only and keyed by organization, subscription, period, revision and step, so a
step that repeats finds its own answer, and a revision never touches the evidence of another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvariantBroken, NotFound
from billing.lines import PricedLine
from billing.periods import Alignment, Anchor, Period, regular_period
from billing.proration import ProrationBasis, Share, share_of
from billing.quantities import ChargeQuantity, MeteredUsage, UsageWindow, usage_windows
from billing.rating import enforce_limits as mark_limits
from billing.rating import measure_quantities, price_quantities
from billing.receipts import digest, from_document, to_document
from billing.terms import PlanTerms
from models.subscriptions import Subscription, SubscriptionPeriod
from repositories import bill_runs, organizations, subscriptions
from repositories.bill_runs import KeptRun
from services import plan_versions
from services.subscriptions import cadence_of, span_of
from services.usage import MeasuredUsage, look_at_usage, measure_usage

T = TypeVar("T")

Measure = Callable[[Session, UUID, UUID, Sequence[UsageWindow]], MeasuredUsage]

USAGE, QUANTITIES, PRICED_LINES, EVIDENCE = "usage", "quantities", "priced_lines", "evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillKey:
    """Which bill: the idempotency key of its steps, without the step."""

    organization_id: UUID
    subscription_id: UUID
    period_index: int
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenUsage:
    """What a bill is computed from, and up to which arrival: the content of its first step.

    ``share`` is what fixed charges owe of the regular period; ``watermark`` the last arrival
    sequence that is in.
    """

    plan_id: UUID
    plan_version: int
    period: Period
    share: Share
    watermark: int
    usage: tuple[MeteredUsage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step left behind: the digest of its row and how many things the row holds."""

    digest: str
    count: int


def query_usage(session: Session, bill: BillKey, *, now: datetime) -> StepResult:
    """The usage of the period is frozen up to a watermark. Idempotent by the bill's key."""
    run = _runs_of(session, bill).get(USAGE)
    if run is None:
        frozen = freeze_usage(session, bill)
        run = _keep(session, bill, USAGE, frozen, now=now)
    return _result(run, len(from_document(FrozenUsage, run.content).usage))


def aggregate_usage(session: Session, bill: BillKey, *, now: datetime) -> StepResult:
    """What was measured, included and over a limit is known per charge. Idempotent by the key."""

    def compute() -> tuple[ChargeQuantity, ...]:
        frozen, terms = load_frozen(session, bill)
        return measure_quantities(terms, frozen.period, frozen.usage)

    return _step(session, bill, QUANTITIES, compute, now=now)


def price_usage(session: Session, bill: BillKey, *, now: datetime) -> StepResult:
    """Every charge has a priced, unrounded line. Idempotent by the bill's key."""

    def compute() -> tuple[PricedLine, ...]:
        frozen, terms = load_frozen(session, bill)
        quantities = load(session, bill, QUANTITIES, tuple[ChargeQuantity, ...])
        return price_quantities(terms, frozen.period, quantities, share=frozen.share)

    return _step(session, bill, PRICED_LINES, compute, now=now)


def enforce_limits(session: Session, bill: BillKey, *, now: datetime) -> StepResult:
    """Lines over a hard limit are marked, or waived if the plan says so. Idempotent by the key."""

    def compute() -> tuple[PricedLine, ...]:
        _, terms = load_frozen(session, bill)
        quantities = load(session, bill, QUANTITIES, tuple[ChargeQuantity, ...])
        lines = load(session, bill, PRICED_LINES, tuple[PricedLine, ...])
        return mark_limits(terms, quantities, lines)

    return _step(session, bill, EVIDENCE, compute, now=now)


def revise_usage(session: Session, drafted: BillKey, *, now: datetime) -> BillKey | None:
    """The bill's next revision if events arrived since it was drafted, with its usage frozen.

    It keeps the plan version and the share that the draft was made with; only usage may have come
    in. The caller holds the customer's ingestion lock, so that what arrives later finds the bill
    final.
    """
    former, terms = load_frozen(session, drafted)
    subscription, stored = _get_bill(session, drafted)
    measured = look_at_usage(
        session,
        drafted.organization_id,
        subscription.customer_id,
        usage_windows(terms, former.period, anchor_of_period(subscription, stored)),
    )
    if measured.usage == former.usage:
        return None
    revised = replace(drafted, revision=drafted.revision + 1)
    present = replace(former, usage=measured.usage, watermark=measured.watermark)
    _keep(session, revised, USAGE, present, now=now)
    return revised


def freeze_usage(session: Session, bill: BillKey) -> FrozenUsage:
    """Read what the bill is computed from: the plan version of the period, the share, the usage.

    Takes the customer's ingestion lock until the transaction ends (DESIGN data rule 7).
    """
    subscription, stored = _get_bill(session, bill)
    return freeze_span(session, subscription, stored, span_of(stored))


def _get_bill(session: Session, bill: BillKey) -> tuple[Subscription, SubscriptionPeriod]:
    subscription = subscriptions.find_subscription(
        session, bill.organization_id, bill.subscription_id
    )
    stored = subscriptions.find_period(
        session, bill.organization_id, bill.subscription_id, bill.period_index
    )
    if subscription is None or stored is None:
        raise NotFound("There is no such period to bill.", code="period_not_found")
    return subscription, stored


def freeze_span(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    span: Period,
    *,
    measure: Measure = measure_usage,
) -> FrozenUsage:
    """Read what a bill of ``span``, a part of the stored period or all of it, is computed from.

    A preview measures by ``look_at_usage``, which holds no ingestion up.
    """
    terms = plan_versions.get_terms(
        session, subscription.organization_id, stored.plan_id, stored.plan_version
    )
    measured = measure(
        session,
        subscription.organization_id,
        subscription.customer_id,
        usage_windows(terms, span, anchor_of_period(subscription, stored)),
    )
    return FrozenUsage(
        plan_id=stored.plan_id,
        plan_version=terms.version,
        period=span,
        share=_share(session, subscription, stored, span),
        watermark=measured.watermark,
        usage=measured.usage,
    )


def load_frozen(session: Session, bill: BillKey) -> tuple[FrozenUsage, PlanTerms]:
    """The first step's content, with the terms that it names."""
    frozen = load(session, bill, USAGE, FrozenUsage)
    document = _runs_of(session, bill)[USAGE].terms
    if document is not None:
        return frozen, plan_versions.parse_terms(document)
    terms = plan_versions.get_terms(
        session, bill.organization_id, frozen.plan_id, frozen.plan_version
    )
    return frozen, terms


def load(session: Session, bill: BillKey, step: str, kind: type[T]) -> T:
    """What a step left behind. Raises InvariantBroken if it has not run."""
    run = _runs_of(session, bill).get(step)
    if run is None:
        raise InvariantBroken(f"The step before left no {step}.", step=step)
    return from_document(kind, run.content)


def _step(
    session: Session,
    bill: BillKey,
    step: str,
    compute: Callable[[], tuple[object, ...]],
    *,
    now: datetime,
) -> StepResult:
    run = _runs_of(session, bill).get(step)
    if run is None:
        run = _keep(session, bill, step, compute(), now=now)
    return _result(run, len(run.content))


def _runs_of(session: Session, bill: BillKey) -> dict[str, KeptRun]:
    """The rows of one revision, read once in a transaction: rows are added, never changed."""
    kept: dict[BillKey, dict[str, KeptRun]] = session.info.setdefault("bill_runs", {})
    if bill not in kept:
        kept[bill] = _list_runs(session, bill)
    return kept[bill]


def _list_runs(session: Session, bill: BillKey) -> dict[str, KeptRun]:
    return bill_runs.list_runs(
        session,
        bill.organization_id,
        subscription_id=bill.subscription_id,
        period_index=bill.period_index,
        revision=bill.revision,
    )


def _keep(session: Session, bill: BillKey, step: str, content: object, *, now: datetime) -> KeptRun:
    """Keep what the step found. The first writer wins; everybody gets its row."""
    document, runs = to_document(content), _runs_of(session, bill)
    mine = KeptRun(content=document, digest=digest(content))
    is_mine = bill_runs.insert_run(
        session,
        bill.organization_id,
        subscription_id=bill.subscription_id,
        period_index=bill.period_index,
        revision=bill.revision,
        step=step,
        content=document,
        digest=mine.digest,
        now=now,
    )
    runs[step] = mine if is_mine else _list_runs(session, bill)[step]
    return runs[step]


def _result(run: KeptRun, count: int) -> StepResult:
    return StepResult(digest=run.digest, count=count)


def anchor_of_period(subscription: Subscription, stored: SubscriptionPeriod) -> Anchor:
    """The anchor from which a stored period was counted, which later changes do not move."""
    return Anchor(
        starts_at=stored.anchor_at,
        timezone=subscription.timezone,
        alignment=Alignment(subscription.billing_anchor),
    )


def _regular_of(subscription: Subscription, stored: SubscriptionPeriod) -> Period:
    """What the period is a part of, as it was when it was opened."""
    if stored.regular_starts_at is not None and stored.regular_ends_at is not None:
        return Period(starts_at=stored.regular_starts_at, ends_at=stored.regular_ends_at)
    return regular_period(
        anchor_of_period(subscription, stored), cadence_of(subscription), stored.ordinal
    )


def _share(
    session: Session, subscription: Subscription, stored: SubscriptionPeriod, span: Period
) -> Share:
    organization = organizations.get_organization(session, subscription.organization_id)
    regular = _regular_of(subscription, stored)
    pauses = subscriptions.list_pauses(session, subscription.organization_id, subscription.id)
    return share_of(
        span,
        regular,
        timezone=subscription.timezone,
        basis=ProrationBasis(organization.proration),
        paused=[
            Period(
                starts_at=pause.starts_at,
                ends_at=max(pause.ends_at or span.ends_at, pause.starts_at),
            )
            for pause in pauses
            if pause.starts_at < span.ends_at
        ],
    )
