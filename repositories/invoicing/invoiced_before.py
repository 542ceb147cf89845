"""What of an invoice's lines earlier invoices of the same period billed, as the invoice says."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

INVOICED_BEFORE: Final = text(
    """
    -- Off the lines of each charge, in the order of the invoice.
    SELECT own.id, least(own.line_total, own.amount - (own.up_to - own.line_total))
    FROM (
        SELECT line.id, line.line_total, before.amount,
            sum(line.line_total) OVER (
                PARTITION BY line.invoice_id, line.charge_id ORDER BY line.position
            ) AS up_to
        FROM (
            SELECT said.invoice_id, part.charge_id, -sum(part.amount) AS amount
            FROM invoice_line AS said
            JOIN correction_part AS part ON part.organization_id = said.organization_id
                AND part.line_id = said.id AND part.credit_note_id IS NULL
            WHERE said.organization_id = :organization_id AND said.invoice_id = ANY (:invoices)
                AND said.type = 'invoiced_before'
            GROUP BY said.invoice_id, part.charge_id
        ) AS before
        JOIN invoice_line AS line ON line.organization_id = :organization_id
            AND line.invoice_id = before.invoice_id AND line.charge_id = before.charge_id
    ) AS own
    WHERE own.amount > own.up_to - own.line_total AND own.line_total > 0
    """
)


def list_invoiced_before(
    session: Session, organization_id: UUID, invoice_ids: Collection[UUID]
) -> dict[UUID, Decimal]:
    """How much of each line was billed before, by its id; lines of which nothing was are left out.

    Units: major units of the currency.
    """
    session.flush()
    keys = {"organization_id": organization_id, "invoices": list(invoice_ids)}
    return {row[0]: row[1] for row in session.execute(INVOICED_BEFORE, keys)}
