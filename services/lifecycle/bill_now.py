"""Bills asked for now: the overdue periods, or else the part of the current one (CONTRACT 20)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, InvalidTransition
from billing.pending_changes import ChangeAction, PendingChange
from billing.subscriptions import SubscriptionStatus
from billing.timeline import Happening
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.invoicing import invoices as stored_invoices
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.audit_log import record
from services.lifecycle import catching_up
from services.lifecycle.changes import begin_change, must_wait
from services.subscriptions import agenda, periods
from services.subscriptions.period_versions import lock_edits_out, version_to_open
from services.subscriptions.start import open_period

SHORTEST_PART = timedelta(minutes=1)
"""Requests that come together, or are repeated at once, cut a period once."""

REPEATED = timedelta(minutes=1)
"""How long a request for what was overdue counts as the same, not as one for the current part."""


def ask_for_overdue(
    session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime
) -> int | None:
    """The index of the first period that is overdue, or was when the same was just asked for.

    None where nothing is: the current period is to be cut. It is written down before anything is
    billed, so that requests that come beside, or repeat one that died, bill what is overdue and
    nothing else, for a minute of the wall and of the customer's clock. Raises NotFound, and
    Conflict while the clock advances. Source: CONTRACT 20.
    """
    subscription, present = begin_change(session, organization_id, subscription_id, now=now)
    return _ask(session, subscription, present, now=now)


def generate_invoices(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    *,
    first_overdue: int | None = None,
    now: datetime,
) -> list[Invoice] | None:
    """Drafts of every overdue period, in order; if none is due, of the current period up to now.

    ``first_overdue`` is what :func:`ask_for_overdue` answered, if the request asked before it
    caught up. The rest of a period that was cut runs to the regular end. None if the request is
    pending, because too many periods are overdue for one. Raises InvalidTransition in a trial and
    after the end, Conflict where nothing has passed that could be billed, or less than a minute
    since the period was last cut.
    """
    subscription, present = begin_change(session, organization_id, subscription_id, now=now)
    first = first_overdue
    if first is None:
        first = _ask(session, subscription, present, now=now)
    wanted = PendingChange(action=ChangeAction.GENERATE_INVOICE, at=present)
    if must_wait(session, subscription, wanted, now=now):
        return None
    if first is None:
        made = _bill_current_part(session, subscription, at=present, now=now)
    else:
        made = _bill_overdue(session, subscription, first_index=first, now=now)
    agenda.wake_workflow(session, subscription, now=now)
    return made


def _ask(
    session: Session, subscription: Subscription, present: datetime, *, now: datetime
) -> int | None:
    asked = stored_actions.find_last_action(
        session, subscription, Happening.OVERDUE_BILLED, after=present - REPEATED
    )
    if asked is not None and asked.recorded_at > now - REPEATED:
        return asked.period_index
    first = catching_up.find_first_missed(session, subscription, to=present)
    if first is not None:
        stored_actions.insert_action(
            session,
            subscription,
            Happening.OVERDUE_BILLED,
            at=present,
            recorded_at=now,
            period_index=first,
        )
        _record(session, subscription, {"first_period_index": first}, now=now)
    return first


def _bill_overdue(
    session: Session, subscription: Subscription, *, first_index: int, now: datetime
) -> list[Invoice]:
    """What is overdue is billed; the invoices from the first one on, as many as one request makes.

    Some of them may have been made before, by this request or by one beside it.
    """
    catching_up.bill_closed(session, subscription, now=now)
    found = stored_invoices.list_period_invoices(
        session,
        subscription.organization_id,
        subscription.id,
        first_index=first_index,
        limit=catching_up.AT_ONCE,
    )
    return list(found)


def _bill_current_part(
    session: Session, subscription: Subscription, *, at: datetime, now: datetime
) -> list[Invoice]:
    if subscription.status == SubscriptionStatus.TRIAL:
        raise InvalidTransition("A subscription in its TRIAL is not billed.")
    cut_current(session, subscription, at=at, now=now)
    made = catching_up.bill_closed(session, subscription, now=now)
    _record(session, subscription, {"invoice_ids": [str(one.id) for one in made]}, now=now)
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
    lock_edits_out(session, [(subscription.organization_id, subscription.plan_id)])
    closed = periods.cut_period(session, subscription, at=at, now=now)
    assert closed is not None
    version = version_to_open(session, subscription, part_of=closed)
    open_period(session, subscription, index=closed.index + 1, starts_at=at, version=version)
    session.flush()


def _follows_a_cut(session: Session, stored: SubscriptionPeriod) -> bool:
    former = stored_subscriptions.find_period(
        session, stored.organization_id, stored.subscription_id, stored.index - 1
    )
    return former is not None and former.regular_ends_at not in (None, former.ends_at)


def _record(
    session: Session, subscription: Subscription, after: dict[str, object], *, now: datetime
) -> None:
    record(
        session,
        subscription.organization_id,
        "subscription.invoiced",
        "subscription",
        subscription.id,
        after=after,
        now=now,
    )
