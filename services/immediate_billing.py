"""Bills asked for now: the overdue periods, or else the part of the current one (CONTRACT 20)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, InvalidTransition
from billing.subscriptions import PeriodStatus, SubscriptionStatus
from models.invoices import Invoice
from models.subscriptions import Subscription, SubscriptionPeriod
from repositories import subscriptions
from services import bill_steps, invoicing, owners, period_closing
from services.auditing import record
from services.bill_steps import BillKey
from services.period_versions import lock_edits_out, version_to_open
from services.subscription_changes import lock_for_change
from services.subscriptions import open_period


def generate_invoices(
    session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime
) -> list[Invoice]:
    """Drafts of every overdue period, in order; if none is due, of the current period up to now.

    The rest of a period that was cut runs to the regular end. Raises InvalidTransition in a trial
    and after the end, Conflict where nothing has passed that could be billed.
    """
    subscription, present = lock_for_change(session, organization_id, subscription_id, now=now)
    if subscription.status == SubscriptionStatus.TRIAL:
        raise InvalidTransition("A subscription in its TRIAL is not billed.")
    overdue = _list_overdue(session, subscription)
    if not overdue:
        overdue = [_cut_current(session, subscription, at=present, now=now)]
    made = [bill_period(session, subscription, stored, now=now) for stored in overdue]
    record(
        session,
        organization_id,
        "subscription.invoiced",
        "subscription",
        subscription_id,
        after={"invoice_ids": [str(invoice.id) for invoice in made]},
        now=now,
    )
    owners.tell_owner(session, subscription, now=now)
    return made


def _list_overdue(session: Session, subscription: Subscription) -> list[SubscriptionPeriod]:
    unfinished = subscriptions.list_unfinished_periods(
        session, subscription.organization_id, subscription.id
    )
    return [stored for stored in unfinished if stored.status == PeriodStatus.CLOSED]


def _cut_current(
    session: Session, subscription: Subscription, *, at: datetime, now: datetime
) -> SubscriptionPeriod:
    stored = period_closing.find_open_period(session, subscription)
    if stored is None:
        raise InvalidTransition(f"A subscription that is {subscription.status} is not billed.")
    if stored.starts_at >= at:
        raise Conflict("Nothing of the current period has passed yet.", code="nothing_to_invoice")
    lock_edits_out(session, subscription, subscription.plan_id)
    closed = period_closing.cut_period(session, subscription, at=at, now=now)
    assert closed is not None
    version = version_to_open(session, subscription, part_of=closed)
    open_period(session, subscription, index=closed.index + 1, starts_at=at, version=version)
    return closed


def bill_period(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    *,
    reissue_of: UUID | None = None,
    now: datetime,
) -> Invoice:
    """The draft of a closed period, made by the steps that its owner would take."""
    bill = BillKey(
        organization_id=subscription.organization_id,
        subscription_id=subscription.id,
        period_index=stored.index,
        revision=stored.revision,
    )
    bill_steps.query_usage(session, bill, now=now)
    bill_steps.aggregate_usage(session, bill, now=now)
    bill_steps.price_usage(session, bill, now=now)
    bill_steps.enforce_limits(session, bill, now=now)
    return invoicing.issue_invoice(
        session, bill, due_at=stored.ends_at, now=now, reissue_of=reissue_of
    )
