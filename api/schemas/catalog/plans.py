"""Plans and charges on the wire (CONTRACT 2.6, 2.7)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.catalog.features import Slug
from api.schemas.catalog.meters import view_pricing
from api.schemas.catalog.plan_edits import EditView, EffectiveChoice
from api.schemas.catalog.plan_features import PlanFeatureView, view_plan_feature
from api.schemas.catalog.price_models import (
    GroupPriceView,
    GroupPriceWrite,
    PricingDocument,
    ShownPricing,
)
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
from billing.rating.groups import MOST_PRICES, MOST_PROPERTIES
from billing.rating.terms import ChargeStatus, ChargeType, PlanType, Shortfall
from models.catalog.plans import Charge, Plan
from repositories.catalog.shown import PlanContents
from services.catalog.charges import AddCharge
from services.catalog.plans import PlanDetails, UpdatePlan

IntervalCount = Annotated[Count, Field(json_schema_extra={"minimum": 1, "maximum": 1000})]
"""Checked by ``billing.periods.Cadence``."""


class PlanCreate(Schema):
    """A plan, without charges yet. A billing period is ``billing_interval_count`` intervals."""

    name: Words
    """The plan's name for people."""
    lookup_id: Slug
    """The plan's name for programs, unique in the organization."""
    type: Annotated[PlanType, any_case(PlanType)]
    """Which charges it takes: `FIXED`, `USAGE`, or both (`HYBRID`)."""
    billing_interval: AnyInterval
    """The interval that a billing period is made of."""
    currency: Words
    """The currency of all its prices, an ISO 4217 code such as `EUR`."""
    billing_interval_count: IntervalCount = 1
    """How many intervals a billing period has, 1 to 1,000: two weeks are `week` and 2."""
    trial_days: Count = 0
    """How many days a subscription is free at its begin; 0 for no trial."""
    description: LongWords | None = None
    """What the plan is, in your words."""
    is_active: Flag = True
    """Whether customers can subscribe to it."""

    def command(self) -> PlanDetails:
        """The command that the body stands for."""
        return self.fill(PlanDetails)


class PlanPatch(Patch, like=(PlanCreate,)):
    """New values of a plan. Interval and currency: only while nobody is subscribed."""

    name: Words = Field(default="")
    lookup_id: Slug = Field(default="")
    type: Annotated[PlanType, any_case(PlanType)] = PlanType.HYBRID
    billing_interval: AnyInterval = Interval.MONTH
    currency: Words = Field(default="")
    billing_interval_count: IntervalCount = 1
    trial_days: Count = 0
    description: LongWords | None = None
    is_active: Flag = True
    effective: EffectiveChoice = None

    def command(self) -> UpdatePlan:
        """The command that the body stands for: what it leaves out stays."""
        return UpdatePlan(details=self.fill(PlanDetails), given=self.given)


class ProposedCharge(Schema):
    """A price. Of a USAGE charge: ``pricing``, else the meter's rules, else ``unit_price``."""

    type: Annotated[ChargeType, any_case(ChargeType)]
    """`FIXED` for an amount a period, `USAGE` for a price of metered units."""
    unit_price: Price | None = None
    """The amount a period of a FIXED charge; of a USAGE charge the price of a unit, where nothing
    else says one."""
    meter_id: UUID | None = None
    """The meter whose usage is priced; needed by a USAGE charge."""
    pricing: PricingDocument | None = None
    """The price model of a USAGE charge; without it the meter's `usage_pricing_rules` hold."""
    group_by: Annotated[list[Words], Field(max_length=MOST_PROPERTIES)] | None = None
    """One or two properties of events, such as `model` and `region`, by which usage of a SUM or
    COUNT meter is priced; each may be a path such as `request.model`. Comes with `group_prices`."""
    group_prices: Annotated[list[GroupPriceWrite], Field(max_length=MOST_PRICES)] | None = None
    """The price of each combination of values, one line of an invoice each. Events with other
    values, and those without a property, have the price that the charge has besides; they are one
    line each."""
    included_units: NotNegative | None = None
    """How many units of a period are free; by default the limit of the plan's feature on the same
    meter, if any. Of a charge with `group_by` they come off its groups in the order of
    `group_prices`."""
    minimum: Price | None = None
    """The least that a whole period is billed."""
    maximum: Price | None = None
    """The most that a whole period is billed."""
    display_name: Words | None = None
    """What invoices call it; by default the meter's name."""
    unit: Words | None = None
    """The own unit of credit that its prices are in, such as `TOKENS`; by default the plan's
    currency. Refused as yet: no bill knows such prices."""
    overage_rate: Price | None = None
    """What one of `unit` costs in the plan's currency where no credit pays it; needed unless
    `shortfall` is `block`."""
    shortfall: Annotated[Shortfall, any_case(Shortfall)] = Shortfall.INVOICE
    """What happens to usage that no credit pays: it is due on the `invoice`, or access is closed
    (`block`): entitlements of its meter answer `no_credit`."""
    currency: Words | None = None
    """The plan's currency; no other is taken."""
    billing_interval: AnyInterval | None = None
    """The plan's interval; no other is taken."""

    def command(self) -> AddCharge:
        """The command that the body stands for."""
        prices = self.group_prices
        named = None if prices is None else [one.model_dump() for one in prices]
        return self.fill(AddCharge, group_prices=named)


