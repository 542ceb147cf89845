"""The percentage model: a share of the amounts measured, and a fee for each event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from billing.metering.tallies import Aggregation
from billing.money import ZERO, exactly, plain_text, require_not_negative
from billing.pricing.json_fields import read_number, refuse_unknown
from billing.pricing.prices import MeterNeed, Price, StepInputs
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentage:
    """A rate (0.029 is 2.9 %) on a sum of amounts, and a fixed fee once per counted event."""

    model: ClassVar[str] = "percentage"
    needs: ClassVar[MeterNeed | None] = MeterNeed(
        aggregation=Aggregation.SUM, sentence="A percentage needs a SUM meter of amounts."
    )

    rate: Decimal
    fixed_fee: Decimal = ZERO

    def __post_init__(self) -> None:
        require_not_negative(rate=self.rate, fixed_fee=self.fixed_fee)

    @classmethod
    def read(cls, document: Mapping[str, object]) -> Self:
        """Read the JSON shape; without a fixed fee there is none."""
        refuse_unknown(document, {"model", "rate", "fixed_fee"})
        return cls(
            rate=read_number(document, "rate"),
            fixed_fee=read_number(document, "fixed_fee", default=ZERO),
        )

    def document(self) -> dict[str, object]:
        """Give the JSON shape."""
        return {"model": self.model, "rate": self.rate, "fixed_fee": self.fixed_fee}

    @exactly
    def price(self, amount: Exact, event_count: int) -> Price:
        """Give rate × amount + fee × events.

        Source: CONTRACT 8. Worked example: 0.029 of 1,000 and 0.30 for 12 events are 32.60.
        """
        return Price(
            amount=amount * self.rate + self.fixed_fee * event_count,
            inputs={"rate": self.rate, "fixed_fee": self.fixed_fee, "event_count": event_count},
            line_values={"rate": self.rate, "fixed_fee": self.fixed_fee},
        )

    @staticmethod
    def label(shown: StepInputs) -> str:
        """Give rate and fees. Worked example: ``× 2.9% + 12 × $0.3``."""
        fees = ""
        if shown.number("fixed_fee"):
            fees = f" + {shown.quantity('event_count')} × {shown.price('fixed_fee')}"
        return f" × {plain_text(shown.number('rate').scaleb(2))}%{fees}"
