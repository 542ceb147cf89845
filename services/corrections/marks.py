"""Which periods are to be rated again because an invoice is void."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import Session

from billing.invoicing.kinds import InvoiceKind
from billing.subscriptions import PeriodStatus
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription
from repositories.invoicing import corrections as stored_corrections
from repositories.invoicing import late_usage as stored_late_usage
from repositories.invoicing import term_progress as stored_terms
from repositories.subscriptions import subscriptions as stored_subscriptions

OVER: Final = frozenset({PeriodStatus.FINAL, PeriodStatus.UNBILLED, PeriodStatus.VOID})
"""A period whose last bill was made, whatever became of it."""


def mark_again(
    session: Session,
    subscription: Subscription,
    invoice: Invoice,
    *,
    settles_again: bool,
    now: datetime,
) -> None:
    """What a voided invoice said of earlier periods, and of its own, is to be said again.

    Of earlier ones nothing where that is forgiven; else terms of commitments that ended with them
    are settled again as well, which is no late usage. Its own is owed nothing either way: what
    others say of it is taken back. Source: CONTRACT 85, CREDITS 22.
    """
    indexes: set[int] = set()
    if settles_again:
        indexes.update(stored_corrections.list_corrected_periods(session, subscription, invoice.id))
        ended = stored_terms.list_terms_said(session, invoice.organization_id, invoice.id)
        stored_late_usage.mark_periods(session, subscription, ended, ends_term=True, now=now)
    if invoice.period_index is not None:
        # It may say of its own what invoices before it billed, which is no correction.
        indexes.discard(invoice.period_index)
        if _ends_period(session, invoice):
            indexes.add(invoice.period_index)
    stored_late_usage.mark_periods(session, subscription, sorted(indexes), now=now)


def _ends_period(session: Session, invoice: Invoice) -> bool:
    """Whether what a void invoice of a period billed is not on a bill that is still to come.

    The last bill of a period takes up what a void one before it billed.
    """
    if invoice.kind != InvoiceKind.THRESHOLD:
        return invoice.kind == InvoiceKind.PERIOD
    assert invoice.subscription_id is not None
    assert invoice.period_index is not None
    stored = stored_subscriptions.find_period(
        session, invoice.organization_id, invoice.subscription_id, invoice.period_index
    )
    return stored is not None and stored.status in OVER
