"""Limits on arriving usage: events that would pass a hard limit, and thresholds that are reached.

Whatever is limited takes its reset windows' rows before it is written, so that events of one window
come one after the other, in this process and in others. What no plan limits waits for nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from billing.entitlements import crossed_thresholds, limiting_generosity, require_within_limit
from billing.errors import Conflict
from billing.identifiers import MeterId
from billing.invoicing.receipts import instant_text
from billing.metering.aggregations import MeterTerms
from billing.metering.hours import split_hours
from billing.metering.tallies import Aggregation, Tally, conclude_additive
from billing.money import ZERO, exactly, shortest
from billing.periods import Period
from billing.rating.terms import FeatureTerms, FeatureType, PlanTerms
from repositories.entitlements import windows as stored_windows
from repositories.entitlements.subscribers import LiveSubscription
from repositories.entitlements.windows import LimitWindow, ReachedThreshold, WindowKey
from repositories.ingestion import limits as stored_limits
from repositories.ingestion import writer as stored_writer
from repositories.ingestion.limits import PartSum, ScopeSubscription, WindowPart
from repositories.ingestion.writer import EventScope, NewEvent
from repositories.usage import spans as stored_spans
from services.catalog.terms_cache import KnownTerms, VersionKey
from services.entitlements.windows import version_in_force, window_at
from services.usage.measure import list_spans, read_usage_of

ScopeKey = tuple[str, str, str]
"""Organization, meter and customer."""


@dataclass(slots=True, kw_only=True)
class _Limit:
    """A limited feature of a customer's subscription on a meter.

    ``last_window`` saves the calendar for events of the same window.
    """

    scope: ScopeKey
    subscription: LiveSubscription
    terms: PlanTerms
    feature: FeatureTerms
    meter: MeterTerms
    last_window: LimitWindow | None = None

    def window_of(self, event: NewEvent) -> LimitWindow | None:
        """The window in which the event counts."""
        last = self.last_window
        if last is not None and last.starts_at <= event.timestamp < last.ends_at:
            return last
        window = window_at(self.subscription, self.terms, self.feature, event.timestamp)
        if window is None:
            return None
        self.last_window = LimitWindow(
            organization=self.scope[0],
            subscription=str(self.subscription.id),
            feature=str(self.feature.feature_id),
            starts_at=window.starts_at,
            ends_at=window.ends_at,
        )
        return self.last_window


class UsageLimits:
    """The limits that one transaction's events come under, and the usage of their windows."""

    def __init__(self, connection: AsyncConnection, terms: KnownTerms, now: datetime) -> None:
        self._connection = connection
        self._terms = terms
        self._now = now
        self._limits: dict[ScopeKey, list[_Limit]] = {}
        self._windows: dict[WindowKey, tuple[LimitWindow, _Limit]] = {}
        self._usage: dict[WindowKey, Decimal] = {}

    async def find(self, events: Sequence[NewEvent]) -> bool:
        """Whether anything limits these events; then their windows are this transaction's."""
        scopes = {_key(one.scope): one.scope for one in events}
        found = await stored_limits.find_limited(self._connection, scopes.values())
        if not found:
            return False
        terms = await self._load_terms(found)
        by_scope: dict[ScopeKey, list[ScopeSubscription]] = defaultdict(list)
        for one in found:
            by_scope[one.organization, one.meter, one.customer].append(one)
        self._limits = {key: self._limits_of(key, held, terms) for key, held in by_scope.items()}
        for event in events:
            for limit, window in self._of(event):
                self._windows[window.key] = (window, limit)
        if not self._windows:
            return False
        await stored_windows.lock_windows(
            self._connection, [window for window, _ in self._windows.values()]
        )
        await self._measure()
        return True

    async def refuse(self, events: Iterable[NewEvent]) -> dict[str, Conflict]:
        """The events that would pass a hard limit, by their ids; the others are counted, in order.

        Repeats of recorded events are never refused. Knows nothing of events that must come alone.
        """
        limited = [event for event in events if self._of(event)]
        identities = list({event.identity for event in limited})
        recorded = set(await stored_writer.find_keys(self._connection, identities))
        refused: dict[str, Conflict] = {}
        for event in limited:
            if event.identity in recorded:
                continue
            try:
                self._count(event)
            except Conflict as error:
                refused[event.id] = error
            else:
                recorded.add(event.identity)
        return refused

    def must_come_alone(self, event: NewEvent) -> bool:
        """Whether only trying tells if the event passes a limit that refuses."""
        return any(
            limit.feature.refuses_usage and not limit.meter.aggregation.is_additive
            for limit, _ in self._of(event)
        )

    async def require_room(self, event: NewEvent) -> None:
        """Return if the event, written just now, passed no limit. Raises Conflict."""
        for limit, window in self._of(event):
            if limit.feature.refuses_usage and not limit.meter.aggregation.is_additive:
                usage_after = await self._measure_other(window, limit)
                require_within_limit(limit.feature, usage_after)

    async def tell(self, written: Iterable[NewEvent]) -> None:
        """Thresholds that usage has reached by these events are told, once per window."""
        touched = {
            window.key: (window, limit) for event in written for limit, window in self._of(event)
        }
        for key, (window, limit) in touched.items():
            if not limit.meter.aggregation.is_additive:
                self._usage[key] = await self._measure_other(window, limit)
        reached = [
            (window, limit, percent)
            for key, (window, limit) in touched.items()
            for percent in crossed_thresholds(limit.feature.usage_limit, ZERO, self._usage[key])
        ]
        if not reached:
            return
        told = await stored_windows.list_told(
            self._connection, list({window.key: window for window, _, _ in reached}.values())
        )
        fresh = [
            ReachedThreshold(
                window=window, percent=percent, data=self._data(window, limit, percent)
            )
            for window, limit, percent in reached
            if (window.key, percent) not in told
        ]
        if fresh:
            await stored_windows.insert_thresholds(self._connection, fresh, now=self._now)

    def _of(self, event: NewEvent) -> list[tuple[_Limit, LimitWindow]]:
        if not event.counts:
            return []
        return [
            (limit, window)
            for limit in self._limits.get(_key(event.scope), ())
            if (window := limit.window_of(event)) is not None
        ]

    async def _load_terms(
        self, found: Iterable[ScopeSubscription]
    ) -> Mapping[VersionKey, PlanTerms]:
        keys = [key for one in found if (key := self._version_of(one)) is not None]
        return await self._terms.find(keys, partial(stored_limits.list_terms, self._connection))

    def _version_of(self, one: ScopeSubscription) -> VersionKey | None:
        version = version_in_force(one.subscription, one.clock_time or self._now)
        return None if version is None else (UUID(one.organization), *version)

    def _limits_of(
        self,
        key: ScopeKey,
        held: Iterable[ScopeSubscription],
        known: Mapping[VersionKey, PlanTerms],
    ) -> list[_Limit]:
        """Per feature on the meter the most generous limit, as in CONTRACT 43."""
        best: dict[UUID, _Limit] = {}
        for one in held:
            version = self._version_of(one)
            terms = known[version] if version is not None else None
            for feature in terms.features if terms is not None else ():
                if not _is_on(feature, key[1]):
                    continue
                assert terms is not None
                limit = _Limit(
                    scope=key,
                    subscription=one.subscription,
                    terms=terms,
                    feature=feature,
                    meter=_meter_of(one, feature),
                )
                former = best.get(feature.feature_id)
                if former is None or (
                    limiting_generosity(feature) > limiting_generosity(former.feature)
                ):
                    best[feature.feature_id] = limit
        return [limit for limit in best.values() if limit.feature.usage_limit is not None]

    @exactly
    def _count(self, event: NewEvent) -> None:
        added = [
            (limit, window.key, self._usage[window.key] + _amount(limit, event))
            for limit, window in self._of(event)
            if limit.meter.aggregation.is_additive
        ]
        for limit, _, usage_after in added:
            require_within_limit(limit.feature, usage_after)
        for _, key, usage_after in added:
            self._usage[key] = usage_after

    async def _measure(self) -> None:
        """The usage of every window of sums and counts as it was before these events."""
        additive = [
            (window, limit)
            for window, limit in self._windows.values()
            if limit.meter.aggregation.is_additive
        ]
        parts = [
            WindowPart(
                place=place,
                organization=limit.scope[0],
                meter=limit.scope[1],
                customer=limit.scope[2],
                starts_at=starts_at,
                ends_at=ends_at,
                is_whole_hours=is_whole_hours,
            )
            for place, (window, limit) in enumerate(additive)
            for starts_at, ends_at, is_whole_hours in _split(window)
        ]
        sums = defaultdict(list)
        for found in await stored_limits.sum_parts(self._connection, parts):
            sums[found.place].append(found)
        for place, (window, limit) in enumerate(additive):
            self._usage[window.key] = _add(limit, sums[place])

    async def _measure_other(self, window: LimitWindow, limit: _Limit) -> Decimal:
        period = Period(starts_at=window.starts_at, ends_at=window.ends_at)
        parts = await stored_spans.read_spans_within(
            self._connection,
            UUID(limit.scope[0]),
            UUID(limit.scope[2]),
            list_spans(limit.meter, period, 0),
        )
        return shortest(read_usage_of(limit.meter, period, parts, 0))

    def _data(self, window: LimitWindow, limit: _Limit, percent: int) -> Mapping[str, Any]:
        usage_now, most = self._usage[window.key], limit.feature.usage_limit
        return {
            "customer_id": limit.scope[2],
            "subscription_id": window.subscription,
            "lookup_key": limit.feature.lookup_key,
            "threshold": percent,
            "usage": shortest(usage_now),
            "limit": None if most is None else shortest(most),
            "resets_at": instant_text(window.ends_at),
        }


