"""Webhook endpoints and deliveries on the wire (CONTRACT section 6)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from api.schemas.common import Flag, Moment, Schema, View, Words, one_of
from api.schemas.patches import Patch
from billing.notifications.events import EVERY_EVENT, WebhookEvent
from billing.notifications.receivers import LONGEST
from billing.notifications.schedule import DeliveryStatus
from billing.notifications.signatures import signing_secret
from models.notifications.webhooks import WebhookDelivery, WebhookEndpoint
from repositories.notifications.deliveries import ShownDelivery
from repositories.notifications.endpoints import ShownEndpoint
from services.notifications.endpoints import CreateEndpoint, EditEndpoint

Url = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=LONGEST)
]
EventName = one_of(*WebhookEvent, EVERY_EVENT)
Events = Annotated[
    list[Annotated[str, StringConstraints(strict=True, max_length=100), EventName]],
    Field(max_length=50, examples=[[EVERY_EVENT]], description='Names of events, or `["*"]`.'),
]


class WebhookEndpointCreate(Schema):
    """Where to tell what. The address begins with https:// and is one of the public internet."""

    url: Url
    """The address that is told, beginning with `https://`."""
    events: Events
    description: Words | None = None
    """What the endpoint is for, in your words."""

    def command(self) -> CreateEndpoint:
        """The command that the body stands for."""
        return self.fill(CreateEndpoint)


class WebhookEndpointPatch(Patch, like=(WebhookEndpointCreate,)):
    """New values. One that is enabled again begins anew; nothing is told of the time between."""

    url: Url = ""
    events: Events = Field(default=[])
    description: Words | None = None
    enabled: Flag = True
    """Whether the endpoint is told of anything."""

    def command(self) -> EditEndpoint:
        """The command that the body stands for."""
        return self.fill(EditEndpoint)


class WebhookEndpointView(View, like=(WebhookEndpointPatch, WebhookEndpointCreate)):
    """An endpoint without its secrets.

    ``disabled_at`` is when it was disabled for having failed for days, ``failing_since`` the first
    failure since its last success.
    """

    id: UUID
    url: str
    events: list[Annotated[str, EventName]]
    description: str | None
    enabled: bool
    failing_since: Moment | None
    """When the first failure since the last success was; null while it works."""
    disabled_at: Moment | None
    """When it was disabled for having failed for days; null where it was not."""
    created_at: Moment


class WebhookEndpointWithSecretView(WebhookEndpointView):
    """An endpoint with its secret in both spellings, which nothing shows again."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    secret: str = Field(default_factory=str)
    """The secret that `X-Fluxrate-Signature` is made with. Nothing shows it again: a repeat under
    an `Idempotency-Key` leaves it out."""
    signing_secret: str = Field(default_factory=str)
    """The same secret for `webhook-signature`, in the spelling of Standard Webhooks."""


class WebhookDeliveryView(View):
    """One telling of an event to an endpoint.

    ``event_id`` is the ``webhook-id`` that is sent, the same in every try and every replay.
    """

    id: UUID
    event: WebhookEvent
    """What happened."""
    event_id: UUID
    """The `webhook-id` that is sent, the same in every try and every replay."""
    endpoint_id: UUID
    """The endpoint that is told."""
    status: DeliveryStatus
    """What became of it."""
    attempts: int
    """How often it was tried."""
    response_code: int | None
    """The HTTP status of the last answer; null before there was one."""
    error: str | None
    """Why the last try failed; null where none did."""
    next_attempt_at: Moment | None
    """When it is tried next; null where it is not tried again."""
    replay_of: UUID | None
    """The delivery that it repeats; null where it repeats none."""
    created_at: Moment
    completed_at: Moment | None
    """When it arrived or was given up; null before."""


class WebhookTryView(View):
    """One try of a delivery."""

    number: int
    """Which try it was, counted from 1."""
    at: Moment
    """When it came to an end."""
    response_code: int | None
    """The HTTP status of the answer; null where there was none."""
    error: str | None
    """Why it failed; null where it did not."""
    answer: str | None
    """The first thousand bytes of the answer; null where it said nothing."""


class WebhookDeliveryDetailView(WebhookDeliveryView):
    """A delivery with what is sent, and each of its tries."""

    body: str
    """What is sent, to the byte: the JSON that the signatures are of."""
    tries: list[WebhookTryView]
    """The tries, the first one first; those before this was kept are missing."""


def view_endpoint(endpoint: WebhookEndpoint | ShownEndpoint) -> WebhookEndpointView:
    """The endpoint as the API shows it."""
    return WebhookEndpointView.model_validate(endpoint, from_attributes=True)


def view_secrets(endpoint: WebhookEndpoint, secret: str) -> WebhookEndpointWithSecretView:
    """The endpoint with its secret, for the one answer that shows it."""
    shown = view_endpoint(endpoint).model_dump()
    return WebhookEndpointWithSecretView(
        **shown, secret=secret, signing_secret=signing_secret(secret)
    )


def view_shown_delivery(shown: ShownDelivery) -> WebhookDeliveryDetailView:
    """The delivery with what is sent and its tries, as the API shows it."""
    return WebhookDeliveryDetailView(
        **view_delivery(shown.delivery).model_dump(),
        body=shown.body,
        tries=[WebhookTryView.model_validate(one, from_attributes=True) for one in shown.tries],
    )


def view_delivery(delivery: WebhookDelivery) -> WebhookDeliveryView:
    """The delivery as the API shows it."""
    return WebhookDeliveryView.model_validate(delivery, from_attributes=True)
