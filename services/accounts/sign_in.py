"""Signing up and logging in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session

from billing.errors import Conflict, Unauthenticated
from models.accounts.organizations import Organization
from models.accounts.users import User
from repositories.accounts import organizations as stored_organizations
from repositories.accounts import users as stored_users
from services.accounts.credentials import PasswordCheck
from services.accounts.login_failures import Caller, know_address, reserve_attempt
from services.accounts.passwords import require_good_password
from services.accounts.sessions import LoggedIn, Sessions, Visit
from services.accounts.sign_up_policy import SignUpPolicy
from services.accounts.sign_ups import require_open, slug_of
from services.accounts.totp import require_second_step
from services.audit_log import record
from services.constraints import translating

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """A new organization and the person who owns it."""

    email: str
    password: str
    organization_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInAttempt:
    """A login that is on record as failed until it succeeds, and what its password must match.

    ``counted`` is the hash under which its failure counts.
    """

    caller: Caller
    counted: str
    user: User | None

    @property
    def password_hash(self) -> str | None:
        """The stored hash; None if nobody has this email."""
        return None if self.user is None else self.user.password_hash


class Accounts:
    """People who come in. Each method opens its own transactions.

    Passwords are hashed and compared between them by the edge, so that no connection waits for it.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._transactions = sessions.transactions
        self._security = sessions.security

    def begin_sign_up(self, command: SignUp, policy: SignUpPolicy) -> None:
        """Return if the sign-up would be taken but for its email, before its password is hashed.

        Raises: InvalidInput ``common_password``; Forbidden ``signup_closed``.
        """
        require_good_password(
            command.password, email=command.email, organization_name=command.organization_name
        )
        with self._transactions.for_organizations(()) as session:
            require_open(session, policy)

    def complete_sign_up(
        self,
        command: SignUp,
        password_hash: str,
        policy: SignUpPolicy,
        visit: Visit,
        *,
        now: datetime,
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
            self._sessions.act_as(session, user.id)
            stored_organizations.insert_organization(session, organization)
            insert_user(session, user)
            record(
                session,
                organization.id,
                "organization.created",
                "organization",
                organization.id,
                now=now,
                after={"name": organization.name},
            )
            return self.welcome(session, organization, user, visit, now=now)

    def begin_log_in(self, email: str, visit: Visit, *, now: datetime) -> LogInAttempt:
        """One more failure of the account is on record; its password is to be compared.

        Raises: TooManyRequests ``too_many_failures`` after ten failures of an account in 15 minutes
        (CONTRACT 64).
        """
        caller = Caller.of(self._security.digest, email, visit.network)
        with self._transactions.for_organizations(()) as session:
            # Counted before the password is compared, so that guessing in parallel gains nothing.
            counted = reserve_attempt(session, caller, now=now)
        with self._transactions.looking_up("email", email) as session:
            user = stored_users.find_by_email(session, email)
        return LogInAttempt(caller=caller, counted=counted, user=user)

    def complete_log_in(
        self,
        attempt: LogInAttempt,
        password: PasswordCheck,
        visit: Visit,
        *,
        code: str | None = None,
        now: datetime,
    ) -> LoggedIn:
        """The person is logged in, in a session of its own, and their failures are forgotten.

        An unknown email and a wrong password get the same answer. Raises: Unauthenticated
        ``invalid_credentials``, and with the right password ``second_factor_required`` or
        ``invalid_code``.
        """
        if attempt.user is None or not password.is_right:
            raise _refused(attempt)
        organization_id = attempt.user.organization_id
        with self._transactions.for_organization(organization_id) as session:
            user = stored_users.lock_user(session, organization_id, attempt.user.id)
            # It may have been changed, and the person removed, while the password was compared.
            is_same = user is not None and user.password_hash == attempt.password_hash
            if user is None or not is_same or user.removed_at is not None:
                raise _refused(attempt)
            self._sessions.act_as(session, user.id)
            require_second_step(session, user, code, security=self._security, now=now)
            if password.renewed_hash is not None:
                user.password_hash = password.renewed_hash
                session.add(user)
            organization = stored_organizations.get_organization(session, organization_id)
            logged_in = self.welcome(
                session, organization, user, visit, counted=attempt.counted, now=now
            )
            record(session, organization_id, "user.logged_in", "user", user.id, now=now)
        log.info("logged_in", user_id=str(user.id), organization_id=str(organization_id))
        return logged_in

    def welcome(
        self,
        session: Session,
        organization: Organization,
        user: User,
        visit: Visit,
        *,
        counted: str | None = None,
        now: datetime,
    ) -> LoggedIn:
        """The person has a session, and their address is known, within this transaction."""
        caller = Caller.of(self._security.digest, user.email, visit.network)
        know_address(session, caller, counted=counted, now=now)
        return self._sessions.open(session, organization, user, visit, now=now)


def insert_user(session: Session, user: User) -> None:
    """The person is a member. Raises: Conflict ``email_taken``."""
    with translating(
        "uq_app_user_email",
        Conflict("This email has an account.", code="email_taken", field="email"),
    ):
        stored_users.insert_user(session, user)


def _refused(attempt: LogInAttempt) -> Unauthenticated:
    # A hash of an address is as good as the address to whoever has a list of them.
    log.warning("login_failed", user_id=None if attempt.user is None else str(attempt.user.id))
    return Unauthenticated("Wrong email or password.", code="invalid_credentials")
