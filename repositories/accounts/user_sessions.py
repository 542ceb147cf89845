"""Sessions in which people are logged in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from models.accounts.organizations import Organization
from models.accounts.second_factors import TotpFactor
from models.accounts.users import User, UserSession


def insert_session(session: Session, user_session: UserSession) -> None:
    """Store a new session."""
    session.add(user_session)
    session.flush()


def delete_ended_sessions(
    session: Session, organization_id: UUID, user_id: UUID, *, ended_before: datetime
) -> None:
    """Forget a person's sessions that ran out before an instant."""
    session.execute(
        delete(UserSession).where(
            col(UserSession.organization_id) == organization_id,
            col(UserSession.user_id) == user_id,
            col(UserSession.expires_at) < ended_before,
        )
    )


def find_by_family(session: Session, family_hash: str) -> UserSession | None:
    """The session whose refresh tokens begin with this secret, or None.

    A query without an organization: the transaction must look up ``refresh_family``.
    """
    return session.exec(
        select(UserSession).where(UserSession.family_hash == family_hash)
    ).one_or_none()


def lock_session(
    session: Session, organization_id: UUID, user_session_id: UUID
) -> UserSession | None:
    """The session with its row locked, or None."""
    return session.exec(
        select(UserSession)
        .where(UserSession.organization_id == organization_id, UserSession.id == user_session_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def list_live_sessions(
    session: Session, organization_id: UUID, user_id: UUID, *, now: datetime
) -> Sequence[UserSession]:
    """A person's sessions that are neither revoked nor over, the newest first."""
    return session.exec(
        select(UserSession)
        .where(
            UserSession.organization_id == organization_id,
            UserSession.user_id == user_id,
            col(UserSession.revoked_at).is_(None),
            UserSession.expires_at > now,
        )
        .order_by(col(UserSession.created_at).desc(), col(UserSession.id).desc())
    ).all()


def revoke_sessions(
    session: Session,
    organization_id: UUID,
    user_id: UUID,
    *,
    but: UUID | None = None,
    now: datetime,
) -> Sequence[UUID]:
    """A person's sessions have ended, all but one if it is named; the ids of those that did."""
    statement = (
        update(UserSession)
        .where(
            col(UserSession.organization_id) == organization_id,
            col(UserSession.user_id) == user_id,
            col(UserSession.revoked_at).is_(None),
        )
        .values(revoked_at=now)
        .returning(col(UserSession.id))
        .execution_options(synchronize_session=False)
    )
    if but is not None:
        statement = statement.where(col(UserSession.id) != but)
    return session.scalars(statement).all()


def find_live_user(
    session: Session, organization_id: UUID, user_session_id: UUID, *, now: datetime
) -> tuple[User, UUID | None, bool] | None:
    """Who is logged in by a session that is neither revoked nor over, or None.

    With them comes the sandbox of their organization, if it has one, and whether they lack a second
    factor that it asks for.
    """
    has_factor = (
        select(TotpFactor.user_id)
        .where(
            TotpFactor.organization_id == User.organization_id,
            TotpFactor.user_id == User.id,
            col(TotpFactor.confirmed_at).is_not(None),
        )
        .exists()
    )
    return session.exec(
        select(
            User,
            Organization.sandbox_id,
            col(Organization.require_second_factor) & ~has_factor,
        )
        .join(Organization, col(Organization.id) == User.organization_id)
        .join(
            UserSession,
            (col(UserSession.organization_id) == User.organization_id)
            & (col(UserSession.user_id) == User.id),
        )
        .where(
            User.organization_id == organization_id,
            col(User.removed_at).is_(None),
            UserSession.id == user_session_id,
            col(UserSession.revoked_at).is_(None),
            UserSession.expires_at > now,
        )
    ).one_or_none()
