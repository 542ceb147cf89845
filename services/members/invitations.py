"""Invitations: a link by which somebody joins an organization, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, NotFound
from billing.quotas import Quota
from models.accounts.invitations import Invitation
from models.accounts.users import User
from models.base import new_id
from repositories.accounts import invitations as stored_invitations
from repositories.accounts import organizations as stored_organizations
from repositories.accounts import users as stored_users
from repositories.transactions import name_organizations
from services.accounts.credentials import Sealing, Security
from services.accounts.passwords import require_good_password
from services.accounts.roles import read_role, require_gives
from services.accounts.sessions import LoggedIn, Sessions, Visit
from services.accounts.sign_in import Accounts, insert_user
from services.audit_log import record
from services.constraints import translating
from services.members.members import Changer
from services.notifications import mails
from services.quotas import require_room

GOOD_FOR: Final = timedelta(days=7)
LINK: Final = "invitation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """Whom to ask, and as what."""

    email: str
    role: str


def place_of(organization_id: UUID, invitation_id: UUID) -> str:
    """Where the token of an invitation is sealed for."""
    return f"invitation/{organization_id}/{invitation_id}"


def invite(
    session: Session,
    organization_id: UUID,
    command: Invite,
    *,
    by: Changer,
    security: Security,
    now: datetime,
) -> tuple[Invitation, str]:
    """Somebody is asked to join; the second value is the token of their link.

    An invitation of the same address that has expired is revoked. Raises: InvalidInput
    ``unknown_role``; Forbidden ``role_too_high``; Conflict ``already_member``,
    ``already_invited`` or ``quota_reached``.
    """
    role = read_role(command.role)
    require_gives(by.role, role)
    stored_organizations.lock_organization(session, organization_id)
    _require_uninvited(session, organization_id, command.email, now=now)
    require_room(session, organization_id, Quota.INVITATIONS)
    token = security.new_secret()
    invitation = Invitation(
        organization_id=organization_id,
        id=new_id(),
        email=command.email,
        role=role,
        token_hash=security.digest(token),
        invited_by=by.user_id,
        created_at=now,
        expires_at=now + GOOD_FOR,
    )
    invitation.sealed_token = _seal(invitation, token, security)
    with translating("uq_invitation_open", _already_invited()):
        stored_invitations.insert_invitation(session, invitation)
    mails.queue_invitation(session, invitation, now=now)
    _record(session, invitation, "invitation.created", now=now)
    return invitation, token


def resend(
    session: Session,
    organization_id: UUID,
    invitation_id: UUID,
    *,
    by: Changer,
    security: Security,
    now: datetime,
) -> tuple[Invitation, str]:
    """The invitation has a new link, good for a week; the one before opens nothing any more.

    Raises: NotFound ``invitation_not_found``; Conflict ``invitation_ended``; Forbidden
    ``role_too_high``.
    """
    invitation = _lock_open(session, organization_id, invitation_id)
    require_gives(by.role, invitation.role)
    token = security.new_secret()
    invitation.token_hash = security.digest(token)
    invitation.sealed_token = _seal(invitation, token, security)
    invitation.expires_at = now + GOOD_FOR
    invitation.sent_count += 1
    session.add(invitation)
    session.flush()
    mails.queue_invitation(session, invitation, now=now)
    _record(session, invitation, "invitation.resent", now=now)
    return invitation, token


def revoke(
    session: Session, organization_id: UUID, invitation_id: UUID, *, by: Changer, now: datetime
) -> None:
    """The link opens nothing any more. Repeating it changes nothing.

    Raises: NotFound ``invitation_not_found``; Conflict ``invitation_ended`` once it is accepted;
    Forbidden ``role_too_high``.
    """
    invitation = require_invitation(
        stored_invitations.lock_invitation(session, organization_id, invitation_id)
    )
    require_gives(by.role, invitation.role)
    if invitation.revoked_at is not None:
        return
    if invitation.accepted_at is not None:
        raise _ended()
    _revoke(session, invitation, now=now)


def require_invitation(found: Invitation | None) -> Invitation:
    """The invitation. Raises NotFound ``invitation_not_found``."""
    if found is None:
        raise NotFound("Invitation not found", code="invitation_not_found")
    return found


def open_token(invitation: Invitation, sealing: Sealing) -> str | None:
    """The token of a link, for the mail that brings it; None once it opens nothing."""
    if invitation.sealed_token is None:
        return None
    place = place_of(invitation.organization_id, invitation.id)
    return sealing.open(invitation.sealed_token, place=place)


class Joining:
    """Accepting invitations. Each method opens its own transactions."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._accounts = Accounts(sessions)

    def begin(self, token: str, password: str, *, now: datetime) -> None:
        """Return if the invitation can be accepted with this password, before it is hashed.

        Raises: NotFound ``link_invalid``; InvalidInput ``common_password``.
        """
        token_hash = self._sessions.security.digest(token)
        with self._sessions.transactions.looking_up(LINK, token_hash) as session:
            invitation = _require_good(session, token_hash, now=now)
            name_organizations(session, [invitation.organization_id])
            organization = stored_organizations.get_organization(
                session, invitation.organization_id
            )
        require_good_password(password, email=invitation.email, organization_name=organization.name)

    def complete(self, token: str, password_hash: str, visit: Visit, *, now: datetime) -> LoggedIn:
        """The person is a member and logged in; the link opens nothing any more.

        Of several who accept at once one does. Raises: NotFound ``link_invalid``; Conflict
        ``email_taken``.
        """
        token_hash = self._sessions.security.digest(token)
        with self._sessions.transactions.looking_up(LINK, token_hash) as session:
            found = _require_good(session, token_hash, now=now)
            organization_id = found.organization_id
            name_organizations(session, [organization_id])
            organization = stored_organizations.lock_organization(session, organization_id)
            stored_invitations.lock_invitation(session, organization_id, found.id)
            # Once more behind the lock: it may have been accepted, or have another link, meanwhile.
            invitation = _require_good(session, token_hash, now=now)
            user = User(
                organization_id=organization_id,
                email=invitation.email,
                password_hash=password_hash,
                role=invitation.role,
                created_at=now,
            )
            self._sessions.act_as(session, user.id)
            insert_user(session, user)
            invitation.accepted_at, invitation.user_id = now, user.id
            invitation.sealed_token = None
            session.add(invitation)
            session.flush()
            _record(session, invitation, "invitation.accepted", now=now)
            return self._accounts.welcome(session, organization, user, visit, now=now)


