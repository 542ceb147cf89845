"""Features: what plans can grant, each measured one with its meter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, InvalidInput
from billing.quotas import Quota
from billing.rating.terms import Effective, FeatureType
from models.base import new_id
from models.catalog.features import Feature
from models.catalog.meters import Meter
from repositories.catalog import features as stored_features
from repositories.catalog import meters as stored_meters
from services.audit_log import record
from services.catalog import edits
from services.catalog.edits import Edited
from services.catalog.meters import (
    CreateMeter,
    create_meter,
    is_charged,
    lock_meter_in_use,
    retire_meter,
)
from services.constraints import translating
from services.quotas import require_room
from services.required import require_feature


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFeature:
    """A new feature. One of type ``meter`` brings its meter, or names one that exists."""

    name: str
    lookup_key: str
    type: FeatureType
    description: str | None = None
    meter: CreateMeter | None = None
    meter_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFeature:
    """New values of the fields named in ``given``; the others stay."""

    given: frozenset[str]
    name: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureWithMeter:
    """A feature, with its meter if it is measured."""

    feature: Feature
    meter: Meter | None


def create_feature(
    session: Session, organization_id: UUID, command: CreateFeature, *, now: datetime
) -> FeatureWithMeter:
    """The feature exists, with its meter if it brought one.

    Raises Conflict ``lookup_key_taken``, ``meter_name_taken`` or ``quota_reached``, NotFound for an
    unknown meter, InvalidInput naming the field.
    """
    require_room(session, organization_id, Quota.FEATURES)
    meter = _meter_of(session, organization_id, command, now=now)
    feature = Feature(
        organization_id=organization_id,
        id=new_id(),
        name=command.name,
        lookup_key=command.lookup_key,
        type=command.type.value,
        description=command.description,
        meter_id=meter.id if meter is not None else None,
        created_at=now,
    )
    conflict = Conflict(
        f"Another feature has the lookup_key {command.lookup_key!r}.",
        code="lookup_key_taken",
        field="lookup_key",
    )
    with translating("uq_feature_lookup_key", conflict):
        stored_features.insert_feature(session, feature)
    record(session, organization_id, "feature.created", "feature", feature.id, now=now)
    return FeatureWithMeter(feature=feature, meter=meter)


def update_feature(
    session: Session,
    organization_id: UUID,
    feature_id: UUID,
    command: UpdateFeature,
    *,
    effective: Effective | None = None,
    now: datetime,
) -> Edited[FeatureWithMeter]:
    """The fields given have their new values, and each plan that grants it has a next version.

    Raises NotFound. Repeating it changes nothing.
    """
    feature = require_feature(stored_features.lock_feature(session, organization_id, feature_id))
    changed = {name for name in command.given if getattr(feature, name) != getattr(command, name)}
    reach = edits.reach_nobody(now=now)
    if changed:
        for name in changed:
            setattr(feature, name, getattr(command, name))
        session.add(feature)
        session.flush()
        reach = edits.republish(
            session,
            organization_id,
            stored_features.list_plans_granting(session, organization_id, feature_id),
            effective,
            field="name",
            now=now,
        )
        record(
            session,
            organization_id,
            "feature.updated",
            "feature",
            feature.id,
            after={name: getattr(feature, name) for name in sorted(changed)},
            now=now,
        )
    return Edited(result=_with_meter(session, feature), reach=reach)


def delete_feature(
    session: Session, organization_id: UUID, feature_id: UUID, *, now: datetime
) -> None:
    """The feature is hidden, and its meter retired if nothing else uses it.

    Raises NotFound, Conflict while a plan grants it.
    """
    feature = get_feature(session, organization_id, feature_id).feature
    # A meter is locked before its features, by everybody.
    meter = _lock_meter(session, feature)
    feature = require_feature(stored_features.lock_feature(session, organization_id, feature_id))
    if stored_features.list_plans_granting(session, organization_id, feature_id):
        raise Conflict("A plan grants the feature.", code="feature_in_use")
    feature.deleted_at = now
    session.add(feature)
    session.flush()
    record(session, organization_id, "feature.deleted", "feature", feature.id, now=now)
    if meter is not None and not _is_used(session, meter):
        retire_meter(session, meter, now=now)


def get_feature(session: Session, organization_id: UUID, feature_id: UUID) -> FeatureWithMeter:
    """The feature with its meter, unless it is deleted. Raises NotFound."""
    feature = require_feature(stored_features.find_feature(session, organization_id, feature_id))
    return _with_meter(session, feature)


def list_features(
    session: Session,
    organization_id: UUID,
    *,
    type: FeatureType | None,
    offset: int,
    limit: int,
) -> tuple[Sequence[FeatureWithMeter], int]:
    """A page of features that are not deleted, oldest first, and how many there are."""
    found, total = stored_features.list_features(
        session,
        organization_id,
        type=type.value if type is not None else None,
        offset=offset,
        limit=limit,
    )
    metered = stored_meters.list_meters_by_id(
        session,
        organization_id,
        {feature.meter_id for feature in found if feature.meter_id is not None},
    )
    return [
        FeatureWithMeter(
            feature=feature,
            meter=metered[feature.meter_id] if feature.meter_id is not None else None,
        )
        for feature in found
    ], total


def _meter_of(
    session: Session, organization_id: UUID, command: CreateFeature, *, now: datetime
) -> Meter | None:
    is_measured = command.type is FeatureType.METER
    if not is_measured and (command.meter is not None or command.meter_id is not None):
        raise InvalidInput(
            f"A feature of type {command.type.value} has no meter.",
            code="unexpected_meter",
            field="meter_name" if command.meter is not None else "meter_id",
        )
    if is_measured and (command.meter is None) == (command.meter_id is None):
        raise InvalidInput(
            "A feature of type meter needs the fields of its meter, or the meter_id of one.",
            code="missing_meter",
            field="meter_name",
        )
    if command.meter_id is not None:
        return lock_meter_in_use(session, organization_id, command.meter_id)
    if command.meter is None:
        return None
    details = replace(command.meter.details, name=command.meter.details.name or command.name)
    return create_meter(session, organization_id, replace(command.meter, details=details), now=now)


def _with_meter(session: Session, feature: Feature) -> FeatureWithMeter:
    if feature.meter_id is None:
        return FeatureWithMeter(feature=feature, meter=None)
    meter = stored_meters.find_meter(session, feature.organization_id, feature.meter_id)
    return FeatureWithMeter(feature=feature, meter=meter)


def _lock_meter(session: Session, feature: Feature) -> Meter | None:
    if feature.meter_id is None:
        return None
    return stored_meters.lock_meter(session, feature.organization_id, feature.meter_id)


def _is_used(session: Session, meter: Meter) -> bool:
    return bool(
        stored_features.list_features_of_meter(session, meter.organization_id, meter.id)
        or is_charged(session, meter)
    )
