"""Grants: lots of credit that never change, when each can be spent, on what, and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from billing.errors import InvalidInput
from billing.identifiers import ChargeId, MeterId
from billing.money import ZERO, require_decimals
from billing.units import Taxation, Unit

DEFAULT_PRIORITY: Final = 50
LAST_PRIORITY: Final = 100
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class GrantKind(StrEnum):
    """Whether somebody paid for it."""

    PAID = "paid"
    FREE = "free"


class Spendable(StrEnum):
    """From when a bought grant can be spent: once its invoice is paid, or before."""

    ON_PAYMENT = "on_payment"
    AT_ONCE = "at_once"


class GrantStatus(StrEnum):
    """How a grant stands at an instant."""

    PENDING = "pending"
    ACTIVE = "active"
    USED = "used"
    EXPIRED = "expired"
    ENDED = "ended"


class Place(StrEnum):
    """Where in a bill a grant pays: of the net amount, or of what is due with its taxes."""

    BEFORE_TAX = "before_tax"
    AFTER_TAX = "after_tax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a grant pays for: lines of these meters or of these charges; all where both are empty.

    Worked example: of one meter and one charge, it pays the meter's lines and the charge's.
    """

    meter_ids: frozenset[MeterId] = field(default_factory=frozenset)
    charge_ids: frozenset[ChargeId] = field(default_factory=frozenset)

    @property
    def is_restricted(self) -> bool:
        """Whether there is anything that it does not pay for."""
        return bool(self.meter_ids or self.charge_ids)

    def covers(self, charge_id: ChargeId | None, meter_id: MeterId | None) -> bool:
        """Whether it pays for a line of that charge and meter."""
        if not self.is_restricted:
            return True
        return charge_id in self.charge_ids or meter_id in self.meter_ids


EVERYTHING: Final = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A lot of credit as it was granted. Units: ``amount`` in ``unit``, more than nothing.

    It can be spent for instants from ``effective_at`` on and before ``expires_at``, None for ever.
    Of grants that are otherwise equal the lower ``sequence`` pays first.
    Raises: InvalidInput, which names the field. Source: CREDITS 4, 5, 10.
    """

    grant_id: UUID
    sequence: int
    unit: Unit
    amount: Decimal
    kind: GrantKind
    effective_at: datetime
    expires_at: datetime | None = None
    priority: int = DEFAULT_PRIORITY
    applies_to: Scope = EVERYTHING

    def __post_init__(self) -> None:
        require_decimals(amount=self.amount)
        if self.amount <= ZERO:
            raise InvalidInput("amount is more than 0.", code="not_positive", field="amount")
        self.unit.require_scale(self.amount, field="amount")
        if type(self.priority) is not int or not 0 <= self.priority <= LAST_PRIORITY:
            raise InvalidInput(f"priority is 0 to {LAST_PRIORITY}.", field="priority")
        if self.expires_at is not None and self.expires_at <= self.effective_at:
            raise InvalidInput(
                "A grant expires after it begins.",
                code="expires_before_it_begins",
                field="expires_at",
            )

    def is_alive(self, at: datetime) -> bool:
        """Whether what is used at that instant can be paid from it. Source: rule 5."""
        return self.effective_at <= at and (self.expires_at is None or at < self.expires_at)

    @property
    def place(self) -> Place:
        """Where in a bill it pays. Source: rule 13."""
        if self.kind is GrantKind.FREE or self.unit.taxation is Taxation.AT_PURCHASE:
            return Place.BEFORE_TAX
        return Place.AFTER_TAX

    @property
    def rank(self) -> tuple[int, datetime, bool, bool, datetime, int]:
        """Grants of one place pay in this order, the lowest first. Source: rule 10."""
        return (
            self.priority,
            self.expires_at or _NEVER,
            not self.applies_to.is_restricted,
            self.kind is GrantKind.PAID,
            self.effective_at,
            self.sequence,
        )

    def status(self, rest: Decimal, *, at: datetime, has_ended: bool = False) -> GrantStatus:
        """How it stands at an instant with what is left of it; an early end comes before all."""
        if has_ended:
            return GrantStatus.ENDED
        if rest == ZERO:
            return GrantStatus.USED
        if at < self.effective_at:
            return GrantStatus.PENDING
        return GrantStatus.ACTIVE if self.is_alive(at) else GrantStatus.EXPIRED


def in_order(grants: Iterable[Grant]) -> list[Grant]:
    """Those that pay first come first, whatever their place in a bill."""
    return sorted(grants, key=lambda one: one.rank)
