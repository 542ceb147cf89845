"""How grants stand: as values, and with what is left of each at an instant."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.credits.expiry import Rollover
from billing.credits.grants import Grant, GrantKind, GrantStatus, Scope
from billing.identifiers import ChargeId, MeterId
from billing.money import ZERO
from billing.periods import Anchor, Cadence, Interval
from billing.units import Unit
from models.credits.grants import CreditGrant
from models.customers import Customer
from repositories import customers as stored_customers
from repositories.credits import grants as stored_grants
from repositories.credits import holds as stored_holds
from repositories.credits.grants import EndFacts, GrantFacts
from repositories.credits.holds import SetAside
from repositories.credits.lots import StoredLot
from services.credits import units
from services.required import not_found, require_customer
from services.subscriptions import clocks

NOTHING: Final = SetAside(ZERO, ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantReading:
    """A grant as it stands at an instant. ``rest`` leaves out what is held."""

    row: CreditGrant
    rest: Decimal
    held: Decimal
    status: GrantStatus
    begins_at: datetime | None
    ended_at: datetime | None


def read_grant(
    session: Session, organization_id: UUID, grant_id: UUID, *, now: datetime
) -> GrantReading:
    """The grant as it stands now. Raises NotFound ``grant_not_found``."""
    row = require_grant(session, organization_id, grant_id)
    [found] = read_grants(session, organization_id, row.customer_id, [grant_id], now=now)
    return found


def list_grants(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    *,
    unit: str | None,
    offset: int,
    limit: int,
    now: datetime,
) -> tuple[Sequence[GrantReading], int]:
    """A page of the customer's grants, oldest first, as they stand, and how many there are."""
    find_customer(session, organization_id, customer_id)
    code = None if unit is None else units.find_unit(session, organization_id, unit).code
    rows, total = stored_grants.list_grants(
        session, organization_id, customer_id, unit=code, offset=offset, limit=limit
    )
    ids = [one.id for one in rows]
    return read_grants(session, organization_id, customer_id, ids, now=now), total


def read_grants(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    grant_ids: Collection[UUID],
    *,
    now: datetime,
) -> list[GrantReading]:
    """These grants of one customer as they stand, in the order of the ids."""
    customer = find_customer(session, organization_id, customer_id, may_be_deleted=True)
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    facts = stored_grants.list_facts(session, organization_id, grant_ids)
    ends = stored_grants.find_ends(session, organization_id, grant_ids)
    aside = stored_holds.find_set_aside(session, organization_id, customer_id, None, at=at)
    codes = {one.grant.unit for one in facts}
    known = {code: units.find_unit(session, organization_id, code) for code in codes}
    read = {
        one.grant.id: _read(
            one,
            known[one.grant.unit],
            ends.get(one.grant.id),
            aside.get(one.grant.id, NOTHING),
            at=at,
        )
        for one in facts
    }
    return [read[one] for one in grant_ids]


def _read(
    facts: GrantFacts, unit: Unit, end: EndFacts | None, aside: SetAside, *, at: datetime
) -> GrantReading:
    row = facts.grant
    rest = facts.rest + aside.over
    if facts.begins_at is None:
        # Sold, and not paid yet: all of it is there, and none of it can be spent.
        rest, unspent = row.amount, row.amount
    else:
        unspent = rest + aside.live + (end.unspent if end else ZERO)
    has_ended = end is not None and (row.expires_at is None or end.at < row.expires_at)
    grant = to_grant(row, unit, begins_at=facts.begins_at or row.effective_at)
    status = grant.status(unspent, at=at, has_ended=has_ended)
    if facts.begins_at is None and status is GrantStatus.ACTIVE:
        status = GrantStatus.PENDING
    is_over = not has_ended and status is GrantStatus.EXPIRED
    return GrantReading(
        row=row,
        rest=ZERO if is_over else rest,
        held=ZERO if is_over else aside.live,
        status=status,
        begins_at=facts.begins_at,
        ended_at=end.at if end and has_ended else None,
    )


def to_grant(row: CreditGrant | StoredLot, unit: Unit, *, begins_at: datetime) -> Grant:
    """The grant as a value, spendable from the instant at which it began."""
    return Grant(
        grant_id=row.id,
        sequence=row.sequence,
        unit=unit,
        amount=row.amount,
        kind=GrantKind(row.kind),
        effective_at=begins_at,
        expires_at=row.expires_at,
        priority=row.priority,
        applies_to=Scope(
            meter_ids=frozenset(MeterId(one) for one in row.meter_ids),
            charge_ids=frozenset(ChargeId(one) for one in row.charge_ids),
        ),
    )


def rollover_of(row: CreditGrant) -> Rollover | None:
    """How the grant rolls over, if it does."""
    stored = row.rollover
    if stored is None:
        return None
    after, calendar = stored["expires_after"], stored.get("calendar")
    counted_from = None
    if calendar is not None:
        starts_at = datetime.fromisoformat(calendar["at"])
        counted_from = Anchor(starts_at=starts_at, timezone=calendar["timezone"])
    return Rollover(
        times=stored["times"],
        max=None if stored["max"] is None else Decimal(stored["max"]),
        percent=None if stored["percent"] is None else Decimal(stored["percent"]),
        expires_after=None
        if after is None
        else Cadence(interval=Interval(after["interval"]), count=after["count"]),
        calendar=counted_from,
    )


def require_grant(session: Session, organization_id: UUID, grant_id: UUID) -> CreditGrant:
    """The grant. Raises NotFound ``grant_not_found``."""
    row = stored_grants.find_grant(session, organization_id, grant_id)
    if row is None:
        raise not_found("Grant")
    return row


def find_customer(
    session: Session, organization_id: UUID, customer_id: UUID, *, may_be_deleted: bool = False
) -> Customer:
    """The customer. Raises NotFound ``customer_not_found``."""
    found = stored_customers.find_customer(session, organization_id, customer_id)
    return require_customer(found, may_be_deleted=may_be_deleted)
