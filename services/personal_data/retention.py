"""How long what is held stays without anybody asking: every kind of it, in one place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.receipts import to_document
from repositories.notifications.deliveries import forget_finished
from repositories.payments.events import forget_bodies
from repositories.personal_data import erasures as stored_erasures
from repositories.personal_data import retention as stored_retention
from repositories.personal_data.retention import Forget
from services.documents.view import Party
from services.personal_data.erasing import ERASED_NAME, advance

ANSWER_DAYS: Final = 1
"""Kept answers are of no use after a day (``api.transport.idempotency``)."""


ONCE_MORE_AFTER: Final = timedelta(minutes=10)
"""When nothing is on its way any more that began before an erasure: requests last seconds."""


REQUEST_DAYS: Final = 7
"""What keys sent is looked at while somebody looks for what went wrong, and proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is forgotten when it is older than ``days``; metrics and logs call it ``name``."""

    name: str
    days: int
    forget: Forget
    told_by: str | None = None
    """What the outbox's channel says when there is some at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """For how many days each of them stays; the operator says so (``runtime.settings``)."""

    webhook_deliveries: int = 90
    gateway_event_bodies: int = 90
    gateway_records: int = 730
    mail_addresses: int = 730
    sessions: int = 30
    invitations: int = 90
    former_members: int = 365


def kinds_of(periods: Periods) -> tuple[Kind, ...]:
    """All that is forgotten by itself, erasures that go on with it."""
    stored = stored_retention
    return (
        Kind(name="webhook_deliveries", days=periods.webhook_deliveries, forget=forget_finished),
        Kind(name="gateway_event_bodies", days=periods.gateway_event_bodies, forget=forget_bodies),
        Kind(
            name="gateway_events",
            days=periods.gateway_records,
            forget=stored.forget_gateway_events,
        ),
        Kind(
            name="gateway_tasks", days=periods.gateway_records, forget=stored.forget_gateway_tasks
        ),
        Kind(
            name="mail_addresses",
            days=periods.mail_addresses,
            forget=stored.forget_mail_addresses,
        ),
        Kind(name="kept_answers", days=ANSWER_DAYS, forget=stored.forget_answers),
        Kind(name="requests", days=REQUEST_DAYS, forget=stored.forget_requests),
        Kind(name="sessions", days=periods.sessions, forget=stored.forget_sessions),
        Kind(name="invitations", days=periods.invitations, forget=stored.forget_invited),
        Kind(
            name="former_members",
            days=periods.former_members,
            forget=stored.forget_former_members,
        ),
        Kind(
            name="erased_events",
            days=0,
            forget=go_on_erasing,
            told_by=stored_erasures.UNFINISHED,
        ),
        Kind(name="erased_documents", days=0, forget=erase_old_documents),
    )


def go_on_erasing(
    session: Session, organization_ids: Sequence[UUID], /, *, before: datetime, at_most: int
) -> int:
    """An erasure that was left to this has come a batch of events further; ``before`` is now.

    How many there were: none where nothing is left to be erased.
    """
    assert at_most > 0
    unfinished = stored_erasures.lock_unfinished(
        session, organization_ids, completed_before=before - ONCE_MORE_AFTER, at_most=1
    )
    for erasure in unfinished:
        advance(session, erasure, now=before)
    return len(unfinished)


def erase_old_documents(
    session: Session, organization_ids: Sequence[UUID], /, *, before: datetime, at_most: int
) -> int:
    """Documents of erased customers that no law wants name nobody; ``before`` is now.

    Numbers, wording and amounts stay, for the books and the chain of receipts.
    """
    nobody = json.dumps(to_document(Party(name=ERASED_NAME)))
    outdated = stored_erasures.lock_outdated(session, organization_ids, now=before, at_most=at_most)
    for erasure in outdated:
        stored_erasures.erase_buyers(session, erasure, nobody, now=before)
        erasure.documents_erased_at = before
        session.add(erasure)
    session.flush()
    return len(outdated)
