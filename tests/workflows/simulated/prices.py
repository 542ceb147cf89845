"""What events cost in a simulated life: two meters, and the plans that people move between."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from billing.identifiers import ChargeId

CALLS, BYTES = CHARGES = (0, 1)
CHARGE_IDS = tuple(ChargeId(UUID(int=charge + 1)) for charge in CHARGES)

PLANS = ({CALLS: 1}, {CALLS: 2, BYTES: 3}, {BYTES: 5})
"""What an event of each meter costs on each plan, in whole dollars; else nothing charges it."""

Item = tuple[int, int]
"""A period and one of the charges."""
Move = tuple[datetime, int]
"""Since when a subscription is on which plan."""


def meter_of(instant: datetime) -> int:
    """Which meter people meant who did something then."""
    return CHARGES[instant.second % len(CHARGES)]


def plan_after(plan: int) -> int:
    """The plan that people change to."""
    return (plan + 1) % len(PLANS)


def plan_in_force(moves: Sequence[Move], at: datetime) -> int:
    """The plan that was moved to last by then; the first one from the beginning."""
    return [0, *(plan for since, plan in moves if since <= at)][-1]
