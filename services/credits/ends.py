"""How grants end: by their time, by people before it, and what happens to what comes back later.

Source: CREDITS 5, 8, 16.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.credits.expiry import rolled_amount
from billing.credits.grants import Spendable
from billing.credits.ledger import (
    CreditPostingKind,
    key_of_end,
    key_of_late_roll,
    key_of_roll,
)
from billing.errors import Conflict
from billing.money import exactly
from billing.notifications.events import WebhookEvent
from models.base import new_id
from models.credits.grants import CreditGrant
from repositories.accounts import organizations as stored_organizations
from repositories.credits import grants as stored_grants
from repositories.credits import postings as stored_postings
from repositories.credits.wallets import WalletKey
from services.announcements import announce_credit
from services.audit_log import record
from services.credits import posting, units
from services.credits.grants import begin, stored_rollover
from services.credits.posting import Movement
from services.credits.purchases import cost_of_part
from services.credits.standing import (
    GrantReading,
    find_customer,
    read_grant,
    require_grant,
    rollover_of,
)
from services.subscriptions import clocks

AT_ONCE: Final = 500
"""How many grants end in one transaction."""


def expire_due(session: Session, organization_id: UUID, *, now: datetime) -> int:
    """Grants whose time is over have a posting that says so, dated as it was; how many there were.

    At most :data:`AT_ONCE`: whoever gets as many asks again. What of them rolls over is there in a
    new grant. Idempotent by the grant. Wallets are locked in their order.
    """
    due = stored_grants.list_due(session, organization_id, now=now, limit=AT_ONCE)
    if not due:
        return 0
    timezone = stored_organizations.get_organization(session, organization_id).timezone
    # Within a wallet in the order of their ends.
    for grant_id, key in sorted(due, key=lambda one: one[1]):
        customer = find_customer(session, organization_id, key[1], may_be_deleted=True)
        at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
        posting.lock_wallet(session, key, at=at, now=now)
        row = require_grant(session, organization_id, grant_id)
        _expire(session, row, timezone, now=now)
    return len(due)


def expire_in(session: Session, presents: Mapping[WalletKey, datetime], *, now: datetime) -> None:
    """As :func:`expire_due`, at once, in locked wallets: a bill that waited for is final.

    So what of a period's credit rolls over is there before the bill of the next period.
    """
    if not presents:
        return
    limit = AT_ONCE * len(presents)
    for organization_id, grant_id in stored_grants.list_due_in(session, presents, limit=limit):
        timezone = stored_organizations.get_organization(session, organization_id).timezone
        _expire(session, require_grant(session, organization_id, grant_id), timezone, now=now)


def end_early(
    session: Session, organization_id: UUID, grant_id: UUID, *, now: datetime
) -> GrantReading:
    """What is left of the grant cannot be spent any more; what is held stays held.

    Raises NotFound; Conflict ``grant_expired`` if its time was over. A repeat changes nothing.
    """
    row = require_grant(session, organization_id, grant_id)
    customer = find_customer(session, organization_id, row.customer_id, may_be_deleted=True)
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    posting.lock_wallet(session, posting.wallet_of(row), at=at, now=now)
    if row.expires_at is not None and row.expires_at <= at:
        raise Conflict("The grant's time is over.", code="grant_expired")
    if not posting.is_ended(session, row):
        end(session, row, at=at, now=now)
        record(session, organization_id, "grant.ended", "grant", row.id, now=now)
    return read_grant(session, organization_id, grant_id, now=now)


@exactly
def end(session: Session, row: CreditGrant, *, at: datetime, now: datetime) -> None:
    """The grant is over at that instant, and no earlier than it began. Its wallet is locked."""
    [facts] = stored_grants.list_facts(session, row.organization_id, [row.id])
    begins_at = facts.begins_at or row.effective_at
    expired = Movement(
        grant=row,
        kind=CreditPostingKind.EXPIRED,
        amount=-facts.rest,
        key=key_of_end(row.id),
        at=max(at, begins_at),
    )
    posting.post(session, [expired], now=now)
    if facts.rest:
        gone = WebhookEvent.CREDIT_EXPIRED
        announce_credit(session, row, gone, facts.rest, at=expired.at, now=now)


def extend_returned(
    session: Session,
    row: CreditGrant,
    amount: Decimal,
    *,
    because_of: UUID,
    expires_at: datetime,
    at: datetime,
    now: datetime,
) -> None:
    """What came back to a grant that is over lives on in a new one. Idempotent by what did it."""
    if not posting.is_over(session, row, at=at):
        return
    key = key_of_late_roll(row.id, because_of)
    _roll(session, row, amount, key=key, at=at, expires_at=expires_at, now=now)


@exactly
def _expire(session: Session, row: CreditGrant, timezone: str, *, now: datetime) -> None:
    if row.expires_at is None or posting.is_ended(session, row):
        return
    [facts] = stored_grants.list_facts(session, row.organization_id, [row.id])
    if facts.begins_at is None:
        return
    unit = units.find_unit(session, row.organization_id, row.unit)
    rollover = rollover_of(row)
    at = max(row.expires_at, facts.begins_at)
    rolled = rolled_amount(rollover, facts.rest, granted=row.amount, unit=unit)
    if rolled:
        _roll(
            session,
            row,
            rolled,
            key=key_of_roll(row.id),
            at=at,
            expires_at=None if rollover is None else rollover.next_expiry(at, timezone),
            now=now,
        )
    end(session, row, at=at, now=now)


@exactly
def _roll(
    session: Session,
    row: CreditGrant,
    amount: Decimal,
    *,
    key: str,
    at: datetime,
    expires_at: datetime | None,
    now: datetime,
) -> None:
    """Part of the rest goes on in a new grant of the same kind, at what it cost."""
    if stored_postings.is_posted(session, row.organization_id, key):
        return
    cost = cost_of_part(session, row, amount)
    out = Movement(grant=row, kind=CreditPostingKind.ROLLED, amount=-amount, key=key, at=at)
    posting.post(session, [out], now=now)
    rollover = rollover_of(row)
    left = rollover.rest_of_times() if rollover and expires_at else None
    made = CreditGrant(
        organization_id=row.organization_id,
        id=new_id(),
        customer_id=row.customer_id,
        unit=row.unit,
        sequence=1,
        amount=amount,
        kind=row.kind,
        priority=row.priority,
        effective_at=at,
        expires_at=expires_at,
        meter_ids=row.meter_ids,
        charge_ids=row.charge_ids,
        cost_amount=cost,
        cost_currency=row.cost_currency,
        spendable=Spendable.AT_ONCE,
        rollover=None if left is None else stored_rollover(left),
        reason=row.reason,
        rolled_from=row.id,
        created_at=now,
    )
    stored_grants.insert_grant(session, made)
    begin(session, made, at=at, now=now)
