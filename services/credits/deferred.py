"""Deferred revenue: the money of credit that was sold and is not spent. Source: CREDITS I9."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.credits.expiry import cost_of_rest
from billing.money import ZERO, exactly, find_currency
from repositories.credits import deferred as stored_deferred
from services.credits import units


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """What was sold in one currency and is not spent. Units: major units, before taxes."""

    currency: str
    amount: Decimal
    grants: int


@exactly
def read_deferred(session: Session, organization_id: UUID, unit: str | None) -> list[Deferred]:
    """For each currency what the rests of grants had cost, in one unit or, if None, in all.

    What is over by its time counts until that is posted, for bills may still draw on it. Raises
    NotFound ``unit_not_found``.
    """
    code = None if unit is None else units.find_unit(session, organization_id, unit).code
    amounts: dict[str, Decimal] = defaultdict(lambda: ZERO)
    counts: dict[str, int] = defaultdict(int)
    for one in stored_deferred.list_unspent(session, organization_id, code):
        places = find_currency(one.currency).exponent
        amounts[one.currency] += cost_of_rest(
            one.cost, one.rest, granted=one.granted, places=places
        )
        counts[one.currency] += 1
    return [
        Deferred(
            currency=currency,
            amount=find_currency(currency).round(amount),
            grants=counts[currency],
        )
        for currency, amount in sorted(amounts.items())
    ]
