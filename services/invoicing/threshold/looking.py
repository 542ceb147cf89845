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
from repositories.subscriptions import thresholds as stored_thresholds
from repositories.transactions import Transactions, name_organizations
from services.invoicing.threshold.bills import bill_if_reached

log = structlog.get_logger(__name__)

AT_ONCE: Final = 100
"""How many messages are read together; of one subscription they are one look."""

LONGEST_WAIT: Final = timedelta(hours=1)


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
        key = (due[0].organization_id, due[0].payload["subscription_id"])
        name_organizations(session, [key[0]])
        own = [one for one in due if (one.organization_id, one.payload["subscription_id"]) == key]
        try:
            with session.begin_nested():
                bill_if_reached(session, key[0], UUID(key[1]), now=now)
        except (BillingError, IntegrityError) as error:
            # Nobody else waits for one that a rule, or a promise of the database, stops.
            code = error.code if isinstance(error, BillingError) else "constraint_violated"
            log.warning("threshold_postponed", subscription_id=key[1], code=code)
            for one in own:
                wait = min(LONGEST_WAIT, timedelta(seconds=2 ** min(one.attempts, 12)))
                stored_outbox.postpone(session, key[0], one.id, until=now + wait)
        else:
            for one in own:
                session.delete(one)
    return True


def look_before_advance(
    session: Session, organization_id: UUID, test_clock_id: UUID, *, now: datetime
) -> None:
    """What has arrived on a clock is billed where it stands, before it goes on.

    Nothing arrives there from a later time, so every threshold that is reached is found in the
    order of arrival, however far the clock is sent. The clock is locked first, as by its advance.
    """
    stored_clocks.lock_clock(session, organization_id, test_clock_id)
    for subscription_id in stored_thresholds.list_on_clock(session, organization_id, test_clock_id):
        bill_if_reached(session, organization_id, subscription_id, now=now)
