"""Test clocks on the wire (CONTRACT section 6)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from api.schemas.common import Instant, Moment, Schema, View, Words
from services.subscriptions.clocks import ClockReading


class TestClockCreate(Schema):
    """A new clock that stands at ``frozen_time``."""

    name: Words
    """What the clock is for, in your words."""
    frozen_time: Instant
    """The time that the clock tells."""


class TestClockAdvance(Schema):
    """The instant to which the clock goes."""

    frozen_time: Instant
    """The time that the clock is to tell, later than what it tells."""


class ClockProgressView(View):
    """How far a clock that advances has come."""

    arrived: int
    """How many of the subscriptions on it, and of their invoices that are collected, have come
    along."""
    of: int
    """How many there are."""


class TestClockView(View):
    """A clock: ``ready`` once everything due up to ``frozen_time`` has happened."""

    id: UUID
    name: str
    """What the clock is for, in your words."""
    frozen_time: Moment
    """The time that the clock tells; while it advances, the time that it is to tell."""
    status: Literal["advancing", "ready"]
    """`ready` once everything due up to `frozen_time` has happened."""
    needs_attention: int
    """How many bills on the clock wait for people."""
    progress: ClockProgressView | None
    """How far it has come; null once it is ready."""


def view_clock(clock: ClockReading) -> TestClockView:
    """The clock as the API shows it."""
    frozen_time: datetime = clock.frozen_time
    progress = None
    if clock.arrived is not None:
        arrived, of = clock.arrived
        progress = ClockProgressView(arrived=arrived, of=of)
    return TestClockView(
        id=clock.id,
        name=clock.name,
        frozen_time=frozen_time,
        status="advancing" if clock.is_advancing else "ready",
        needs_attention=clock.needs_attention,
        progress=progress,
    )
