"""What final invoices draw from grants, and what documents give back to them.

Which grant pays what is decided before, by :mod:`billing.credits.drawing`; here it is only posted.
Source: CREDITS 12, 16, 17.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.credits.drawing import Draw
from billing.credits.ledger import CreditPostingKind, key_of_draw, key_of_return
from billing.errors import InvariantBroken
from billing.money import ZERO
from models.credits.grants import CreditGrant
from models.invoicing.invoices import Invoice
from repositories.credits import grants as stored_grants
from repositories.credits import postings as stored_postings
from repositories.credits.wallets import WalletKey
from services.credits import posting
from services.credits.ends import extend_returned
from services.credits.posting import Movement


def post_draws(
    session: Session, invoice: Invoice, draws: Sequence[Draw], *, at: datetime, now: datetime
) -> None:
    """The invoice, which is final and whose lines are stored, has drawn this from grants.

    The wallets are locked, if they were not: whoever decides the draws locks them before, by
    :func:`lock_wallets_of`. Raises InvariantBroken for more than a grant has, and for a grant of
    somebody else. Idempotent by invoice, line and grant.
    """
    post_all_draws(session, [(invoice, draws, at)], now=now)


def post_all_draws(
    session: Session,
    drawing: Sequence[tuple[Invoice, Sequence[Draw], datetime]],
    *,
    now: datetime,
) -> None:
    """As :func:`post_draws`, of invoices in their order, each final since its instant."""
    asked = {
        (invoice.organization_id, one.grant_id) for invoice, draws, _ in drawing for one in draws
    }
    facts = stored_grants.list_facts_by_key(session, asked) if asked else []
    rows = {(one.grant.organization_id, one.grant.id): one.grant for one in facts}
    movements: list[Movement] = []
    presents: dict[WalletKey, datetime] = {}
    for invoice, draws, at in drawing:
        its = {one.grant_id: rows.get((invoice.organization_id, one.grant_id)) for one in draws}
        for grant in _require_own(invoice, its).values():
            wallet = posting.wallet_of(grant)
            presents[wallet] = max(at, presents.get(wallet, at))
        movements += _drawn(invoice, draws, _require_own(invoice, its), at=at)
    posting.lock_wallets(session, presents, now=now)
    posting.post(session, movements, now=now)


def _drawn(
    invoice: Invoice, draws: Sequence[Draw], rows: Mapping[UUID, CreditGrant], *, at: datetime
) -> list[Movement]:
    return [
        Movement(
            grant=rows[one.grant_id],
            kind=CreditPostingKind.DRAWN,
            amount=-one.amount,
            key=key_of_draw(invoice.id, one.position, one.grant_id),
            at=at,
            invoice_id=invoice.id,
            line_position=one.position,
        )
        for one in draws
        if one.amount
    ]


def return_draws(
    session: Session,
    invoice: Invoice,
    *,
    at: datetime,
    now: datetime,
    extend_days: int | None = None,
) -> None:
    """The invoice is void, and gives back what it still has of each grant.

    What comes back to a grant that is over is gone at once, unless ``extend_days`` says for how
    many days it lives on, in a new grant. Idempotent by the invoice.
    """
    taken = stored_postings.find_taken(session, invoice.organization_id, invoice.id)
    give_back(
        session, invoice, taken, document_id=invoice.id, at=at, now=now, extend_days=extend_days
    )


def give_back(
    session: Session,
    invoice: Invoice,
    amounts: Mapping[UUID, Decimal],
    *,
    document_id: UUID,
    at: datetime,
    now: datetime,
    credit_note_id: UUID | None = None,
    extend_days: int | None = None,
) -> None:
    """A document gives back to these grants part of what the invoice drew from them.

    As :func:`return_draws`. Raises InvariantBroken for more than the invoice has of a grant.
    Idempotent by the document.
    """
    rows = _grants_of(session, invoice, amounts.keys())
    keys = {grant_id: key_of_return(document_id, grant_id) for grant_id in amounts}
    lock_wallets_of(session, list(rows.values()), at=at, now=now)
    posted = stored_postings.find_posted(
        session, [(invoice.organization_id, key) for key in keys.values()]
    )
    taken = stored_postings.find_taken(session, invoice.organization_id, invoice.id)
    back = {
        one: amount
        for one, amount in amounts.items()
        if amount and (invoice.organization_id, keys[one]) not in posted
    }
    if any(amount < ZERO or amount > taken.get(one, ZERO) for one, amount in back.items()):
        raise InvariantBroken("A document gives back no more than its invoice has of a grant.")
    movements = [
        Movement(
            grant=rows[grant_id],
            kind=CreditPostingKind.RETURNED,
            amount=amount,
            key=keys[grant_id],
            at=at,
            invoice_id=invoice.id,
            credit_note_id=credit_note_id,
        )
        for grant_id, amount in back.items()
    ]
    posting.post(session, movements, now=now)
    for one in movements:
        _end_again(session, one, document_id, extend_days, now=now)


def _end_again(
    session: Session,
    returned: Movement,
    document_id: UUID,
    extend_days: int | None,
    *,
    now: datetime,
) -> None:
    """What came back to a grant that is over is gone, or lives on in a new one."""
    row, amount, at = returned.grant, returned.amount, returned.at
    if extend_days is None:
        posting.end_returned(session, row, amount, because_of=document_id, at=at, now=now)
        return
    expires_at = at + timedelta(days=extend_days)
    extend_returned(
        session, row, amount, because_of=document_id, expires_at=expires_at, at=at, now=now
    )


def lock_wallets_of(
    session: Session, rows: Sequence[CreditGrant], *, at: datetime, now: datetime
) -> None:
    """Nobody else posts to these grants' wallets, which are locked in order."""
    posting.lock_wallets(session, {posting.wallet_of(one): at for one in rows}, now=now)


def _grants_of(
    session: Session, invoice: Invoice, grant_ids: Collection[UUID]
) -> dict[UUID, CreditGrant]:
    facts = stored_grants.list_facts(session, invoice.organization_id, grant_ids)
    rows = {one.grant.id: one.grant for one in facts}
    return _require_own(invoice, {one: rows.get(one) for one in grant_ids})


def _require_own(
    invoice: Invoice, rows: Mapping[UUID, CreditGrant | None]
) -> dict[UUID, CreditGrant]:
    own = {
        grant_id: row
        for grant_id, row in rows.items()
        if row is not None and row.customer_id == invoice.customer_id
    }
    if len(own) < len(rows):
        raise InvariantBroken("An invoice draws from grants of its customer.")
    return own
