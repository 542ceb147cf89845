"""Deferred revenue: the money of credit that was sold and is not spent, in all and of each grant.

Source: CREDITS I9 and 18.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.credits.expiry import CostBasis, cost_of_rest
from billing.money import ZERO, exactly, find_currency
from repositories.credits import deferred as stored_deferred
from repositories.credits.lots import StoredLot
from services.credits import units


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """What was sold in one currency and is not spent. Units: major units, before taxes."""

    currency: str
    amount: Decimal
    grants: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """A grant that was sold, with what can be drawn of it and what is held, in its unit."""

    row: StoredLot
    rest: Decimal
    held: Decimal


@exactly
def find_bases(session: Session, sold: Iterable[Sold]) -> dict[UUID, CostBasis]:
    """What of each grant's cost the next bill may say, for units that are taxed as they are used.

    That is what its rest cost, and the cents by which documents said less, or more, as units came
    back. One statement for each organization, and none for no grants.
    """
    found: dict[UUID, CostBasis] = {}
    rows: dict[UUID, list[StoredLot]] = defaultdict(list)
    for one in sold:
        if one.row.cost_currency is None:
            continue
        rows[one.row.organization_id].append(one.row)
        found[one.row.id] = CostBasis(
            amount=one.row.cost_amount,
            currency=one.row.cost_currency,
            left=_cost_of(one.row, one.rest + one.held),
            held=one.held,
        )
    for organization_id, grants in rows.items():
        for grant_id, more in _unsaid(session, organization_id, grants).items():
            found[grant_id] = replace(found[grant_id], left=found[grant_id].left + more)
    return found


@exactly
def _unsaid(
    session: Session, organization_id: UUID, grants: Sequence[StoredLot]
) -> dict[UUID, Decimal]:
    """How much less documents said of each grant's cost than what they moved had cost."""
    by_id = {one.id: one for one in grants}
    unsaid: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
    for one in stored_deferred.list_said_costs(session, organization_id, by_id.keys()):
        row = by_id[one.grant_id]
        unsaid[row.id] += _cost_of(row, one.before) - _cost_of(row, one.after) - one.money
    return unsaid


def _cost_of(row: StoredLot, rest: Decimal) -> Decimal:
    places = find_currency(row.cost_currency).exponent
    return cost_of_rest(row.cost_amount, rest, granted=row.amount, places=places)


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
