"""Meters on the wire (CONTRACT 2.4), and the documents of filters and prices."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.openapi_corrections import NULL_IN_EXAMPLE
from api.schemas.catalog.plan_edits import EditView, EffectiveChoice
from api.schemas.common import NUMBER_SCHEMA, Flag, Moment, Name, Schema, View, Words, any_case
from api.schemas.patches import Patch
from billing.metering.aggregations import Aggregation, MeterStatus
from billing.metering.filters import MAX_FILTERS, Operator
from billing.pricing import MODELS, parse_pricing
from models.catalog.meters import Meter
from services.catalog.meters import CreateMeter, MeterDetails, UpdateMeter

MAX_CHARACTERS: Final = 500

FILTERS_SCHEMA: Final = {
    "type": "array",
    "maxItems": MAX_FILTERS,
    "items": {
        "type": "object",
        "required": ["property"],
        "properties": {
            "property": {"type": "string"},
            "operator": {"type": "string", "enum": [*Operator], "default": "eq"},
            "value": {"description": "A string, number or boolean; a list for in and not_in."},
        },
    },
    "examples": [[{"property": "region", "operator": "eq", "value": "eu"}]],
}
PRICING_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "model": {"type": "string", "enum": [*MODELS], "default": "graduated"},
        "tiers": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["up_to"],
                "properties": {
                    "up_to": {"anyOf": [*NUMBER_SCHEMA["anyOf"], {"type": "null"}]},
                    "unit_price": NUMBER_SCHEMA,
                    "flat_fee": NUMBER_SCHEMA,
                },
            },
        },
        "unit_price": NUMBER_SCHEMA,
        "package_size": NUMBER_SCHEMA,
        "rate": NUMBER_SCHEMA,
        "fixed_fee": NUMBER_SCHEMA,
    },
    "examples": [
        {
            "model": "graduated",
            "tiers": [
                {"up_to": 1000, "unit_price": 0.002},
                {"up_to": 10000, "unit_price": 0.001},
                {"up_to": NULL_IN_EXAMPLE, "unit_price": 0.0005},
            ],
        }
    ],
}


def _check_texts(document: Any) -> Any:
    """Refuse texts that are too long or that no database stores, however deep."""
    match document:
        case str():
            if len(document) > MAX_CHARACTERS:
                raise PydanticCustomError(
                    "string_too_long", "A text has at most {most} characters.", {"most": 500}
                )
            if not document.isascii() and any("\ud800" <= one <= "\udfff" for one in document):
                raise PydanticCustomError("string_unicode", "A text must be valid Unicode.")
        case dict():
            for key, value in document.items():
                _check_texts(key)
                _check_texts(value)
        case list():
            for value in document:
                _check_texts(value)
    return document


FilterDocuments = Annotated[list[Any], AfterValidator(_check_texts), WithJsonSchema(FILTERS_SCHEMA)]
"""Filters, read by ``billing.metering.filters``: at most five, all must match."""

PricingDocument = Annotated[
    dict[str, Any], AfterValidator(_check_texts), WithJsonSchema(PRICING_SCHEMA)
]
"""A price model, read by ``billing.pricing``."""


class MeterCreate(Schema):
    """A meter without a feature."""

    meter_name: Name
    aggregation_type: Annotated[Aggregation, any_case(Aggregation)]
    name: Words | None = None
    property_name: Words | None = None
    unit: Words | None = None
    unit_code: Words | None = Field(default=None, examples=["C62"])
    filters: FilterDocuments = Field(default_factory=list)
    usage_pricing_rules: PricingDocument | None = None
    carry_forward: Flag = False

    def command(self) -> CreateMeter:
        """The command that the body stands for."""
        return CreateMeter(meter_name=self.meter_name, details=self.fill(MeterDetails))


class MeterPatch(Patch):
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


class MeterView(View):
    """A meter. ``meter_token`` is what ``/sdk/track`` addresses it by."""

    id: UUID
    name: str
    meter_name: str
    meter_token: UUID
    property_name: str | None
    aggregation_type: Aggregation
    unit: str | None
    unit_code: str | None
    filters: FilterDocuments
    usage_pricing_rules: PricingDocument | None
    carry_forward: bool
    status: MeterStatus
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
