"""What can be found wrong with an organization's documents: rows, receipts and numbers."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from repositories.invoicing import receipts as stored_receipts
from repositories.operations import document_checks as stored_document_checks
from repositories.operations import numbering as stored_numbering
from services.operations.findings import Finding, FindingKind


def document_findings(session: Session, organization_id: UUID) -> list[Finding]:
    """Documents that somebody changed behind our back; people must look at them."""
    return [
        Finding(
            kind=FindingKind(kind),
            detail=found.detail,
            subscription_id=found.subscription_id,
            period_index=found.period_index,
            invoice_id=found.invoice_id,
        )
        for kind, found in stored_document_checks.list_contradictions(session, organization_id)
    ]


def receipt_findings(session: Session, organization_id: UUID) -> list[Finding]:
    """Receipts that were taken away: of issued invoices, and of the chain."""
    found = [
        Finding(
            kind=FindingKind.RECEIPT_MISSING,
            detail=f"Invoice {number} was issued, but its receipt is gone.",
            invoice_id=invoice_id,
        )
        for invoice_id, number in stored_receipts.list_without(session, organization_id)
    ]
    linked, present = stored_receipts.count_receipts(session, organization_id)
    if linked != present:
        detail = f"Of {linked} receipts in the chain {present} are there."
        found.append(Finding(kind=FindingKind.RECEIPT_MISSING, detail=detail))
    return found


def number_findings(session: Session, organization_id: UUID) -> list[Finding]:
    """Numbers of invoices and credit notes that were given and stand on no document."""
    return [
        Finding(
            kind=FindingKind.NUMBER_GAP,
            detail=f"{gap.series}-{gap.year} gave {gap.given} numbers, {gap.present} are there.",
        )
        for gap in stored_numbering.list_number_gaps(session, organization_id)
    ]
