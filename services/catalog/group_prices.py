"""Prices by property: what a charge names becomes what roll-ups tell apart.

Source: docs/decisions/0066.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, InvalidInput
from billing.pricing import UsagePricing, parse_pricing, resolve_pricing
from billing.rating.groups import Grouping, GroupPrice
from models.catalog.plans import Charge
from repositories.catalog import meters as stored_meters
from repositories.usage.properties import groups as stored_groups
from repositories.usage.properties import rollups as stored_rollups
from repositories.usage.rollups import lock_all_arrivals

MOST_VALUES: Final = 2000
"""How many combinations of values all charges on a meter name by the same properties."""


def parse_grouping(properties: Sequence[str], prices: Sequence[Mapping[str, Any]]) -> Grouping:
    """Read the prices that a charge names. Raises InvalidInput with the place of what is wrong."""
    return Grouping(
        properties=tuple(properties),
        prices=tuple(
            _parse_price(one, f"group_prices.{place}") for place, one in enumerate(prices)
        ),
    )


def to_rows(grouping: Grouping) -> list[dict[str, Any]]:
    """The prices as a charge keeps them."""
    rows = []
    for one in grouping.prices:
        pricing = parse_pricing(one.pricing.document())
        rows.append({"values": list(one.values), "pricing": stored_meters.to_pricing_row(pricing)})
    return rows


def grouping_of(charge: Charge) -> Grouping | None:
    """The prices that a charge names, or None."""
    if charge.group_by is None or charge.group_prices is None:
        return None
    return parse_grouping(charge.group_by, charge.group_prices)


def tell_apart(
    session: Session, organization_id: UUID, meter_id: UUID, grouping: Grouping, *, now: datetime
) -> None:
    """Roll-ups tell the meter's usage apart by what the grouping names, from now on.

    Idempotent by the values. No event of the organization arrives until the transaction ends, if
    any is new. Raises Conflict ``too_many_values``.
    """
    key = (organization_id, meter_id, grouping.properties)
    if is_told_apart(session, organization_id, meter_id, grouping):
        return
    lock_all_arrivals(session, organization_id)
    stored = stored_groups.list_groupings(session, [key[:2]]).get(key)
    if stored is None:
        stored = stored_rollups.insert_grouping(
            session, organization_id, meter_id, grouping.properties, now=now
        )
    known = stored_groups.values_by_place(session, organization_id, stored.id)
    new = [one.values for one in grouping.prices if one.values not in known]
    if len(known) + len(new) > MOST_VALUES:
        raise Conflict(
            f"Charges name at most {MOST_VALUES} values of the same properties on a meter.",
            code="too_many_values",
            field="group_prices",
        )
    stored_rollups.insert_groups(session, stored, new, max(known.values(), default=1) + 1)


def is_told_apart(
    session: Session, organization_id: UUID, meter_id: UUID, grouping: Grouping
) -> bool:
    """Whether the meter's usage is told apart by all that the grouping names."""
    key = (organization_id, meter_id, grouping.properties)
    stored = stored_groups.list_groupings(session, [key[:2]]).get(key)
    if stored is None:
        return False
    known = stored_groups.values_by_place(session, organization_id, stored.id)
    return all(one.values in known for one in grouping.prices)


def _parse_price(row: Mapping[str, Any], field: str) -> GroupPrice:
    pricing, unit_price = row.get("pricing"), row.get("unit_price")
    either = "The price of a group is either unit_price or pricing."
    if pricing is None and unit_price is None:
        raise InvalidInput(either, code="missing_price", field=f"{field}.unit_price")
    # What is wrong inside a price model is told before that there is another price beside it.
    priced = _priced(pricing, unit_price if pricing is None else None, field)
    if pricing is not None and unit_price is not None:
        raise InvalidInput(either, code="invalid_charge", field=f"{field}.unit_price")
    return GroupPrice(values=tuple(row["values"]), pricing=priced)


def _priced(pricing: object, unit_price: object, field: str) -> UsagePricing:
    try:
        return resolve_pricing(pricing=pricing, usage_pricing_rules=None, unit_price=unit_price)
    except InvalidInput as error:
        raise InvalidInput(error.detail, code=error.code, field=f"{field}.{error.field}") from error
