"""Whether a customer may use one feature now: asked before every use, so it costs one statement.

What a check was decided from is cached. A repeated check reads the usage together with a validator
of every row that the answer depends on; if that is another, the check is made anew. Checks that
come together share the statement.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from cachetools import FIFOCache
from psycopg import AsyncConnection

from billing.metering.tallies import Aggregation, Tally, conclude_additive
from billing.money import ZERO, exactly, shortest
from billing.periods import Period
from repositories.entitlements import subscribers as stored_subscribers
from repositories.entitlements.revalidation import CheckQuestion, Revalidation, WindowSums
from repositories.entitlements.subscribers import FeatureRow, Subscriber
from repositories.usage import usage_now as stored_usage
from repositories.usage.period_usage import UsagePart, UsageRead
from services.catalog.terms_cache import TermsCache
from services.entitlements.access import (
    CustomerEntitlement,
    Grants,
    decide,
    find_capped,
    find_grants,
    find_unpaid,
    get_subscriber,
    measure,
)
from services.entitlements.credit import HasCredit, is_blocking
from services.required import not_found

MOST_CHECKS: Final = 20_000
LONGEST_NAME: Final = 500
END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)

CheckKey = tuple[UUID, str, str]
"""Organization, customer as named, and key of the feature."""


Ask = Callable[[UUID, CheckQuestion], Awaitable[Revalidation | None]]
"""Asks the database about a check of an organization, perhaps together with others."""

Lend = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
"""Lends a connection to one reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeUsage:
    """The usage of a window's edges while they have this validator."""

    validator: str | None
    total: Decimal = ZERO
    event_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedCheck:
    """What a check was decided from. ``place`` is that of the grant whose usage is summed.

    It holds while the rows have this validator, and until the next instant at which time alone
    changes the answer; the time of a test clock is one of the rows. ``answers`` has the last, by
    its usage.
    """

    validator: str
    customer_id: UUID
    feature: FeatureRow
    granted: Grants
    until: datetime | None
    window: WindowSums | None
    place: int | None
    edges: EdgeUsage | None = None
    answers: dict[Decimal, CustomerEntitlement] = field(default_factory=dict)

    def holds(self, found: Revalidation | None, now: datetime) -> bool:
        """Whether neither a row nor time has changed anything but the usage."""
        if found is None or found.validator != self.validator:
            return False
        return self.until is None or self.granted.at <= now < self.until

    def knows_edges(self, found: Revalidation) -> bool:
        """Whether nothing was recorded or corrected in the edges since they were summed."""
        if self.window is None or not self.window.edges or found.edges is None:
            return True
        return self.edges is not None and self.edges.validator == found.edges

    @property
    def _aggregation(self) -> Aggregation:
        # A feature without a meter has no usage either.
        return Aggregation(self.feature.aggregation_type or Aggregation.SUM)

    @exactly
    def answer(self, found: Revalidation) -> CustomerEntitlement:
        """The answer with the usage as it is now: the same object while that is the same."""
        edges = self.edges if self.edges is not None and found.edges is not None else _NO_EDGES
        tally = Tally(
            event_count=found.event_count + edges.event_count, total=found.total + edges.total
        )
        used = conclude_additive(self._aggregation, tally)
        answer = self.answers.get(used)
        if answer is None:
            usages = {} if self.place is None else {self.place: shortest(used)}
            answer = decide(self.feature, self.granted, usages)
            self.answers.clear()
            self.answers[used] = answer
        return answer


_NO_EDGES: Final = EdgeUsage(validator=None)


@dataclass(frozen=True, slots=True)
class CheckCache:
    """What a process caches: plan versions, and its newest 20,000 checks."""

    terms: TermsCache = field(default_factory=TermsCache)
    checks: FIFOCache[CheckKey, CachedCheck] = field(default_factory=lambda: FIFOCache(MOST_CHECKS))

    def put(self, key: CheckKey, check: CachedCheck) -> None:
        """Cache a check, in place of the oldest one where there are as many."""
        self.checks[key] = check


