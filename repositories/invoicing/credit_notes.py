"""Credit notes and how much of each invoice line they give back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import SQLColumnExpression, func
from sqlmodel import Session, col, select

from models.invoicing.credit_notes import CreditNote, CreditNoteLine, CreditNoteReturn


def find_credit_note(
    session: Session, organization_id: UUID, credit_note_id: UUID
) -> CreditNote | None:
    """The credit note, or None."""
    return session.get(CreditNote, (organization_id, credit_note_id))


def list_credit_notes(
    session: Session, organization_id: UUID, invoice_id: UUID
) -> Sequence[CreditNote]:
    """The credit notes of an invoice, oldest first."""
    return session.exec(
        select(CreditNote)
        .where(CreditNote.organization_id == organization_id, CreditNote.invoice_id == invoice_id)
        .order_by(col(CreditNote.created_at), col(CreditNote.id))
    ).all()


def list_credit_lines(
    session: Session, organization_id: UUID, credit_note_ids: Sequence[UUID]
) -> Sequence[CreditNoteLine]:
    """The lines of some credit notes, in their order."""
    return session.exec(
        select(CreditNoteLine)
        .where(
            CreditNoteLine.organization_id == organization_id,
            col(CreditNoteLine.credit_note_id).in_(credit_note_ids),
        )
        .order_by(col(CreditNoteLine.credit_note_id), col(CreditNoteLine.position))
    ).all()


def sum_credited_lines(
    session: Session, organization_id: UUID, line_ids: Sequence[UUID]
) -> dict[UUID, Decimal]:
    """How much of each line was given back so far, of its own unit or of money before tax.

    Lines without a credit are left out.
    """
    given = func.coalesce(CreditNoteLine.amount_in_unit, CreditNoteLine.amount)
    return _sum_of_lines(session, organization_id, line_ids, given)


def sum_credited_money(
    session: Session, organization_id: UUID, line_ids: Sequence[UUID]
) -> dict[UUID, Decimal]:
    """As :func:`sum_credited_lines`, of lines in own units what of them was given back as money."""
    return _sum_of_lines(session, organization_id, line_ids, col(CreditNoteLine.amount))


def _sum_of_lines(
    session: Session,
    organization_id: UUID,
    line_ids: Sequence[UUID],
    given: SQLColumnExpression[Decimal],
) -> dict[UUID, Decimal]:
    found = session.exec(
        select(CreditNoteLine.line_id, func.sum(given))
        .where(
            CreditNoteLine.organization_id == organization_id,
            col(CreditNoteLine.line_id).in_(line_ids),
        )
        .group_by(col(CreditNoteLine.line_id))
    )
    return {line_id: Decimal(amount) for line_id, amount in found}


def list_returns(
    session: Session, organization_id: UUID, invoice_id: UUID
) -> Sequence[CreditNoteReturn]:
    """What credit notes of an invoice gave back to the grants that it had drawn from."""
    session.flush()
    return session.exec(
        select(CreditNoteReturn).where(
            CreditNoteReturn.organization_id == organization_id,
            CreditNoteReturn.invoice_id == invoice_id,
        )
    ).all()
