"""Invoices with their lines, taxes, numbers, receipts and the evidence behind them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import InvoiceKind
from models.discounts.invoice_coupons import InvoiceCoupon
from models.invoicing.invoices import (
    Invoice,
    InvoiceLine,
    InvoiceParties,
    InvoiceReceipt,
    InvoiceTax,
)
from models.invoicing.sequences import InvoiceSequence
from repositories.row_keys import PeriodKey, among
from repositories.statement_text import insert_of_rows, written_rows

InvoiceKey = tuple[UUID, UUID]
"""Organization and invoice."""

_INSERT_LINES: Final = text(insert_of_rows(InvoiceLine.metadata, "invoice_line"))


def find_invoice(session: Session, organization_id: UUID, invoice_id: UUID) -> Invoice | None:
    """The invoice, or None."""
    return session.get(Invoice, (organization_id, invoice_id))


def find_invoices(session: Session, keys: Collection[InvoiceKey]) -> dict[InvoiceKey, Invoice]:
    """Those of the invoices that there are."""
    columns = (col(Invoice.organization_id), col(Invoice.id))
    found = session.exec(select(Invoice).where(among(keys, *columns)))
    return {(one.organization_id, one.id): one for one in found}


def find_subscription_ids(
    session: Session, keys: Collection[InvoiceKey]
) -> dict[InvoiceKey, UUID | None]:
    """The subscription, if it has one, of each invoice that there is."""
    columns = (col(Invoice.organization_id), col(Invoice.id))
    found = select(*columns, col(Invoice.subscription_id)).where(among(keys, *columns))
    return {(row[0], row[1]): row[2] for row in session.execute(found)}


def lock_invoices(session: Session, keys: Collection[InvoiceKey]) -> dict[InvoiceKey, Invoice]:
    """Those of the invoices that there are, with their rows locked in the order of their keys."""
    columns = (col(Invoice.organization_id), col(Invoice.id))
    found = session.exec(
        select(Invoice)
        .where(among(keys, *columns))
        .order_by(*columns)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {(one.organization_id, one.id): one for one in found}


def find_period_invoice(
    session: Session, organization_id: UUID, subscription_id: UUID, period_index: int
) -> Invoice | None:
    """The one invoice of a period that is not void, or None."""
    key = (organization_id, subscription_id, period_index)
    return find_invoices_of_periods(session, [key]).get(key)


def find_invoices_of_periods(
    session: Session, keys: Collection[PeriodKey]
) -> dict[PeriodKey, Invoice]:
    """The one invoice of each period that is not void, where there is one."""
    columns = (
        col(Invoice.organization_id),
        col(Invoice.subscription_id),
        col(Invoice.period_index),
    )
    found = select(*columns, Invoice).where(
        among(keys, *columns),
        col(Invoice.kind) == InvoiceKind.PERIOD,
        col(Invoice.status) != InvoiceStatus.VOID,
    )
    return {(row[0], row[1], row[2]): row[3] for row in session.execute(found)}


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


def list_issued(
    session: Session, organization_id: UUID, customer_id: UUID, *, offset: int, limit: int
) -> Sequence[Invoice]:
    """Invoices of a customer that are no drafts, the newest first."""
    return session.exec(
        select(Invoice)
        .where(
            Invoice.organization_id == organization_id,
            Invoice.customer_id == customer_id,
            Invoice.status != InvoiceStatus.DRAFT,
        )
        .order_by(col(Invoice.created_at).desc(), col(Invoice.id).desc())
        .offset(offset)
        .limit(limit)
    ).all()


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


def list_lines_by_key(
    session: Session, keys: Collection[InvoiceKey]
) -> dict[InvoiceKey, list[InvoiceLine]]:
    """The lines of each of some invoices, in their order."""
    columns = (col(InvoiceLine.organization_id), col(InvoiceLine.invoice_id))
    found: dict[InvoiceKey, list[InvoiceLine]] = {key: [] for key in keys}
    for row in session.exec(
        select(InvoiceLine).where(among(keys, *columns)).order_by(col(InvoiceLine.position))
    ):
        found[row.organization_id, row.invoice_id].append(row)
    return found


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


def list_taxes_by_key(
    session: Session, keys: Collection[InvoiceKey]
) -> dict[InvoiceKey, list[InvoiceTax]]:
    """The taxes of each of some invoices, in their order."""
    columns = (col(InvoiceTax.organization_id), col(InvoiceTax.invoice_id))
    found: dict[InvoiceKey, list[InvoiceTax]] = {key: [] for key in keys}
    for row in session.exec(
        select(InvoiceTax).where(among(keys, *columns)).order_by(col(InvoiceTax.position))
    ):
        found[row.organization_id, row.invoice_id].append(row)
    return found


def insert_lines(session: Session, lines: Sequence[Mapping[str, Any]]) -> None:
    """Store lines, each named by its columns, by one statement; their invoices are stored."""
    if lines:
        session.execute(_INSERT_LINES, {"rows": written_rows(lines)})


def delete_contents(session: Session, keys: Collection[tuple[UUID, UUID]]) -> None:
    """Take drafts' lines, coupons and taxes away, before others are written in their place.

    The drafts are named by their organizations and ids.
    """
    for table in (InvoiceCoupon, InvoiceLine, InvoiceTax):
        columns = (col(table.organization_id), col(table.invoice_id))
        session.execute(delete(table).where(among(keys, *columns)))


def draw_numbers(
    session: Session, organization_id: UUID, series: str, year: int, *, count: int = 1
) -> range:
    """The next numbers of a series, from 1, without gaps.

    The row stays locked until the transaction ends, so a rollback gives the numbers back and
    concurrent invoices of one organization queue here (CONTRACT 25).
    """
    statement = (
        insert(InvoiceSequence)
        .values(organization_id=organization_id, series=series, year=year, last_number=count)
        .on_conflict_do_update(
            index_elements=["organization_id", "series", "year"],
            set_={"last_number": InvoiceSequence.last_number + count},
        )
        .returning(col(InvoiceSequence.last_number))
    )
    last = int(session.execute(statement).scalar_one())
    return range(last - count + 1, last + 1)


def find_parties(
    session: Session, organization_id: UUID, invoice_id: UUID
) -> InvoiceParties | None:
    """Whom an issued invoice names, or None if nobody was kept with it."""
    return session.get(InvoiceParties, (organization_id, invoice_id))


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
