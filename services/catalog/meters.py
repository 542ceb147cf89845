"""Meters: create, edit while nothing was measured, retire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, InvalidInput
from billing.metering.aggregations import Aggregation, MeterStatus
from billing.metering.filters import filter_document, parse_filters
from billing.metering.unit_codes import require_unit_code
from billing.pricing import find_misfit, parse_pricing
from billing.quotas import Quota
from billing.rating.terms import Effective
from models.base import new_id
from models.catalog.meters import Meter
from repositories.catalog import features as stored_features
from repositories.catalog import meters as stored_meters
from repositories.catalog import plans as stored_plans
from repositories.catalog import versions as stored_versions
from repositories.usage import rollups as stored_rollups
from services.audit_log import record
from services.catalog import edits
from services.catalog.edits import Edited
from services.constraints import translating
from services.quotas import require_room
from services.required import require_meter

FROZEN_BY_EVENTS = frozenset({"aggregation_type", "property_name", "filters", "carry_forward"})
"""What cannot change once an event was recorded (CONTRACT 9 and 38)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterDetails:
    """What a meter measures and, by default, costs.

    ``filters`` and ``usage_pricing_rules`` are JSON documents of the shapes of CONTRACT 12 and 8.
    """

    name: str | None = None
    aggregation_type: Aggregation = Aggregation.SUM
    property_name: str | None = None
    unit: str | None = None
    unit_code: str | None = None
    filters: object = ()
    usage_pricing_rules: object | None = None
    carry_forward: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateMeter:
    """A new meter. ``name`` of its details defaults to ``meter_name``."""

    meter_name: str
    details: MeterDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMeter:
    """New values of the details named in ``given``; the others stay."""

    details: MeterDetails
    given: frozenset[str]


def create_meter(
    session: Session, organization_id: UUID, command: CreateMeter, *, now: datetime
) -> Meter:
    """The meter exists.

    Raises Conflict ``meter_name_taken`` or ``quota_reached``, InvalidInput naming the field.
    """
    require_room(session, organization_id, Quota.METERS)
    meter = Meter(
        organization_id=organization_id,
        id=new_id(),
        meter_name=command.meter_name,
        created_at=now,
        **_values(command.details, frozenset(MeterDetails.__slots__)),
    )
    meter.name = command.details.name or command.meter_name
    _check(meter)
    conflict = Conflict(
        f"Another meter has the meter_name {command.meter_name!r}.",
        code="meter_name_taken",
        field="meter_name",
    )
    with translating("uq_meter_name", conflict):
        stored_meters.insert_meter(session, meter)
    record(session, organization_id, "meter.created", "meter", meter.id, now=now)
    return meter


def update_meter(
    session: Session,
    organization_id: UUID,
    meter_id: UUID,
    command: UpdateMeter,
    *,
    effective: Effective | None = None,
    now: datetime,
) -> Edited[Meter]:
    """The details given have their new values, and each plan that they reach has a next version.

    Raises NotFound, Conflict ``meter_in_use`` for what is frozen once an event was recorded,
    InvalidInput if a value is not valid or a plan could not be priced by it. Repeating it changes
    nothing.
    """
    meter = require_meter(stored_meters.lock_meter(session, organization_id, meter_id))
    values = _values(command.details, command.given)
    changed = {name for name, value in values.items() if getattr(meter, name) != value}
    if not changed:
        return Edited(result=meter, reach=edits.reach_nobody(now=now))
    _require_unmeasured(session, meter, changed)
    for name in changed:
        setattr(meter, name, values[name])
    _check(meter)
    session.add(meter)
    session.flush()
    reach = edits.republish(
        session,
        organization_id,
        stored_plans.list_plans_charging(session, organization_id, meter_id),
        effective,
        field=_to_blame(changed),
        now=now,
    )
    record(
        session,
        organization_id,
        "meter.updated",
        "meter",
        meter.id,
        after={name: values[name] for name in sorted(changed)},
        now=now,
    )
    return Edited(result=meter, reach=reach)


