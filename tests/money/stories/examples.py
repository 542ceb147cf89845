"""Short ways to say what is sold, for tests of the model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.money.model.journal import Charge, Meter, Opened, Plan, Request, Sent
from tests.money.model.replay import owed

START = datetime(2025, 1, 1, tzinfo=UTC)


def on(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """An instant of 2025."""
    return datetime(2025, month, day, hour, minute, tzinfo=UTC)


def per_unit(price: str = "1") -> dict[str, object]:
    """The price model of so much a unit."""
    return {"model": "per_unit", "unit_price": price}


def charge(price: str = "1", **terms: Any) -> Charge:
    """A charge of so much a unit."""
    return Charge(pricing=per_unit(price), **terms)


def fee(amount: str, name: str = "fee") -> Charge:
    """A fixed charge of so much a period."""
    return Charge(name=name, meter=None, amount=Decimal(amount))


def sold(*charges: Charge, meter: Meter | None = None, **settings: Any) -> Opened:
    """A world with one plan, by default of a dollar a call, on 1 January 2025."""
    allowances, commitment = settings.pop("allowances", ()), settings.pop("commitment", None)
    plan = Plan(charges=charges or (charge(),), allowances=allowances, commitment=commitment)
    return Opened(at=START, meters=(meter or Meter(),), plans=(plan,), **settings)


def used(key: str, value: str, at: datetime) -> Sent:
    """An event of so many units."""
    return Sent(key=key, at=at, value=Decimal(value))


def total(*requests: Request) -> Decimal:
    """What the customer owes in all, as a decimal."""
    amount = owed(requests)
    return Decimal(amount.numerator) / Decimal(amount.denominator)


def each(*requests: Sequence[Request]) -> list[Decimal]:
    """What the customer owes after each stage."""
    done: list[Request] = []
    answers: list[Decimal] = []
    for stage in requests:
        done.extend(stage)
        answers.append(total(*done))
    return answers
