"""Sessions: opened, renewed, listed and ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlmodel import Session

from billing.errors import NotFound, Unauthenticated
from models.accounts.organizations import Organization
from models.accounts.users import User, UserSession
from models.base import new_id
from repositories.accounts import organizations as stored_organizations
from repositories.accounts import user_sessions as stored_user_sessions
from repositories.accounts import users as stored_users
from repositories.transactions import Transactions, name_organizations
from services.accounts.credentials import AccessClaims, Security
from services.audit_log import ACTOR, REQUEST_ID, record

log = structlog.get_logger(__name__)

ENDED_SESSIONS_KEPT: Final = timedelta(days=30)
LONGEST_USER_AGENT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLifetimes:
    """How long an access token is good, a session that is not refreshed, and one at longest.

    However often it is refreshed, a session ends once it is so old, and the person logs in again
    (OWASP ASVS 5, 7.3.2).
    """

    access_seconds: int = 15 * 60
    refresh_seconds: int = 7 * 24 * 3600
    session_seconds: int = 30 * 24 * 3600

    def end_of(self, opened_at: datetime, *, now: datetime) -> datetime:
        """When a session ends that was opened then and is refreshed now."""
        return min(
            now + timedelta(seconds=self.refresh_seconds),
            opened_at + timedelta(seconds=self.session_seconds),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Where a request comes from. ``network`` is what is counted: of IPv6 a household's part."""

    address: str = ""
    network: str = ""
    user_agent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """A person with the tokens of their session."""

    user: User
    organization: Organization
    access_token: str
    refresh_token: str
    access_seconds: int
    refresh_seconds: int
    """How long each of the tokens is good from now."""


class Sessions:
    """What people do with their sessions. Methods open their own transactions unless given one.

    ``forget`` is told of every session that ended, after the commit.
    """

    def __init__(
        self,
        transactions: Transactions,
        security: Security,
        lifetimes: TokenLifetimes,
        *,
        forget: Callable[[UUID], None],
        request_id: str | None = None,
    ) -> None:
        self.transactions = transactions
        self.security = security
        self.forget = forget
        self._lifetimes = lifetimes
        self._request_id = request_id

    def act_as(self, session: Session, user_id: UUID | None) -> None:
        """What the transaction records from here on is this person's doing; None for nobody's."""
        if user_id is not None:
            session.info[ACTOR] = f"user:{user_id}"
        session.info[REQUEST_ID] = self._request_id

    def open(
        self,
        session: Session,
        organization: Organization,
        user: User,
        visit: Visit,
        *,
        now: datetime,
    ) -> LoggedIn:
        """The person is logged in once more, within this transaction."""
        family = self.security.new_secret()
        refresh_token = f"{family}.{self.security.new_secret()}"
        opened = UserSession(
            organization_id=organization.id,
            id=new_id(),
            user_id=user.id,
            family_hash=self.security.digest(family),
            refresh_hash=self.security.digest(refresh_token),
            created_at=now,
            expires_at=self._lifetimes.end_of(now, now=now),
        )
        _note_visit(opened, visit, now=now)
        stored_user_sessions.delete_ended_sessions(
            session, organization.id, user.id, ended_before=now - ENDED_SESSIONS_KEPT
        )
        stored_user_sessions.insert_session(session, opened)
        return self._logged_in(user, organization, opened, refresh_token, now=now)

    def refresh(self, refresh_token: str, visit: Visit, *, now: datetime) -> LoggedIn:
        """The session goes on with new tokens; the refresh token that was shown is used up.

        A token that was used before ends the session: either the person or a thief has the newer
        one. Raises: Unauthenticated ``invalid_refresh_token``.
        """
        family_hash = self.security.digest(_family_of(refresh_token))
        with self.transactions.looking_up("refresh_family", family_hash) as session:
            found = stored_user_sessions.find_by_family(session, family_hash)
            if found is None:
                raise _invalid_refresh_token()
            name_organizations(session, [found.organization_id])
            current = stored_user_sessions.lock_session(session, found.organization_id, found.id)
            assert current is not None
            logged_in = self._rotate(session, current, refresh_token, visit, now=now)
        # Raised after the commit: what ended the session must last.
        if logged_in is None:
            self.forget(current.id)
            raise _invalid_refresh_token()
        return logged_in

    def log_out(self, organization_id: UUID, user_session_id: UUID, *, now: datetime) -> None:
        """All tokens of the session are refused from now on. Repeating it changes nothing."""
        with self.transactions.for_organization(organization_id) as session:
            current = stored_user_sessions.lock_session(session, organization_id, user_session_id)
            if current is not None:
                self._end(session, current, "user.logged_out", now=now)
        self.forget(user_session_id)

    def log_out_by_refresh_token(self, refresh_token: str, *, now: datetime) -> None:
        """As :meth:`log_out`, for a session whose access token has run out meanwhile."""
        family_hash = self.security.digest(_family_of(refresh_token))
        with self.transactions.looking_up("refresh_family", family_hash) as session:
            found = stored_user_sessions.find_by_family(session, family_hash)
        if found is not None:
            self.log_out(found.organization_id, found.id, now=now)

    def _rotate(
        self,
        session: Session,
        current: UserSession,
        refresh_token: str,
        visit: Visit,
        *,
        now: datetime,
    ) -> LoggedIn | None:
        if current.revoked_at is not None or current.expires_at <= now:
            return None
        if current.refresh_hash != self.security.digest(refresh_token):
            log.warning("refresh_token_reused", user_id=str(current.user_id))
            self._end(session, current, "user.refresh_token_reused", now=now)
            return None
        user = stored_users.find_user(session, current.organization_id, current.user_id)
        assert user is not None
        organization = stored_organizations.get_organization(session, current.organization_id)
        renewed = f"{_family_of(refresh_token)}.{self.security.new_secret()}"
        current.refresh_hash = self.security.digest(renewed)
        _note_visit(current, visit, now=now)
        current.expires_at = self._lifetimes.end_of(current.created_at, now=now)
        session.add(current)
        return self._logged_in(user, organization, current, renewed, now=now)

    def _end(self, session: Session, current: UserSession, action: str, *, now: datetime) -> None:
        if current.revoked_at is not None:
            return
        current.revoked_at = now
        session.add(current)
        self.act_as(session, current.user_id)
        record(session, current.organization_id, action, "user", current.user_id, now=now)

    def _logged_in(
        self,
        user: User,
        organization: Organization,
        current: UserSession,
        refresh_token: str,
        *,
        now: datetime,
    ) -> LoggedIn:
        claims = AccessClaims(
            organization_id=organization.id, user_id=user.id, user_session_id=current.id
        )
        left = int((current.expires_at - now).total_seconds())
        seconds = min(self._lifetimes.access_seconds, left)
        return LoggedIn(
            user=user,
            organization=organization,
            access_token=self.security.issue_access_token(claims, now=now, seconds=seconds),
            refresh_token=refresh_token,
            access_seconds=seconds,
            refresh_seconds=left,
        )


