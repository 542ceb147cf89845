"""Somebody in a session shows that they know the password: what they do next needs more than that.

Wrong ones count for the person, whom only their own sessions can name: no stranger uses these up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import Forbidden, Unauthenticated
from models.accounts.users import User
from repositories.accounts import login_failures as stored_failures
from repositories.accounts import users as stored_users
from repositories.transactions import Transactions
from services.accounts.credentials import PasswordCheck, Security
from services.accounts.login_failures import Caller, reserve_attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """An attempt, on record as failed until it succeeds, and what the password must match."""

    organization_id: UUID
    user_id: UUID
    counted: str
    email: str
    password_hash: str


def begin_confirmation(
    transactions: Transactions,
    security: Security,
    organization_id: UUID,
    user_id: UUID,
    *,
    now: datetime,
) -> Confirmation:
    """One more failure of the person is on record; their password is to be compared.

    Raises: TooManyRequests ``too_many_failures``; Unauthenticated ``invalid_token``.
    """
    name = security.digest(f"confirmations:{user_id}")
    caller = Caller(account_hash=name, address_hash=name)
    with transactions.for_organization(organization_id) as session:
        counted = reserve_attempt(session, caller, now=now)
        user = stored_users.find_user(session, organization_id, user_id)
    if user is None or user.removed_at is not None:
        raise Unauthenticated("Log in again.", code="invalid_token")
    return Confirmation(
        organization_id=organization_id,
        user_id=user_id,
        counted=counted,
        email=user.email,
        password_hash=user.password_hash,
    )


def confirm(session: Session, confirmation: Confirmation, check: PasswordCheck) -> User:
    """The person, whose row is locked; the failures are forgotten. Raises Forbidden.

    A password that was changed while it was compared is a wrong one.
    """
    user = stored_users.lock_user(session, confirmation.organization_id, confirmation.user_id)
    is_same = user is not None and user.password_hash == confirmation.password_hash
    if user is None or not (check.is_right and is_same) or user.removed_at is not None:
        raise Forbidden("The password is wrong.", code="wrong_password")
    stored_failures.delete_login_failures(session, [confirmation.counted])
    return user
