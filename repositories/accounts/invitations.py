"""Invitations, and resets of passwords: rows that a link's token finds by its hash."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from models.accounts.invitations import Invitation, PasswordReset
from repositories.pages import read_page


def insert_invitation(session: Session, invitation: Invitation) -> None:
    """Store a new invitation. Raises IntegrityError ``uq_invitation_open``."""
    session.add(invitation)
    session.flush()


def find_invitation(
    session: Session, organization_id: UUID, invitation_id: UUID
) -> Invitation | None:
    """The invitation, or None."""
    return session.get(Invitation, (organization_id, invitation_id))


def lock_invitation(
    session: Session, organization_id: UUID, invitation_id: UUID
) -> Invitation | None:
    """The invitation with its row locked, or None."""
    return session.exec(
        select(Invitation)
        .where(Invitation.organization_id == organization_id, Invitation.id == invitation_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def find_by_token(session: Session, token_hash: str) -> Invitation | None:
    """The invitation whose link has this token, or None.

    A query without an organization: the transaction must look up ``invitation``.
    """
    return session.exec(select(Invitation).where(Invitation.token_hash == token_hash)).one_or_none()


def lock_open_of(session: Session, organization_id: UUID, email: str) -> Invitation | None:
    """The invitation of this email that was neither accepted nor revoked, locked, or None."""
    return session.exec(
        select(Invitation)
        .where(
            Invitation.organization_id == organization_id,
            func.lower(col(Invitation.email)) == func.lower(email),
            col(Invitation.accepted_at).is_(None),
            col(Invitation.revoked_at).is_(None),
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def list_invitations(
    session: Session, organization_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[Invitation], int]:
    """A page of invitations, oldest first, and how many there are."""
    matching = select(Invitation).where(Invitation.organization_id == organization_id)
    return read_page(session, matching, offset=offset, limit=limit)


def revoke_of(
    session: Session,
    organization_id: UUID,
    invited_by: UUID,
    *,
    keeping: Collection[str],
    now: datetime,
) -> Sequence[UUID]:
    """What somebody has invited to other roles than these opens nothing any more; which it was."""
    return session.scalars(
        update(Invitation)
        .where(
            col(Invitation.organization_id) == organization_id,
            col(Invitation.invited_by) == invited_by,
            col(Invitation.role).not_in(keeping),
            col(Invitation.accepted_at).is_(None),
            col(Invitation.revoked_at).is_(None),
        )
        .values(revoked_at=now, sealed_token=None)
        .returning(col(Invitation.id))
        .execution_options(synchronize_session=False)
    ).all()


def insert_reset(session: Session, reset: PasswordReset) -> None:
    """Store a new reset."""
    session.add(reset)
    session.flush()


def find_reset(session: Session, organization_id: UUID, reset_id: UUID) -> PasswordReset | None:
    """The reset, or None."""
    return session.get(PasswordReset, (organization_id, reset_id))


def find_reset_by_token(session: Session, token_hash: str) -> PasswordReset | None:
    """The reset whose link has this token, or None.

    A query without an organization: the transaction must look up ``password_reset``.
    """
    return session.exec(
        select(PasswordReset).where(PasswordReset.token_hash == token_hash)
    ).one_or_none()


def lock_reset(session: Session, organization_id: UUID, reset_id: UUID) -> PasswordReset | None:
    """The reset with its row locked, or None."""
    return session.exec(
        select(PasswordReset)
        .where(PasswordReset.organization_id == organization_id, PasswordReset.id == reset_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def count_resets(session: Session, organization_id: UUID, user_id: UUID, *, since: datetime) -> int:
    """How many links for a person were made since an instant."""
    return session.exec(
        select(func.count())
        .select_from(PasswordReset)
        .where(
            PasswordReset.organization_id == organization_id,
            PasswordReset.user_id == user_id,
            PasswordReset.created_at > since,
        )
    ).one()


def end_resets(session: Session, organization_id: UUID, user_id: UUID, *, now: datetime) -> None:
    """No link that a person was sent sets their password any more."""
    session.execute(
        update(PasswordReset)
        .where(
            col(PasswordReset.organization_id) == organization_id,
            col(PasswordReset.user_id) == user_id,
            col(PasswordReset.ended_at).is_(None),
        )
        .values(ended_at=now, sealed_token=None)
        .execution_options(synchronize_session=False)
    )
