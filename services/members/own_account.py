"""What people change about their own account, once they have shown that they know the password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from models.accounts.users import User
from repositories.accounts import invitations as stored_invitations
from repositories.accounts import organizations as stored_organizations
from services.accounts import totp
from services.accounts.confirmations import Confirmation, begin_confirmation, confirm
from services.accounts.credentials import PasswordCheck
from services.accounts.passwords import require_good_password
from services.accounts.sessions import Sessions, end_sessions
from services.accounts.totp import Enrolment
from services.audit_log import record
from services.members.members import require_member


class OwnAccount:
    """Changes of one's own account. Each method opens its own transactions."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def begin(self, organization_id: UUID, user_id: UUID, *, now: datetime) -> Confirmation:
        """The password is to be compared. Raises TooManyRequests, Unauthenticated."""
        return begin_confirmation(
            self._sessions.transactions,
            self._sessions.security,
            organization_id,
            user_id,
            now=now,
        )

    def require_good(self, confirmation: Confirmation, password: str) -> None:
        """Return if the person may have this password. Raises InvalidInput ``common_password``."""
        organization_id = confirmation.organization_id
        with self._sessions.transactions.for_organization(organization_id) as session:
            organization = stored_organizations.get_organization(session, organization_id)
        require_good_password(
            password,
            email=confirmation.email,
            organization_name=organization.name,
            field="new_password",
        )

    def change_password(
        self,
        confirmation: Confirmation,
        check: PasswordCheck,
        password_hash: str,
        *,
        session_id: UUID,
        now: datetime,
    ) -> int:
        """The password is another; all sessions but this one have ended, so many.

        Links for setting it open nothing any more. Raises: Forbidden ``wrong_password``.
        """
        with self._confirmed(confirmation, check) as (session, user):
            user.password_hash = password_hash
            session.add(user)
            where = (user.organization_id, user.id)
            stored_invitations.end_resets(session, *where, now=now)
            ended = end_sessions(session, *where, but=session_id, now=now)
            record(session, user.organization_id, "user.password_changed", "user", user.id, now=now)
        for one in ended:
            self._sessions.forget(one)
        return len(ended)

    def begin_totp(
        self, confirmation: Confirmation, check: PasswordCheck, *, now: datetime
    ) -> Enrolment:
        """The secret for an authenticator. Raises Forbidden ``wrong_password``, Conflict."""
        with self._confirmed(confirmation, check) as (session, user):
            organization = stored_organizations.get_organization(session, user.organization_id)
            security = self._sessions.security
            return totp.enrol(session, user, issuer=organization.name, security=security, now=now)

    def confirm_totp(
        self, organization_id: UUID, user_id: UUID, code: str, *, now: datetime
    ) -> list[str]:
        """Logging in takes a code from now on; the recovery codes.

        Raises: InvalidInput ``invalid_code``; Conflict.
        """
        with self._sessions.transactions.for_organization(organization_id) as session:
            self._sessions.act_as(session, user_id)
            user = require_member(session, organization_id, user_id)
            return totp.confirm(session, user, code, security=self._sessions.security, now=now)

    def renew_recovery_codes(
        self, confirmation: Confirmation, check: PasswordCheck, *, now: datetime
    ) -> list[str]:
        """New recovery codes in the place of the old. Raises Forbidden, Conflict."""
        with self._confirmed(confirmation, check) as (session, user):
            security = self._sessions.security
            return totp.renew_recovery_codes(session, user, security=security, now=now)

    def disable_totp(
        self, confirmation: Confirmation, check: PasswordCheck, *, now: datetime
    ) -> None:
        """Logging in takes the password alone. Raises Forbidden ``wrong_password``, Conflict."""
        with self._confirmed(confirmation, check) as (session, user):
            totp.disable(session, user, now=now)

    @contextmanager
    def _confirmed(
        self, confirmation: Confirmation, check: PasswordCheck
    ) -> Iterator[tuple[Session, User]]:
        organization_id = confirmation.organization_id
        with self._sessions.transactions.for_organization(organization_id) as session:
            self._sessions.act_as(session, confirmation.user_id)
            yield session, confirm(session, confirmation, check)
