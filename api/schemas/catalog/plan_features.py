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
    """Whether the plan grants the feature."""
    usage_limit: NotNegative | None = None
    """How much of a metered feature may be used in a reset window; null or absent for no limit."""
    usage_reset_period: AnyInterval | None = None
    """How long a reset window is; by default a billing period."""
    is_soft_limit: Flag = False
    """Whether customers keep access beyond the limit."""
    reject_over_limit: Flag = False
    """Whether usage that would pass a hard limit is refused with 409 and not stored."""
    over_limit: Annotated[OverLimit, any_case(OverLimit)] = OverLimit.BILL
    """What an invoice does about usage beyond a hard limit: bill it, or waive it."""
    static_value: Words | None = None
    """The value of a feature of type `custom`."""
    effective: EffectiveChoice = None

    def command(self) -> Grant:
        """The command that the body stands for."""
        return self.fill(Grant)


class PlanFeaturePatch(Patch, like=(PlanFeatureCreate,)):
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


class PlanFeatureView(View, like=(PlanFeatureCreate,)):
    """What a plan grants of a feature."""

    id: UUID
    plan_id: UUID
    feature_id: UUID
    feature_type: FeatureType
    """The kind of the feature."""
    lookup_key: str
    """The feature's name for programs."""
    name: str
    """The feature's name for people."""
    meter_id: UUID | None
    """The meter that measures the feature; null unless it is metered."""
    is_enabled: bool
    usage_limit: Quantity | None
    """How much may be used in a reset window; null where there is no limit."""
    usage_reset_period: Interval | None
    """How long a reset window is; null where it is a billing period."""
    is_soft_limit: bool
    reject_over_limit: bool
    over_limit: OverLimit
    static_value: str | None
    """The value of a feature of type `custom`; else null."""
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
