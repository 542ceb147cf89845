"""Signing up, logging in, staying logged in, logging out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlmodel import Session

from billing.errors import Conflict, Unauthenticated
from models.accounts.organizations import Organization
from models.accounts.users import User, UserSession
from models.base import new_id
from repositories.accounts import organizations as stored_organizations
from repositories.accounts import user_sessions as stored_user_sessions
from repositories.accounts import users as stored_users
from repositories.transactions import Transactions, name_organizations
from services.accounts.credentials import AccessClaims, PasswordCheck, Security
from services.accounts.login_failures import reserve_attempt
from services.accounts.passwords import require_good_password
from services.accounts.sign_up_policy import SignUpPolicy
from services.accounts.sign_ups import require_open, slug_of
from services.audit_log import ACTOR, REQUEST_ID, record
from services.constraints import translating

log = structlog.get_logger(__name__)

ENDED_SESSIONS_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """A new organization and the person who owns it."""

    email: str
    password: str
    organization_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLifetimes:
    """How long an access token is good, and how long a session lasts without a refresh."""

    access_seconds: int = 15 * 60
    refresh_seconds: int = 7 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """A person with the tokens of their session."""

    user: User
    organization: Organization
    access_token: str
    refresh_token: str
    lifetimes: TokenLifetimes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInAttempt:
    """A login that is on record as failed until it succeeds, and what its password must match."""

    account_hash: str
    user: User | None

    @property
    def password_hash(self) -> str | None:
        """The stored hash; None if nobody has this email."""
        return None if self.user is None else self.user.password_hash


class Accounts:
    """People and their sessions. Each method opens its own transactions.

    Passwords are hashed and compared between them by the edge, so that no connection waits for it.
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
        self._transactions = transactions
        self._forget = forget
        self._security = security
        self._lifetimes = lifetimes
        self._request_id = request_id

    def begin_sign_up(self, command: SignUp, policy: SignUpPolicy) -> None:
        """Return if the sign-up would be taken but for its email, before its password is hashed.

        Raises: InvalidInput ``common_password``; Forbidden ``signup_closed``.
        """
        require_good_password(command.password, email=command.email)
        with self._transactions.for_organizations(()) as session:
            require_open(session, policy)

    def complete_sign_up(
        self, command: SignUp, password_hash: str, policy: SignUpPolicy, *, now: datetime
    ) -> LoggedIn:
        """The organization exists with its owner, who is logged in.

        Raises: Conflict ``email_taken``; Forbidden ``signup_closed``.
        """
        organization = Organization(
            name=command.organization_name,
            slug=slug_of(command.organization_name),
            created_at=now,
        )
        user = User(
            organization_id=organization.id,
            email=command.email,
            password_hash=password_hash,
            role="owner",
            created_at=now,
        )
        with self._transactions.for_organization(organization.id) as session:
            if policy is SignUpPolicy.FIRST:
                stored_organizations.lock_directory(session)
            require_open(session, policy)
            self._act_as(session, user.id)
            stored_organizations.insert_organization(session, organization)
            with translating(
                "uq_app_user_email",
                Conflict("This email has an account.", code="email_taken", field="email"),
            ):
                stored_users.insert_user(session, user)
            record(
                session,
                organization.id,
                "organization.created",
                "organization",
                organization.id,
                now=now,
                after={"name": organization.name},
            )
            return self._open_session(session, organization, user, now=now)

    def begin_log_in(self, email: str, *, now: datetime) -> LogInAttempt:
        """One more failure of the account is on record; its password is to be compared.

        Raises: TooManyRequests ``too_many_failures`` after ten failures of an account in 15 minutes
        (CONTRACT 64).
        """
        account_hash = self._security.digest(f"account:{email.casefold()}")
        with self._transactions.for_organizations(()) as session:
            # Counted before the password is compared, so that guessing in parallel gains nothing.
            reserve_attempt(session, account_hash, now=now)
        with self._transactions.looking_up("email", email) as session:
            user = stored_users.find_by_email(session, email)
        return LogInAttempt(account_hash=account_hash, user=user)

    def complete_log_in(
        self, attempt: LogInAttempt, password: PasswordCheck, *, now: datetime
    ) -> LoggedIn:
        """The person is logged in, in a session of its own, and their failures are forgotten.

        An unknown email and a wrong password get the same answer. Raises: Unauthenticated
        ``invalid_credentials``.
        """
        user = attempt.user
        if user is None or not password.is_right:
            log.warning("login_failed", account=attempt.account_hash[:16])
            raise Unauthenticated("Wrong email or password.", code="invalid_credentials")
        with self._transactions.for_organization(user.organization_id) as session:
            self._act_as(session, user.id)
            stored_users.delete_login_failures(session, attempt.account_hash)
            if password.renewed_hash is not None:
                stored_users.renew_password_hash(session, user, password.renewed_hash)
            organization = stored_organizations.get_organization(session, user.organization_id)
            logged_in = self._open_session(session, organization, user, now=now)
            record(session, user.organization_id, "user.logged_in", "user", user.id, now=now)
            return logged_in

    def refresh(self, refresh_token: str, *, now: datetime) -> LoggedIn:
        """The session goes on with new tokens; the refresh token that was shown is used up.

        A token that was used before ends the session: either the person or a thief has the newer
        one. Raises: Unauthenticated ``invalid_refresh_token``.
        """
        family_hash = self._security.digest(_family_of(refresh_token))
        with self._transactions.looking_up("refresh_family", family_hash) as session:
            found = stored_user_sessions.find_by_family(session, family_hash)
            if found is None:
                raise _invalid_refresh_token()
            name_organizations(session, [found.organization_id])
            current = stored_user_sessions.lock_session(session, found.organization_id, found.id)
            assert current is not None
            logged_in = self._rotate(session, current, refresh_token, now=now)
        # Raised after the commit: what ended the session must last.
        if logged_in is None:
            self._forget(current.id)
            raise _invalid_refresh_token()
        return logged_in

    def log_out(self, organization_id: UUID, user_session_id: UUID, *, now: datetime) -> None:
        """All tokens of the session are refused from now on. Repeating it changes nothing."""
        with self._transactions.for_organization(organization_id) as session:
            current = stored_user_sessions.lock_session(session, organization_id, user_session_id)
            if current is not None:
                self._end(session, current, "user.logged_out", now=now)
        self._forget(user_session_id)

    def log_out_by_refresh_token(self, refresh_token: str, *, now: datetime) -> None:
        """As :meth:`log_out`, for a session whose access token has run out meanwhile."""
        family_hash = self._security.digest(_family_of(refresh_token))
        with self._transactions.looking_up("refresh_family", family_hash) as session:
            found = stored_user_sessions.find_by_family(session, family_hash)
        if found is not None:
            self.log_out(found.organization_id, found.id, now=now)

    def _rotate(
        self, session: Session, current: UserSession, refresh_token: str, *, now: datetime
    ) -> LoggedIn | None:
        if current.revoked_at is not None or current.expires_at <= now:
            return None
        if current.refresh_hash != self._security.digest(refresh_token):
            log.warning("refresh_token_reused", user_id=str(current.user_id))
            self._end(session, current, "user.refresh_token_reused", now=now)
            return None
        user = stored_users.find_user(session, current.organization_id, current.user_id)
        assert user is not None
        organization = stored_organizations.get_organization(session, current.organization_id)
        renewed = f"{_family_of(refresh_token)}.{self._security.new_secret()}"
        current.refresh_hash = self._security.digest(renewed)
        current.expires_at = now + timedelta(seconds=self._lifetimes.refresh_seconds)
        session.add(current)
        return self._logged_in(user, organization, current, renewed, now=now)

    def _act_as(self, session: Session, user_id: UUID) -> None:
        session.info[ACTOR] = f"user:{user_id}"
        session.info[REQUEST_ID] = self._request_id

    def _end(self, session: Session, current: UserSession, action: str, *, now: datetime) -> None:
        if current.revoked_at is not None:
            return
        current.revoked_at = now
        session.add(current)
        self._act_as(session, current.user_id)
        record(session, current.organization_id, action, "user", current.user_id, now=now)

    def _open_session(
        self, session: Session, organization: Organization, user: User, *, now: datetime
    ) -> LoggedIn:
        family = self._security.new_secret()
        refresh_token = f"{family}.{self._security.new_secret()}"
        opened = UserSession(
            organization_id=organization.id,
            id=new_id(),
            user_id=user.id,
            family_hash=self._security.digest(family),
            refresh_hash=self._security.digest(refresh_token),
            created_at=now,
            expires_at=now + timedelta(seconds=self._lifetimes.refresh_seconds),
        )
        stored_user_sessions.delete_ended_sessions(
            session, organization.id, user.id, ended_before=now - ENDED_SESSIONS_KEPT
        )
        stored_user_sessions.insert_session(session, opened)
        return self._logged_in(user, organization, opened, refresh_token, now=now)

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
        return LoggedIn(
            user=user,
            organization=organization,
            access_token=self._security.issue_access_token(
                claims, now=now, seconds=self._lifetimes.access_seconds
            ),
            refresh_token=refresh_token,
            lifetimes=self._lifetimes,
        )


def _family_of(refresh_token: str) -> str:
    return refresh_token.partition(".")[0]


def _invalid_refresh_token() -> Unauthenticated:
    return Unauthenticated("Log in again.", code="invalid_refresh_token")
