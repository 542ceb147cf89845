"""Deferred revenue of credit on the wire (docs/concepts/credits.md)."""

from __future__ import annotations

from collections.abc import Sequence

from api.schemas.common import Money, View
from services.credits.deferred import Deferred


class DeferredAmountView(View):
    """What was sold in one currency and is not spent."""

    currency: str
    """The currency that it was paid in."""
    amount: Money
    """What the rests of grants had cost, before taxes."""
    grants: int
    """How many grants that were sold have something left."""


class DeferredRevenueView(View):
    """The money of credit that was sold and is not spent."""

    unit: str | None
    """The unit that was asked for; null for all."""
    totals: list[DeferredAmountView]
    """One for each currency; empty where nothing is left."""


def view_deferred(unit: str | None, found: Sequence[Deferred]) -> DeferredRevenueView:
    """Deferred revenue as the API shows it."""
    return DeferredRevenueView(
        unit=unit,
        totals=[DeferredAmountView.model_validate(one, from_attributes=True) for one in found],
    )
