"""Plans and charges on the wire (CONTRACT 2.6, 2.7)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.catalog.features import Slug
from api.schemas.catalog.meters import view_pricing
from api.schemas.catalog.plan_edits import EditView, EffectiveChoice
from api.schemas.catalog.plan_features import PlanFeatureView, view_plan_feature
from api.schemas.catalog.price_models import PricingDocument, ShownPricing
from api.schemas.common import (
    AnyInterval,
    Count,
    Flag,
    LongWords,
    Moment,
    Money,
    NotNegative,
    Price,
    Quantity,
    Schema,
    View,
    Words,
    any_case,
)
from api.schemas.patches import Patch
from billing.periods import Interval
from billing.rating.terms import ChargeStatus, ChargeType, PlanType
from models.catalog.plans import Charge, Plan
from repositories.catalog.shown import PlanContents
from services.catalog.charges import AddCharge
from services.catalog.plans import PlanDetails, UpdatePlan


class PlanCreate(Schema):
    """A plan, without charges yet. A billing period is ``billing_interval_count`` intervals."""

    name: Words
    lookup_id: Slug
    type: Annotated[PlanType, any_case(PlanType)]
    billing_interval: AnyInterval
    currency: Words
    billing_interval_count: Count = 1
    trial_days: Count = 0
    description: LongWords | None = None
    is_active: Flag = True

    def command(self) -> PlanDetails:
        """The command that the body stands for."""
        return self.fill(PlanDetails)


class PlanPatch(Patch):
    """New values of a plan. Interval and currency: only while nobody is subscribed."""

    name: Words = Field(default="")
    lookup_id: Slug = Field(default="")
    type: Annotated[PlanType, any_case(PlanType)] = PlanType.HYBRID
    billing_interval: AnyInterval = Interval.MONTH
    currency: Words = Field(default="")
    billing_interval_count: Count = 1
    trial_days: Count = 0
    description: LongWords | None = None
    is_active: Flag = True
    effective: EffectiveChoice = None

    def command(self) -> UpdatePlan:
        """The command that the body stands for: what it leaves out stays."""
        return UpdatePlan(details=self.fill(PlanDetails), given=self.given)


class ChargeCreate(Schema):
    """A price. Of a USAGE charge: ``pricing``, else the meter's rules, else ``unit_price``."""

    type: Annotated[ChargeType, any_case(ChargeType)]
    unit_price: Price | None = None
    meter_id: UUID | None = None
    pricing: PricingDocument | None = None
    included_units: NotNegative | None = None
    minimum: Price | None = None
    maximum: Price | None = None
    display_name: Words | None = None
    currency: Words | None = None
    billing_interval: AnyInterval | None = None
    effective: EffectiveChoice = None

    def command(self) -> AddCharge:
        """The command that the body stands for."""
        return self.fill(AddCharge)


class ChargePatch(Schema):
    """A charge can only be deactivated."""

    status: Annotated[ChargeStatus, any_case(ChargeStatus)]
    effective: EffectiveChoice = None


class ChargeView(View):
    """A charge of a plan."""

    id: UUID
    plan_id: UUID
    type: ChargeType
    meter_id: UUID | None
    unit_price: Money | None
    pricing: ShownPricing | None
    included_units: Quantity | None
    minimum: Money | None
    maximum: Money | None
    display_name: str | None
    status: ChargeStatus
    created_at: Moment


class PlanSummary(View):
    """A plan in a list. ``version`` counts its edits."""

    id: UUID
    name: str
    lookup_id: str
    type: PlanType
    billing_interval: Interval
    billing_interval_count: int
    currency: str
    trial_days: int
    description: str | None
    is_active: bool
    version: int
    created_at: Moment


class PlanView(PlanSummary):
    """A plan with its active charges and what it grants."""

    features: list[PlanFeatureView]
    charges: list[ChargeView]


class EditedChargeView(ChargeView, EditView):
    """A charge that an edit left behind, and what the edit reaches."""


class EditedPlanView(PlanView, EditView):
    """A plan after an edit, and what the edit reaches."""


def view_plan_summary(plan: Plan) -> PlanSummary:
    """The plan as lists show it."""
    return PlanSummary.model_validate(plan, from_attributes=True)


def view_plan(contents: PlanContents) -> PlanView:
    """The plan as the API shows it."""
    return PlanView(
        **view_plan_summary(contents.plan).model_dump(),
        features=[view_plan_feature(one) for one in contents.features],
        charges=[view_charge(one) for one in contents.charges],
    )


def view_charge(charge: Charge) -> ChargeView:
    """The charge as the API shows it."""
    return ChargeView(
        id=charge.id,
        plan_id=charge.plan_id,
        type=ChargeType(charge.type),
        meter_id=charge.meter_id,
        unit_price=charge.unit_price,
        pricing=view_pricing(charge.pricing),
        included_units=charge.included_units,
        minimum=charge.minimum,
        maximum=charge.maximum,
        display_name=charge.display_name,
        status=ChargeStatus(charge.status),
        created_at=charge.created_at,
    )
