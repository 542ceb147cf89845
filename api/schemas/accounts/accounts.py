"""Accounts and API keys on the wire (CONTRACT 2.2, 2.3, 3.1, 3.2)."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.accounts.organizations import OrganizationView
from api.schemas.common import Email, Moment, Schema, View, Words
from models.accounts.api_keys import ApiKey, KeyStatus
from models.accounts.users import User
from services.accounts.api_keys import CreateApiKey

Password = Annotated[str, StringConstraints(strict=True, min_length=8, max_length=256)]
"""8 to 256 characters of any kind."""


class SignUpBody(Schema):
    """A new organization and its owner."""

    email: Email
    password: Password
    organization_name: Words


class LogInBody(Schema):
    """Credentials. Any text is taken: what is wrong about it is not told."""

    email: Annotated[str, StringConstraints(strict=True, strip_whitespace=True, max_length=500)]
    password: Annotated[str, StringConstraints(strict=True, max_length=1000)]


class UserView(View):
    """A person."""

    id: UUID
    email: str
    role: str


class SessionView(View):
    """Who is logged in, and where. The tokens are in the cookies."""

    user: UserView
    organization: OrganizationView


class LoggedOutView(View):
    """The session has ended, if there was one."""

    message: Literal["Logged out"] = "Logged out"
    """Always the same words."""


class ApiKeyCreate(Schema):
    """A new key. ``prefix`` is ``sk_live`` or ``org_live``."""

    name: Words
    scopes: Annotated[list[Annotated[str, StringConstraints(strict=True)]], Field(max_length=20)]
    prefix: Annotated[str, StringConstraints(strict=True, max_length=20)] = "sk_live"

    def command(self) -> CreateApiKey:
        """The command that the body stands for."""
        return CreateApiKey(
            name=self.name,
            scopes=tuple(self.scopes),
            prefix=self.prefix.strip().lower().removesuffix("_"),
        )


class ApiKeyView(View):
    """A key without its secret."""

    id: UUID
    name: str
    scopes: list[str]
    prefix: str
    last_four: str
    status: KeyStatus
    created_at: Moment
    last_used_at: Moment | None
    revoked_at: Moment | None


class CreatedApiKeyView(ApiKeyView):
    """A key with its secret, which is shown this once."""

    key: str


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
        last_used_at=api_key.last_used_at,
        revoked_at=api_key.revoked_at,
    )
