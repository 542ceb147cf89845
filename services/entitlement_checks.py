"""Whether a customer may use one feature now: asked before every use, so it costs one statement.

What a check was decided from is remembered. A repeated check reads the usage together with a mark
of every row that the answer depends on; another mark, and the check is made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection

from billing.errors import NotFound
from billing.metering import Aggregation
from billing.money import shortest
from billing.periods import Period
from repositories import entitlement_marks, entitlements
from repositories.entitlement_marks import MarkedUsage, WindowSums
from repositories.entitlements import KnownFeature, Subscriber
from repositories.usage import whole_hours
from services.entitlements import (
    CustomerEntitlement,
    Grants,
    decide,
    find_grants,
    get_subscriber,
    measure,
)
from services.known_terms import KnownTerms

MOST_CHECKS: Final = 20_000
END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)

CheckKey = tuple[UUID, str, str]
"""Organization, customer as named, and key of the feature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedCheck:
    """What a check was decided from. ``place`` is that of the grant whose usage is summed.

    It holds while the rows have this mark, and until the next instant at which time alone changes
    the answer; the time of a test clock is one of the rows.
    """

    mark: str
    feature: KnownFeature
    granted: Grants
    until: datetime | None
    window: WindowSums
    place: int | None

    def holds(self, found: MarkedUsage | None, now: datetime) -> bool:
        """Whether neither a row nor time has changed anything but the usage."""
        if found is None or found.mark != self.mark:
            return False
        return self.until is None or self.granted.at <= now < self.until

    def answer(self, found: MarkedUsage | None) -> CustomerEntitlement:
        """The answer with the usage as it is now."""
        if self.place is None or found is None:
            return decide(self.feature, self.granted, {})
        is_count = self.feature.aggregation_type == Aggregation.COUNT
        usage = Decimal(found.event_count) if is_count else shortest(found.total)
        return decide(self.feature, self.granted, {self.place: usage})


@dataclass(frozen=True, slots=True)
class CheckMemory:
    """What a process remembers: plan versions, and its newest 20,000 checks."""

    terms: KnownTerms = field(default_factory=KnownTerms)
    checks: dict[CheckKey, RememberedCheck] = field(default_factory=dict)

    def remember(self, key: CheckKey, check: RememberedCheck) -> None:
        """Keep a check in place of the oldest one."""
        self.checks.pop(key, None)
        if len(self.checks) >= MOST_CHECKS:
            del self.checks[next(iter(self.checks))]
        self.checks[key] = check


async def check_entitlement(
    connection: AsyncConnection,
    organization_id: UUID,
    customer: str,
    lookup_key: str,
    *,
    memory: CheckMemory,
    now: datetime,
) -> CustomerEntitlement:
    """Whether the customer may use the feature, every event acknowledged before counting.

    ``customer`` is an id or an external id. Raises NotFound for an unknown customer or key.
    Source: CONTRACT 11, 43, 4.12.
    """
    key = (organization_id, customer, lookup_key)
    remembered = memory.checks.get(key)
    window = WindowSums() if remembered is None else remembered.window
    # Read before what it marks: what changes in between gives another mark the next time.
    marked = await entitlement_marks.read_mark(connection, *key, window)
    if remembered is not None and remembered.holds(marked, now):
        return remembered.answer(marked)
    subscriber = await get_subscriber(connection, organization_id, customer)
    found = await entitlements.list_features(connection, organization_id, lookup_key)
    if not found:
        raise NotFound("Feature not found.", code="feature_not_found", field="lookup_key")
    granted = await find_grants(
        connection, organization_id, subscriber, found, known=memory.terms, now=now
    )
    if marked is not None:
        check = _to_remember(marked.mark, subscriber, found, granted)
        if check is not None:
            memory.remember(key, check)
    usages = await measure(connection, organization_id, subscriber.customer_id, granted.grants)
    return decide(found[0], granted, usages)


def _to_remember(
    mark: str, subscriber: Subscriber, found: Sequence[KnownFeature], granted: Grants
) -> RememberedCheck | None:
    """The check, if its usage is at most one sum or count."""
    measured = [
        (place, grant.window, grant.meter)
        for place, grant in enumerate(granted.grants)
        if grant.window is not None and grant.meter is not None
    ]
    if len(measured) > 1 or any(not meter.aggregation.is_additive for _, _, meter in measured):
        return None
    sums, summed = WindowSums(), None
    for place, window, meter in measured:
        sums, summed = _sums_of(meter.meter_id, window), place
    return RememberedCheck(
        mark=mark,
        feature=found[0],
        granted=granted,
        until=_next_instant(subscriber, granted),
        window=sums,
        place=summed,
    )


def _sums_of(meter_id: UUID, window: Period) -> WindowSums:
    first_hour, end_hour = whole_hours(window.starts_at, window.ends_at) or (
        window.ends_at,
        window.ends_at,
    )
    return WindowSums(meter_id, window.starts_at, first_hour, end_hour, window.ends_at)


def _next_instant(subscriber: Subscriber, granted: Grants) -> datetime | None:
    """When time alone may change the answer; None on a test clock, which is a row itself."""
    if subscriber.clock_time is not None:
        return None
    instants = [grant.window.ends_at for grant in granted.grants if grant.window is not None]
    for one in subscriber.subscriptions:
        instants += [one.start_date, one.current_period_end]
        if one.trial_end_date is not None:
            instants.append(one.trial_end_date)
    return min((one for one in instants if one > granted.at), default=END_OF_TIME)
