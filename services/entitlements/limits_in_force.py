"""A limit on a customer's usage of a meter, and which of several grants' limits is in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from billing.entitlements import limiting_generosity
from billing.identifiers import MeterId
from billing.metering.aggregations import MeterTerms
from billing.metering.hours import split_hours
from billing.metering.tallies import Aggregation, Tally, conclude_additive
from billing.money import ZERO, exactly
from billing.rating.terms import FeatureTerms, FeatureType, PlanTerms
from repositories.entitlements.subscribers import LiveSubscription
from repositories.entitlements.windows import LimitWindow
from repositories.ingestion.limits import PartSum, ScopeSubscription, WindowPart
from repositories.ingestion.writer import EventScope, NewEvent
from services.entitlements.windows import window_at

ScopeKey = tuple[str, str, str]
"""Organization, meter and customer."""


@dataclass(slots=True, kw_only=True)
class Limit:
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

    def split(self, window: LimitWindow, place: int) -> list[WindowPart]:
        """The whole hours of a window and its ragged edges, as they are to be summed."""
        split = split_hours(window.starts_at, window.ends_at)
        whole = [] if split.whole is None else [(*split.whole, True)]
        organization, meter, customer = self.scope
        return [
            WindowPart(
                place=place,
                organization=organization,
                meter=meter,
                customer=customer,
                starts_at=starts_at,
                ends_at=ends_at,
                is_whole_hours=is_whole_hours,
            )
            for starts_at, ends_at, is_whole_hours in (
                *whole,
                *((*edge, False) for edge in split.edges),
            )
        ]

    @exactly
    def add(self, found: Sequence[PartSum]) -> Decimal:
        """What the parts of a window come to."""
        tally = Tally(
            event_count=sum(one.event_count for one in found),
            total=sum((one.total for one in found), ZERO),
        )
        return conclude_additive(self.meter.aggregation, tally)

    def amount_of(self, event: NewEvent) -> Decimal:
        """What an event adds to a sum or count."""
        alone = Tally(event_count=1, total=Decimal(event.quantity))
        return conclude_additive(self.meter.aggregation, alone)


def scope_key(scope: EventScope) -> ScopeKey:
    """Whose usage of which meter."""
    return scope.organization, scope.meter, scope.customer


def limits_in_force(
    key: ScopeKey, held: Iterable[tuple[ScopeSubscription, PlanTerms]]
) -> list[tuple[Limit, ...]]:
    """Per feature on the meter the most generous limit; several where they are equally generous.

    Usage that has room in any of several equal ones is not limited, as a check says that the one
    with the most left counts. Source: CONTRACT 43.
    """
    granted: dict[UUID, list[Limit]] = defaultdict(list)
    for one, terms in held:
        for feature in terms.features:
            if _is_on(feature, key[1]):
                granted[feature.feature_id].append(
                    Limit(
                        scope=key,
                        subscription=one.subscription,
                        terms=terms,
                        feature=feature,
                        meter=_meter_of(one, feature),
                    )
                )
    most_generous = [_most_generous(limits) for limits in granted.values()]
    return [equals for equals in most_generous if equals[0].feature.usage_limit is not None]


def _most_generous(limits: Sequence[Limit]) -> tuple[Limit, ...]:
    most = max(limiting_generosity(one.feature) for one in limits)
    return tuple(one for one in limits if limiting_generosity(one.feature) == most)


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
