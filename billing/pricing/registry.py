"""The list of price models of usage charges, and what is asked of it by a model's name.

The union is the list: whoever needs one asks here, and no other module tells models apart. A model
is one frozen dataclass in a file of its own, which says

- ``model``: its name, in the API and in every stored document;
- ``read`` and ``document``: from its JSON shape and back;
- ``price``: the exact amount of a quantity, of which numbers it was made, and what the line shows;
- ``label``: what stands behind the quantity in the label of a line;
- ``needs``: the meter that it asks for, if it does.

``docs/development/adding-a-price-model.md`` adds one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias, get_args

from billing.metering.tallies import Aggregation
from billing.money import exactly
from billing.pricing.flat import Flat
from billing.pricing.graduated import Graduated
from billing.pricing.package import Package
from billing.pricing.per_unit import PerUnit
from billing.pricing.percentage import Percentage
from billing.pricing.prices import StepInputs
from billing.pricing.stairstep import Stairstep
from billing.pricing.volume import Volume

UsagePricing: TypeAlias = PerUnit | Graduated | Volume | Package | Stairstep | Percentage

Pricing: TypeAlias = Flat | UsagePricing

MODELS: Final[Mapping[str, type[UsagePricing]]] = {one.model: one for one in get_args(UsagePricing)}
"""Every model of usage charges by its name, in the order in which people are told of them."""


@exactly
def describe_price(model: str | None, shown: StepInputs) -> str:
    """Give what a line of this model says behind its quantity, with the sign before it."""
    kind = MODELS.get(model or "")
    return f", {model}" if kind is None else kind.label(shown)


def find_misfit(pricing: Pricing, aggregation: Aggregation | None) -> str | None:
    """Give the sentence that refuses the model on a meter of this aggregation, None if it fits."""
    need = pricing.needs
    return need.sentence if need is not None and need.aggregation is not aggregation else None
