"""What must always hold, on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from api.schemas.common import Moment, View
from services.operations.invariants import Invariant, Standing, worst


class InvariantView(View):
    """One thing that must always hold, in all organizations."""

    name: str
    """Its name, for programs."""
    says: str
    """What it says, for people."""
    status: Standing
    """`unknown` where it was never looked at, not for two hours, or not everywhere."""
    checked_at: Moment | None
    """When it was last looked at; null where it never was."""
    examined: int
    """How many subscriptions, or invoices, were looked at."""
    findings: dict[str, int]
    """How many contradictions of each kind were found; empty where there are none."""
    proof: str
    """What anybody can do to see it for themselves: a command or an operation."""


class StatusView(View):
    """Everything that must always hold, and whether it does."""

    timestamp: Moment
    """When this was put together."""
    status: Standing
    """The worst of all."""
    invariants: list[InvariantView]
    """Each with when it was last looked at."""


def view_status(invariants: Sequence[Invariant], *, now: datetime) -> StatusView:
    """The invariants as the API shows them."""
    return StatusView(
        timestamp=now,
        status=worst(invariants),
        invariants=[
            InvariantView(
                name=one.name,
                says=one.says,
                status=one.standing,
                checked_at=one.checked_at,
                examined=one.examined,
                findings=dict(one.findings),
                proof=one.proof,
            )
            for one in invariants
        ],
    )
