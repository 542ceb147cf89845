"""What a customer has in a unit, now or at an instant, and the ledger that it comes from.

Nothing is cached: every balance is a sum. Source: CREDITS 5 and 15.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.money import ZERO, exactly
from billing.units import Unit
from models.credits.grants import CreditGrant
from repositories.credits import balances as stored_balances
from repositories.credits import grants as stored_grants
from repositories.credits import holds as stored_holds
from repositories.credits import postings as stored_postings
from repositories.credits.balances import LotAt
from repositories.credits.postings import LedgerRow
from repositories.credits.wallets import WalletKey
from repositories.entitlements.balances import RestAt
from services.credits import units
from services.credits.recurring import occurrences
from services.credits.standing import NOTHING, find_customer
from services.subscriptions import clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Accruing:
    """How much is used and not drawn yet; ``watermark`` is None where nothing was counted.

    ``unrestricted`` is what of it grants pay that pay for everything.
    """

    amount: Decimal = ZERO
    unrestricted: Decimal = ZERO
    watermark: int | None = None


LookAtAccruing = Callable[[Session, WalletKey, Unit, datetime], Accruing]
"""Says what of a wallet is used already, up to an instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What grants come to, what holds have of them too.

    ``accruing`` is what periods not billed have used so far, ``watermark`` up to which arrival that
    was counted; None where nothing was.
    """

    lots: tuple[LotAt, ...] | tuple[RestAt, ...]
    held: Decimal
    accruing: Decimal = ZERO
    watermark: int | None = None

    @property
    @exactly
    def settled(self) -> Decimal:
        """What is left of all grants that are alive, what is held too."""
        return sum((one.rest for one in self.lots), self.held)

    @property
    @exactly
    def available(self) -> Decimal:
        """What can be spent."""
        return self.settled - self.accruing - self.held


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance(Sums):
    """What a customer has in a unit, and when."""

    unit: Unit
    at: datetime
    lots: tuple[LotAt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A part of a wallet's postings; ``next_after`` is None where it ends."""

    unit: Unit
    rows: Sequence[LedgerRow]
    next_after: int | None


def read_balance(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    unit: str | None,
    *,
    at: datetime | None,
    look_at_accruing: LookAtAccruing | None = None,
    now: datetime,
) -> Balance:
    """The customer's credit in the unit, now or at an instant; in no unit, the organization's.

    What accrues is looked at now only, and if somebody can. Raises NotFound
    ``customer_not_found``, ``unit_not_found``; InvalidInput ``too_many_to_come``.
    """
    customer = find_customer(session, organization_id, customer_id)
    known = units.find_unit(session, organization_id, unit)
    key = (organization_id, customer_id, known.code)
    if at is not None:
        due = occurrences.list_to_come(session, key, at=at)
        then = stored_balances.list_lots_at(session, key, at)
        then += _due_lots(due, {one.grant_id for one in then}, at=at)
        return Balance(unit=known, at=at, lots=tuple(then), held=_held_of(then))
    present = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    # Before what is posted: what a bill draws in between is missing twice, and never free twice.
    looked = look_at_accruing(session, key, known, present) if look_at_accruing else Accruing()
    lots = list_lots(session, key, at=present)
    return Balance(
        unit=known,
        at=present,
        lots=lots,
        held=_held_of(lots),
        accruing=looked.amount,
        watermark=looked.watermark,
    )


@exactly
def _held_of(lots: Iterable[LotAt]) -> Decimal:
    return sum((one.held for one in lots), ZERO)


def list_lots(session: Session, key: WalletKey, *, at: datetime) -> tuple[LotAt, ...]:
    """The wallet's grants that are alive at the present, with what is left of each.

    What a hold has that is over is not held. Grants with nothing left are left out; what rules have
    granted is there, stored or not.
    """
    due = occurrences.list_due(session, {key: at}).get(key, [])
    aside = stored_holds.find_set_aside(session, *key, at=at)
    lots = []
    stored = stored_grants.list_lots(session, key, at=at)
    for one in stored:
        if one.begins_at is None or one.begins_at > at:
            continue
        held = aside.get(one.grant.id, NOTHING)
        rest = one.rest + held.over
        if rest or held.live:
            lots.append(LotAt(one.grant.id, rest, held.live, one.grant.expires_at))
    return (*lots, *_due_lots(due, {one.grant.id for one in stored}, at=at))


def _due_lots(
    due: Iterable[CreditGrant], stored: Collection[UUID], *, at: datetime
) -> Iterator[LotAt]:
    """What rules have granted that is alive, and that nobody had stored when that was read."""
    for one in due:
        if one.id not in stored and (one.expires_at is None or at < one.expires_at):
            yield LotAt(one.id, one.amount, ZERO, one.expires_at)


def read_ledger(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    unit: str | None,
    *,
    after: int,
    limit: int,
) -> Ledger:
    """What moved the customer's credit in the unit, in the order in which it was booked.

    Raises NotFound ``customer_not_found``, ``unit_not_found``.
    """
    find_customer(session, organization_id, customer_id)
    known = units.find_unit(session, organization_id, unit)
    key = (organization_id, customer_id, known.code)
    found = stored_postings.list_ledger(session, key, after=after, limit=limit + 1)
    shown = found[:limit]
    is_last = len(found) <= limit
    return Ledger(unit=known, rows=shown, next_after=None if is_last else shown[-1].position)
