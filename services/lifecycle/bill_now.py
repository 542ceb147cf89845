"""Bills asked for now: the overdue periods, or else the part of the current one (CONTRACT 20)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, InvalidTransition
from billing.pending_changes import ChangeAction, PendingChange
from billing.subscriptions import PeriodStatus, SubscriptionStatus
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

_MISSED: Final = frozenset({PeriodStatus.OPEN, PeriodStatus.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """What was overdue as somebody asked: the periods from an index on that ended by ``at``."""

    first_index: int
    at: datetime


def ask_for_overdue(
    session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime
) -> Overdue | None:
    """The periods that are overdue, or were when the same was just asked for.

    None where nothing is: the current period is to be cut. It is written down before anything is
    billed, so that requests that come beside, or repeat one that died, bill what is overdue and
    nothing else, for a minute of the wall and of the customer's clock. Raises NotFound, and
    Conflict while the clock advances. Source: CONTRACT 20.
    """
    subscription, present = begin_change(session, organization_id, subscription_id, now=now)
    return _ask(session, subscription, present, now=now)


def find_overdue(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    period_index: int,
    *,
    now: datetime,
) -> Overdue | None:
    """The period, if it is overdue: whoever catches up bills it. Raises as the above."""
    subscription, present = begin_change(session, organization_id, subscription_id, now=now)
    first = catching_up.find_first_missed(session, subscription, to=present)
    if first is None or period_index < first:
        return None
    stored = stored_subscriptions.find_period(
        session, organization_id, subscription_id, period_index
    )
    # Those that come after the one that is open have no rows yet.
    is_missed = stored is None or (stored.status in _MISSED and stored.ends_at <= present)
    return Overdue(first_index=period_index, at=present) if is_missed else None


def generate_invoices(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    *,
    overdue: Overdue | None = None,
    now: datetime,
) -> list[Invoice] | None:
    """Drafts of every overdue period, in order; if none is due, of the current period up to now.

    ``overdue`` is what :func:`ask_for_overdue` answered, if the request asked before it caught up.
    The rest of a period that was cut runs to the regular end. None if the request is
    pending, because too many periods are overdue for one. Raises InvalidTransition in a trial and
    after the end, Conflict where nothing has passed that could be billed, or less than a minute
    since the period was last cut.
    """
    subscription, present = begin_change(session, organization_id, subscription_id, now=now)
    if overdue is None:
        overdue = _ask(session, subscription, present, now=now)
    wanted = PendingChange(action=ChangeAction.GENERATE_INVOICE, at=present)
    if must_wait(session, subscription, wanted, now=now):
        return None
    if overdue is None:
        made = _bill_current_part(session, subscription, at=present, now=now)
    else:
        made = _bill_overdue(session, subscription, overdue, now=now)
    agenda.wake_workflow(session, subscription, now=now)
    return made


def _ask(
    session: Session, subscription: Subscription, present: datetime, *, now: datetime
) -> Overdue | None:
    asked = stored_actions.find_last_action(
        session, subscription, Happening.OVERDUE_BILLED, after=present - REPEATED
    )
    if asked is not None and asked.recorded_at > now - REPEATED:
        assert asked.period_index is not None
        return Overdue(first_index=asked.period_index, at=asked.at)
    first = catching_up.find_first_missed(session, subscription, to=present)
    if first is None:
        return None
    stored_actions.insert_action(
        session,
        subscription,
        Happening.OVERDUE_BILLED,
        at=present,
        recorded_at=now,
        period_index=first,
    )
    _record(session, subscription, {"first_period_index": first}, now=now)
    return Overdue(first_index=first, at=present)


def _bill_overdue(
    session: Session, subscription: Subscription, overdue: Overdue, *, now: datetime
) -> list[Invoice]:
    """What is overdue is billed; the invoices of it, as many as one request makes.

    Some of them may have been made before, by this request or by one beside it.
    """
    catching_up.bill_closed(session, subscription, now=now)
    found = stored_invoices.list_period_invoices(
        session,
        subscription.organization_id,
        subscription.id,
        first_index=overdue.first_index,
        limit=catching_up.AT_ONCE,
    )
    return [one for one in found if one.period_end and one.period_end <= overdue.at]


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
