"""What a bill is computed from: its terms, its part of the regular period, and its usage, frozen.

Bill, preview, verification and late usage all rate through :func:`rate`, so that they agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import cast
from uuid import UUID

from sqlmodel import Session

from billing.commitments.true_ups import TermBill, terms_of_one
from billing.invoicing.kinds import LateUsage
from billing.periods import Alignment, Anchor, Period, regular_period
from billing.rating.charge_bounds import EarlierParts
from billing.rating.engines import ENGINE_VERSION
from billing.rating.frozen_usage import FrozenUsage, rate
from billing.rating.lines import PricedLine
from billing.rating.parts import add_part, has_bounds, without_bounds
from billing.rating.proration import ProrationBasis, Share, share_of
from billing.rating.quantities import usage_by, usage_windows
from billing.rating.terms import PlanTerms
from billing.subscriptions import PeriodStatus
from models.subscriptions.subscriptions import (
    Subscription,
    SubscriptionPause,
    SubscriptionPeriod,
)
from repositories.accounts import organizations as stored_organizations
from repositories.subscriptions import add_ons as stored_add_ons
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.catalog import versions
from services.rating.add_ons import add_ons_in
from services.rating.records import USAGE, BillKey, find_runs, load, read_runs
from services.subscriptions.start import cadence_of, span_of
from services.usage.measure import MeasuredUsage, UsageAsked, look_at_all, measure_all

Measure = Callable[[Session, Sequence[UsageAsked]], Sequence[MeasuredUsage]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """A stored period of a subscription, and what its bill has been computed from so far."""

    subscription: Subscription
    stored: SubscriptionPeriod
    frozen: FrozenUsage
    terms: PlanTerms

    @property
    def asked(self) -> UsageAsked:
        """The usage that the bill is made of."""
        anchor = anchor_of_period(self.subscription, self.stored)
        return UsageAsked(
            organization_id=self.subscription.organization_id,
            customer_id=self.subscription.customer_id,
            windows=usage_windows(self.terms, self.frozen.period, anchor),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """The priced lines of a bill's own period, with all that they were computed from."""

    terms: PlanTerms
    frozen: FrozenUsage
    lines: tuple[PricedLine, ...]

    @property
    def terms_of_one(self) -> tuple[TermBill, ...]:
        """The terms of commitments that have no other period, of what is only supposed."""
        share = self.frozen.share
        return terms_of_one(self.terms.commitments, covered=share.covered, total=share.total)


def freeze_spans(
    session: Session,
    spans: Sequence[tuple[Subscription, SubscriptionPeriod, Period]],
) -> list[Billed]:
    """Read what bills of spans are computed from, each a part of its stored period or all of it."""
    bills = _empty(session, spans)
    frozen = measure_again(session, bills, measure=measure_all)
    return [replace(bill, frozen=one) for bill, one in zip(bills, frozen, strict=True)]


def look_at_span(
    session: Session, subscription: Subscription, stored: SubscriptionPeriod, span: Period
) -> Rated:
    """The priced lines of a span, from the usage so far, which is read without holding it up."""
    bills = _empty(session, [(subscription, stored, span)])
    [frozen] = measure_again(session, bills)
    terms = bills[0].terms
    return Rated(terms=terms, frozen=frozen, lines=rate(terms, frozen))


def look_at_spans(
    session: Session,
    spans: Sequence[tuple[Subscription, SubscriptionPeriod, Period]],
    is_wanted: Callable[[Billed], bool],
) -> list[Billed]:
    """What bills of those spans would be computed from now, without holding anything up.

    Nothing is measured for bills that are not wanted.
    """
    bills = [bill for bill in _empty(session, spans) if is_wanted(bill)]
    measured = measure_again(session, bills)
    return [replace(bill, frozen=frozen) for bill, frozen in zip(bills, measured, strict=True)]


def look_at_spans_by(
    session: Session,
    spans: Sequence[tuple[Subscription, SubscriptionPeriod, Period]],
    terms: PlanTerms,
) -> list[Rated]:
    """As :func:`look_at_span`, of many spans, and as if those terms billed them."""
    bills = [
        replace(bill, terms=terms, frozen=replace(bill.frozen, plan_version=terms.version))
        for bill in _empty(session, spans)
    ]
    measured = measure_again(session, bills)
    return [Rated(terms=terms, frozen=one, lines=rate(terms, one)) for one in measured]


def measure_again(
    session: Session, bills: Sequence[Billed], *, measure: Measure = look_at_all
) -> list[FrozenUsage]:
    """The same bills with the usage of now, their own and that of the parts before them.

    They keep the plan version, the share and the rules that they were made with.
    """
    measured = measure(session, [bill.asked for bill in bills])
    return [
        replace(
            bill.frozen,
            usage=usage_by(bill.frozen.engine, found.usage),
            watermark=found.watermark,
            earlier=_earlier_parts(session, bill),
        )
        for bill, found in zip(bills, measured, strict=True)
    ]


def load_frozen(session: Session, bill: BillKey) -> tuple[FrozenUsage, PlanTerms]:
    """The first step's content, with the terms that it names."""
    frozen = load(session, bill, USAGE, FrozenUsage)
    run = find_runs(session, bill)[USAGE]
    if run.terms is not None:
        return frozen, versions.parse_terms(run.terms)
    if PlanTerms in run.values:
        return frozen, cast("PlanTerms", run.values[PlanTerms])
    return frozen, versions.get_terms(
        session, bill.organization_id, frozen.plan_id, frozen.plan_version
    )


