"""What the hourly check does about purchases and alerts: each rule and alert is looked at.

Usage lowers what is available without a posting: a rule that it takes below its threshold is found
here at the latest.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from repositories.credits import purchases as stored_purchases
from repositories.credits import top_ups as stored_top_ups
from repositories.notifications import alerts as stored_alerts
from repositories.subscriptions import thresholds as stored_thresholds
from services.documents.locks import lock_invoice
from services.payments import receivables
from services.payments.recording import present_of

AT_ONCE: Final = 100
"""How many purchases lapse in one round."""


def look_after(session: Session, organization_id: UUID, *, now: datetime) -> None:
    """Purchases whose time was over before anybody paid are void, and what watches is looked at.

    That is rules, alerts and thresholds. Idempotent: a rule that waits to be looked at already
    waits once.
    """
    lapsed = stored_purchases.list_lapsed(session, organization_id, now=now, limit=AT_ONCE)
    for invoice_id in lapsed:
        invoice, _ = lock_invoice(session, organization_id, invoice_id)
        at = present_of(session, invoice, now=now)
        receivables.void_lapsed(session, invoice, at=at, now=now)
    stored_top_ups.wake(session, organization_id, None, now=now)
    stored_alerts.wake(session, organization_id, None, now=now)
    stored_thresholds.wake(session, organization_id, None, now=now)