def _require_good(session: Session, token_hash: str, *, now: datetime) -> Invitation:
    found = stored_invitations.find_by_token(session, token_hash)
    is_open = found is not None and found.accepted_at is None and found.revoked_at is None
    if found is None or not is_open or found.expires_at <= now:
        raise invalid_link()
    return found


def invalid_link() -> NotFound:
    """What is said of a link that opens nothing, whatever the reason."""
    return NotFound(
        "This link is not good: it was used, has expired, or was replaced.", code="link_invalid"
    )


def _require_uninvited(
    session: Session, organization_id: UUID, email: str, *, now: datetime
) -> None:
    """Return if this is nobody's who is a member or invited; what has expired is revoked."""
    if stored_users.find_by_email(session, email) is not None:
        raise Conflict("This person is a member.", code="already_member", field="email")
    earlier = stored_invitations.lock_open_of(session, organization_id, email)
    if earlier is None:
        return
    if earlier.expires_at > now:
        raise _already_invited()
    _revoke(session, earlier, now=now)


def _already_invited() -> Conflict:
    return Conflict(
        "This person is invited: send that invitation again, or revoke it.",
        code="already_invited",
        field="email",
    )


def _lock_open(session: Session, organization_id: UUID, invitation_id: UUID) -> Invitation:
    invitation = require_invitation(
        stored_invitations.lock_invitation(session, organization_id, invitation_id)
    )
    if invitation.accepted_at is not None or invitation.revoked_at is not None:
        raise _ended()
    return invitation


def _ended() -> Conflict:
    return Conflict("The invitation was accepted or revoked.", code="invitation_ended")


def _revoke(session: Session, invitation: Invitation, *, now: datetime) -> None:
    invitation.revoked_at, invitation.sealed_token = now, None
    session.add(invitation)
    session.flush()
    _record(session, invitation, "invitation.revoked", now=now)


def _seal(invitation: Invitation, token: str, security: Security) -> str:
    place = place_of(invitation.organization_id, invitation.id)
    return security.sealer.seal(token, place=place)


def _record(session: Session, invitation: Invitation, action: str, *, now: datetime) -> None:
    record(
        session,
        invitation.organization_id,
        action,
        "invitation",
        invitation.id,
        now=now,
        after={"role": invitation.role},
    )
