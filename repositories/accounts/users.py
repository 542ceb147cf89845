"""People who log in, and how often that failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from models.accounts.users import LoginFailures, User


def insert_user(session: Session, user: User) -> None:
    """Store a new user. Raises IntegrityError ``uq_app_user_email``."""
    session.add(user)
    session.flush()


def find_user(session: Session, organization_id: UUID, user_id: UUID) -> User | None:
    """The user, or None."""
    return session.get(User, (organization_id, user_id))


def find_by_email(session: Session, email: str) -> User | None:
    """The user with this email in any case of letters, or None.

    The one query without an organization: the transaction must look up ``email``.
    """
    return session.exec(
        select(User).where(func.lower(col(User.email)) == func.lower(email))
    ).one_or_none()


def list_with_role(session: Session, organization_id: UUID, role: str) -> Sequence[User]:
    """The people of an organization who have this role, oldest first."""
    return session.exec(
        select(User)
        .where(User.organization_id == organization_id, User.role == role)
        .order_by(col(User.created_at), col(User.id))
    ).all()


def renew_password_hash(session: Session, user: User, password_hash: str) -> None:
    """The same password under another hash, unless the password was changed meanwhile."""
    session.execute(
        update(User)
        .where(
            col(User.organization_id) == user.organization_id,
            col(User.id) == user.id,
            col(User.password_hash) == user.password_hash,
        )
        .values(password_hash=password_hash)
    )


def lock_login_failures(
    session: Session, account_hash: str, *, forget_at: datetime
) -> LoginFailures:
    """When logins of an account failed, with the row locked; an empty row if there was none."""
    row = insert(LoginFailures).values(account_hash=account_hash, failed_at=[], forget_at=forget_at)
    # An update locks the row in one step: a success elsewhere cannot delete it in between.
    locked = row.on_conflict_do_update(
        constraint="pk_login_failures", set_={"account_hash": row.excluded.account_hash}
    )
    return session.scalars(locked.returning(LoginFailures)).one()


def save_login_failures(
    session: Session,
    failures: LoginFailures,
    failed_at: Sequence[datetime],
    *,
    forget_at: datetime,
) -> None:
    """Replace the instants."""
    failures.failed_at = list(failed_at)
    failures.forget_at = forget_at
    session.add(failures)


def delete_login_failures(session: Session, account_hash: str) -> None:
    """Forget that logins of an account failed."""
    session.execute(delete(LoginFailures).where(col(LoginFailures.account_hash) == account_hash))


def delete_forgotten_failures(session: Session, *, now: datetime, at_most: int) -> None:
    """Forget failures of any account that are over, ``at_most`` accounts at a time."""
    over = (
        select(LoginFailures.account_hash)
        .where(LoginFailures.forget_at <= now)
        .order_by(col(LoginFailures.forget_at))
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    session.execute(delete(LoginFailures).where(col(LoginFailures.account_hash).in_(over)))
