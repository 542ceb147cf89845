"""How often logins of an account may fail (CONTRACT 64)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from billing.errors import TooManyRequests
from repositories.accounts import users as stored_users

ALLOWED_FAILURES = 10
FAILURE_WINDOW = timedelta(minutes=15)
FORGOTTEN_AT_ONCE = 10


def reserve_attempt(session: Session, account_hash: str, *, now: datetime) -> None:
    """One more failure is on record, until the login succeeds.

    Raises: TooManyRequests ``too_many_failures``.
    """
    # Guessing at random accounts leaves no more rows behind than a quarter of an hour makes.
    stored_users.delete_forgotten_failures(session, now=now, at_most=FORGOTTEN_AT_ONCE)
    forget_at = now + FAILURE_WINDOW
    failures = stored_users.lock_login_failures(session, account_hash, forget_at=forget_at)
    recent = [at for at in failures.failed_at if at > now - FAILURE_WINDOW]
    if len(recent) >= ALLOWED_FAILURES:
        wait = recent[-ALLOWED_FAILURES] + FAILURE_WINDOW - now
        raise TooManyRequests(
            "Too many failed logins of this account; wait before the next.",
            code="too_many_failures",
            retry_after_seconds=int(wait.total_seconds()) + 1,
        )
    stored_users.save_login_failures(session, failures, [*recent, now], forget_at=forget_at)
