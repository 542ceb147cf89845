"""Members, invitations and one's own account on the wire (CONTRACT 103)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from api.schemas.accounts.accounts import Password
from api.schemas.common import Email, Moment, Schema, View, one_of
from models.accounts.invitations import Invitation
from models.accounts.second_factors import TotpFactor
from models.accounts.users import User, UserSession
from services.accounts.roles import ROLES
from services.members.invitations import Invite

RoleWord = Annotated[str, StringConstraints(strict=True, max_length=20), one_of(*ROLES)]
Known = Annotated[str, StringConstraints(strict=True, max_length=1000)]
"""A password that is compared: any text is taken, what is wrong about it is not told."""

Token = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=200)
]
Code = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=100)
]


class MemberView(View):
    """A person of the organization."""

    id: UUID
    user_id: UUID
    """The person. A person is a member of one organization, so that it is the same as `id`."""
    email: str
    """The address that they log in with."""
    role: RoleWord
    """What they may do."""
    created_at: Moment


class MemberPatch(Schema):
    """Another role."""

    role: RoleWord
    """What they may do from the next request on."""


class InvitationStatus(StrEnum):
    """Whether a link is still good."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


class InvitationCreate(Schema):
    """Whom to ask, and as what."""

    email: Email
    """The address that they will log in with, and that gets the link where mails can be sent."""
    role: RoleWord
    """What they may do once they have joined."""

    def command(self) -> Invite:
        """The command that the body stands for."""
        return Invite(email=self.email, role=self.role)


class InvitationView(View, like=(InvitationCreate,)):
    """An invitation without its link."""

    id: UUID
    email: str
    role: RoleWord
    status: InvitationStatus
    """Whether the link is good, and if not, why."""
    invited_by: UUID
    """The member who invited."""
    created_at: Moment
    expires_at: Moment
    """From when the link is not good any more."""
    accepted_at: Moment | None
    """When it was accepted; null if it was not."""
    user_id: UUID | None
    """Who joined by it; null before."""
    revoked_at: Moment | None
    """When it was revoked; null if it was not."""


class SentInvitationView(InvitationView):
    """An invitation with its link, which is shown this once."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    link: str = Field(default_factory=str)
    """Where the invited person chooses a password. Nothing shows it again but the mail that
    brings it: a repeat under an `Idempotency-Key` leaves it out."""


class AcceptBody(Schema):
    """The token of an invitation's link, and the password to log in with from now on."""

    token: Token
    """What stands behind the `#` of the link."""
    password: Password
    """The password, 8 to 256 characters of any kind."""


class ResetBody(AcceptBody):
    """The token of a link for a new password, and that password."""


class RequestResetBody(Schema):
    """Whose password is forgotten."""

    email: Annotated[str, StringConstraints(strict=True, strip_whitespace=True, max_length=500)]
    """The address that they log in with."""


class DoneView(View):
    """It is done, or may be: the same words whoever asks."""

    message: str
    """What happened, in words."""


class ChangePasswordBody(Schema):
    """The password now, and the one from now on."""

    current_password: Known
    """The password that is good now."""
    new_password: Password
    """The password from now on, 8 to 256 characters of any kind."""


class ChangedPasswordView(View):
    """The password is another, and other sessions have ended."""

    ended_sessions: int
    """How many other sessions have ended."""


class OwnSessionView(View):
    """A session of one's own."""

    id: UUID
    created_at: Moment
    last_seen_at: Moment
    """When it was opened or renewed last."""
    expires_at: Moment
    """When it ends unless it is renewed."""
    address: str | None
    """Where it was opened or renewed last; null where that is not known."""
    user_agent: str | None
    """By which program, in its own words; null where it said nothing."""
    is_current: bool
    """Whether it is the one that asks."""


class PasswordBody(Schema):
    """The password, to show that it is you."""

    password: Known
    """The password that is good now."""


class TotpView(View):
    """Whether logging in takes a second step."""

    enabled: bool
    """Whether it does."""
    confirmed_at: Moment | None
    """Since when; null while it does not."""
    recovery_codes_left: int
    """How many recovery codes are unused."""


class TotpEnrolmentView(View):
    """What an authenticator needs, shown this once. It counts once a code of it is confirmed."""

    secret: str
    """The secret in base32, for typing it in."""
    uri: str
    """The `otpauth://` address, to be shown as a QR code."""


class CodeBody(Schema):
    """A code of the authenticator."""

    code: Code
    """The six digits that it shows now."""


class RecoveryCodesView(View):
    """Codes for when the authenticator is lost, shown this once. Each is good for one login."""

    recovery_codes: list[str]
    """The codes."""


DONE: Literal["If there is such an account, a mail is on its way."] = (
    "If there is such an account, a mail is on its way."
)
CHANGED: Literal["The password was changed; log in with it."] = (
    "The password was changed; log in with it."
)


def view_member(user: User) -> MemberView:
    """The member as the API shows them."""
    return MemberView(
        id=user.id, user_id=user.id, email=user.email, role=user.role, created_at=user.created_at
    )


def view_invitation(invitation: Invitation, *, now: datetime) -> InvitationView:
    """The invitation as the API shows it."""
    if invitation.accepted_at is not None:
        status = InvitationStatus.ACCEPTED
    elif invitation.revoked_at is not None:
        status = InvitationStatus.REVOKED
    elif invitation.expires_at <= now:
        status = InvitationStatus.EXPIRED
    else:
        status = InvitationStatus.OPEN
    names = InvitationView.model_fields.keys() - {"status"}
    return InvitationView(status=status, **{name: getattr(invitation, name) for name in names})


def view_session(session: UserSession, current_id: UUID | None) -> OwnSessionView:
    """The session as the API shows it."""
    return OwnSessionView(
        id=session.id,
        created_at=session.created_at,
        last_seen_at=session.last_seen_at or session.created_at,
        expires_at=session.expires_at,
        address=session.address,
        user_agent=session.user_agent,
        is_current=session.id == current_id,
    )


def view_totp(factor: TotpFactor | None, recovery_codes_left: int) -> TotpView:
    """The second step as the API shows it."""
    confirmed_at = None if factor is None else factor.confirmed_at
    return TotpView(
        enabled=confirmed_at is not None,
        confirmed_at=confirmed_at,
        recovery_codes_left=recovery_codes_left,
    )
