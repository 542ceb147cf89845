"""Connections on the wire (CONTRACT 68, section 6)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import Moment, Schema, View, Words, any_case
from billing.payments.gateways import Provider
from models.payments.connections import Connection
from services.payments.connections import CreateConnection, EditConnection, webhook_url_of

Secret = (
    Annotated[str, StringConstraints(strict=True, strip_whitespace=True, max_length=1000)] | None
)
SECRETS = ("secret_key", "webhook_secret", "key_id", "key_secret")


class Secrets(Schema):
    """What opens an account at a provider; each has some of them, the sandbox none."""

    secret_key: Secret = Field(default=None, description="Of Stripe: `sk_…` or `rk_…`.")
    webhook_secret: Secret = Field(default=None, description="Of Stripe and Razorpay.")
    key_id: Secret = Field(default=None, description="Of Razorpay: `rzp_…`.")
    key_secret: Secret = Field(default=None, description="Of Razorpay.")

    @property
    def given_secrets(self) -> dict[str, str]:
        """Those that the body holds. A null is as good as none."""
        named = {name: getattr(self, name) for name in SECRETS}
        return {name: value for name, value in named.items() if value is not None}


class ConnectionCreate(Secrets):
    """An account at a provider. Its secrets are stored sealed, and never shown."""

    provider: Annotated[Provider, any_case(Provider)]
    """The payment provider; `sandbox` is built in and moves no money."""
    name: Words
    """What you call the connection."""

    def command(self) -> CreateConnection:
        """The command that the body stands for."""
        return CreateConnection(provider=self.provider, name=self.name, secrets=self.given_secrets)


class ConnectionPatch(Secrets):
    """A new name, new secrets. For a day, webhooks that the former ones sign are taken too."""

    name: Words | None = None
    """What you call the connection; null or absent leaves it."""

    def command(self) -> EditConnection:
        """The command that the body stands for."""
        return EditConnection(name=self.name, secrets=self.given_secrets)


class ConnectionView(View):
    """A connection without its secrets. ``webhook_url`` is what to enter at the provider."""

    id: UUID
    provider: Provider
    """The payment provider."""
    name: str
    """What you call the connection."""
    webhook_url: str
    """The address to enter at the provider, which tells it what happens."""
    former_until: Moment | None
    """Until when webhooks signed by former secrets are taken too; null where there are none."""
    created_at: Moment


def view_connection(connection: Connection, *, public_url: str) -> ConnectionView:
    """The connection as the API shows it."""
    return ConnectionView(
        id=connection.id,
        provider=Provider(connection.provider),
        name=connection.name,
        webhook_url=webhook_url_of(connection, public_url=public_url),
        former_until=connection.former_until,
        created_at=connection.created_at,
    )
