"""Limits on arriving usage: events that would pass a hard limit, and thresholds that are reached.

Whatever is limited takes its reset windows' rows before it is written, so that events of one window
come one after the other, in this process and in others. What no plan limits waits for nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from billing.entitlements import crossed_thresholds, require_within_limit
from billing.errors import Conflict
from billing.invoicing.receipts import instant_text
from billing.money import ZERO, exactly, shortest
from billing.periods import Period
from billing.rating.terms import PlanTerms
from repositories.entitlements import windows as stored_windows
from repositories.entitlements.windows import LimitWindow, ReachedThreshold, WindowKey
from repositories.ingestion import limits as stored_limits
from repositories.ingestion import writer as stored_writer
from repositories.ingestion.limits import ScopeSubscription
from repositories.ingestion.writer import NewEvent
from repositories.usage import usage_now as stored_usage
from services.catalog.terms_cache import TermsCache
from services.entitlements.limits_in_force import Limit, ScopeKey, limits_in_force, scope_key
from services.entitlements.windows import version_in_force
from services.usage.measure import list_spans, read_usage_of

Equals = tuple[tuple[Limit, LimitWindow], ...]
"""Equally generous limits on a feature, each with a window: usage needs room in one of them."""


class UsageLimits:
    """The limits that one transaction's events come under, and the usage of their windows."""

    def __init__(self, connection: AsyncConnection, terms: TermsCache, now: datetime) -> None:
        self._connection = connection
        self._terms = terms
        self._now = now
        self._limits: dict[ScopeKey, list[tuple[Limit, ...]]] = {}
        self._windows: dict[WindowKey, tuple[LimitWindow, Limit]] = {}
        self._usage: dict[WindowKey, Decimal] = {}

    async def find(self, events: Sequence[NewEvent]) -> bool:
        """Whether anything limits these events; then their windows are this transaction's."""
        scopes = {scope_key(one.scope): one.scope for one in events}
        found = await stored_limits.find_limited(self._connection, scopes.values())
        if not found:
            return False
        by_scope: dict[ScopeKey, list[tuple[ScopeSubscription, PlanTerms]]] = defaultdict(list)
        for one, terms in await self._with_terms(found):
            by_scope[one.organization, one.meter, one.customer].append((one, terms))
        self._limits = {key: limits_in_force(key, held) for key, held in by_scope.items()}
        for event in events:
            for equals in self._of(event):
                self._windows |= {window.key: (window, limit) for limit, window in equals}
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
        return any(_is_tried(equals) for equals in self._of(event))

    async def require_room(self, event: NewEvent) -> None:
        """Return if the event, written just now, passed no limit. Raises Conflict."""
        for equals in self._of(event):
            if _is_tried(equals):
                usages = [await self._measure_other(window, limit) for limit, window in equals]
                require_within_limit(equals[0][0].feature, min(usages))

    async def tell(self, written: Iterable[NewEvent]) -> None:
        """Thresholds that usage has reached by these events are told, once per window."""
        touched = {
            tuple(window.key for _, window in equals): equals
            for event in written
            for equals in self._of(event)
        }
        reached = []
        for equals in touched.values():
            for limit, window in equals:
                if not limit.meter.aggregation.definition.is_additive:
                    self._usage[window.key] = await self._measure_other(window, limit)
            limit, window = min(equals, key=lambda one: self._usage[one[1].key])
            reached += [
                (window, limit, percent)
                for percent in crossed_thresholds(
                    limit.feature.usage_limit, ZERO, self._usage[window.key]
                )
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

    def _of(self, event: NewEvent) -> list[Equals]:
        """For each limited feature the windows that the event counts in."""
        if not event.counts:
            return []
        found = (
            tuple(
                (limit, window)
                for limit in equals
                if (window := limit.window_of(event)) is not None
            )
            for equals in self._limits.get(scope_key(event.scope), ())
        )
        return [equals for equals in found if equals]

    async def _with_terms(
        self, found: Iterable[ScopeSubscription]
    ) -> list[tuple[ScopeSubscription, PlanTerms]]:
        versions = [
            (one, (UUID(one.organization), *version))
            for one in found
            if (version := version_in_force(one.subscription, one.clock_time or self._now))
        ]
        terms = await self._terms.find(
            (version for _, version in versions),
            partial(stored_limits.list_terms, self._connection),
        )
        return [(one, terms[version]) for one, version in versions]

    @exactly
    def _count(self, event: NewEvent) -> None:
        usage_after: dict[WindowKey, Decimal] = {}
        for equals in self._of(event):
            if equals[0][0].meter.aggregation.definition.is_additive:
                after = {
                    window.key: self._usage[window.key] + limit.amount_of(event)
                    for limit, window in equals
                }
                require_within_limit(equals[0][0].feature, min(after.values()))
                usage_after |= after
        self._usage |= usage_after

    async def _measure(self) -> None:
        """The usage of every window of sums and counts as it was before these events."""
        additive = [
            (window, limit)
            for window, limit in self._windows.values()
            if limit.meter.aggregation.definition.is_additive
        ]
        parts = [
            part
            for place, (window, limit) in enumerate(additive)
            for part in limit.split(window, place)
        ]
        sums = defaultdict(list)
        for found in await stored_limits.sum_parts(self._connection, parts):
            sums[found.place].append(found)
        for place, (window, limit) in enumerate(additive):
            self._usage[window.key] = limit.add(sums[place])

    async def _measure_other(self, window: LimitWindow, limit: Limit) -> Decimal:
        period = Period(starts_at=window.starts_at, ends_at=window.ends_at)
        parts = await stored_usage.read_usage_within(
            self._connection,
            UUID(limit.scope[0]),
            UUID(limit.scope[2]),
            list_spans(limit.meter, period, 0),
        )
        return shortest(read_usage_of(limit.meter, period, parts, 0))

    def _data(self, window: LimitWindow, limit: Limit, percent: int) -> Mapping[str, Any]:
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


def _is_tried(equals: Equals) -> bool:
    """Whether only trying tells if usage passes a limit that refuses."""
    limit, _ = equals[0]
    return limit.feature.refuses_usage and not limit.meter.aggregation.definition.is_additive
