"""Payments and refunds, and what credit notes gave back that nobody was paid yet."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from billing.payments.kinds import PaymentKind, PaymentStatus
from models.payments.payments import Payment, PaymentReference, Refund

UNPAID_NOTES = text(
    """
    SELECT coalesce(sum(note.total - note.credits_after_tax), 0) - (
        SELECT amount_credited FROM invoice
        WHERE organization_id = :organization_id AND id = :invoice_id
    )
    FROM credit_note AS note
    WHERE note.organization_id = :organization_id AND note.invoice_id = :invoice_id
    """
)


def lock_payment(session: Session, organization_id: UUID, payment_id: UUID) -> Payment | None:
    """The payment with its row locked. Its invoice is locked before it."""
    return session.exec(
        select(Payment)
        .where(Payment.organization_id == organization_id, Payment.id == payment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def find_payment(session: Session, organization_id: UUID, payment_id: UUID) -> Payment | None:
    """The payment, or None."""
    return session.get(Payment, (organization_id, payment_id))


def find_by_reference(
    session: Session, organization_id: UUID, connection_id: UUID, references: Sequence[str]
) -> Payment | None:
    """The payment that a gateway has under the first of these names that is known, or None."""
    return session.exec(
        select(Payment)
        .join(
            PaymentReference,
            (col(PaymentReference.organization_id) == Payment.organization_id)
            & (col(PaymentReference.payment_id) == Payment.id),
        )
        .where(
            PaymentReference.organization_id == organization_id,
            PaymentReference.connection_id == connection_id,
            col(PaymentReference.reference).in_(references),
        )
        .order_by(func.array_position(list(references), col(PaymentReference.reference)))
        .limit(1)
    ).first()


def find_by_key(
    session: Session, organization_id: UUID, connection_id: UUID, idempotency_key: str
) -> Payment | None:
    """The payment of that idempotency key at a connection, or None."""
    return session.exec(
        select(Payment).where(
            Payment.organization_id == organization_id,
            Payment.connection_id == connection_id,
            Payment.idempotency_key == idempotency_key,
        )
    ).one_or_none()


def list_of_invoice(session: Session, organization_id: UUID, invoice_id: UUID) -> Sequence[Payment]:
    """All attempts to pay the invoice, the first one first."""
    session.flush()
    return session.exec(
        select(Payment)
        .where(Payment.organization_id == organization_id, Payment.invoice_id == invoice_id)
        .order_by(col(Payment.attempt))
    ).all()


def find_charge(session: Session, organization_id: UUID, invoice_id: UUID) -> Payment | None:
    """The charge of a saved method for the invoice of which nobody knows the end, or None."""
    return session.exec(
        select(Payment).where(
            Payment.organization_id == organization_id,
            Payment.invoice_id == invoice_id,
            Payment.status == PaymentStatus.PENDING,
            Payment.kind == PaymentKind.SAVED_METHOD,
        )
    ).one_or_none()


def find_last_attempt(session: Session, organization_id: UUID, invoice_id: UUID) -> int:
    """The number of the last attempt to pay the invoice, 0 if nobody tried."""
    session.flush()
    return session.exec(
        select(func.coalesce(func.max(Payment.attempt), 0)).where(
            Payment.organization_id == organization_id, Payment.invoice_id == invoice_id
        )
    ).one()


def insert_references(
    session: Session,
    organization_id: UUID,
    connection_id: UUID,
    payment_id: UUID,
    references: Sequence[str],
) -> None:
    """The gateway's names for the payment are known; those that are already change nothing."""
    session.execute(
        text(
            """
            INSERT INTO payment_reference (organization_id, connection_id, reference, payment_id)
            SELECT :organization_id, :connection_id, named.reference, :payment_id
            FROM unnest(CAST(:references AS text[])) AS named (reference)
            ON CONFLICT DO NOTHING
            """
        ),
        {
            "organization_id": organization_id,
            "connection_id": connection_id,
            "payment_id": payment_id,
            "references": list(references),
        },
    )


def list_refunds(
    session: Session, organization_id: UUID, payment_ids: Sequence[UUID]
) -> Sequence[Refund]:
    """The refunds of these payments, in order."""
    session.flush()
    return session.exec(
        select(Refund)
        .where(Refund.organization_id == organization_id, col(Refund.payment_id).in_(payment_ids))
        .order_by(col(Refund.payment_id), col(Refund.sequence))
    ).all()


def find_refund(session: Session, organization_id: UUID, refund_id: UUID) -> Refund | None:
    """The refund, or None."""
    return session.get(Refund, (organization_id, refund_id))


def lock_refund(session: Session, organization_id: UUID, refund_id: UUID) -> Refund | None:
    """The refund with its row locked. Its invoice and payment are locked before it."""
    return session.exec(
        select(Refund)
        .where(Refund.organization_id == organization_id, Refund.id == refund_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def get_unpaid_notes(session: Session, organization_id: UUID, invoice_id: UUID) -> Decimal:
    """What credit notes on the invoice gave back that neither lowered what was due nor was paid."""
    session.flush()
    keys = {"organization_id": organization_id, "invoice_id": invoice_id}
    return Decimal(session.execute(UNPAID_NOTES, keys).scalar_one())
