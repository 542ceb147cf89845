"""Periods that are billed again: the draft was deleted, or the invoice is void (CONTRACT 94)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, NotFound
from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import InvoiceKind
from billing.subscriptions import PeriodStatus, change_period_status
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.invoicing import invoices as stored_invoices
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.audit_log import record
from services.documents.locks import lock_invoice
from services.invoicing import manual
from services.invoicing.manual import ManualInvoice, ManualLine
from services.lifecycle.catching_up import bill_period
from services.lifecycle.changes import lock_for_change
from services.required import require_period
from services.subscriptions import agenda, clocks

BILLABLE_AGAIN = frozenset({PeriodStatus.UNBILLED, PeriodStatus.VOID})
BILLED = frozenset({PeriodStatus.DRAFTED, PeriodStatus.FINAL})


def bill_unbilled_period(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    period_index: int,
    *,
    was_overdue: bool = False,
    now: datetime,
) -> Invoice:
    """A new draft of a period whose draft was deleted, from its usage as it is now.

    A period that is over and has no draft yet is billed as well; one that ``was_overdue`` as the
    request came may have been billed on the way here. Raises NotFound for an unknown
    period, Conflict ``period_already_billed``, ``period_not_over``, ``bill_parked`` or
    ``period_skipped``.
    """
    subscription, _ = lock_for_change(session, organization_id, subscription_id, now=now)
    stored = require_period(
        stored_subscriptions.find_period(session, organization_id, subscription_id, period_index),
        field="period_index",
    )
    if was_overdue and stored.status in BILLED:
        made = stored_invoices.find_period_invoice(
            session, organization_id, subscription_id, period_index
        )
        if made is not None:
            return made
    if stored.status != PeriodStatus.CLOSED:
        _require_billable(stored)
        _open_bill_again(session, stored)
    invoice = bill_period(session, stored, now=now)
    _tell(session, subscription, "subscription.invoiced", invoice, now=now)
    return invoice


def reissue_invoice(
    session: Session, organization_id: UUID, invoice_id: UUID, *, now: datetime
) -> Invoice:
    """A new draft in the place of a void invoice: of its period, or of the lines that people wrote.

    A period is rated from its usage as it is now, by the plan version that the void invoice used.
    Raises NotFound, Conflict ``invoice_not_void``, ``already_reissued``, or ``not_reissuable`` for
    an invoice of late usage, which the next one bills by itself, and for one whose customer or
    subscription was deleted; InvalidInput ``customer_without_country``. Source: CONTRACT 94.
    """
    invoice, subscription = lock_invoice(session, organization_id, invoice_id)
    if invoice.status != InvoiceStatus.VOID:
        raise Conflict(
            f"The invoice is {invoice.status}; only a VOID one is issued again.",
            code="invoice_not_void",
        )
    if stored_invoices.find_reissue(session, organization_id, invoice_id) is not None:
        raise _already_reissued()
    if invoice.kind == InvoiceKind.MANUAL:
        return _copy(session, invoice, now=now)
    if subscription is None or invoice.kind != InvoiceKind.PERIOD or invoice.period_index is None:
        raise Conflict(
            "What this invoice billed is on the next one, unless its void said otherwise.",
            code="not_reissuable",
        )
    clocks.require_still(session, organization_id, subscription.test_clock_id)
    stored = stored_subscriptions.find_period(
        session, organization_id, subscription.id, invoice.period_index
    )
    assert stored is not None
    if stored.status not in BILLABLE_AGAIN:
        raise _already_reissued()
    _open_bill_again(session, stored)
    again = bill_period(session, stored, reissue_of=invoice.id, now=now)
    _tell(session, subscription, "invoice.reissued", again, now=now)
    return again


def _require_billable(stored: SubscriptionPeriod) -> None:
    if stored.status == PeriodStatus.OPEN:
        raise Conflict("The period is not over yet.", code="period_not_over", field="period_index")
    if stored.status == PeriodStatus.PARKED:
        raise Conflict(
            "The period's bill is parked: mend what stopped it and retry the bill, or skip it."
            f" It stopped at {stored.parked_step}: {stored.parked_reason}",
            code="bill_parked",
            field="period_index",
        )
    if stored.status == PeriodStatus.SKIPPED:
        raise Conflict(
            "The period's bill was given up for good.",
            code="period_skipped",
            field="period_index",
        )
    if stored.status not in BILLABLE_AGAIN:
        raise Conflict(
            "The period has its bill already.", code="period_already_billed", field="period_index"
        )


def _already_reissued() -> Conflict:
    return Conflict("The invoice was issued again already.", code="already_reissued")


def _open_bill_again(session: Session, stored: SubscriptionPeriod) -> None:
    stored.status = change_period_status(stored.status, PeriodStatus.CLOSED)
    stored.revision += 1
    session.add(stored)
    session.flush()


def _copy(session: Session, invoice: Invoice, *, now: datetime) -> Invoice:
    rows = stored_invoices.list_lines(session, invoice.organization_id, [invoice.id])
    command = ManualInvoice(
        customer_id=invoice.customer_id,
        currency=invoice.currency,
        due_date=invoice.due_date,
        lines=tuple(
            ManualLine(
                description=row.description, quantity=row.quantity, unit_amount=row.unit_amount
            )
            for row in rows
            if row.unit_amount is not None
        ),
        subscription_id=invoice.subscription_id,
    )
    try:
        return manual.create_invoice(
            session, invoice.organization_id, command, reissue_of=invoice.id, now=now
        )
    except NotFound as gone:
        raise Conflict(
            f"What the invoice was for was deleted. {gone}", code="not_reissuable"
        ) from gone


def _tell(
    session: Session, subscription: Subscription, action: str, invoice: Invoice, *, now: datetime
) -> None:
    record(
        session,
        subscription.organization_id,
        action,
        "subscription",
        subscription.id,
        after={"invoice_ids": [str(invoice.id)]},
        now=now,
    )
    agenda.wake_workflow(session, subscription, now=now)
