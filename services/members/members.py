"""Members of an organization: their roles, and that they leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, NotFound
from models.accounts.users import User
from repositories.accounts import invitations as stored_invitations
from repositories.accounts import organizations as stored_organizations
from repositories.accounts import second_factors as stored_factors
from repositories.accounts import user_sessions as stored_user_sessions
from repositories.accounts import users as stored_users
from services.accounts.roles import NOTHING, Role, read_role, require_gives, role_of
from services.accounts.sessions import end_sessions
from services.audit_log import record
from services.constraints import translating

LAST: Final = "ck_app_user_last_owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changer:
    """The member who changes others, and their role now."""

    user_id: UUID
    role: str | None


def require_member(session: Session, organization_id: UUID, user_id: UUID) -> User:
    """The member. Raises NotFound ``member_not_found``, also for who was removed."""
    return _present(stored_users.find_user(session, organization_id, user_id))


def change_role(
    session: Session,
    organization_id: UUID,
    user_id: UUID,
    *,
    role: str,
    by: Changer,
    now: datetime,
) -> User:
    """The member has this role from the next request on. Repeating it changes nothing.

    Raises: NotFound ``member_not_found``; InvalidInput ``unknown_role``; Forbidden
    ``role_too_high``; Conflict ``last_owner``.
    """
    wanted = read_role(role)
    member = _lock_member(session, organization_id, user_id)
    require_gives(by.role, member.role, wanted)
    if member.role == wanted:
        return member
    before, member.role = member.role, wanted
    _save(session, member)
    record(
        session,
        organization_id,
        "member.updated",
        "user",
        user_id,
        now=now,
        before={"role": before},
        after={"role": wanted},
    )
    _revoke_invitations(session, member, role_of(wanted), now=now)
    return member


def remove_member(
    session: Session, organization_id: UUID, user_id: UUID, *, by: Changer, now: datetime
) -> Sequence[UUID]:
    """The member is none any more: their sessions, links and authenticator are gone.

    What they did stays on record. The ids of their sessions, for whoever trusts them a while.
    Raises: NotFound ``member_not_found``; Forbidden ``role_too_high``; Conflict ``last_owner``.
    """
    member = _lock_member(session, organization_id, user_id)
    if user_id != by.user_id:
        require_gives(by.role, member.role)
    member.removed_at = now
    _save(session, member)
    ended = stored_user_sessions.revoke_sessions(session, organization_id, user_id, now=now)
    stored_invitations.end_resets(session, organization_id, user_id, now=now)
    stored_factors.delete_factor(session, organization_id, user_id)
    record(
        session,
        organization_id,
        "member.removed",
        "user",
        user_id,
        now=now,
        before={"role": member.role},
    )
    _revoke_invitations(session, member, NOTHING, now=now)
    return ended


def end_sessions_of(
    session: Session, organization_id: UUID, user_id: UUID, *, by: Changer, now: datetime
) -> Sequence[UUID]:
    """The member is logged out everywhere and may log in again. Repeatable.

    The ids of the sessions that ended now, for whoever trusts them a while. Raises: NotFound
    ``member_not_found``; Forbidden ``role_too_high``.
    """
    member = _lock_member(session, organization_id, user_id)
    if user_id != by.user_id:
        require_gives(by.role, member.role)
    return end_sessions(session, organization_id, user_id, now=now)


def _revoke_invitations(session: Session, member: User, role: Role, *, now: datetime) -> None:
    """Whoever may not give a role any more has not asked anybody to take it."""
    revoked = stored_invitations.revoke_of(
        session, member.organization_id, member.id, keeping=role.gives, now=now
    )
    for one in revoked:
        record(session, member.organization_id, "invitation.revoked", "invitation", one, now=now)


def _lock_member(session: Session, organization_id: UUID, user_id: UUID) -> User:
    # The organization's row first, as the database's own rule takes it: changes of members take
    # turns, and none waits for another in a circle.
    stored_organizations.lock_organization(session, organization_id)
    return _present(stored_users.lock_user(session, organization_id, user_id))


def _present(found: User | None) -> User:
    if found is None or found.removed_at is not None:
        raise NotFound("Member not found", code="member_not_found")
    return found


def _save(session: Session, member: User) -> None:
    last = Conflict(
        "An organization keeps an owner: make somebody else one first.", code="last_owner"
    )
    session.add(member)
    with translating(LAST, last):
        session.flush()
