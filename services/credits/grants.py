"""Granting credit, and how grants stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.credits.expiry import Rollover
from billing.credits.grants import (
    DEFAULT_PRIORITY,
    EVERYTHING,
    GrantKind,
    Scope,
    Spendable,
)
from billing.credits.ledger import CreditPostingKind, key_of_grant
from billing.credits.purchases import Cost
from billing.money import ZERO
from billing.notifications.events import WebhookEvent
from models.base import new_id
from models.credits.grants import CreditGrant
from models.customers import Customer
from repositories.credits import grants as stored_grants
from services.announcements import announce_credit
from services.audit_log import record
from services.credits import posting, units
from services.credits.posting import Movement
from services.credits.scopes import require_scope
from services.credits.standing import GrantReading, find_customer, read_grant, to_grant
from services.subscriptions import clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGrant:
    """Credit to be granted. ``effective_at`` None is the customer's present."""

    unit: str
    amount: Decimal
    priority: int = DEFAULT_PRIORITY
    effective_at: datetime | None = None
    expires_at: datetime | None = None
    applies_to: Scope = EVERYTHING
    rollover: Rollover | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """For what a grant is sold, and from when on it can be spent."""

    cost: Cost
    spendable: Spendable = Spendable.ON_PAYMENT


def grant_free(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    command: NewGrant,
    *,
    now: datetime,
) -> GrantReading:
    """The customer has credit that nobody pays for.

    Raises NotFound, InvalidInput, which names the field. A repeat is told by its Idempotency-Key.
    """
    customer = find_customer(session, organization_id, customer_id)
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    row = new_row(session, customer, command, at=at, now=now)
    posting.lock_wallet(session, posting.wallet_of(row), at=at, now=now)
    stored_grants.insert_grant(session, row)
    begin(session, row, at=row.effective_at, now=now)
    record_granted(session, row, now=now)
    return read_grant(session, organization_id, row.id, now=now)


def new_row(
    session: Session,
    customer: Customer,
    command: NewGrant,
    sold: Sold | None = None,
    *,
    at: datetime,
    now: datetime,
) -> CreditGrant:
    """A grant that is not stored yet, of a unit that is; free, unless it is ``sold``.

    Raises as :func:`grant_free`.
    """
    organization_id = customer.organization_id
    unit = units.find_unit(session, organization_id, command.unit)
    require_scope(session, organization_id, command.applies_to)
    if command.rollover is not None:
        command.rollover.require_scale(unit)
    row = CreditGrant(
        organization_id=organization_id,
        id=new_id(),
        customer_id=customer.id,
        unit=unit.code,
        sequence=1,
        amount=command.amount,
        kind=GrantKind.FREE if sold is None else GrantKind.PAID,
        priority=command.priority,
        effective_at=command.effective_at or at,
        expires_at=command.expires_at,
        meter_ids=sorted(command.applies_to.meter_ids),
        charge_ids=sorted(command.applies_to.charge_ids),
        cost_amount=ZERO if sold is None else sold.cost.amount,
        cost_currency=None if sold is None else sold.cost.currency,
        spendable=Spendable.AT_ONCE if sold is None else sold.spendable,
        rollover=None if command.rollover is None else stored_rollover(command.rollover),
        reason=command.reason,
        created_at=now,
    )
    to_grant(row, unit, begins_at=row.effective_at)
    units.store_unit(session, organization_id, unit, now=now)
    return row


def begin(session: Session, row: CreditGrant, *, at: datetime, now: datetime) -> None:
    """The grant can be spent from that instant on, and whoever listens is told.

    Idempotent by the grant.
    """
    put_into_ledger(session, row, at=at, now=now)
    granted = WebhookEvent.CREDIT_GRANTED
    announce_credit(session, row, granted, row.amount, at=at, now=now)


def put_into_ledger(session: Session, row: CreditGrant, *, at: datetime, now: datetime) -> None:
    """The grant has its first posting. Idempotent by the grant."""
    movement = Movement(
        grant=row,
        kind=CreditPostingKind.GRANTED,
        amount=row.amount,
        key=key_of_grant(row.id),
        at=at,
    )
    posting.post(session, [movement], now=now)


def record_granted(session: Session, row: CreditGrant, *, now: datetime) -> None:
    """The audit log has who granted it."""
    record(
        session,
        row.organization_id,
        "grant.created",
        "grant",
        row.id,
        after={
            "customer_id": row.customer_id,
            "unit": row.unit,
            "amount": row.amount,
            "kind": row.kind,
            "reason": row.reason,
        },
        now=now,
    )


def stored_rollover(rollover: Rollover) -> dict[str, object]:
    """How a grant stores the way in which it rolls over."""
    after, calendar = rollover.expires_after, rollover.calendar
    counted_from = None
    if calendar is not None:
        counted_from = {"at": calendar.starts_at.isoformat(), "timezone": calendar.timezone}
    return {
        "times": rollover.times,
        "max": None if rollover.max is None else format(rollover.max, "f"),
        "percent": None if rollover.percent is None else format(rollover.percent, "f"),
        "expires_after": None
        if after is None
        else {"interval": after.interval.value, "count": after.count},
        "calendar": counted_from,
    }
