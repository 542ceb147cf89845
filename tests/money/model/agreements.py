"""What customers agree to beside usage and fees: commitments, thresholds, add-ons.

The journal has them as it has all that is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Commitment:
    """What customers owe of a term of so many periods at least: of some charges, or of all.

    What is beyond is due ``factor`` times. Each that is sold is one of its own.
    """

    amount: Decimal
    charges: tuple[str, ...] = ()
    periods: int = 1
    factor: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdSet:
    """A subscription is billed as it runs whenever so much is unbilled; None: no more."""

    subscription: str
    amount: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Whether the threshold is reached was looked at; what was is billed."""

    subscription: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOnAttached:
    """A subscription has something beside its plan, at a price for a whole period."""

    subscription: str
    name: str
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOnChanged:
    """Of an add-on there are so many from here on; of none there is never one again."""

    subscription: str
    name: str
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class StepVoided:
    """The n-th threshold invoice of a period that is not final is void: all of it is unbilled."""

    subscription: str
    period: int
    place: int


Agreed: TypeAlias = ThresholdSet | Looked | StepVoided | AddOnAttached | AddOnChanged
"""What is asked of a subscription beside its plan."""
