"""The links under which strangers read invoices."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from models.invoicing.links import InvoiceLink

LOOKUP = "invoice_link"
"""What a transaction looks up that knows a token and no organization yet."""


def find_link(session: Session, organization_id: UUID, invoice_id: UUID) -> InvoiceLink | None:
    """The link of an invoice, or None."""
    return session.get(InvoiceLink, (organization_id, invoice_id))


def list_tokens(
    session: Session, organization_id: UUID, invoice_ids: Collection[UUID]
) -> dict[UUID, str]:
    """The tokens of those invoices that have a link, by invoice."""
    found = session.exec(
        select(InvoiceLink.invoice_id, InvoiceLink.token).where(
            InvoiceLink.organization_id == organization_id,
            col(InvoiceLink.invoice_id).in_(invoice_ids),
        )
    )
    return dict(found.all())


def insert_link(session: Session, link: InvoiceLink) -> bool:
    """Store the link, unless the invoice has one; whether it was stored."""
    statement = (
        insert(InvoiceLink)
        .values(**link.model_dump())
        .on_conflict_do_nothing(index_elements=["organization_id", "invoice_id"])
        .returning(col(InvoiceLink.invoice_id))
    )
    return session.execute(statement).first() is not None


def delete_link(session: Session, organization_id: UUID, invoice_id: UUID) -> bool:
    """Take the link away; whether there was one."""
    statement = (
        delete(InvoiceLink)
        .where(
            col(InvoiceLink.organization_id) == organization_id,
            col(InvoiceLink.invoice_id) == invoice_id,
        )
        .returning(col(InvoiceLink.invoice_id))
    )
    return session.execute(statement).first() is not None


def find_by_token(session: Session, token: str) -> InvoiceLink | None:
    """The link with this token, or None.

    A query without an organization: the transaction must look up ``invoice_link``.
    """
    return session.exec(select(InvoiceLink).where(InvoiceLink.token == token)).one_or_none()
