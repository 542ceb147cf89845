"""Filters and price models on the wire (CONTRACT 8, 12), which ``billing`` reads and writes."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticKnownError

from api.document.corrections import NULL_IN_EXAMPLE
from api.schemas.common import Exact, Money, NotNegative, Price, Quantity, Schema, View, Words
from api.schemas.described import ShownAs
from billing.metering.filters import MAX_FILTERS, Operator
from billing.pricing import MODELS
from billing.rating.groups import MOST_PROPERTIES

MAX_CHARACTERS: Final = 500

ModelName = Annotated[
    str, WithJsonSchema({"type": "string", "enum": [*MODELS], "examples": ["graduated"]})
]
FilterValue = str | float | bool | list[str | float | bool] | None


class EventFilterWrite(Schema):
    """A condition on a property of an event's free-form object."""

    property: str = Field(examples=["region"])
    """The name of the property, or its path, such as `records.amount`."""
    operator: Operator = Operator.EQ
    """How the property is compared with `value`."""
    value: FilterValue = Field(default=None, examples=["eu"])
    """What it is compared with: a list for `in` and `not_in`, a boolean or nothing for `exists`,
    else a single value."""


class EventFilterView(View, like=(EventFilterWrite,)):
    """A condition on a property of an event's free-form object."""

    property: str
    operator: Operator
    value: FilterValue


class PriceTierWrite(Schema):
    """A tier: what units cost up to a bound. A fraction above a bound belongs to the next tier."""

    up_to: NotNegative | None
    """The last quantity of the tier, itself included; null in the last tier, which has no end."""
    unit_price: Price | None = None
    """What each unit in the tier costs."""
    flat_fee: Price | None = None
    """What the tier costs besides, once a period."""


class PriceTierView(View, like=(PriceTierWrite,)):
    """A tier: what units cost up to a bound. A fraction above a bound belongs to the next tier."""

    up_to: Quantity | None
    unit_price: Money
    flat_fee: Money


class PriceModelWrite(Schema):
    """How a quantity becomes an amount: the model's name, and the numbers that it needs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "graduated",
                    "tiers": [
                        {"up_to": 1000, "unit_price": 0.002},
                        {"up_to": 10000, "unit_price": 0.001},
                        {"up_to": NULL_IN_EXAMPLE, "unit_price": 0.0005},
                    ],
                }
            ]
        }
    )

    model: ModelName = "graduated"
    """Which model: `per_unit` (`unit_price`), `graduated`, `volume` and `stairstep` (`tiers`),
    `package` (`package_size`, `unit_price`), `percentage` (`rate`, `fixed_fee`)."""
    tiers: list[PriceTierWrite] = Field(default_factory=list)
    """The tiers in ascending order, of `graduated`, `volume` and `stairstep`."""
    unit_price: Price = Field(default_factory=Decimal)
    """What a unit costs, or a package."""
    package_size: NotNegative = Field(default_factory=Decimal)
    """How many units a package has; a package that is begun is billed whole."""
    rate: NotNegative = Field(default_factory=Decimal)
    """Which share of the metered amount is billed: 0.029 is 2.9 %."""
    fixed_fee: Price = Field(default_factory=Decimal)
    """What each counted event costs besides, of `percentage`."""


class PriceModelView(View, like=(PriceModelWrite,)):
    """How a quantity becomes an amount: the model's name, and the numbers of that model alone."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    model: ModelName
    tiers: list[PriceTierView] = Field(default_factory=list)
    unit_price: Money = Field(default_factory=Decimal)
    package_size: Quantity = Field(default_factory=Decimal)
    rate: Exact = Field(default_factory=Decimal)
    fixed_fee: Money = Field(default_factory=Decimal)


def _check_texts(document: Any) -> Any:
    """Refuse texts that are too long or that no database stores, however deep."""
    match document:
        case str():
            if len(document) > MAX_CHARACTERS:
                raise PydanticKnownError("string_too_long", {"max_length": MAX_CHARACTERS})
            if not document.isascii() and any("\ud800" <= one <= "\udfff" for one in document):
                raise PydanticKnownError("string_unicode")
        case dict():
            for key, value in document.items():
                _check_texts(key)
                _check_texts(value)
        case list():
            for value in document:
                _check_texts(value)
    return document


FilterDocuments = Annotated[
    list[Any],
    AfterValidator(_check_texts),
    ShownAs(Annotated[list[EventFilterWrite], Field(max_length=MAX_FILTERS)]),
]
"""Filters, read by ``billing.metering.filters``: at most five, all must match."""

PricingDocument = Annotated[dict[str, Any], AfterValidator(_check_texts), ShownAs(PriceModelWrite)]
"""A price model, read by ``billing.pricing``."""

ShownFilters = Annotated[list[Any], ShownAs(list[EventFilterView])]
ShownPricing = Annotated[dict[str, Any], ShownAs(PriceModelView)]


class GroupPriceWrite(Schema):
    """The price of the events whose properties have certain values."""

    values: Annotated[list[Words], Field(min_length=1, max_length=MOST_PROPERTIES)]
    """The values, in the order of `group_by`. A number and the text of its digits are the same."""
    unit_price: Price | None = None
    """What a unit costs; instead of it `pricing` says a whole price model."""
    pricing: PricingDocument | None = None
    """The price model of these events alone: their tiers start at 0."""


class GroupPriceView(View, like=(GroupPriceWrite,)):
    """The price of the events whose properties have certain values."""

    values: list[str]
    """The values, in the order of `group_by`."""
    pricing: ShownPricing
    """The price model of these events alone."""
