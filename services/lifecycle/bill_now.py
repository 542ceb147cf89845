"""Bills asked for now: the overdue periods, or else the part of the current one (CONTRACT 20)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, InvalidTransition
from billing.pending_changes import ChangeAction, PendingChange
from billing.subscriptions import SubscriptionStatus
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.audit_log import record
from services.lifecycle import catching_up
from services.lifecycle.changes import begin_change, must_wait
from services.subscriptions import agenda, periods
from services.subscriptions.period_versions import lock_edits_out, version_to_open
from services.subscriptions.start import open_period

SHORTEST_PART = timedelta(minutes=1)
"""Requests that come together, or are repeated at once, cut a period once."""


def generate_invoices(
    session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime
) -> list[Invoice] | None:
    """Drafts of every overdue period, in order; if none is due, of the current period up to now.

    The rest of a period that was cut runs to the regular end. None if the request is pending,
    because too many periods are overdue for one. Raises InvalidTransition in a trial and after the
    end, Conflict where nothing has passed that could be billed, or less than a minute since the
    period was last cut.
    """
    subscription, present = begin_change(session, organization_id, subscription_id, now=now)
    wanted = PendingChange(action=ChangeAction.GENERATE_INVOICE, at=present)
    if must_wait(session, subscription, wanted, now=now):
        return None
    if subscription.status == SubscriptionStatus.TRIAL:
        raise InvalidTransition("A subscription in its TRIAL is not billed.")
    if not stored_subscriptions.find_closed_period(session, organization_id, subscription_id):
        cut_current(session, subscription, at=present, now=now)
    return bill_overdue(session, subscription, now=now)


def bill_overdue(session: Session, subscription: Subscription, *, now: datetime) -> list[Invoice]:
    """Drafts of the periods that are closed; the workflow is woken."""
    made = catching_up.bill_closed(session, subscription, now=now)
    _record(session, subscription, made, now=now)
    return made


def cut_current(
    session: Session, subscription: Subscription, *, at: datetime, now: datetime
) -> None:
    """The current period ends at ``at``, and what is left of it is a period of its own."""
    stored = periods.find_open_period(session, subscription)
    if stored is None:
        raise InvalidTransition(f"A subscription that is {subscription.status} is not billed.")
    if stored.starts_at >= at:
        raise Conflict("Nothing of the current period has passed yet.", code="nothing_to_invoice")
    if at - stored.starts_at < SHORTEST_PART and _follows_a_cut(session, stored):
        raise Conflict(
            "The current period was cut less than a minute ago; what ran before has its invoice.",
            code="nothing_to_invoice",
        )
    lock_edits_out(session, subscription, subscription.plan_id)
    closed = periods.cut_period(session, subscription, at=at, now=now)
    assert closed is not None
    version = version_to_open(session, subscription, part_of=closed)
    open_period(session, subscription, index=closed.index + 1, starts_at=at, version=version)


def _follows_a_cut(session: Session, stored: SubscriptionPeriod) -> bool:
    former = stored_subscriptions.find_period(
        session, stored.organization_id, stored.subscription_id, stored.index - 1
    )
    return former is not None and former.regular_ends_at not in (None, former.ends_at)


def _record(
    session: Session, subscription: Subscription, made: Sequence[Invoice], *, now: datetime
) -> None:
    record(
        session,
        subscription.organization_id,
        "subscription.invoiced",
        "subscription",
        subscription.id,
        after={"invoice_ids": [str(invoice.id) for invoice in made]},
        now=now,
    )
    agenda.wake_workflow(session, subscription, now=now)
