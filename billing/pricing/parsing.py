"""Price models as JSON: the shape that ``pricing`` and ``usage_pricing_rules`` have in the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from billing.errors import InvalidInput
from billing.money import ZERO, parse_decimal, parse_price
from billing.pricing.flat import Flat
from billing.pricing.graduated import Graduated
from billing.pricing.package import Package
from billing.pricing.per_unit import PerUnit
from billing.pricing.percentage import Percentage
from billing.pricing.stairstep import Stairstep
from billing.pricing.tiers import Tier
from billing.pricing.volume import Volume

UsagePricing: TypeAlias = PerUnit | Graduated | Volume | Package | Stairstep | Percentage

MAX_TIERS: Final = 10_000


def parse_pricing(document: object, *, field: str = "pricing") -> UsagePricing:
    """Read a price model from its JSON shape; without ``model`` it is graduated.

    Numbers may be decimals, integers or strings of digits. A tier may say ``from``; it must then be
    where the tier before ends. Raises: InvalidInput with the location of the offending value.
    Source: CONTRACT 8 and 36.
    """
    if not isinstance(document, Mapping):
        raise InvalidInput(f"{field} must be an object.", field=field)
    name = document.get("model", "graduated")
    read = _READERS.get(name.lower()) if isinstance(name, str) else None
    if read is None:
        raise InvalidInput(
            f"{name!r} is not a price model; there are {', '.join(_READERS)}.",
            code="unknown_price_model",
            field=f"{field}.model",
        )
    try:
        return read(document)
    except InvalidInput as error:
        location = f"{field}.{error.field}" if error.field else field
        raise InvalidInput(error.detail, code=error.code, field=location) from error


def pricing_document(pricing: UsagePricing | Flat) -> dict[str, object]:
    """Give the JSON shape of a price model, numbers as decimals."""
    match pricing:
        case Graduated(tiers=tiers) | Volume(tiers=tiers) | Stairstep(tiers=tiers):
            return {"model": pricing.model, "tiers": [_tier_document(tier) for tier in tiers]}
        case PerUnit():
            return {"model": pricing.model, "unit_price": pricing.unit_price}
        case Package():
            return {
                "model": pricing.model,
                "package_size": pricing.package_size,
                "unit_price": pricing.unit_price,
            }
        case Percentage():
            return {"model": pricing.model, "rate": pricing.rate, "fixed_fee": pricing.fixed_fee}
        case Flat():
            return {"model": pricing.model, "amount": pricing.amount}


def _tier_document(tier: Tier) -> dict[str, object]:
    return {"up_to": tier.up_to, "unit_price": tier.unit_price, "flat_fee": tier.flat_fee}


def _read_per_unit(document: Mapping[str, object]) -> PerUnit:
    _refuse_unknown(document, {"model", "unit_price"}, "")
    return PerUnit(unit_price=_number(document, "unit_price"))


def _read_package(document: Mapping[str, object]) -> Package:
    _refuse_unknown(document, {"model", "package_size", "unit_price"}, "")
    return Package(
        package_size=_number(document, "package_size"), unit_price=_number(document, "unit_price")
    )


def _read_percentage(document: Mapping[str, object]) -> Percentage:
    _refuse_unknown(document, {"model", "rate", "fixed_fee"}, "")
    return Percentage(
        rate=_number(document, "rate"), fixed_fee=_number(document, "fixed_fee", default=ZERO)
    )


def _read_graduated(document: Mapping[str, object]) -> Graduated:
    return Graduated(tiers=_read_tiers(document))


def _read_volume(document: Mapping[str, object]) -> Volume:
    return Volume(tiers=_read_tiers(document))


def _read_stairstep(document: Mapping[str, object]) -> Stairstep:
    return Stairstep(tiers=_read_tiers(document))


_READERS: Final[dict[str, Callable[[Mapping[str, object]], UsagePricing]]] = {
    "per_unit": _read_per_unit,
    "graduated": _read_graduated,
    "volume": _read_volume,
    "package": _read_package,
    "stairstep": _read_stairstep,
    "percentage": _read_percentage,
}


def _read_tiers(document: Mapping[str, object]) -> tuple[Tier, ...]:
    _refuse_unknown(document, {"model", "tiers"}, "")
    rows = document.get("tiers")
    if not isinstance(rows, (list, tuple)):
        raise InvalidInput("tiers must be a list.", field="tiers")
    if len(rows) > MAX_TIERS:
        raise InvalidInput(f"At most {MAX_TIERS} tiers.", code="invalid_tiers", field="tiers")
    tiers: list[Tier] = []
    for place, row in enumerate(rows):
        tier, starts_from = _read_tier(row, f"tiers.{place}")
        if starts_from is not None:
            _check_start(starts_from, tiers[-1].up_to if tiers else ZERO, place)
        tiers.append(tier)
    return tuple(tiers)


def _read_tier(row: object, field: str) -> tuple[Tier, Decimal | None]:
    if not isinstance(row, Mapping):
        raise InvalidInput(f"{field} must be an object.", field=field)
    _refuse_unknown(row, {"from", "up_to", "unit_price", "flat_fee"}, f"{field}.")
    if "up_to" not in row:
        raise InvalidInput(
            f"{field}.up_to is missing; null marks the open end.", field=f"{field}.up_to"
        )
    up_to = row["up_to"]
    starts_from = row.get("from")
    tier_values = {
        key: _not_negative(ZERO if row.get(key) is None else row[key], f"{field}.{key}")
        for key in ("unit_price", "flat_fee")
    }
    return (
        Tier(
            up_to=None if up_to is None else parse_decimal(up_to, field=f"{field}.up_to"),
            **tier_values,
        ),
        None if starts_from is None else parse_decimal(starts_from, field=f"{field}.from"),
    )


def _check_start(starts_from: Decimal, previous: Decimal | None, place: int) -> None:
    if previous is None or starts_from == previous:
        return
    kind = "a gap after" if starts_from > previous else "an overlap with"
    raise InvalidInput(
        f"Tier {place + 1} starts at {starts_from:f}, which leaves {kind} the tier before,"
        f" ending at {previous:f}.",
        code="invalid_tiers",
        field=f"tiers.{place}.from",
    )


def _number(document: Mapping[str, object], key: str, *, default: Decimal | None = None) -> Decimal:
    if key not in document and default is not None:
        return default
    return _not_negative(document.get(key), key)


def _not_negative(value: object, field: str) -> Decimal:
    number = parse_price(value, field=field)
    if number < ZERO:
        raise InvalidInput(f"{field} must not be negative.", code="negative_number", field=field)
    return number


def _refuse_unknown(document: Mapping[str, object], known: set[str], prefix: str) -> None:
    for key in document:
        if key not in known:
            raise InvalidInput(
                f"{key!r} is not a field here.", code="unknown_field", field=f"{prefix}{key}"
            )


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
        return PerUnit(unit_price=_not_negative(unit_price, "unit_price"))
    raise InvalidInput(
        "A usage charge needs pricing, unit_price, or a meter with usage_pricing_rules.",
        code="missing_price",
        field="unit_price",
    )
