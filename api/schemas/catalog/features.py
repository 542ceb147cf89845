"""Features on the wire (CONTRACT 2.5)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.catalog.meters import MeterCreate, MeterView, view_meter
from api.schemas.catalog.plan_edits import EditView, EffectiveChoice
from api.schemas.catalog.price_models import FilterDocuments, PricingDocument
from api.schemas.common import Flag, LongWords, Moment, Name, Schema, View, Words, any_case
from api.schemas.patches import Patch
from api.transport.refused.forms import NAME_FOR_PROGRAMS
from billing.errors import InvalidInput
from billing.metering.aggregations import Aggregation
from billing.rating.terms import FeatureType
from services.catalog.features import CreateFeature, FeatureWithMeter, UpdateFeature
from services.catalog.meters import CreateMeter, MeterDetails

Slug = Annotated[
    str,
    StringConstraints(
        strict=True,
        strip_whitespace=True,
        min_length=1,
        max_length=500,
        pattern=NAME_FOR_PROGRAMS,
    ),
]
"""A name for programs: letters, digits and ``_ . : -``, beginning with a letter or digit."""

METER_FIELDS = (
    "meter_name",
    "property_name",
    "aggregation_type",
    "unit",
    "unit_code",
    "filters",
    "usage_pricing_rules",
    "carry_forward",
)


class FeatureCreate(Schema, like=(MeterCreate,)):
    """A feature. One of type ``meter`` also says what its meter measures, or names a meter."""

    name: Words
    """The feature's name for people."""
    lookup_key: Slug
    """The feature's name for programs, unique in the organization."""
    type: Annotated[FeatureType, any_case(FeatureType)]
    """`meter` for what is metered, `switch` for what is on or off, `custom` for a value that each
    plan says."""
    description: LongWords | None = None
    """What the feature is, in your words."""
    meter_name: Name | None = None
    """The new meter's name for programs, unique in the organization; needed by a `meter` without
    `meter_id`."""
    property_name: Words | None = None
    aggregation_type: Annotated[Aggregation, any_case(Aggregation)] | None = None
    """How the new meter's events become one quantity; needed by a `meter` without `meter_id`."""
    unit: Words | None = None
    unit_code: Words | None = Field(default=None, examples=["C62"])
    filters: FilterDocuments | None = None
    usage_pricing_rules: PricingDocument | None = None
    carry_forward: Flag = False
    meter_id: UUID | None = None
    """An existing meter that measures the feature, instead of a new one."""

    def command(self) -> CreateFeature:
        """The command that the body stands for. Raises InvalidInput naming a meter's field."""
        return self.fill(CreateFeature, meter=self._new_meter())

    def _new_meter(self) -> CreateMeter | None:
        given = [field for field in METER_FIELDS if getattr(self, field)]
        if self.type is not FeatureType.METER or self.meter_id is not None:
            if given:
                raise InvalidInput(
                    f"{given[0]} describes a new meter, which this feature does not bring.",
                    code="unexpected_field",
                    field=given[0],
                )
            return None
        if self.meter_name is None or self.aggregation_type is None:
            field = "meter_name" if self.meter_name is None else "aggregation_type"
            raise InvalidInput(f"A meter needs {field}.", code="missing", field=field)
        return CreateMeter(
            meter_name=self.meter_name,
            details=self.fill(MeterDetails, name=None),
        )


class FeaturePatch(Patch, like=(FeatureCreate,)):
    """New values of a feature."""

    name: Words = Field(default="")
    description: LongWords | None = None
    effective: EffectiveChoice = None

    def command(self) -> UpdateFeature:
        """The command that the body stands for: what it leaves out stays."""
        return self.fill(UpdateFeature)


class FeatureView(View, like=(FeatureCreate,)):
    """A feature. ``meter`` is null unless it is measured."""

    id: UUID
    name: str
    lookup_key: str
    type: FeatureType
    description: str | None
    """What the feature is, in your words; null where nobody says."""
    meter_id: UUID | None
    """The meter that measures it; null unless it is metered."""
    meter_token: UUID | None
    """What `/sdk/track` addresses the meter by; null unless the feature is metered."""
    meter: MeterView | None
    """The meter that measures it; null unless it is metered."""
    created_at: Moment


class EditedFeatureView(FeatureView, EditView):
    """A feature after an edit, and what the edit reaches."""


def view_feature(found: FeatureWithMeter) -> FeatureView:
    """The feature as the API shows it."""
    feature, meter = found.feature, found.meter
    return FeatureView(
        id=feature.id,
        name=feature.name,
        lookup_key=feature.lookup_key,
        type=FeatureType(feature.type),
        description=feature.description,
        meter_id=feature.meter_id,
        meter_token=meter.meter_token if meter is not None else None,
        meter=view_meter(meter) if meter is not None else None,
        created_at=feature.created_at,
    )
