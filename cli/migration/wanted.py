"""What an export asks for, in the words of the public API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Body = dict[str, Any]
"""An object of JSON, theirs or ours."""


class NoCounterpart(Exception):
    """Something of the export that cannot be said here; the text says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFeature:
    """A feature by its ``lookup_key``. ``meter`` names an existing meter that it is measured by."""

    source: str
    body: Body
    meter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCharge:
    """A charge; ``meter`` is the meter's name where it is for usage."""

    body: Body
    meter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedGrant:
    """What a plan grants of the feature with this ``lookup_key``."""

    feature: str
    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPlan:
    """A plan by its ``lookup_id``, with its charges and grants."""

    source: str
    body: Body
    charges: Sequence[WantedCharge]
    grants: Sequence[WantedGrant] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCustomer:
    """A customer by its ``external_id``."""

    source: str
    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSubscription:
    """A customer on a plan, from the end of the period that the other system still bills."""

    source: str
    customer: str
    plan: str
    starts_at: datetime
    body: Body = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """What is not taken over, and why."""

    source: str
    reason: str


@dataclass(slots=True)
class Wanted:
    """Everything of an export, in the order in which it can be made."""

    features: list[WantedFeature] = field(default_factory=list)
    plans: list[WantedPlan] = field(default_factory=list)
    customers: list[WantedCustomer] = field(default_factory=list)
    subscriptions: list[WantedSubscription] = field(default_factory=list)
    events: list[Body] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    @contextmanager
    def skipping(self, source: str) -> Iterator[str]:
        """What has no counterpart is noted, and the next one is looked at."""
        try:
            yield source
        except NoCounterpart as reason:
            self.skip(source, reason)

    def skip(self, source: str, reason: object) -> None:
        """Note that something is not taken over."""
        self.skipped.append(Skipped(source, str(reason)))