def end_session(
    session: Session, organization_id: UUID, user_id: UUID, session_id: UUID, *, now: datetime
) -> None:
    """One of a person's own sessions has ended. Repeating it changes nothing.

    Raises: NotFound ``session_not_found``.
    """
    found = stored_user_sessions.lock_session(session, organization_id, session_id)
    if found is None or found.user_id != user_id:
        raise NotFound("Session not found", code="session_not_found")
    if found.revoked_at is None:
        found.revoked_at = now
        session.add(found)
        session.flush()
        after = {"session_id": str(session_id)}
        record(
            session, organization_id, "user.session_ended", "user", user_id, now=now, after=after
        )


def end_sessions(
    session: Session,
    organization_id: UUID,
    user_id: UUID,
    *,
    but: UUID | None = None,
    now: datetime,
) -> Sequence[UUID]:
    """A person's sessions have ended, all but one if it is named. Repeatable.

    The ids of those that ended now, for whoever trusts them a while.
    """
    ended = stored_user_sessions.revoke_sessions(
        session, organization_id, user_id, but=but, now=now
    )
    if ended:
        after = {"ended": len(ended)}
        record(
            session, organization_id, "user.sessions_ended", "user", user_id, now=now, after=after
        )
    return ended


def _note_visit(current: UserSession, visit: Visit, *, now: datetime) -> None:
    current.last_seen_at = now
    current.address = visit.address or None
    agent = visit.user_agent
    current.user_agent = None if agent is None else agent[:LONGEST_USER_AGENT]


def _family_of(refresh_token: str) -> str:
    return refresh_token.partition(".")[0]


def _invalid_refresh_token() -> Unauthenticated:
    return Unauthenticated("Log in again.", code="invalid_refresh_token")
