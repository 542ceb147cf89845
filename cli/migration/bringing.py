"""Brings what is wanted into an organization, thing by thing, and says what became of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from billing.subscriptions import has_ended
from cli.migration.target import Target
from cli.migration.wanted import (
    Body,
    NoCounterpart,
    Skipped,
    Wanted,
    WantedCharge,
    WantedCustomer,
    WantedFeature,
    WantedGrant,
    WantedPlan,
    WantedSubscription,
)

Thing = TypeVar("Thing", WantedFeature, WantedPlan, WantedCustomer, WantedSubscription)

BATCH_ROWS = 5_000
REHEARSED: Body = {"id": ""}
"""What a rehearsal makes."""


@dataclass(slots=True)
class Report:
    """How many of each kind were made and found, and what was skipped."""

    made: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def count(self, kind: str, *, made: int = 0, found: int = 0) -> None:
        """Add to the figures of a kind."""
        self.made[kind] = self.made.get(kind, 0) + made
        self.found[kind] = self.found.get(kind, 0) + found


class Bringing:
    """One import. ``now`` is compared with the ends of running periods."""

    def __init__(self, target: Target, now: datetime) -> None:
        self._target = target
        self._now = now
        self._meters: dict[str, str] = {}
        self.report = Report()

    def bring(self, wanted: Wanted) -> Report:
        """Everything wanted exists, or is reported as skipped."""
        self.report.skipped.extend(wanted.skipped)
        self._meters = {one["meter_name"]: one["id"] for one in self._target.list("/meters")}
        self._each(wanted.features, self._bring_feature)
        self._each(wanted.plans, self._bring_plan)
        self._each(wanted.customers, self._bring_customer)
        self._each(wanted.subscriptions, self._bring_subscription)
        for start in range(0, len(wanted.events), BATCH_ROWS):
            self._bring_events(wanted.events[start : start + BATCH_ROWS])
        return self.report

    def _each(self, things: Sequence[Thing], bring: Callable[[Thing], None]) -> None:
        for one in things:
            try:
                bring(one)
            except NoCounterpart as reason:
                self.report.skipped.append(Skipped(one.source, str(reason)))

    def _ensure(self, kind: str, found: Body | None, path: str, body: Body) -> Body:
        """What was found, else what is made now."""
        if found is not None:
            self.report.count(kind, found=1)
            return found
        made = REHEARSED if self._target.is_rehearsal else self._target.make(path, body)
        self.report.count(kind, made=1)
        return made

    def _bring_feature(self, wanted: WantedFeature) -> None:
        body = dict(wanted.body)
        if wanted.meter is not None:
            body["meter_id"] = self._meter(wanted.meter)
        found = self._target.find("features", body["lookup_key"])
        made = self._ensure("features", found, "/features", body)
        if name := body.get("meter_name"):
            self._meters[name] = made.get("meter_id") or ""

    def _bring_plan(self, wanted: WantedPlan) -> None:
        found = self._target.find("plans", wanted.body["lookup_id"])
        plan = self._ensure("plans", found, "/plans", wanted.body)
        path = f"/plans/{plan['id']}"
        for charge in wanted.charges:
            self._bring_charge(wanted, charge, path, plan.get("charges", []))
        for grant in wanted.grants:
            self._bring_grant(wanted, grant, path, plan.get("features", []))

    def _bring_charge(
        self, plan: WantedPlan, wanted: WantedCharge, path: str, existing: Sequence[Body]
    ) -> None:
        """A charge has no name of its own: one of this kind, meter and label is it."""
        body = dict(wanted.body)
        if wanted.meter is not None:
            body["meter_id"] = self._meter(wanted.meter)
        same = [one for one in existing if _identity(one) == _identity(body)]
        if same and _differs(body, same[0]):
            label = body.get("display_name") or wanted.meter
            reason = "there is such a charge with another price; change it by hand"
            self.report.skipped.append(Skipped(f"{plan.source}: {label}", reason))
        else:
            self._ensure("charges", same[0] if same else None, f"{path}/charges", body)

    def _bring_grant(
        self, plan: WantedPlan, wanted: WantedGrant, path: str, existing: Sequence[Body]
    ) -> None:
        same = [one for one in existing if one["lookup_key"] == wanted.feature]
        feature = self._target.find("features", wanted.feature)
        if feature is None and not self._target.is_rehearsal:
            raise NoCounterpart(f"the feature {wanted.feature} of {plan.source} was skipped")
        body = {"feature_id": (feature or REHEARSED)["id"], **wanted.body}
        self._ensure("plan features", same[0] if same else None, f"{path}/features", body)

    def _bring_customer(self, wanted: WantedCustomer) -> None:
        found = self._target.find("customers", wanted.body["external_id"])
        self._ensure("customers", found, "/customers", wanted.body)

    def _bring_subscription(self, wanted: WantedSubscription) -> None:
        customer = self._target.find("customers", wanted.customer)
        plan = self._target.find("plans", wanted.plan)
        is_rehearsed = self._target.is_rehearsal and (customer is None or plan is None)
        if not is_rehearsed and (customer is None or plan is None):
            missing = "customer" if customer is None else "plan"
            raise NoCounterpart(f"its {missing} was skipped or is not in the export")
        found = self._live(customer, plan) if customer and plan else None
        if found is None and wanted.starts_at < self._now:
            raise NoCounterpart(
                f"its period ended at {wanted.starts_at.isoformat()}: export it again"
            )
        body = {
            "customer_id": (customer or REHEARSED)["id"],
            "plan_id": (plan or REHEARSED)["id"],
            "start_date": wanted.starts_at.isoformat(),
            "trial_end_date": None,
            **wanted.body,
        }
        self._ensure("subscriptions", found, "/subscriptions", body)

    def _live(self, customer: Mapping[str, str], plan: Mapping[str, str]) -> Body | None:
        every = self._target.list("/subscriptions", customer_id=customer["id"])
        live = (one for one in every if not has_ended(one["status"]))
        return next((one for one in live if one["plan_id"] == plan["id"]), None)

    def _bring_events(self, events: Sequence[Body]) -> None:
        if self._target.is_rehearsal:
            self.report.count("events", made=len(events))
            return
        answer = self._target.make("/usage/batch?results=errors&create_customers=false", events)
        self.report.count("events", made=answer["accepted"], found=answer["duplicates"])
        self.report.skipped.extend(
            Skipped(events[one["index"]]["idempotency_key"], one["error"]["detail"])
            for one in answer["results"]
        )

    def _meter(self, name: str) -> str:
        if name not in self._meters:
            raise NoCounterpart(f"its meter {name} was skipped or is not in the export")
        return self._meters[name]


def _identity(charge: Mapping[str, object]) -> tuple[object, ...]:
    return (charge["type"], charge.get("meter_id"), charge.get("display_name"))


def _differs(wanted: Body, stored: Body) -> bool:
    """Whether they come to other amounts. What the API adds to a price is no difference."""
    return any(
        wanted.get(name) is not None
        and _plain(wanted[name]) != _plain(_part(stored.get(name), wanted[name]))
        for name in ("unit_price", "pricing", "minimum", "maximum", "included_units")
    )


def _part(stored: object, wanted: object) -> object:
    """The stored value, of an object only what is wanted of it."""
    if isinstance(stored, dict) and isinstance(wanted, dict):
        return {name: _part(stored.get(name), value) for name, value in wanted.items()}
    if isinstance(stored, list) and isinstance(wanted, list) and len(stored) == len(wanted):
        return [_part(one, other) for one, other in zip(stored, wanted, strict=True)]
    return stored


def _plain(value: object) -> object:
    """The value with equal numbers equal, whichever way they are written."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return Decimal(0) if value is None else value
