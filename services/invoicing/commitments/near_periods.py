"""The periods that a bill must know to find the terms that it says something of.

A term has a few periods, and a subscription may have thousands: those before the terms are left
out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from billing.rating.terms import PlanTerms
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.subscriptions import subscriptions as stored_subscriptions
from repositories.subscriptions import term_begins as stored_begins
from repositories.subscriptions.term_begins import VersionKey
from services.catalog import versions


@dataclass(frozen=True, slots=True, kw_only=True)
class NearPeriods:
    """Periods of a subscription in order, and what each version says that bills one of them."""

    periods: Sequence[SubscriptionPeriod]
    terms: Mapping[VersionKey, PlanTerms]


def find_near(
    session: Session,
    subscription: Subscription,
    touched: Collection[int],
    *,
    known: Mapping[VersionKey, PlanTerms],
) -> NearPeriods:
    """The periods since the terms began that any of the ``touched`` ones is in; none without terms.

    ``known`` is what is known of versions already.
    """
    organization_id = subscription.organization_id
    key = (organization_id, subscription.id)
    used = stored_begins.list_versions(session, key)
    terms = {**known, **versions.list_terms(session, organization_id, used - known.keys())}
    found = stored_subscriptions.list_periods_by_key(session, [(*key, one) for one in touched])
    firsts: dict[UUID, tuple[int, int]] = {}
    for stored in sorted(found.values(), key=lambda one: one.index):
        for one in terms[stored.plan_id, stored.plan_version].commitments:
            firsts.setdefault(one.commitment_id, (stored.index, one.term_periods))
    begins = [
        stored_begins.find_term_begin(
            session,
            key,
            index,
            term_periods=term_periods,
            versions=_having(commitment_id, terms),
        )
        for commitment_id, (index, term_periods) in firsts.items()
    ]
    if not begins:
        return NearPeriods(periods=(), terms=terms)
    periods = stored_begins.list_periods_since(session, key, min(begins))
    return NearPeriods(periods=periods, terms=terms)


def _having(commitment_id: UUID, terms: Mapping[VersionKey, PlanTerms]) -> list[VersionKey]:
    return [
        version
        for version, its in terms.items()
        if any(one.commitment_id == commitment_id for one in its.commitments)
    ]
