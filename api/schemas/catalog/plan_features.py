"""What plans grant of features, on the wire (CONTRACT 2.8)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from api.schemas.catalog.plan_edits import EditView, EffectiveChoice
from api.schemas.common import (
    AnyInterval,
    Flag,
    Moment,
    NotNegative,
    Quantity,
    Schema,
    View,
    Words,
    any_case,
)
from api.schemas.patches import Patch
from billing.periods import Interval
from billing.rating.terms import FeatureType, OverLimit
from repositories.catalog.shown import GrantedFeature
from services.catalog.grants import Grant, UpdateGrant


class PlanFeatureCreate(Schema):
    """What a plan grants of a feature. ``usage_limit`` null or absent means unlimited."""

    feature_id: UUID
    is_enabled: Flag
    usage_limit: NotNegative | None = None
    usage_reset_period: AnyInterval | None = None
    is_soft_limit: Flag = False
    reject_over_limit: Flag = False
    over_limit: Annotated[OverLimit, any_case(OverLimit)] = OverLimit.BILL
    static_value: Words | None = None
    effective: EffectiveChoice = None

    def command(self) -> Grant:
        """The command that the body stands for."""
        return self.fill(Grant)


class PlanFeaturePatch(Patch):
    """New values of what a plan grants."""

    is_enabled: Flag = True
    usage_limit: NotNegative | None = None
    usage_reset_period: AnyInterval | None = None
    is_soft_limit: Flag = False
    reject_over_limit: Flag = False
    over_limit: Annotated[OverLimit, any_case(OverLimit)] = OverLimit.BILL
    static_value: Words | None = None
    effective: EffectiveChoice = None

    def command(self) -> UpdateGrant:
        """The command that the body stands for: what it leaves out stays."""
        return UpdateGrant(grant=self.fill(Grant), given=self.given)


class PlanFeatureView(View):
    """What a plan grants of a feature."""

    id: UUID
    plan_id: UUID
    feature_id: UUID
    feature_type: FeatureType
    lookup_key: str
    name: str
    meter_id: UUID | None
    is_enabled: bool
    usage_limit: Quantity | None
    usage_reset_period: Interval | None
    is_soft_limit: bool
    reject_over_limit: bool
    over_limit: OverLimit
    static_value: str | None
    created_at: Moment


class EditedPlanFeatureView(PlanFeatureView, EditView):
    """What a plan grants after an edit, and what the edit reaches."""


def view_plan_feature(found: GrantedFeature) -> PlanFeatureView:
    """What a plan grants, as the API shows it."""
    granted, feature = found.granted, found.feature
    reset_period = granted.usage_reset_period
    return PlanFeatureView(
        id=granted.id,
        plan_id=granted.plan_id,
        feature_id=feature.id,
        feature_type=FeatureType(feature.type),
        lookup_key=feature.lookup_key,
        name=feature.name,
        meter_id=feature.meter_id,
        is_enabled=granted.is_enabled,
        usage_limit=granted.usage_limit,
        usage_reset_period=Interval(reset_period) if reset_period is not None else None,
        is_soft_limit=granted.is_soft_limit,
        reject_over_limit=granted.reject_over_limit,
        over_limit=OverLimit(granted.over_limit),
        static_value=granted.static_value,
        created_at=granted.created_at,
    )
