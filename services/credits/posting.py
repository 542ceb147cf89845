"""How credit is moved: postings, each once, in the order of the wallet's lock.

Nothing else writes a posting. What moves credit and why is said beside the use cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.credits.ledger import (
    CreditPostingKind,
    key_of_end,
    key_of_late_end,
    key_of_release,
    rest_after,
)
from billing.errors import InvariantBroken
from billing.money import ZERO, exactly
from models.credits.grants import CreditGrant
from models.credits.postings import CreditPosting
from repositories.credits import grants as stored_grants
from repositories.credits import holds as stored_holds
from repositories.credits import postings as stored_postings
from repositories.credits import wallets as stored_wallets
from repositories.credits.lots import StoredLot
from repositories.credits.postings import GrantPlace, WalletPlace
from repositories.credits.wallets import CustomerKey, WalletKey

_MOVED: Final = "customers_whose_credit_moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What moves of which grant, and why. ``key`` is what no other movement has."""

    grant: CreditGrant
    kind: CreditPostingKind
    amount: Decimal
    key: str
    at: datetime
    invoice_id: UUID | None = None
    line_position: int | None = None
    credit_note_id: UUID | None = None
    hold_id: UUID | None = None


def wallet_of(grant: CreditGrant | StoredLot) -> WalletKey:
    """Whose wallet the grant is in."""
    return grant.organization_id, grant.customer_id, grant.unit


def lock_wallet(session: Session, key: WalletKey, *, at: datetime, now: datetime) -> None:
    """Nobody else posts to the wallet, and what holds have whose time is over is free again.

    The wallet's lock comes before those of the customer's account, of the chain of receipts and of
    numbers. A wallet that is not there is opened.
    """
    lock_wallets(session, {key: at}, now=now)


def lock_wallets(
    session: Session, presents: Mapping[WalletKey, datetime], *, now: datetime
) -> None:
    """As :func:`lock_wallet`, of these wallets with the present of each, in their order."""
    if presents:
        stored_wallets.open_wallets(session, presents.keys())
        free_holds_over(session, presents, now=now)


def free_holds_over(
    session: Session, presents: Mapping[WalletKey, datetime], *, now: datetime
) -> None:
    """What holds of locked wallets have that were over by then is free, since their end."""
    for hold in stored_holds.list_over(session, presents) if presents else ():
        hold.ended_at = hold.expires_at
        session.add(hold)
        release(session, hold.organization_id, hold.id, at=hold.expires_at, now=now)


def release(
    session: Session, organization_id: UUID, hold_id: UUID, *, at: datetime, now: datetime
) -> None:
    """What the hold set aside is free again. Idempotent by the hold; the wallet is locked."""
    held = stored_postings.list_held(session, organization_id, hold_id)
    movements = [
        Movement(
            grant=grant_of(session, one),
            kind=CreditPostingKind.RELEASED,
            amount=-one.amount,
            key=key_of_release(hold_id, one.grant_id),
            at=at,
            hold_id=hold_id,
        )
        for one in held
    ]
    post(session, movements, now=now)
    for one in movements:
        if is_ended(session, one.grant):
            end_returned(session, one.grant, one.amount, because_of=hold_id, at=at, now=now)


def is_ended(session: Session, row: CreditGrant) -> bool:
    """Whether a posting ended the grant, at its time or before it."""
    return stored_postings.is_posted(session, row.organization_id, key_of_end(row.id))


def is_over(session: Session, row: CreditGrant, *, at: datetime) -> bool:
    """Whether nothing can be spent of the grant any more at that instant."""
    by_time = row.expires_at is not None and row.expires_at <= at
    return by_time or is_ended(session, row)


def end_returned(
    session: Session,
    row: CreditGrant,
    amount: Decimal,
    *,
    because_of: UUID,
    at: datetime,
    now: datetime,
) -> None:
    """What came back to a grant is gone at once if the grant is over. Idempotent by what did it."""
    if not is_over(session, row, at=at):
        return
    expired = Movement(
        grant=row,
        kind=CreditPostingKind.EXPIRED,
        amount=-amount,
        key=key_of_late_end(row.id, because_of),
        at=at,
    )
    post(session, [expired], now=now)


@exactly
def post(session: Session, movements: Sequence[Movement], *, now: datetime) -> None:
    """These movements of wallets that are locked have happened, each once, in their order.

    Raises InvariantBroken for what a grant has not. Idempotent by the keys.
    """
    if not movements:
        return
    session.flush()
    keys = [(one.grant.organization_id, one.key) for one in movements]
    posted = stored_postings.find_posted(session, keys)
    wanted = [one for one, key in zip(movements, keys, strict=True) if key not in posted]
    if not wanted:
        return
    ledgers = stored_postings.find_wallet_places(session, {wallet_of(one.grant) for one in wanted})
    places = stored_postings.find_places(
        session, {(one.grant.organization_id, one.grant.id) for one in wanted}
    )
    rows = []
    for one in wanted:
        wallet, grant = wallet_of(one.grant), (one.grant.organization_id, one.grant.id)
        position, balance = ledgers.get(wallet, WalletPlace(0, ZERO))
        end = ledgers[wallet] = WalletPlace(position + 1, balance + one.amount)
        before = places.get(grant, GrantPlace(0, ZERO))
        after = rest_after(before.rest, one.amount, granted=one.grant.amount)
        places[grant] = GrantPlace(before.sequence + 1, after)
        rows.append(_posting(one, before, after, end, now=now))
    stored_postings.insert_postings(session, rows)
    for row in rows:
        note_moved(session, row.organization_id, row.customer_id, now=now)


def note_moved(
    session: Session, organization_id: UUID, customer_id: UUID, *, now: datetime
) -> None:
    """The transaction has moved the customer's credit."""
    session.info.setdefault(_MOVED, {})[organization_id, customer_id] = now


def take_moved(session: Session) -> dict[CustomerKey, datetime]:
    """Whose credit the transaction has moved since this was asked last, and when."""
    moved: dict[CustomerKey, datetime] = session.info.pop(_MOVED, {})
    return moved


def _posting(
    one: Movement,
    before: GrantPlace,
    after: Decimal,
    end: WalletPlace,
    *,
    now: datetime,
) -> CreditPosting:
    return CreditPosting(
        organization_id=one.grant.organization_id,
        grant_id=one.grant.id,
        sequence=before.sequence + 1,
        follows=before.sequence or None,
        customer_id=one.grant.customer_id,
        unit=one.grant.unit,
        position=end.position,
        key=one.key,
        kind=one.kind,
        grant_amount=one.grant.amount,
        amount=one.amount,
        rest_before=before.rest,
        rest_after=after,
        balance_after=end.balance,
        invoice_id=one.invoice_id,
        line_position=one.line_position,
        credit_note_id=one.credit_note_id,
        hold_id=one.hold_id,
        at=one.at,
        booked_at=now,
    )


def grant_of(session: Session, posting: CreditPosting) -> CreditGrant:
    """The grant that a posting moved."""
    found = stored_grants.find_grant(session, posting.organization_id, posting.grant_id)
    if found is None:
        raise InvariantBroken("A posting is of a grant.")
    return found