def _key(scope: EventScope) -> ScopeKey:
    return scope.organization, scope.meter, scope.customer


def _is_on(feature: FeatureTerms, meter: str) -> bool:
    is_meter = feature.type is FeatureType.METER and feature.is_enabled
    return is_meter and str(feature.meter_id) == meter


def _meter_of(one: ScopeSubscription, feature: FeatureTerms) -> MeterTerms:
    return MeterTerms(
        meter_id=MeterId(UUID(one.meter)),
        name=feature.name,
        aggregation=Aggregation(one.aggregation_type),
        carry_forward=one.carry_forward,
    )


def _split(window: LimitWindow) -> list[tuple[datetime, datetime, bool]]:
    """The whole hours of a window and its ragged edges."""
    split = split_hours(window.starts_at, window.ends_at)
    whole = [] if split.whole is None else [(*split.whole, True)]
    return [*whole, *((*edge, False) for edge in split.edges)]


@exactly
def _add(limit: _Limit, found: Sequence[PartSum]) -> Decimal:
    tally = Tally(
        event_count=sum(one.event_count for one in found),
        total=sum((one.total for one in found), ZERO),
    )
    return conclude_additive(limit.meter.aggregation, tally)


def _amount(limit: _Limit, event: NewEvent) -> Decimal:
    alone = Tally(event_count=1, total=Decimal(event.quantity))
    return conclude_additive(limit.meter.aggregation, alone)
