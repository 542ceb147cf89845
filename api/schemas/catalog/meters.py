"""Meters on the wire (CONTRACT 2.4)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.schemas.catalog.plan_edits import EditView, EffectiveChoice
from api.schemas.catalog.price_models import (
    FilterDocuments,
    PricingDocument,
    ShownFilters,
    ShownPricing,
)
from api.schemas.common import Flag, Moment, Name, Schema, View, Words, any_case
from api.schemas.patches import Patch
from billing.metering.aggregations import Aggregation, MeterStatus
from billing.pricing import parse_pricing
from models.catalog.meters import Meter
from services.catalog.meters import CreateMeter, MeterDetails, UpdateMeter


class MeterCreate(Schema):
    """A meter without a feature."""

    meter_name: Name
    """The meter's name for programs, unique in the organization. Usage may name the meter by it."""
    aggregation_type: Annotated[Aggregation, any_case(Aggregation)]
    """How events become one quantity."""
    name: Words | None = None
    """The meter's name for people, on invoices too; `meter_name` where it is left out."""
    property_name: Words | None = None
    """The property of an event's free-form object that is aggregated, or its path; else the event's
    `quantity` is."""
    unit: Words | None = None
    """What is counted, such as `calls` or `GB`, as invoices say it."""
    unit_code: Words | None = Field(default=None, examples=["C62"])
    """The unit on e-invoices, a code of UN/ECE Recommendation 20."""
    filters: FilterDocuments = Field(default_factory=list)
    """Which events are counted: those that match all of these, at most five."""
    usage_pricing_rules: PricingDocument | None = None
    """The price model of charges on the meter that have no `pricing` of their own."""
    carry_forward: Flag = False
    """Whether MAX and LAST, and the level of WEIGHTED_SUM, carry over into a period without
    events."""

    def command(self) -> CreateMeter:
        """The command that the body stands for."""
        return CreateMeter(meter_name=self.meter_name, details=self.fill(MeterDetails))


class MeterPatch(Patch, like=(MeterCreate,)):
    """New values of a meter. From ``aggregation_type`` on: only until the first event."""

    name: Words = Field(default="")
    unit: Words | None = None
    unit_code: Words | None = Field(default=None, examples=["C62"])
    usage_pricing_rules: PricingDocument | None = None
    aggregation_type: Annotated[Aggregation, any_case(Aggregation)] = Aggregation.SUM
    property_name: Words | None = None
    filters: FilterDocuments = Field(default_factory=list)
    carry_forward: Flag = False
    effective: EffectiveChoice = None

    def command(self) -> UpdateMeter:
        """The command that the body stands for: what it leaves out stays."""
        return UpdateMeter(details=self.fill(MeterDetails), given=self.given)


class MeterView(View, like=(MeterCreate,)):
    """A meter. ``meter_token`` is what ``/sdk/track`` addresses it by."""

    id: UUID
    name: str
    """The meter's name for people, on invoices too."""
    meter_name: str
    meter_token: UUID
    """What `/sdk/track` addresses the meter by."""
    property_name: str | None
    aggregation_type: Aggregation
    unit: str | None
    unit_code: str | None
    filters: ShownFilters
    usage_pricing_rules: ShownPricing | None
    """The price model of charges on the meter that have no `pricing` of their own; null where it
    has none."""
    carry_forward: bool
    status: MeterStatus
    """Whether the meter takes events."""
    created_at: Moment


class EditedMeterView(MeterView, EditView):
    """A meter after an edit, and what the edit reaches."""


def view_meter(meter: Meter) -> MeterView:
    """The meter as the API shows it."""
    return MeterView(
        id=meter.id,
        name=meter.name,
        meter_name=meter.meter_name,
        meter_token=meter.meter_token,
        property_name=meter.property_name,
        aggregation_type=Aggregation(meter.aggregation_type),
        unit=meter.unit,
        unit_code=meter.unit_code,
        filters=meter.filters,
        usage_pricing_rules=view_pricing(meter.usage_pricing_rules),
        carry_forward=meter.carry_forward,
        status=MeterStatus(meter.status),
        created_at=meter.created_at,
    )


def view_pricing(stored: dict[str, Any] | None) -> dict[str, Any] | None:
    """A stored price model with its numbers as numbers."""
    return None if stored is None else parse_pricing(stored).document()
