"""What invoices drew, beside what that was decided from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session


class StoredDrawing(NamedTuple):
    """The evidence behind an invoice's draws, and the draws that it says."""

    invoice_id: UUID
    customer_id: UUID
    unit: str
    content: Any
    digest: str
    draws: list[dict[str, Any]]


DRAWINGS = text(
    """
    SELECT invoice.id, invoice.customer_id, invoice.currency, kept.content, kept.digest, said.draws
    FROM invoice
    JOIN invoice_drawing AS kept ON kept.organization_id = invoice.organization_id
        AND kept.invoice_id = invoice.id
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'grant_id', draw.grant_id, 'position', draw.line_position,
            'amount', draw.amount::text, 'money', draw.money::text, 'place', draw.place
        )), '[]') AS draws
        FROM invoice_draw AS draw
        WHERE draw.organization_id = invoice.organization_id AND draw.invoice_id = invoice.id
    ) AS said
    WHERE invoice.organization_id = :organization_id AND invoice.status <> 'DRAFT'
    ORDER BY invoice.id
    """
)


def list_drawings(session: Session, organization_id: UUID) -> Iterator[StoredDrawing]:
    """Every final invoice with evidence of its draws, which the application cannot take away."""
    for row in session.execute(DRAWINGS, {"organization_id": organization_id}):
        yield StoredDrawing(*row)
