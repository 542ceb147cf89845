"""The business terms of EN 16931 as values, by their numbers: ``BT-1`` is the document's number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An amount of money, in whole minor units of its currency."""

    value: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPrice:
    """What some units cost, with all its digits."""

    value: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number of units, each as a code of UN/ECE."""

    value: Decimal
    unit_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """An identifier in a scheme."""

    value: str
    scheme: str


Term: TypeAlias = (
    str | date | Decimal | Amount | UnitPrice | Quantity | Identifier | Sequence["Terms"] | None
)
"""A business term (BT), or a group (BG) that repeats; None where a document says nothing."""

Terms: TypeAlias = Mapping[str, Term]
