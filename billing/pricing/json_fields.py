"""Reading the fields of a price model's JSON shape: numbers from 0 up, and no field unknown."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from billing.errors import InvalidInput
from billing.money import ZERO, parse_price


def read_number(
    document: Mapping[str, object], key: str, *, default: Decimal | None = None
) -> Decimal:
    """Give a number of the document, from 0 up. Raises: InvalidInput naming its field."""
    if key not in document and default is not None:
        return default
    return not_negative(document.get(key), key)


def not_negative(value: object, field: str) -> Decimal:
    """Give a price, from 0 up. Raises: InvalidInput ``negative_number`` and its kin."""
    number = parse_price(value, field=field)
    if number < ZERO:
        raise InvalidInput(f"{field} must not be negative.", code="negative_number", field=field)
    return number


def refuse_unknown(document: Mapping[str, object], known: set[str], prefix: str = "") -> None:
    """Refuse a field that is not among those known. Raises: InvalidInput ``unknown_field``."""
    for key in document:
        if key not in known:
            raise InvalidInput(
                f"{key!r} is not a field here.", code="unknown_field", field=f"{prefix}{key}"
            )