def shares_of(
    session: Session, subscription: Subscription, periods: Sequence[SubscriptionPeriod]
) -> list[Share]:
    """What each covers of its regular period: as its bill says, else as it would say now."""
    keys = [BillKey.of(one) for one in periods]
    runs = read_runs(session, keys)
    unbilled = [one for one, key in zip(periods, keys, strict=True) if USAGE not in runs[key]]
    spans = [(subscription, one, span_of(one)) for one in unbilled]
    present = {one.stored.index: one.frozen.share for one in _empty(session, spans)}
    return [
        present[one.index] if one.index in present else load(session, key, USAGE, FrozenUsage).share
        for one, key in zip(periods, keys, strict=True)
    ]


def _empty(
    session: Session, spans: Sequence[tuple[Subscription, SubscriptionPeriod, Period]]
) -> list[Billed]:
    """Bills by the present rules, before anything is measured."""
    keys = [(one.organization_id, one.id) for one, _, _ in spans]
    pauses = stored_subscriptions.list_pauses(session, keys)
    attached = stored_add_ons.list_of_subscriptions(session, keys)
    terms: dict[tuple[UUID, UUID, int], PlanTerms] = {}
    bills = []
    for subscription, stored, span in spans:
        key = (subscription.organization_id, stored.plan_id, stored.plan_version)
        if key not in terms:
            terms[key] = versions.get_terms(session, *key)
        own = (subscription.organization_id, subscription.id)
        share = partial(_share, session, subscription, stored, pauses[own])
        frozen = FrozenUsage(
            plan_id=stored.plan_id,
            plan_version=terms[key].version,
            period=span,
            share=share(span),
            watermark=0,
            usage=(),
            engine=ENGINE_VERSION,
            add_ons=add_ons_in(attached[own], span, share),
        )
        bills.append(
            Billed(subscription=subscription, stored=stored, frozen=frozen, terms=terms[key])
        )
    return bills


def _earlier_parts(session: Session, bill: Billed) -> tuple[EarlierParts, ...]:
    """What the parts of the same regular period and plan come to that were billed before this one.

    Only where a minimum or maximum holds for all of them together. A part that was given up is not
    one of them. Source: CONTRACT 93.
    """
    subscription, stored = bill.subscription, bill.stored
    if bill.frozen.engine.is_first or not has_bounds(bill.terms):
        return ()
    regular = regular_of(subscription, stored)
    earlier: tuple[EarlierParts, ...] = ()
    for part in stored_subscriptions.list_parts(
        session, stored.organization_id, stored.subscription_id, regular.starts_at, stored.index
    ):
        is_sibling = (
            part.plan_id == stored.plan_id
            and part.status != PeriodStatus.SKIPPED
            and regular_of(subscription, part) == regular
        )
        if is_sibling:
            earlier = _with_part(session, subscription, part, earlier)
    return earlier


def _with_part(
    session: Session,
    subscription: Subscription,
    part: SubscriptionPeriod,
    earlier: tuple[EarlierParts, ...],
) -> tuple[EarlierParts, ...]:
    """The parts with one more: as its usage is now, since what came late is settled as well.

    Where late usage is ignored, a final part stays as it was billed.
    """
    key = BillKey.of(part)
    is_billed = USAGE in find_runs(session, key)
    if is_billed:
        frozen, terms = load_frozen(session, key)
        bill = Billed(subscription=subscription, stored=part, frozen=frozen, terms=terms)
    else:
        [bill] = _empty(session, [(subscription, part, span_of(part))])
        frozen, terms = bill.frozen, bill.terms
    organization = stored_organizations.get_organization(session, part.organization_id)
    is_settled = part.status == PeriodStatus.FINAL and organization.late_usage == LateUsage.IGNORE
    if not (is_billed and is_settled):
        [measured] = look_at_all(session, [bill.asked])
        frozen = replace(frozen, usage=measured.usage, earlier=earlier)
    # Add-ons have no bounds that parts would share.
    frozen = replace(frozen, add_ons=())
    lines, unbounded = rate(terms, frozen), rate(without_bounds(terms), frozen)
    return add_part(earlier, lines, unbounded, frozen.share)


def anchor_of_period(subscription: Subscription, stored: SubscriptionPeriod) -> Anchor:
    """The anchor from which a stored period was counted, which later changes do not move."""
    return Anchor(
        starts_at=stored.anchor_at,
        timezone=subscription.timezone,
        alignment=Alignment(subscription.billing_anchor),
    )


def regular_of(subscription: Subscription, stored: SubscriptionPeriod) -> Period:
    """What the period is a part of, as it was when it was opened."""
    if stored.regular_starts_at is not None and stored.regular_ends_at is not None:
        return Period(starts_at=stored.regular_starts_at, ends_at=stored.regular_ends_at)
    return regular_period(
        anchor_of_period(subscription, stored), cadence_of(subscription), stored.ordinal
    )


def _share(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    pauses: Sequence[SubscriptionPause],
    span: Period,
) -> Share:
    organization = stored_organizations.get_organization(session, subscription.organization_id)
    regular = regular_of(subscription, stored)
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
