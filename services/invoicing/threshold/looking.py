"""Looking whether thresholds are reached, as soon as something may have changed what is unbilled.

Whatever changes it queues a look in its own transaction, with the looks at alerts. Source:
CREDITS 24, docs/decisions/0079, 0084.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from billing.errors import BillingError
from repositories import outbox as stored_outbox
from repositories.subscriptions import clocks as stored_clocks
from repositories.subscriptions import subscriptions as stored_subscriptions
from repositories.subscriptions import thresholds as stored_thresholds
from repositories.transactions import Transactions, name_organizations
from services.invoicing.threshold.bills import bill_if_reached
from services.subscriptions import clocks

log = structlog.get_logger(__name__)

AT_ONCE: Final = 100
"""How many messages are read together; of one subscription they are one look."""

LONGEST_WAIT: Final = timedelta(hours=1)

WHILE_ADVANCING: Final = timedelta(seconds=2)
"""How long a look waits for a test clock to arrive, again and again."""


def look_at_next(transactions: Transactions, *, now: datetime) -> bool:
    """The subscription that was asked for first is looked at; whether there may be more.

    One in a transaction, so that nobody waits for another's bill. Several processes share the work.
    What a message says was stored before it could be read, so what is read now counts it.
    """
    kind = stored_thresholds.MESSAGE
    with transactions.looking_up(stored_outbox.LOOKUP, kind) as session:
        due = stored_outbox.lock_due_messages(session, kind, now=now, limit=AT_ONCE)
        if not due:
            return False
        organization_id = due[0].organization_id
        named = due[0].payload["subscription_id"]
        name_organizations(session, [organization_id])
        own = [
            one
            for one in due
            if one.organization_id == organization_id and one.payload["subscription_id"] == named
        ]
        wait = _look_or_wait(session, organization_id, UUID(named), own[0].attempts, now=now)
        for one in own:
            if wait is None:
                session.delete(one)
            else:
                stored_outbox.postpone(session, organization_id, one.id, until=now + wait)
    return True


def _look_or_wait(
    session: Session, organization_id: UUID, subscription_id: UUID, attempts: int, *, now: datetime
) -> timedelta | None:
    """None once the subscription was looked at, or how long it is to wait for that."""
    subscription = stored_subscriptions.find_subscription(session, organization_id, subscription_id)
    if subscription is not None and not clocks.is_still(
        session, organization_id, subscription.test_clock_id
    ):
        # Nothing is looked at meanwhile, so what changed is still to be.
        return WHILE_ADVANCING
    try:
        with session.begin_nested():
            bill_if_reached(session, organization_id, subscription_id, now=now)
    except (BillingError, IntegrityError) as error:
        # Nobody else waits for one that a rule, or a promise of the database, stops.
        code = error.code if isinstance(error, BillingError) else "constraint_violated"
        log.warning("threshold_postponed", subscription_id=str(subscription_id), code=code)
        return min(LONGEST_WAIT, timedelta(seconds=2 ** min(attempts, 12)))
    return None


def look_before_advance(
    session: Session, organization_id: UUID, test_clock_id: UUID, *, now: datetime
) -> None:
    """What has arrived on a clock is billed where it stands, before it goes on.

    Nothing arrives there from a later time, so every threshold that is reached is found in the
    order of arrival, however far the clock is sent. Those of which nothing changed since somebody
    looked are left out, so that an advance does not grow with what lives on the clock. The clock is
    locked first, as by its advance.
    """
    stored_clocks.lock_clock(session, organization_id, test_clock_id)
    changed = stored_thresholds.list_changed_on_clock(session, organization_id, test_clock_id)
    for subscription_id in changed:
        bill_if_reached(session, organization_id, subscription_id, now=now)
