"""Bills that a broken rule stopped: set aside, shown, and brought on again by people."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict
from billing.invoicing.invoices import InvoiceStatus
from billing.subscriptions import PeriodStatus, change_period_status
from billing.timeline import Happening
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.invoicing import invoices as stored_invoices
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.audit_log import record
from services.required import require_period, require_subscription
from services.subscriptions import agenda, clocks, rolling
from services.subscriptions.timeline import BY_HAND

NEVER_PARKED = frozenset(
    {PeriodStatus.PARKED, PeriodStatus.SKIPPED, PeriodStatus.UNBILLED, PeriodStatus.VOID}
)
"""Bills that wait for people already, or for nobody."""


def park_bill(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    *,
    period_index: int | None,
    step: str,
    reason: str,
    at: datetime,
    now: datetime,
) -> None:
    """The bill waits for people; the subscription's other periods go on.

    Idempotent: a parked bill stays parked with its first reason, and one that people gave up,
    deleted or voided meanwhile needs nobody's attention.
    """
    subscription, stored = _lock(session, organization_id, subscription_id, period_index)
    if stored.status in NEVER_PARKED:
        return
    stored.status = change_period_status(stored.status, PeriodStatus.PARKED)
    stored.parked_step = step
    stored.parked_reason = reason
    session.add(stored)
    stored_actions.insert_action(
        session,
        subscription,
        Happening.NEEDS_ATTENTION,
        at=at,
        recorded_at=now,
        period_index=stored.index,
        detail=f"{step}: {reason}",
    )
    session.flush()


def retry_bill(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    period_index: int,
    *,
    now: datetime,
) -> SubscriptionPeriod:
    """A parked bill starts again where it stopped.

    Without a draft everything is computed anew, as a new revision; a period that could not be
    closed is open again, and so due at once.
    """
    subscription, stored = _lock_parked(session, organization_id, subscription_id, period_index)
    stored.status = change_period_status(stored.status, _status_before(session, stored))
    if stored.status == PeriodStatus.CLOSED:
        stored.revision += 1
    stored.parked_step = stored.parked_reason = None
    session.add(stored)
    session.flush()
    _tell(session, subscription, Happening.BILL_RETRIED, period_index, now=now)
    record(
        session,
        organization_id,
        BY_HAND[Happening.BILL_RETRIED],
        "subscription",
        subscription_id,
        after={"period_index": period_index},
        now=now,
    )
    agenda.wake_workflow(session, subscription, now=now)
    return stored


def skip_bill(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    period_index: int,
    *,
    reason: str,
    now: datetime,
) -> SubscriptionPeriod:
    """A parked bill is given up for a stated reason: its period gets no invoice, for good.

    The next period runs, also where the parked one could not be closed before. Raises Conflict
    for a period that has a draft or is not over yet.
    """
    subscription, stored = _lock_parked(session, organization_id, subscription_id, period_index)
    if stored_invoices.find_period_invoice(session, organization_id, subscription_id, period_index):
        raise Conflict(
            "The period has a draft already; finalize or correct it instead.",
            code="bill_has_draft",
        )
    if stored.closed_at is None:
        _close(session, subscription, stored, now=now)
    stored.status = change_period_status(stored.status, PeriodStatus.SKIPPED)
    stored.parked_step = stored.parked_reason = None
    session.add(stored)
    session.flush()
    _tell(session, subscription, Happening.BILL_SKIPPED, period_index, now=now)
    record(
        session,
        organization_id,
        BY_HAND[Happening.BILL_SKIPPED],
        "subscription",
        subscription_id,
        after={"period_index": period_index, "reason": reason},
        now=now,
    )
    agenda.wake_workflow(session, subscription, now=now)
    return stored


def _tell(
    session: Session,
    subscription: Subscription,
    happening: Happening,
    period_index: int,
    *,
    now: datetime,
) -> None:
    """The timeline says what people did about the bill, at the present of its clock.

    Who did it, and why, is in the audit log alone, in an entry of the same ``now``.
    """
    present = clocks.present_of(
        session, subscription.organization_id, subscription.test_clock_id, now=now
    )
    stored_actions.insert_action(
        session,
        subscription,
        happening,
        at=present,
        recorded_at=now,
        period_index=period_index,
    )


def _status_before(session: Session, stored: SubscriptionPeriod) -> PeriodStatus:
    if stored.closed_at is None:
        return PeriodStatus.OPEN
    invoice = stored_invoices.find_period_invoice(
        session, stored.organization_id, stored.subscription_id, stored.index
    )
    if invoice is None:
        return PeriodStatus.CLOSED
    is_draft = invoice.status == InvoiceStatus.DRAFT
    return PeriodStatus.DRAFTED if is_draft else PeriodStatus.FINAL


def _close(
    session: Session, subscription: Subscription, stored: SubscriptionPeriod, *, now: datetime
) -> None:
    present = clocks.present_of(
        session, subscription.organization_id, subscription.test_clock_id, now=now
    )
    if stored.ends_at > present:
        raise Conflict(
            f"Period {stored.index} runs until {stored.ends_at.isoformat()}; only a period that is"
            " over can be skipped.",
            code="period_not_over",
        )
    stored.status = change_period_status(stored.status, PeriodStatus.OPEN)
    stored.parked_step = stored.parked_reason = None
    session.add(stored)
    session.flush()
    rolling.roll_period(
        session,
        subscription.organization_id,
        subscription.id,
        stored.index,
        due_at=stored.ends_at,
        now=now,
    )


def _lock(
    session: Session, organization_id: UUID, subscription_id: UUID, period_index: int | None
) -> tuple[Subscription, SubscriptionPeriod]:
    subscription = require_subscription(
        stored_subscriptions.lock_subscription(session, organization_id, subscription_id),
        may_be_deleted=True,
    )
    index = subscription.current_period_index if period_index is None else period_index
    stored = (
        None
        if index is None
        else stored_subscriptions.find_period(session, organization_id, subscription_id, index)
    )
    return subscription, require_period(stored)


def _lock_parked(
    session: Session, organization_id: UUID, subscription_id: UUID, period_index: int
) -> tuple[Subscription, SubscriptionPeriod]:
    subscription, stored = _lock(session, organization_id, subscription_id, period_index)
    if stored.status != PeriodStatus.PARKED:
        raise Conflict(
            f"Period {period_index} is {stored.status}; only a parked bill can be retried or"
            " skipped.",
            code="bill_not_parked",
        )
    return subscription, stored