async def check_entitlement(
    organization_id: UUID,
    customer: str,
    lookup_key: str,
    *,
    ask: Ask,
    lend: Lend,
    cache: CheckCache,
    has_credit: HasCredit,
    now: datetime,
) -> CustomerEntitlement:
    """Whether the customer may use the feature, every event acknowledged before counting.

    ``customer`` is an id or an external id. Raises NotFound for an unknown customer or key.
    Source: CONTRACT 11, 43, 4.12.
    """
    _require_possible(customer, lookup_key)
    key = (organization_id, customer, lookup_key)
    cached = cache.checks.get(key)
    window = None if cached is None else cached.window
    # Read before what it validates: what changes in between gives another one the next time.
    revalidation = await ask(organization_id, CheckQuestion(customer, lookup_key, window))
    if cached is not None and revalidation is not None and cached.holds(revalidation, now):
        if cached.knows_edges(revalidation):
            return cached.answer(revalidation)
        async with lend() as connection:
            edges = await _sum_edges(connection, organization_id, cached, revalidation)
            cache.put(key, replace(cached, edges=edges))
            # Edges and hours of different moments would not add up: this answer reads both at once.
            return await _measure_again(connection, organization_id, cached)
    async with lend() as connection:
        return await _check_anew(
            connection, key, revalidation, cache=cache, has_credit=has_credit, now=now
        )


def _require_possible(customer: str, lookup_key: str) -> None:
    """What nobody can be called is not cached either."""
    if len(customer) > LONGEST_NAME:
        raise not_found("Customer")
    if len(lookup_key) > LONGEST_NAME:
        raise not_found("Feature", field="lookup_key")


async def _measure_again(
    connection: AsyncConnection, organization_id: UUID, check: CachedCheck
) -> CustomerEntitlement:
    grants = check.granted.grants
    usages = await measure(connection, organization_id, check.customer_id, grants)
    return decide(check.feature, check.granted, usages)


async def _check_anew(
    connection: AsyncConnection,
    key: CheckKey,
    revalidation: Revalidation | None,
    *,
    cache: CheckCache,
    has_credit: HasCredit,
    now: datetime,
) -> CustomerEntitlement:
    organization_id, customer, lookup_key = key
    subscriber = await get_subscriber(connection, organization_id, customer)
    found = await stored_subscribers.list_features(connection, organization_id, lookup_key)
    if not found:
        raise not_found("Feature", field="lookup_key")
    granted = await find_grants(
        connection, organization_id, subscriber, found, cache=cache.terms, now=now
    )
    if revalidation is not None:
        check = _to_cache(revalidation.validator, subscriber, found, granted)
        if check is not None:
            cache.put(key, check)
    customer_id = subscriber.customer_id
    unpaid = await find_unpaid(organization_id, customer_id, granted, has_credit)
    capped = await find_capped(organization_id, subscriber, granted, has_credit)
    usages = await measure(connection, organization_id, customer_id, granted.grants)
    return decide(found[0], granted, usages, unpaid, capped)


@exactly
def _add_up(validator: str | None, parts: Sequence[UsagePart]) -> EdgeUsage:
    return EdgeUsage(
        validator=validator,
        total=sum((part.figures["total"] or ZERO for part in parts), ZERO),
        event_count=sum(part.event_count for part in parts),
    )


async def _sum_edges(
    connection: AsyncConnection,
    organization_id: UUID,
    check: CachedCheck,
    revalidation: Revalidation,
) -> EdgeUsage:
    if check.window is None:
        return _NO_EDGES
    spans = [
        UsageRead(
            place=place,
            meter_id=check.window.meter_id,
            period=Period(starts_at=starts_at, ends_at=ends_at),
        )
        for place, (starts_at, ends_at) in enumerate(check.window.edges)
    ]
    _, parts = await stored_usage.read_usage_now(
        connection, organization_id, check.customer_id, spans
    )
    return _add_up(revalidation.edges, parts)


def _to_cache(
    validator: str, subscriber: Subscriber, found: Sequence[FeatureRow], granted: Grants
) -> CachedCheck | None:
    """The check, if its usage is at most one sum or count, and nothing else ends it."""
    if subscriber.has_cap or any(is_blocking(one.terms, one.feature) for one in granted.grants):
        return None
    measured = [
        (place, grant.window, grant.meter)
        for place, grant in enumerate(granted.grants)
        if grant.window is not None and grant.meter is not None
    ]
    if len(measured) > 1 or any(
        not meter.aggregation.definition.is_additive for _, _, meter in measured
    ):
        return None
    sums, summed = None, None
    for place, window, meter in measured:
        sums, summed = WindowSums(meter.meter_id, window.starts_at, window.ends_at), place
    return CachedCheck(
        validator=validator,
        customer_id=subscriber.customer_id,
        feature=found[0],
        granted=granted,
        until=_next_instant(subscriber, granted),
        window=sums,
        place=summed,
    )


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