def delete_meter(session: Session, organization_id: UUID, meter_id: UUID, *, now: datetime) -> None:
    """The meter takes no more events and its ``meter_name`` is free again.

    Raises NotFound, Conflict while a feature or a charge uses it.
    """
    meter = require_meter(stored_meters.lock_meter(session, organization_id, meter_id))
    users = stored_features.list_features_of_meter(session, organization_id, meter_id)
    if users:
        raise Conflict(f"The feature {users[0].lookup_key!r} uses the meter.", code="meter_in_use")
    if is_charged(session, meter):
        raise Conflict(
            "A plan, or a period that is not billed yet, charges the meter's usage.",
            code="meter_in_use",
        )
    retire_meter(session, meter, now=now)


def is_charged(session: Session, meter: Meter) -> bool:
    """Whether a plan charges the meter, or did when a period began that is not billed yet."""
    organization_id = meter.organization_id
    return bool(
        stored_plans.list_plans_charging(session, organization_id, meter.id)
    ) or stored_versions.is_charged_by_running(session, organization_id, meter.id)


def retire_meter(session: Session, meter: Meter, *, now: datetime) -> None:
    """The locked meter, which nothing uses, is hidden."""
    meter.status = MeterStatus.INACTIVE
    meter.deleted_at = now
    session.add(meter)
    session.flush()
    record(session, meter.organization_id, "meter.deleted", "meter", meter.id, now=now)


def get_meter(session: Session, organization_id: UUID, meter_id: UUID) -> Meter:
    """The meter, unless it is deleted. Raises NotFound."""
    return require_meter(stored_meters.find_meter(session, organization_id, meter_id))


def lock_meter_in_use(session: Session, organization_id: UUID, meter_id: UUID) -> Meter:
    """The meter that a request names, neither edited nor deleted until the transaction ends.

    Raises NotFound.
    """
    return require_meter(
        stored_meters.lock_meter(session, organization_id, meter_id, share=True), field="meter_id"
    )


def list_meters(
    session: Session, organization_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[Meter], int]:
    """A page of meters that are not deleted, oldest first, and how many there are."""
    return stored_meters.list_meters(session, organization_id, offset=offset, limit=limit)


def _require_unmeasured(session: Session, meter: Meter, changed: set[str]) -> None:
    frozen = sorted(changed & FROZEN_BY_EVENTS)
    if frozen and stored_rollups.has_events(session, meter.organization_id, meter.id):
        raise Conflict(
            f"{frozen[0]} is fixed: the meter has recorded events. Make a new meter instead.",
            code="meter_has_events",
            field=frozen[0],
        )


def _values(details: MeterDetails, given: frozenset[str]) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(details, name) for name in given}
    if "aggregation_type" in given:
        values["aggregation_type"] = details.aggregation_type.value
    if values.get("unit_code") is not None:
        values["unit_code"] = require_unit_code(values["unit_code"])
    if "filters" in given:
        values["filters"] = [filter_document(one) for one in parse_filters(details.filters)]
    if values.get("usage_pricing_rules") is not None:
        pricing = parse_pricing(details.usage_pricing_rules, field="usage_pricing_rules")
        values["usage_pricing_rules"] = stored_meters.to_pricing_row(pricing)
    return values


def _check(meter: Meter) -> None:
    stored_meters.to_meter_terms(meter)
    if meter.usage_pricing_rules is None:
        return
    pricing = parse_pricing(meter.usage_pricing_rules, field="usage_pricing_rules")
    misfit = find_misfit(pricing, Aggregation(meter.aggregation_type))
    if misfit is not None:
        raise InvalidInput(misfit, code="invalid_pricing", field="usage_pricing_rules.model")


def _to_blame(changed: set[str]) -> str:
    for name in ("usage_pricing_rules", "aggregation_type"):
        if name in changed:
            return name
    return min(changed)
