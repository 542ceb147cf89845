"""Accounts and API keys on the wire (CONTRACT 2.2, 2.3, 3.1, 3.2)."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from api.schemas.accounts.organizations import OrganizationView
from api.schemas.common import Email, Instant, Moment, Schema, View, Words, one_of
from models.accounts.api_keys import ApiKey, KeyStatus
from models.accounts.users import User
from services.accounts.api_keys import ALIASES, PREFIXES, SCOPES, CreateApiKey
from services.accounts.roles import ROLES

Password = Annotated[str, StringConstraints(strict=True, min_length=8, max_length=256)]
"""8 to 256 characters of any kind."""


class SignUpBody(Schema):
    """A new organization and its owner."""

    email: Email
    """The address that the owner logs in with."""
    password: Password
    """The password, 8 to 256 characters of any kind."""
    organization_name: Words
    """The name of the new organization."""


class LogInBody(Schema):
    """Credentials. Any text is taken: what is wrong about it is not told."""

    email: Annotated[str, StringConstraints(strict=True, strip_whitespace=True, max_length=500)]
    """The address that was signed up with."""
    password: Annotated[str, StringConstraints(strict=True, max_length=1000)]
    """The password."""
    code: Annotated[str, StringConstraints(strict=True, max_length=100)] | None = None
    """A code of the authenticator, or a recovery code, where logging in takes a second step."""


class UserView(View):
    """A person."""

    id: UUID
    email: str
    """The address that they log in with."""
    role: Annotated[str, one_of(*ROLES)]
    """What they may do in the organization."""


class SessionView(View):
    """Who is logged in, and where. The tokens are in the cookies."""

    user: UserView
    """Who is logged in."""
    organization: OrganizationView
    """The organization that they are logged in to."""


class OwnAccountView(View):
    """Who asks, and whose member they are."""

    user: UserView
    """Who asks."""
    organization: OrganizationView
    """The organization that they are a member of."""


class LoggedOutView(View):
    """The session has ended, if there was one."""

    message: Literal["Logged out"] = "Logged out"
    """Always the same words."""


class ApiKeyCreate(Schema):
    """A new key. ``prefix`` is ``sk_live`` or ``org_live``, and in a sandbox ``sk_test``."""

    name: Words
    """What the key is for, in your words."""
    scopes: Annotated[
        list[Annotated[str, StringConstraints(strict=True), one_of(*SCOPES, *ALIASES)]],
        Field(max_length=20, examples=[["usage.write"]]),
    ]
    """What the key may do: `usage.write`, `usage.read`, `billing.write`, `billing.read`. A scope
    that writes includes the one that reads."""
    prefix: (
        Annotated[str, StringConstraints(strict=True, max_length=20), one_of(*PREFIXES)] | None
    ) = None
    """What the key begins with: `sk_live` or `org_live`, and in a sandbox `sk_test`. Without one
    it is the first."""
    expires_at: Instant | None = None
    """From when it opens nothing; null if it does not end by itself."""
    allowed_addresses: Annotated[
        list[Annotated[str, StringConstraints(strict=True, max_length=50)]],
        Field(default_factory=list, max_length=50, examples=[["192.0.2.0/24"]]),
    ]
    """The addresses that it may be used from, or blocks of them; any if there are none."""

    def command(self) -> CreateApiKey:
        """The command that the body stands for."""
        return CreateApiKey(
            name=self.name,
            scopes=tuple(self.scopes),
            prefix=self.prefix and self.prefix.strip().lower().removesuffix("_"),
            expires_at=self.expires_at,
            allowed_addresses=tuple(self.allowed_addresses),
        )


class ApiKeyView(View, like=(ApiKeyCreate,)):
    """A key without its secret."""

    id: UUID
    name: str
    scopes: list[Annotated[str, one_of(*SCOPES)]]
    prefix: Annotated[str, one_of(*PREFIXES)]
    """What the key begins with."""
    last_four: str
    """The last four characters of the key, to tell it from others."""
    status: KeyStatus
    """Whether it is good; revoked keys stay listed."""
    created_at: Moment
    expires_at: Moment | None
    allowed_addresses: list[str]
    last_used_at: Moment | None
    """When it was last used, to the minute; null before."""
    revoked_at: Moment | None
    """When it was revoked; null while it is good."""


class CreatedApiKeyView(ApiKeyView):
    """A key with its secret, which is shown this once."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    key: str = Field(default_factory=str)
    """The key itself. Nothing shows it again: a repeat under an `Idempotency-Key` leaves it out."""


def view_user(user: User) -> UserView:
    """The person as the API shows them."""
    return UserView(id=user.id, email=user.email, role=user.role)


def view_api_key(api_key: ApiKey) -> ApiKeyView:
    """The key as the API shows it."""
    return ApiKeyView(
        id=api_key.id,
        name=api_key.name,
        scopes=api_key.scopes,
        prefix=api_key.prefix,
        last_four=api_key.last_four,
        status=KeyStatus(api_key.status),
        created_at=api_key.created_at,
        expires_at=api_key.expires_at,
        allowed_addresses=api_key.allowed_addresses,
        last_used_at=api_key.last_used_at,
        revoked_at=api_key.revoked_at,
    )
