"""A new password for who forgot theirs: by a link to their mailbox, good once and for an hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlmodel import Session

from models.accounts.invitations import PasswordReset
from models.base import new_id
from repositories.accounts import invitations as stored
from repositories.accounts import organizations as stored_organizations
from repositories.accounts import users as stored_users
from repositories.transactions import name_organizations
from services.accounts.credentials import Sealing
from services.accounts.login_failures import Caller, forgive
from services.accounts.passwords import require_good_password
from services.accounts.sessions import Sessions, end_sessions
from services.audit_log import record
from services.members.invitations import invalid_link
from services.notifications import mails

log = structlog.get_logger(__name__)

GOOD_FOR: Final = timedelta(hours=1)
MOST_AN_HOUR: Final = 3
"""More mails are not sent to a person in an hour, whoever asks for them."""

LINK: Final = "password_reset"


def place_of(organization_id: UUID, reset_id: UUID) -> str:
    """Where the token of a reset is sealed for."""
    return f"password_reset/{organization_id}/{reset_id}"


def open_token(reset: PasswordReset, sealing: Sealing) -> str | None:
    """The token of a link, for the mail that brings it; None once it opens nothing."""
    if reset.sealed_token is None:
        return None
    return sealing.open(reset.sealed_token, place=place_of(reset.organization_id, reset.id))


class Resets:
    """Setting a forgotten password. Each method opens its own transactions."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def request(self, email: str, *, now: datetime) -> None:
        """Whoever has the account of this email gets a link. Nothing tells whether anybody does."""
        with self._sessions.transactions.looking_up("email", email) as session:
            user = stored_users.find_by_email(session, email)
        if user is None:
            return
        security = self._sessions.security
        where = (user.organization_id, user.id)
        with self._sessions.transactions.for_organization(user.organization_id) as session:
            self._sessions.act_as(session, None)
            stored_users.lock_user(session, *where)
            if stored.count_resets(session, *where, since=now - GOOD_FOR) >= MOST_AN_HOUR:
                log.warning("too_many_resets", user_id=str(user.id))
                return
            token, reset_id = security.new_secret(), new_id()
            place = place_of(user.organization_id, reset_id)
            reset = PasswordReset(
                organization_id=user.organization_id,
                id=reset_id,
                user_id=user.id,
                token_hash=security.digest(token),
                sealed_token=security.sealer.seal(token, place=place),
                created_at=now,
                expires_at=now + GOOD_FOR,
            )
            stored.insert_reset(session, reset)
            mails.queue_password_reset(session, reset, user, now=now)
            record(session, user.organization_id, "user.reset_requested", "user", user.id, now=now)

    def begin(self, token: str, password: str, *, now: datetime) -> None:
        """Return if the link can set this password, before it is hashed.

        Raises: NotFound ``link_invalid``; InvalidInput ``common_password``.
        """
        token_hash = self._sessions.security.digest(token)
        with self._sessions.transactions.looking_up(LINK, token_hash) as session:
            reset = _require_good(session, token_hash, now=now)
            organization_id = reset.organization_id
            name_organizations(session, [organization_id])
            organization = stored_organizations.get_organization(session, organization_id)
            user = stored_users.find_user(session, organization_id, reset.user_id)
        assert user is not None
        require_good_password(password, email=user.email, organization_name=organization.name)

    def complete(self, token: str, password_hash: str, *, now: datetime) -> None:
        """The password is this one; every session and every other link of the person has ended.

        Of several who use the link at once one does. A second step stays as it is. Raises:
        NotFound ``link_invalid``.
        """
        token_hash = self._sessions.security.digest(token)
        with self._sessions.transactions.looking_up(LINK, token_hash) as session:
            found = _require_good(session, token_hash, now=now)
            where = (found.organization_id, found.user_id)
            name_organizations(session, [found.organization_id])
            user = stored_users.lock_user(session, *where)
            stored.lock_reset(session, found.organization_id, found.id)
            if found.ended_at is not None or user is None or user.removed_at is not None:
                raise invalid_link()
            self._sessions.act_as(session, user.id)
            user.password_hash = password_hash
            session.add(user)
            stored.end_resets(session, *where, now=now)
            ended = end_sessions(session, *where, now=now)
            forgive(session, Caller.of(self._sessions.security.digest, user.email, ""))
            record(session, user.organization_id, "user.password_reset", "user", user.id, now=now)
        for one in ended:
            self._sessions.forget(one)


def _require_good(session: Session, token_hash: str, *, now: datetime) -> PasswordReset:
    found = stored.find_reset_by_token(session, token_hash)
    if found is None or found.ended_at is not None or found.expires_at <= now:
        raise invalid_link()
    return found
