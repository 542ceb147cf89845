"""People who log in: the members of organizations."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.accounts.users import User
from repositories.pages import read_page


def insert_user(session: Session, user: User) -> None:
    """Store a new user. Raises IntegrityError ``uq_app_user_email``."""
    session.add(user)
    session.flush()


def find_user(session: Session, organization_id: UUID, user_id: UUID) -> User | None:
    """The user, or None."""
    return session.get(User, (organization_id, user_id))


def lock_user(session: Session, organization_id: UUID, user_id: UUID) -> User | None:
    """The user with its row locked, or None."""
    return session.exec(
        select(User)
        .where(User.organization_id == organization_id, User.id == user_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def list_members(
    session: Session, organization_id: UUID, *, role: str | None, offset: int, limit: int
) -> tuple[Sequence[User], int]:
    """A page of the people who are in an organization, oldest first, and how many there are."""
    matching = select(User).where(
        User.organization_id == organization_id, col(User.removed_at).is_(None)
    )
    if role is not None:
        matching = matching.where(User.role == role)
    return read_page(session, matching, offset=offset, limit=limit)


def find_by_email(session: Session, email: str) -> User | None:
    """The user with this email in any case of letters, or None; who was removed is none.

    The one query without an organization: the transaction must look up ``email``.
    """
    return session.exec(
        select(User).where(
            func.lower(col(User.email)) == func.lower(email), col(User.removed_at).is_(None)
        )
    ).one_or_none()


def list_with_role(session: Session, organization_id: UUID, role: str) -> Sequence[User]:
    """The people of an organization who have this role, oldest first."""
    return session.exec(
        select(User)
        .where(
            User.organization_id == organization_id,
            User.role == role,
            col(User.removed_at).is_(None),
        )
        .order_by(col(User.created_at), col(User.id))
    ).all()
