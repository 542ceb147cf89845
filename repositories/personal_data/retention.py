"""What is older than it is kept, forgotten in batches; what names nobody of it stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlmodel import Session


class Forget(Protocol):
    """Forgets a batch of something that is older than it is kept."""

    def __call__(
        self,
        session: Session,
        organization_ids: Sequence[UUID],
        /,
        *,
        before: datetime,
        at_most: int,
    ) -> int:
        """How many were forgotten: fewer than ``at_most`` where none is left."""


_OF_THESE: Final = "organization_id = ANY (CAST(:organizations AS uuid[]))"

_GATEWAY_TASKS: Final = text(
    f"""
    -- What was asked about a page that is open is known to have been asked.
    WITH old AS (
        SELECT task.organization_id, task.id FROM gateway_task AS task
        WHERE task.{_OF_THESE} AND task.status <> 'pending' AND task.created_at < :before
            AND NOT EXISTS (
                SELECT FROM payment_link AS link
                WHERE link.organization_id = task.organization_id AND link.id = task.subject_id
                    AND link.status <> 'closed'
            )
        LIMIT :at_most FOR UPDATE SKIP LOCKED
    ), forgotten AS (
        DELETE FROM gateway_task AS task USING old
        WHERE task.organization_id = old.organization_id AND task.id = old.id RETURNING 1
    )
    SELECT count(*) FROM forgotten
    """  # noqa: S608  (put together out of constants)
)

_GATEWAY_EVENTS: Final = text(
    f"""
    WITH old AS (
        SELECT organization_id, id FROM gateway_event
        WHERE {_OF_THESE} AND status IN ('processed', 'ignored') AND received_at < :before
        LIMIT :at_most FOR UPDATE SKIP LOCKED
    ), forgotten AS (
        DELETE FROM gateway_event AS event USING old
        WHERE event.organization_id = old.organization_id AND event.id = old.id RETURNING 1
    )
    SELECT count(*) FROM forgotten
    """  # noqa: S608  (put together out of constants)
)

_MAIL_ADDRESSES: Final = text(
    f"""
    -- The row stays: by its key a mail goes out once.
    WITH old AS (
        SELECT organization_id, id FROM email
        WHERE {_OF_THESE} AND status <> 'queued' AND created_at < :before
            AND num_nonnulls(recipient, error) > 0
        LIMIT :at_most FOR UPDATE SKIP LOCKED
    ), forgotten AS (
        UPDATE email SET recipient = NULL, error = NULL FROM old
        WHERE email.organization_id = old.organization_id AND email.id = old.id RETURNING 1
    )
    SELECT count(*) FROM forgotten
    """  # noqa: S608  (put together out of constants)
)

_ANSWERS: Final = text(
    f"""
    WITH old AS (
        SELECT organization_id, method, path, key FROM idempotency_request
        WHERE {_OF_THESE} AND created_at < :before
        LIMIT :at_most FOR UPDATE SKIP LOCKED
    ), forgotten AS (
        DELETE FROM idempotency_request AS answer USING old
        WHERE (answer.organization_id, answer.method, answer.path, answer.key)
            = (old.organization_id, old.method, old.path, old.key) RETURNING 1
    )
    SELECT count(*) FROM forgotten
    """  # noqa: S608  (put together out of constants)
)

_REQUESTS: Final = text(
    f"""
    WITH old AS (
        SELECT organization_id, id FROM logged_request WHERE {_OF_THESE} AND at < :before
        LIMIT :at_most
    ), forgotten AS (
        DELETE FROM logged_request AS request USING old
        WHERE request.organization_id = old.organization_id AND request.id = old.id RETURNING 1
    )
    SELECT count(*) FROM forgotten
    """  # noqa: S608  (put together out of constants)
)

_SESSIONS: Final = text(
    f"""
    WITH old AS (
        SELECT organization_id, id FROM user_session
        WHERE {_OF_THESE} AND least(expires_at, revoked_at) < :before
        LIMIT :at_most FOR UPDATE SKIP LOCKED
    ), forgotten AS (
        DELETE FROM user_session AS ended USING old
        WHERE ended.organization_id = old.organization_id AND ended.id = old.id RETURNING 1
    )
    SELECT count(*) FROM forgotten
    """  # noqa: S608  (put together out of constants)
)

_INVITED: Final = text(
    f"""
    -- Mails refer to the row, and the audit log names it.
    WITH old AS (
        SELECT organization_id, id FROM invitation
        WHERE {_OF_THESE} AND coalesce(accepted_at, revoked_at, expires_at) < :before
            AND email <> id::text
        LIMIT :at_most FOR UPDATE SKIP LOCKED
    ), forgotten AS (
        UPDATE invitation SET email = invitation.id::text, sealed_token = NULL FROM old
        WHERE invitation.organization_id = old.organization_id AND invitation.id = old.id
        RETURNING 1
    )
    SELECT count(*) FROM forgotten
    """  # noqa: S608  (put together out of constants)
)

_FORMER_MEMBERS: Final = text(
    f"""
    -- The audit log says by the row's id who did what.
    WITH old AS (
        SELECT organization_id, id FROM app_user
        WHERE {_OF_THESE} AND removed_at < :before AND email <> id::text
        LIMIT :at_most FOR UPDATE SKIP LOCKED
    ), forgotten AS (
        UPDATE app_user SET email = app_user.id::text, password_hash = '' FROM old
        WHERE app_user.organization_id = old.organization_id AND app_user.id = old.id
        RETURNING 1
    )
    SELECT count(*) FROM forgotten
    """  # noqa: S608  (put together out of constants)
)


def _forget_by(statement: TextClause) -> Forget:
    def forget(
        session: Session, organization_ids: Sequence[UUID], /, *, before: datetime, at_most: int
    ) -> int:
        values = {"organizations": list(organization_ids), "before": before, "at_most": at_most}
        forgotten: int = session.connection().execute(statement, values).scalar_one()
        return forgotten

    return forget


forget_gateway_tasks: Final = _forget_by(_GATEWAY_TASKS)
"""What gateways were asked is gone, once it was done or given up."""

forget_gateway_events: Final = _forget_by(_GATEWAY_EVENTS)
"""What gateways told is gone, once it was worked on: they tell nothing again that late."""

forget_mail_addresses: Final = _forget_by(_MAIL_ADDRESSES)
"""Mails no longer say where they went."""

forget_answers: Final = _forget_by(_ANSWERS)
"""Kept answers are gone, also of whoever asks nothing any more."""

forget_requests: Final = _forget_by(_REQUESTS)
"""Nobody is told any more what keys sent then."""

forget_sessions: Final = _forget_by(_SESSIONS)
"""Sessions that ended are gone, with where they were."""

forget_invited: Final = _forget_by(_INVITED)
"""Invitations that ended no longer say who was invited."""

forget_former_members: Final = _forget_by(_FORMER_MEMBERS)
"""Whoever left has no address and no password here."""
