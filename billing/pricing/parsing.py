"""Price models as JSON: the shape that ``pricing`` and ``usage_pricing_rules`` have in the API."""

from __future__ import annotations

from collections.abc import Mapping

from billing.errors import InvalidInput
from billing.pricing.graduated import Graduated
from billing.pricing.json_fields import not_negative
from billing.pricing.per_unit import PerUnit
from billing.pricing.registry import MODELS, UsagePricing


def parse_pricing(document: object, *, field: str = "pricing") -> UsagePricing:
    """Read a price model from its JSON shape; without ``model`` it is graduated.

    Numbers may be decimals, integers or strings of digits. Raises: InvalidInput with the location
    of the offending value. Source: CONTRACT 8 and 36.
    """
    if not isinstance(document, Mapping):
        raise InvalidInput(f"{field} must be an object.", field=field)
    name = document.get("model", Graduated.model)
    model = MODELS.get(name.lower()) if isinstance(name, str) else None
    if model is None:
        raise InvalidInput(
            f"{name!r} is not a price model; there are {', '.join(MODELS)}.",
            code="unknown_price_model",
            field=f"{field}.model",
        )
    try:
        return model.read(document)
    except InvalidInput as error:
        location = f"{field}.{error.field}" if error.field else field
        raise InvalidInput(error.detail, code=error.code, field=location) from error


def resolve_pricing(
    *, pricing: object | None, usage_pricing_rules: object | None, unit_price: object | None
) -> UsagePricing:
    """Give the one model that prices a USAGE charge.

    The charge's ``pricing`` wins, then its meter's ``usage_pricing_rules``, then ``unit_price``.
    Raises: InvalidInput ``missing_price`` if there is none. Source: CONTRACT 36.
    """
    if pricing is not None:
        return parse_pricing(pricing, field="pricing")
    if usage_pricing_rules is not None:
        return parse_pricing(usage_pricing_rules, field="usage_pricing_rules")
    if unit_price is not None:
        return PerUnit(unit_price=not_negative(unit_price, "unit_price"))
    raise InvalidInput(
        "A usage charge needs pricing, unit_price, or a meter with usage_pricing_rules.",
        code="missing_price",
        field="unit_price",
    )
