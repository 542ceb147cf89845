"""A commitment as a version of a plan says it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from billing.errors import InvalidInput
from billing.identifiers import ChargeId
from billing.money import ONE, ZERO, find_currency, require_decimals

MOST_PERIODS: Final = 120
"""How many periods a term may have: ten years of months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentTerms:
    """What customers of a plan owe of a term at least, and what is beyond it costs.

    Units: ``amount`` in major units of the plan's currency, for a whole term of ``term_periods``
    billing periods; no ``charge_ids`` means every charge in money. What the charges come to beyond
    the amount is due ``overage_factor`` times. Raises: InvalidInput naming the field.
    """

    commitment_id: UUID
    amount: Decimal
    charge_ids: tuple[ChargeId, ...] = ()
    term_periods: int = 1
    overage_factor: Decimal = ONE

    def __post_init__(self) -> None:
        require_decimals(amount=self.amount, overage_factor=self.overage_factor)
        if self.amount <= ZERO:
            raise InvalidInput("A commitment is above 0.", field="amount")
        if not 1 <= self.term_periods <= MOST_PERIODS:
            raise InvalidInput(
                f"A term has 1 to {MOST_PERIODS} billing periods.", field="term_periods"
            )
        if self.overage_factor < ZERO:
            raise InvalidInput("overage_factor is at least 0.", field="overage_factor")

    def require_whole(self, currency: str) -> None:
        """Refuse an amount that the currency cannot pay. Raises: InvalidInput."""
        known = find_currency(currency)
        if known.round(self.amount) != self.amount:
            raise InvalidInput(
                f"amount has at most {known.exponent} decimal places.", field="amount"
            )

    def is_for(self, charge_id: ChargeId | None) -> bool:
        """Whether lines in money of that charge count."""
        return charge_id is not None and (not self.charge_ids or charge_id in self.charge_ids)

    def meets(self, other: CommitmentTerms) -> bool:
        """Whether a charge would count for both."""
        if not self.charge_ids or not other.charge_ids:
            return True
        return not set(self.charge_ids).isdisjoint(other.charge_ids)
