"""Usage that no subscription charges: of customers without one, and of meters no plan prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.money import ZERO
from billing.periods import Period
from models.catalog.meters import Meter
from repositories.catalog import meters as stored_meters
from repositories.usage import unbilled as stored_unbilled
from repositories.usage.unbilled import UnchargedUsage, UsedPair
from services.usage.reports import measure

DAYS: Final = 35
PAIRS_AT_ONCE: Final = 1_000
MOST_PAIRS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class UnbilledUsage:
    """A customer's usage of a meter that no subscription charges."""

    customer_id: UUID
    external_id: str | None
    meter_id: UUID
    usage: Decimal
    event_count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UnbilledPart:
    """A part of the list, by customer and meter; ``next_after`` is None where the list ends.

    A part may be short of what was asked for and go on nevertheless.
    """

    usages: tuple[UnbilledUsage, ...]
    next_after: UsedPair | None


def list_unbilled(
    session: Session,
    organization_id: UUID,
    *,
    after: UsedPair | None,
    limit: int,
    now: datetime,
) -> UnbilledPart:
    """Usage of the last 35 days, of each customer's clock, that no subscription charges.

    At most 20,000 pairs of customer and meter are looked at. Source: CONTRACT 98.
    """
    found: list[UnchargedUsage] = []
    last, looked_at = after, 0
    while looked_at < MOST_PAIRS:
        pairs = stored_unbilled.list_used_pairs(session, organization_id, last, limit=PAIRS_AT_ONCE)
        if not pairs:
            return UnbilledPart(usages=_measure(session, organization_id, found), next_after=None)
        found += stored_unbilled.find_uncharged(session, organization_id, pairs, days=DAYS, now=now)
        last, looked_at = pairs[-1], looked_at + len(pairs)
        if len(found) > limit:
            found = found[:limit]
            last = found[-1].pair
            break
    return UnbilledPart(usages=_measure(session, organization_id, found), next_after=last)


def _measure(
    session: Session, organization_id: UUID, found: Sequence[UnchargedUsage]
) -> tuple[UnbilledUsage, ...]:
    known = stored_meters.list_meters_by_id(
        session, organization_id, list({one.pair.meter_id for one in found})
    )
    return tuple(_view(one, known[one.pair.meter_id]) for one in found)


def _view(found: UnchargedUsage, meter: Meter) -> UnbilledUsage:
    looked_at = Period(starts_at=found.since, ends_at=found.present)
    return UnbilledUsage(
        customer_id=found.pair.customer_id,
        external_id=found.external_id,
        meter_id=found.pair.meter_id,
        usage=measure(meter, found.usage, looked_at, carried=ZERO),
        event_count=found.usage.tally.event_count,
        first_at=found.first_at,
        last_at=found.last_at,
    )
