"""Credit that is sold: what it costs, and that only what is paid for has a price.

Source: CREDITS 4 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from billing.credits.grants import GrantKind, Spendable
from billing.errors import InvalidInput
from billing.money import ZERO, find_currency, require_decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What all of a grant is sold for. Units: ``amount`` in major units of ``currency``.

    Raises: InvalidInput, which names the field.
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        require_decimals(amount=self.amount)
        currency = find_currency(self.currency, field="cost.currency")
        if self.amount <= ZERO:
            raise InvalidInput("cost is more than 0.", code="not_positive", field="cost.amount")
        if currency.round(self.amount) != self.amount:
            raise InvalidInput(
                f"cost.amount has more than the {currency.exponent} decimal places of"
                f" {currency.code}.",
                code="finer_than_unit",
                field="cost.amount",
            )


def require_terms(kind: GrantKind, cost: Cost | None, spendable: Spendable | None) -> None:
    """Return if a grant of the kind can be had for that. Raises: InvalidInput, naming the field."""
    if kind is GrantKind.PAID:
        if cost is None:
            raise InvalidInput("Credit that is sold has a cost.", code="no_cost", field="cost")
        return
    if cost is not None:
        raise InvalidInput(
            "Nobody pays for free credit: leave cost out, or say kind paid.",
            code="cost_of_free_credit",
            field="cost",
        )
    if spendable is Spendable.ON_PAYMENT:
        raise InvalidInput(
            "Nobody pays for free credit: it waits for no payment.",
            code="spendable_of_free_credit",
            field="spendable",
        )
