"""Grants and lines for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st

from billing.credits.cuts import Segment
from billing.credits.drawing import DrawableLine, Lot
from billing.credits.grants import EVERYTHING, Grant, GrantKind, Scope
from billing.identifiers import ChargeId, MeterId
from billing.units import Taxation, currency_unit

DOLLARS = currency_unit("USD")
START = datetime(2025, 1, 1, tzinfo=UTC)
CHARGES = [ChargeId(UUID(int=number)) for number in (1, 2)]
METERS = [MeterId(UUID(int=number)) for number in (11, 12)]

days = st.integers(-3, 12).map(lambda number: START + timedelta(days=number))


def grant(**terms: Any) -> Grant:
    """A free grant of 100 dollars for ever, but for what is said."""
    return Grant(
        **{
            "grant_id": uuid4(),
            "sequence": 1,
            "unit": DOLLARS,
            "amount": Decimal(100),
            "kind": GrantKind.FREE,
            "effective_at": START - timedelta(days=30),
            **terms,
        }
    )


@st.composite
def lots(draw: st.DrawFn) -> list[Lot]:
    """Up to six grants of whole dollars, with what is left of each."""
    found = []
    for sequence in range(draw(st.integers(0, 6))):
        effective_at = draw(days)
        lasts = draw(st.none() | st.integers(1, 6))
        amount = draw(st.integers(1, 12))
        one = grant(
            grant_id=UUID(int=100 + sequence),
            sequence=sequence,
            amount=Decimal(amount),
            kind=draw(st.sampled_from(GrantKind)),
            priority=draw(st.sampled_from([10, 50])),
            effective_at=effective_at,
            expires_at=None if lasts is None else effective_at + timedelta(days=lasts),
            applies_to=draw(scopes),
            unit=currency_unit("USD", draw(st.sampled_from(Taxation))),
        )
        found.append(Lot(grant=one, rest=Decimal(draw(st.integers(0, amount)))))
    return found


scopes = st.just(EVERYTHING) | st.builds(
    Scope,
    meter_ids=st.frozensets(st.sampled_from(METERS), max_size=1),
    charge_ids=st.frozensets(st.sampled_from(CHARGES), max_size=1),
)


@st.composite
def lines(draw: st.DrawFn) -> list[DrawableLine]:
    """Up to four lines of whole dollars, used on a few days."""
    return [
        DrawableLine(
            position=position,
            segments=tuple(
                Segment(used_at=START + timedelta(days=day), amount=Decimal(amount))
                for day, amount in enumerate(draw(st.lists(st.integers(1, 9), max_size=4)))
            ),
            charge_id=draw(st.none() | st.sampled_from(CHARGES)),
            meter_id=draw(st.none() | st.sampled_from(METERS)),
            is_taxable=draw(st.booleans()),
        )
        for position in range(draw(st.integers(0, 4)))
    ]
