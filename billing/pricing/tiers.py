"""Tiers: the rows of a price table, and the rule that they tile every quantity from zero up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from billing.errors import InvalidInput
from billing.money import ZERO, parse_decimal, require_decimals, require_not_negative
from billing.pricing.json_fields import not_negative, refuse_unknown
from billing.ratios import Exact

MAX_TIERS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A row of a tier table: it holds quantities above the previous row up to ``up_to`` inclusive.

    ``up_to`` None is the open end. Units: amounts in major units of the plan's currency.
    """

    up_to: Decimal | None
    unit_price: Decimal = ZERO
    flat_fee: Decimal = ZERO

    def __post_init__(self) -> None:
        require_decimals(up_to=self.up_to)
        require_not_negative(unit_price=self.unit_price, flat_fee=self.flat_fee)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierAmount:
    """What one tier contributed to a charge.

    ``adjustment`` names the rule if the row is not a tier but brings the rows to the charge's
    amount: ``minimum``, ``maximum`` or ``true_up``.
    """

    starts_from: Decimal
    up_to: Decimal | None
    quantity: Exact
    unit_price: Decimal
    flat_fee: Exact
    amount: Exact
    adjustment: str | None = None


def read_tiers(document: Mapping[str, object]) -> tuple[Tier, ...]:
    """Give the tiers of a model that has nothing else.

    A tier may say ``from``; it must then be where the tier before ends. Raises: InvalidInput with
    the place of the offending row.
    """
    refuse_unknown(document, {"model", "tiers"})
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
    refuse_unknown(row, {"from", "up_to", "unit_price", "flat_fee"}, f"{field}.")
    if "up_to" not in row:
        raise InvalidInput(
            f"{field}.up_to is missing; null marks the open end.", field=f"{field}.up_to"
        )
    up_to = row["up_to"]
    starts_from = row.get("from")
    tier_values = {
        key: not_negative(ZERO if row.get(key) is None else row[key], f"{field}.{key}")
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


def tiers_document(tiers: Sequence[Tier]) -> list[dict[str, object]]:
    """Give the JSON shape of a tier table."""
    return [
        {"up_to": tier.up_to, "unit_price": tier.unit_price, "flat_fee": tier.flat_fee}
        for tier in tiers
    ]


def check_tiers(tiers: Sequence[Tier]) -> None:
    """Refuse a table that does not tile [0, ∞).

    Raises: InvalidInput ``invalid_tiers`` whose field is the tier's place (``tiers.1.up_to``) and
    whose sentence gives the reason. Source: CONTRACT 8.
    """
    if not tiers:
        raise _invalid("A tier table needs at least one tier.", "tiers")
    lower = ZERO
    for place, tier in enumerate(tiers):
        name, field = f"Tier {place + 1}", f"tiers.{place}.up_to"
        if tier.up_to is None:
            if place + 1 < len(tiers):
                raise _invalid(f"{name} is open-ended but is not the last tier.", field)
            return
        if tier.up_to <= ZERO:
            raise _invalid(f"{name} must end above 0.", field)
        if tier.up_to == lower:
            raise _invalid(f"{name} overlaps the tier before: both end at {lower:f}.", field)
        if tier.up_to < lower:
            raise _invalid(f"{name} is out of order: it ends below the tier before.", field)
        lower = tier.up_to
    raise _invalid(
        f"Tier {len(tiers)}, the last, must be open-ended: its up_to must be null.",
        f"tiers.{len(tiers) - 1}.up_to",
    )


def _invalid(reason: str, field: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_tiers", field=field)
