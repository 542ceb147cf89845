"""Invoices with their lines, taxes, numbers, receipts and the evidence behind them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import InvoiceKind
from models.invoicing.invoices import (
    Invoice,
    InvoiceLine,
    InvoiceReceipt,
    InvoiceSequence,
    InvoiceTax,
)
from repositories.pages import read_page

SUBSCRIPTION_ID = text(
    "SELECT subscription_id FROM invoice"
    " WHERE organization_id = :organization_id AND id = :invoice_id"
)


def find_invoice(session: Session, organization_id: UUID, invoice_id: UUID) -> Invoice | None:
    """The invoice, or None."""
    return session.get(Invoice, (organization_id, invoice_id))


def find_subscription_id(
    session: Session, organization_id: UUID, invoice_id: UUID
) -> tuple[UUID | None] | None:
    """The invoice's subscription, alone in a tuple; None if there is no such invoice."""
    found = session.execute(
        SUBSCRIPTION_ID, {"organization_id": organization_id, "invoice_id": invoice_id}
    ).one_or_none()
    return None if found is None else (found.subscription_id,)


def lock_invoice(session: Session, organization_id: UUID, invoice_id: UUID) -> Invoice | None:
    """The invoice with its row locked."""
    return session.exec(
        select(Invoice)
        .where(Invoice.organization_id == organization_id, Invoice.id == invoice_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def find_period_invoice(
    session: Session, organization_id: UUID, subscription_id: UUID, period_index: int
) -> Invoice | None:
    """The one invoice of a period that is not void, or None."""
    return session.exec(
        select(Invoice).where(
            Invoice.organization_id == organization_id,
            Invoice.subscription_id == subscription_id,
            Invoice.period_index == period_index,
            Invoice.kind == InvoiceKind.PERIOD,
            Invoice.status != InvoiceStatus.VOID,
        )
    ).one_or_none()


def list_period_invoices(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    *,
    first_index: int,
    limit: int,
) -> Sequence[Invoice]:
    """The invoices, not void, of a subscription's periods from one on, in order."""
    return session.exec(
        select(Invoice)
        .where(
            Invoice.organization_id == organization_id,
            Invoice.subscription_id == subscription_id,
            col(Invoice.period_index) >= first_index,
            Invoice.kind == InvoiceKind.PERIOD,
            Invoice.status != InvoiceStatus.VOID,
        )
        .order_by(col(Invoice.period_index))
        .limit(limit)
    ).all()


def find_reissue(session: Session, organization_id: UUID, invoice_id: UUID) -> Invoice | None:
    """The invoice that was issued in the place of a void one, or None."""
    return session.exec(
        select(Invoice).where(
            Invoice.organization_id == organization_id, Invoice.reissue_of == invoice_id
        )
    ).one_or_none()


def list_waiting_invoices(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> Sequence[Invoice]:
    """Drafts and open invoices of a subscription, which still wait for something to happen."""
    return session.exec(
        select(Invoice)
        .where(
            Invoice.organization_id == organization_id,
            Invoice.subscription_id == subscription_id,
            col(Invoice.status).in_((InvoiceStatus.DRAFT, InvoiceStatus.OPEN)),
        )
        .order_by(col(Invoice.period_index))
    ).all()


def has_overdue(session: Session, organization_id: UUID, subscription_id: UUID) -> bool:
    """Whether an OPEN invoice of the subscription has passed its due date."""
    return (
        session.exec(
            select(Invoice.id)
            .where(
                Invoice.organization_id == organization_id,
                Invoice.subscription_id == subscription_id,
                Invoice.status == InvoiceStatus.OPEN,
                col(Invoice.past_due_at).is_not(None),
            )
            .limit(1)
        ).first()
        is not None
    )


def list_invoices(
    session: Session,
    organization_id: UUID,
    *,
    customer_id: UUID | None,
    subscription_id: UUID | None,
    status: str | None,
    offset: int,
    limit: int,
) -> tuple[Sequence[Invoice], int]:
    """A page of invoices, oldest first, and how many there are."""
    matching = select(Invoice).where(Invoice.organization_id == organization_id)
    if customer_id is not None:
        matching = matching.where(Invoice.customer_id == customer_id)
    if subscription_id is not None:
        matching = matching.where(Invoice.subscription_id == subscription_id)
    if status is not None:
        matching = matching.where(Invoice.status == status)
    return read_page(session, matching, offset=offset, limit=limit)


def list_lines(
    session: Session, organization_id: UUID, invoice_ids: Sequence[UUID]
) -> Sequence[InvoiceLine]:
    """The lines of some invoices, in their order."""
    return session.exec(
        select(InvoiceLine)
        .where(
            InvoiceLine.organization_id == organization_id,
            col(InvoiceLine.invoice_id).in_(invoice_ids),
        )
        .order_by(col(InvoiceLine.invoice_id), col(InvoiceLine.position))
    ).all()


def list_taxes(
    session: Session, organization_id: UUID, invoice_ids: Sequence[UUID]
) -> Sequence[InvoiceTax]:
    """The taxes of some invoices, in their order."""
    return session.exec(
        select(InvoiceTax)
        .where(
            InvoiceTax.organization_id == organization_id,
            col(InvoiceTax.invoice_id).in_(invoice_ids),
        )
        .order_by(col(InvoiceTax.invoice_id), col(InvoiceTax.position))
    ).all()


def delete_contents(session: Session, organization_id: UUID, invoice_id: UUID) -> None:
    """Take a draft's lines and taxes away, before others are written in their place."""
    for table in (InvoiceLine, InvoiceTax):
        session.execute(
            delete(table).where(
                col(table.organization_id) == organization_id,
                col(table.invoice_id) == invoice_id,
            )
        )


def draw_number(session: Session, organization_id: UUID, series: str, year: int) -> int:
    """The next number of a series, from 1, without gaps.

    The row stays locked until the transaction ends, so a rollback gives the number back and
    concurrent invoices of one organization queue here (CONTRACT 25).
    """
    statement = (
        insert(InvoiceSequence)
        .values(organization_id=organization_id, series=series, year=year, last_number=1)
        .on_conflict_do_update(
            index_elements=["organization_id", "series", "year"],
            set_={"last_number": InvoiceSequence.last_number + 1},
        )
        .returning(col(InvoiceSequence.last_number))
    )
    return int(session.execute(statement).scalar_one())


def find_receipt(
    session: Session, organization_id: UUID, invoice_id: UUID
) -> InvoiceReceipt | None:
    """The receipt of an invoice's newest revision, or None."""
    return session.exec(
        select(InvoiceReceipt)
        .where(
            InvoiceReceipt.organization_id == organization_id,
            InvoiceReceipt.invoice_id == invoice_id,
        )
        .order_by(col(InvoiceReceipt.revision).desc())
        .limit(1)
    ).one_or_none()
