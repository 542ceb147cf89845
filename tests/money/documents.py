"""What a customer's documents add up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from models.invoicing.invoices import Invoice, InvoiceLine
from models.subscriptions.subscriptions import SubscriptionPeriod

# Final invoices, what notes gave back of them, and the credit that the customer still has.
SUM = text(
    """
    SELECT coalesce((
        SELECT sum(total) FROM invoice
        WHERE organization_id = :organization_id AND customer_id = :customer_id
            AND status NOT IN ('DRAFT', 'VOID')
    ), 0) - coalesce((
        SELECT sum(note.total)
        FROM credit_note AS note JOIN invoice
            ON invoice.organization_id = note.organization_id AND invoice.id = note.invoice_id
        WHERE invoice.organization_id = :organization_id AND invoice.customer_id = :customer_id
            AND invoice.status <> 'VOID'
    ), 0) - coalesce((
        SELECT sum(amount) FROM account_posting
        WHERE organization_id = :organization_id AND customer_id = :customer_id
    ), 0)
    """
)

# What a clock that goes on would still change: drafts become final, differences are settled by
# documents, credit that no bill takes goes back.
PENDING = text(
    """
    SELECT EXISTS (
        SELECT FROM invoice WHERE organization_id = :organization_id AND status = 'DRAFT'
    ), EXISTS (
        SELECT FROM late_usage_mark WHERE organization_id = :organization_id
    ), EXISTS (
        SELECT FROM account_posting WHERE organization_id = :organization_id
        GROUP BY customer_id, currency HAVING sum(amount) <> 0
    )
    """
)

BEHIND = text(
    """
    SELECT subscription.id
    FROM subscription JOIN test_clock AS clock
        ON clock.organization_id = subscription.organization_id
        AND clock.id = subscription.test_clock_id
    WHERE subscription.organization_id = :organization_id
        AND coalesce(subscription.completed_through < clock.target_time, true)
        AND clock.target_time IS NOT NULL
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What still waits for the clock."""

    drafts: bool
    differences: bool
    credit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LateLine:
    """A late line, its invoice, and the periods that it corrects."""

    id: UUID
    invoice_id: UUID
    periods: tuple[int, ...]


def sum_documents(session: Session, organization_id: UUID, customer_id: UUID) -> Decimal:
    """Final invoices less notes less the credit that the customer still has."""
    session.flush()
    keys = {"organization_id": organization_id, "customer_id": customer_id}
    return Decimal(session.execute(SUM, keys).scalar_one())


def find_pending(session: Session, organization_id: UUID) -> Pending:
    """What is still to happen once the clock goes on."""
    session.flush()
    row = session.execute(PENDING, {"organization_id": organization_id}).one()
    return Pending(drafts=row[0], differences=row[1], credit=row[2])


def list_behind(session: Session, organization_id: UUID) -> set[UUID]:
    """The subscriptions whose workflows were woken by an advance and have not come along yet."""
    session.flush()
    return set(session.execute(BEHIND, {"organization_id": organization_id}).scalars())


LATE_INVOICES = text(
    """
    SELECT id, status FROM invoice
    WHERE organization_id = :organization_id AND subscription_id = :subscription_id
        AND kind = 'late_usage'
    ORDER BY id
    """
)

LATE_LINES = text(
    """
    SELECT line.id, line.invoice_id, ARRAY(
        SELECT DISTINCT part.period_index FROM correction_part AS part
        WHERE part.organization_id = line.organization_id AND part.line_id = line.id
    )
    FROM invoice_line AS line
    JOIN invoice ON invoice.organization_id = line.organization_id
        AND invoice.id = line.invoice_id
    WHERE line.organization_id = :organization_id
        AND invoice.subscription_id = :subscription_id AND line.type = 'late_usage'
        AND invoice.status NOT IN ('DRAFT', 'VOID')
    ORDER BY line.invoice_id, line.position
    """
)

# What an invoice's late lines say, with the corrections but without the notes by hand on them.
SAID_BESIDES = text(
    """
    SELECT part.period_index, part.charge_id, sum(part.amount)
    FROM correction_part AS part JOIN invoice_line AS line
        ON line.organization_id = part.organization_id AND line.id = part.line_id
    WHERE part.organization_id = :organization_id AND part.invoice_id = :invoice_id
        AND line.type = 'late_usage' AND NOT part.is_by_hand
    GROUP BY part.period_index, part.charge_id
    """
)

# What final documents bill of a charge of a period, without what people gave back.
STANDS = text(
    """
    SELECT coalesce(sum(amount), 0) FROM (
        SELECT line.line_total AS amount FROM invoice_line AS line
        JOIN invoice ON invoice.organization_id = line.organization_id
            AND invoice.id = line.invoice_id
        WHERE line.organization_id = :organization_id
            AND line.charge_id = coalesce(:charge_id, line.charge_id)
            AND invoice.subscription_id = :subscription_id
            AND invoice.kind IN ('period', 'threshold') AND invoice.period_index = :period_index
            AND invoice.status IN ('OPEN', 'PAID', 'UNCOLLECTIBLE')
        UNION ALL
        SELECT part.amount FROM correction_part AS part
        JOIN invoice ON invoice.organization_id = part.organization_id
            AND invoice.id = part.invoice_id
        WHERE part.organization_id = :organization_id
            AND part.charge_id = coalesce(:charge_id, part.charge_id)
            AND part.subscription_id = :subscription_id AND part.period_index = :period_index
            AND NOT part.is_by_hand AND invoice.status IN ('OPEN', 'PAID', 'UNCOLLECTIBLE')
    ) AS billed
    """
)

GIVEN_BY_NOTE = text(
    """
    SELECT period_index, charge_id, amount FROM correction_part
    WHERE organization_id = :organization_id AND credit_note_id = :note_id
    """
)

LINE = text(
    """
    SELECT line.line_total - coalesce((
        SELECT sum(given.amount) FROM credit_note_line AS given
        WHERE given.organization_id = line.organization_id AND given.line_id = line.id
    ), 0)
    FROM invoice_line AS line
    WHERE line.organization_id = :organization_id AND line.id = :line_id
    """
)

Row = tuple[int, UUID, Decimal]


def list_late_invoices(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> list[tuple[UUID, str]]:
    """The invoices of late usage of a subscription, the oldest first, with their status."""
    keys = {"organization_id": organization_id, "subscription_id": subscription_id}
    session.flush()
    return [(row[0], row[1]) for row in session.execute(LATE_INVOICES, keys)]


def list_late_lines(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> list[LateLine]:
    """The late lines of final invoices, the oldest first."""
    keys = {"organization_id": organization_id, "subscription_id": subscription_id}
    session.flush()
    return [
        LateLine(id=row[0], invoice_id=row[1], periods=tuple(row[2]))
        for row in session.execute(LATE_LINES, keys)
    ]


def list_said(session: Session, organization_id: UUID, invoice_id: UUID) -> list[Row]:
    """What the late lines of an invoice come to: period, charge, amount."""
    keys = {"organization_id": organization_id, "invoice_id": invoice_id}
    session.flush()
    return [(row[0], row[1], row[2]) for row in session.execute(SAID_BESIDES, keys)]


def stands(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    period_index: int,
    charge_id: UUID | None,
) -> Decimal:
    """What final documents bill of a charge of a period now, or of all of its charges."""
    keys = {
        "organization_id": organization_id,
        "subscription_id": subscription_id,
        "period_index": period_index,
        "charge_id": charge_id,
    }
    session.flush()
    return Decimal(session.execute(STANDS, keys).scalar_one())


def list_given(session: Session, organization_id: UUID, note_id: UUID) -> list[Row]:
    """What a credit note gives back: period, charge, amount below zero."""
    keys = {"organization_id": organization_id, "note_id": note_id}
    session.flush()
    return [(row[0], row[1], row[2]) for row in session.execute(GIVEN_BY_NOTE, keys)]


def left_of_line(session: Session, organization_id: UUID, line_id: UUID) -> Decimal:
    """What no note has given back of a line."""
    keys = {"organization_id": organization_id, "line_id": line_id}
    session.flush()
    return Decimal(session.execute(LINE, keys).scalar_one())


def find_invoice(
    session: Session, organization_id: UUID, subscription_id: UUID, period_index: int
) -> Invoice | None:
    """The invoice of a period that is not void, else its newest one, None if it has none."""
    return session.exec(
        select(Invoice)
        .where(
            Invoice.organization_id == organization_id,
            Invoice.subscription_id == subscription_id,
            Invoice.period_index == period_index,
            Invoice.kind == "period",
        )
        .order_by(col(Invoice.status) == "VOID", col(Invoice.id).desc())
    ).first()


def list_lines(session: Session, organization_id: UUID, invoice_id: UUID) -> Sequence[InvoiceLine]:
    """The lines of an invoice."""
    return session.exec(
        select(InvoiceLine).where(
            InvoiceLine.organization_id == organization_id, InvoiceLine.invoice_id == invoice_id
        )
    ).all()


def list_steps(
    session: Session, organization_id: UUID, subscription_id: UUID, period_index: int
) -> list[UUID]:
    """The threshold invoices of a period that are due, the oldest first."""
    found = session.exec(
        select(Invoice.id)
        .where(
            Invoice.organization_id == organization_id,
            Invoice.subscription_id == subscription_id,
            Invoice.period_index == period_index,
            Invoice.kind == "threshold",
            Invoice.status == "OPEN",
        )
        .order_by(col(Invoice.revision).desc())
    )
    return list(found)


def count_steps(
    session: Session, organization_id: UUID, subscription_id: UUID, period_index: int
) -> int:
    """How often a period was billed as it ran, whatever became of these invoices."""
    key = (organization_id, subscription_id, period_index)
    found = session.get(SubscriptionPeriod, key)
    return 0 if found is None else found.threshold_steps
