"""What plans grant. Each edit leaves a version of the plan behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, InvalidInput, NotFound
from billing.money import require_not_negative
from billing.periods import Interval
from billing.rating.terms import Effective, FeatureType, OverLimit
from models.base import new_id
from models.catalog.features import Feature
from models.catalog.plans import Plan, PlanFeature
from repositories.catalog import features as stored_features
from repositories.catalog import plans as stored_plans
from repositories.catalog.shown import GrantedFeature
from services.audit_log import record
from services.catalog.edits import Edited, EditReach, bring_forward, publish_edit
from services.catalog.plans import lock_plan
from services.constraints import translating
from services.required import require_feature


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a plan grants of a feature. ``usage_limit`` None means unlimited."""

    is_enabled: bool = True
    usage_limit: Decimal | None = None
    usage_reset_period: Interval | None = None
    is_soft_limit: bool = False
    reject_over_limit: bool = False
    over_limit: OverLimit = OverLimit.BILL
    static_value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateGrant:
    """New values of the fields named in ``given``; the others stay."""

    grant: Grant
    given: frozenset[str]


def add_plan_feature(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    feature_id: UUID,
    grant: Grant,
    *,
    effective: Effective | None = None,
    now: datetime,
) -> Edited[GrantedFeature]:
    """The plan grants the feature, and has a next version.

    Raises NotFound for an unknown plan or feature, Conflict ``feature_already_granted``,
    InvalidInput naming the field.
    """
    feature = require_feature(
        stored_features.lock_feature(session, organization_id, feature_id, share=True),
        field="feature_id",
    )
    plan = lock_plan(session, organization_id, plan_id)
    granted = PlanFeature(
        organization_id=organization_id,
        id=new_id(),
        plan_id=plan_id,
        feature_id=feature_id,
        created_at=now,
        **_values(grant, frozenset(Grant.__slots__)),
    )
    _check_grant(granted, feature)
    conflict = Conflict(
        "The plan already grants the feature.", code="feature_already_granted", field="feature_id"
    )
    with translating("uq_plan_feature", conflict):
        stored_plans.insert_plan_feature(session, granted)
    reach = publish_edit(session, plan, {"charges.": "usage_reset_period"}, effective, now=now)
    _record_grant(session, plan, granted, "plan_feature.added", now=now)
    return Edited(result=GrantedFeature(granted=granted, feature=feature), reach=reach)


def update_plan_feature(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    plan_feature_id: UUID,
    command: UpdateGrant,
    *,
    effective: Effective | None = None,
    now: datetime,
) -> Edited[GrantedFeature]:
    """The fields given have their new values, and the plan has a next version.

    The values that it has, asked for the running period, bring waiting edits forward.
    Raises NotFound, InvalidInput naming the field. Repeating it changes nothing.
    """
    plan = lock_plan(session, organization_id, plan_id)
    granted = _find_granted(session, plan, plan_feature_id)
    feature = require_feature(
        stored_features.find_feature(session, organization_id, granted.feature_id),
        may_be_deleted=True,
    )
    values = _values(command.grant, command.given)
    changed = sorted(name for name, value in values.items() if getattr(granted, name) != value)
    found = GrantedFeature(granted=granted, feature=feature)
    if not changed:
        return Edited(result=found, reach=bring_forward(session, plan, effective, now=now))
    for name in changed:
        setattr(granted, name, values[name])
    _check_grant(granted, feature)
    session.add(granted)
    session.flush()
    reach = publish_edit(session, plan, {"charges.": _to_blame(changed)}, effective, now=now)
    _record_grant(session, plan, granted, "plan_feature.updated", now=now)
    return Edited(result=found, reach=reach)


def remove_plan_feature(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    plan_feature_id: UUID,
    *,
    effective: Effective | None = None,
    now: datetime,
) -> EditReach:
    """The plan no longer grants the feature, and has a next version. Raises NotFound."""
    plan = lock_plan(session, organization_id, plan_id)
    granted = _find_granted(session, plan, plan_feature_id)
    stored_plans.delete_plan_feature(session, granted)
    reach = publish_edit(session, plan, {}, effective, now=now)
    _record_grant(session, plan, granted, "plan_feature.removed", now=now)
    return reach


def _check_grant(granted: PlanFeature, feature: Feature) -> None:
    require_not_negative(usage_limit=granted.usage_limit)
    meter_only = {
        "usage_limit": granted.usage_limit is not None,
        "usage_reset_period": granted.usage_reset_period is not None,
        "is_soft_limit": granted.is_soft_limit,
        "reject_over_limit": granted.reject_over_limit,
        "over_limit": granted.over_limit != OverLimit.BILL,
    }
    if feature.type != FeatureType.METER:
        for field, is_set in meter_only.items():
            if is_set:
                raise _refused(f"Only meter features have {field}.", field)
    if feature.type != FeatureType.CUSTOM and granted.static_value is not None:
        raise _refused("Only custom features have a static_value.", "static_value")


def _find_granted(session: Session, plan: Plan, plan_feature_id: UUID) -> PlanFeature:
    granted = stored_plans.find_plan_feature(
        session, plan.organization_id, plan.id, plan_feature_id
    )
    if granted is None:
        raise NotFound("The plan has no such feature.", code="plan_feature_not_found")
    return granted


def _values(grant: Grant, given: frozenset[str]) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(grant, name) for name in given}
    for name in ("usage_reset_period", "over_limit"):
        if values.get(name) is not None:
            values[name] = values[name].value
    return values


def _to_blame(changed: list[str]) -> str:
    for name in ("usage_reset_period", "usage_limit"):
        if name in changed:
            return name
    return changed[0]


def _record_grant(
    session: Session, plan: Plan, granted: PlanFeature, action: str, *, now: datetime
) -> None:
    record(
        session,
        plan.organization_id,
        action,
        "plan_feature",
        granted.id,
        after={"plan_id": plan.id, "feature_id": granted.feature_id, "version": plan.version},
        now=now,
    )


def _refused(reason: str, field: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_input", field=field)