class ChargeCreate(ProposedCharge):
    """A price. Of a USAGE charge: ``pricing``, else the meter's rules, else ``unit_price``."""

    effective: EffectiveChoice = None


class ChargePatch(Schema):
    """A charge can only be deactivated."""

    status: Annotated[ChargeStatus, any_case(ChargeStatus)]
    """`INACTIVE`: a charge that is inactive stays so."""
    effective: EffectiveChoice = None


class ChargeView(View, like=(ChargeCreate,)):
    """A charge of a plan."""

    id: UUID
    plan_id: UUID
    type: ChargeType
    meter_id: UUID | None
    """The meter whose usage is priced; null for a FIXED charge."""
    unit_price: Money | None
    """The amount a period of a FIXED charge, or the price of a unit; null where `pricing` or the
    meter's rules say the price."""
    pricing: ShownPricing | None
    """The price model; null where the meter's rules or `unit_price` hold."""
    group_by: list[str] | None
    """The properties of events by which usage is priced; null where all usage has one price."""
    group_prices: list[GroupPriceView] | None
    """The price of each combination of values; null where all usage has one price."""
    included_units: Quantity | None
    """How many units of a period are free; null where the limit of the plan's feature on the meter
    decides."""
    minimum: Money | None
    """The least that a whole period is billed; null where there is no least."""
    maximum: Money | None
    """The most that a whole period is billed; null where there is no most."""
    display_name: str | None
    """What invoices call it; null where they say the meter's name."""
    unit: str | None
    """The own unit of credit that its prices are in; null where they are in the plan's currency."""
    overage_rate: Money | None
    """What one of `unit` costs in the plan's currency where no credit pays it; null where it is
    priced in money, or what no credit pays has no price."""
    shortfall: Shortfall
    status: ChargeStatus
    """Whether new periods are billed by it."""
    created_at: Moment


class PlanSummary(View, like=(PlanCreate,)):
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
    """What the plan is, in your words; null where nobody says."""
    is_active: bool
    version: int
    """How often the plan was edited, counted from 1. A bill names the version that it is computed
    by."""
    created_at: Moment


class PlanView(PlanSummary):
    """A plan with its active charges and what it grants."""

    features: list[PlanFeatureView]
    """What the plan grants."""
    charges: list[ChargeView]
    """What the plan charges, oldest first; inactive charges are left out."""


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
        group_by=charge.group_by,
        group_prices=_view_group_prices(charge),
        included_units=charge.included_units,
        minimum=charge.minimum,
        maximum=charge.maximum,
        display_name=charge.display_name,
        unit=charge.unit,
        overage_rate=charge.overage_rate,
        shortfall=Shortfall(charge.shortfall),
        status=ChargeStatus(charge.status),
        created_at=charge.created_at,
    )


def _view_group_prices(charge: Charge) -> list[GroupPriceView] | None:
    if charge.group_prices is None:
        return None
    return [
        GroupPriceView(values=one["values"], pricing=view_pricing(one["pricing"]) or {})
        for one in charge.group_prices
    ]
