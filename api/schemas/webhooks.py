"""Webhook endpoints and deliveries on the wire (CONTRACT section 6)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import Flag, Moment, Schema, View, Words
from api.schemas.patches import Patch
from billing.notifications.events import EVERY_EVENT, WebhookEvent
from billing.notifications.receivers import LONGEST
from billing.notifications.schedule import DeliveryStatus
from billing.notifications.signatures import signing_secret
from models.notifications.webhooks import WebhookDelivery, WebhookEndpoint
from services.notifications.endpoints import CreateEndpoint, EditEndpoint

Url = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=LONGEST)
]
Events = Annotated[
    list[Annotated[str, StringConstraints(strict=True, max_length=100)]],
    Field(max_length=50, examples=[[EVERY_EVENT]], description='Names of events, or `["*"]`.'),
]


class WebhookEndpointCreate(Schema):
    """Where to tell what. The address begins with https:// and is one of the public internet."""

    url: Url
    events: Events
    description: Words | None = None

    def command(self) -> CreateEndpoint:
        """The command that the body stands for."""
        return self.fill(CreateEndpoint)


class WebhookEndpointPatch(Patch):
    """New values. One that is enabled again begins anew; nothing is told of the time between."""

    url: Url = ""
    events: Events = Field(default=[])
    description: Words | None = None
    enabled: Flag = True

    def command(self) -> EditEndpoint:
        """The command that the body stands for."""
        return self.fill(EditEndpoint)


class WebhookEndpointView(View):
    """An endpoint without its secrets.

    ``disabled_at`` is when it was disabled for having failed for days, ``failing_since`` the first
    failure since its last success.
    """

    id: UUID
    url: str
    events: list[str]
    description: str | None
    enabled: bool
    failing_since: Moment | None
    disabled_at: Moment | None
    created_at: Moment


class WebhookEndpointWithSecretView(WebhookEndpointView):
    """An endpoint with its secret in both spellings, which nothing shows again."""

    secret: str
    signing_secret: str


class WebhookDeliveryView(View):
    """One telling of an event to an endpoint.

    ``event_id`` is the ``webhook-id`` that is sent, the same in every try and every replay.
    """

    id: UUID
    event: WebhookEvent
    event_id: UUID
    endpoint_id: UUID
    status: DeliveryStatus
    attempts: int
    response_code: int | None
    error: str | None
    next_attempt_at: Moment | None
    replay_of: UUID | None
    created_at: Moment
    completed_at: Moment | None


def view_endpoint(endpoint: WebhookEndpoint) -> WebhookEndpointView:
    """The endpoint as the API shows it."""
    return WebhookEndpointView.model_validate(endpoint, from_attributes=True)


def view_secrets(endpoint: WebhookEndpoint, secret: str) -> WebhookEndpointWithSecretView:
    """The endpoint with its secret, for the one answer that shows it."""
    shown = view_endpoint(endpoint).model_dump()
    return WebhookEndpointWithSecretView(
        **shown, secret=secret, signing_secret=signing_secret(secret)
    )


def view_delivery(delivery: WebhookDelivery) -> WebhookDeliveryView:
    """The delivery as the API shows it."""
    return WebhookDeliveryView.model_validate(delivery, from_attributes=True)
