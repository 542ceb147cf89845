"""Webhook endpoints of an organization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict
from billing.notifications.events import choose_events
from billing.notifications.schedule import OLD_SECRET_HOLDS
from models.base import new_id
from models.notifications.webhooks import WebhookEndpoint
from repositories.notifications import deliveries as stored_deliveries
from repositories.notifications import endpoints as stored_endpoints
from services.accounts.credentials import Sealing, SecretKeyMissing
from services.audit_log import record
from services.notifications import mails
from services.required import not_found

MOST: Final = 50
"""How many endpoints an organization has at most."""


def place_of(organization_id: UUID, endpoint_id: UUID) -> str:
    """Where the secrets of an endpoint are sealed for."""
    return f"webhook_endpoint/{organization_id}/{endpoint_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateEndpoint:
    """An address, which was found to be one of the public internet, and what it is told."""

    url: str
    events: Sequence[str]
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditEndpoint:
    """New values; ``given`` names those that are meant."""

    given: frozenset[str]
    url: str
    events: Sequence[str]
    description: str | None
    enabled: bool


def create_endpoint(
    session: Session,
    organization_id: UUID,
    command: CreateEndpoint,
    *,
    secret: str,
    sealing: Sealing,
    now: datetime,
) -> WebhookEndpoint:
    """The endpoint is told of what happens from now on, signed by ``secret``.

    Raises InvalidInput for unknown events, Conflict ``too_many_endpoints``.
    """
    events = choose_events(command.events)
    if stored_endpoints.count_endpoints(session, organization_id) >= MOST:
        raise Conflict(f"There are {MOST} endpoints already.", code="too_many_endpoints")
    endpoint_id = new_id()
    endpoint = WebhookEndpoint(
        organization_id=organization_id,
        id=endpoint_id,
        url=command.url,
        events=events,
        description=command.description,
        sealed_secret=sealing.seal(secret, place=place_of(organization_id, endpoint_id)),
        created_at=now,
    )
    stored_endpoints.insert_endpoint(session, endpoint)
    _record(session, endpoint, "created", now=now)
    return endpoint


def edit_endpoint(
    session: Session, organization_id: UUID, endpoint_id: UUID, edit: EditEndpoint, *, now: datetime
) -> WebhookEndpoint:
    """The endpoint is what the edit says; one that is enabled again begins anew.

    What waits for one that is no longer told has failed. Raises NotFound, InvalidInput.
    """
    endpoint = _lock(session, organization_id, endpoint_id)
    if "events" in edit.given:
        endpoint.events = choose_events(edit.events)
    if "url" in edit.given:
        endpoint.url = edit.url
    if "description" in edit.given:
        endpoint.description = edit.description
    if "enabled" in edit.given and endpoint.enabled != edit.enabled:
        endpoint.enabled = edit.enabled
        endpoint.failing_since = endpoint.disabled_at = None
        if not edit.enabled:
            _stop(session, endpoint, reason="The endpoint was disabled.", now=now)
    session.add(endpoint)
    _record(session, endpoint, "updated", now=now)
    return endpoint


def delete_endpoint(
    session: Session, organization_id: UUID, endpoint_id: UUID, *, now: datetime
) -> None:
    """The endpoint is told of nothing any more; its deliveries stay listed. Raises NotFound."""
    endpoint = _lock(session, organization_id, endpoint_id)
    endpoint.deleted_at = now
    endpoint.enabled = False
    session.add(endpoint)
    stored_deliveries.give_up_pending(
        session, organization_id, endpoint_id, reason="The endpoint was deleted.", now=now
    )
    _record(session, endpoint, "deleted", now=now)


def rotate_secret(
    session: Session,
    organization_id: UUID,
    endpoint_id: UUID,
    *,
    secret: str,
    sealing: Sealing,
    now: datetime,
) -> WebhookEndpoint:
    """What is sent from now on is signed by ``secret``, and for 24 hours by the one before too.

    Raises NotFound. Source: CONTRACT 68, 78.
    """
    endpoint = _lock(session, organization_id, endpoint_id)
    place = place_of(organization_id, endpoint_id)
    try:
        former = sealing.open(endpoint.sealed_secret, place=place)
    except SecretKeyMissing:
        # Nobody can sign by it any more: what is sent from now on is signed by the new one alone.
        endpoint.former_secret = endpoint.former_until = None
    else:
        # Sealed anew, by the key in force: none that is older is needed for it any more.
        endpoint.former_secret = sealing.seal(former, place=place)
        endpoint.former_until = now + OLD_SECRET_HOLDS
    endpoint.sealed_secret = sealing.seal(secret, place=place)
    session.add(endpoint)
    _record(session, endpoint, "secret_rotated", now=now)
    return endpoint


def get_endpoint(session: Session, organization_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    """The endpoint, unless it is deleted. Raises NotFound."""
    return _require(stored_endpoints.find_endpoint(session, organization_id, endpoint_id))


def disable(session: Session, endpoint: WebhookEndpoint, *, now: datetime) -> None:
    """The endpoint failed for too long: it is told of nothing until somebody enables it again.

    The owners of its organization are told so by mail.
    """
    endpoint.enabled = False
    endpoint.disabled_at = now
    session.add(endpoint)
    _stop(session, endpoint, reason="The endpoint failed for days and was disabled.", now=now)
    _record(session, endpoint, "disabled", now=now)
    mails.queue_disabled(session, endpoint, now=now)


def _stop(session: Session, endpoint: WebhookEndpoint, *, reason: str, now: datetime) -> None:
    stored_deliveries.give_up_pending(
        session, endpoint.organization_id, endpoint.id, reason=reason, now=now
    )


def _lock(session: Session, organization_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    return _require(stored_endpoints.lock_endpoint(session, organization_id, endpoint_id))


def _require(found: WebhookEndpoint | None) -> WebhookEndpoint:
    if found is None or found.deleted_at is not None:
        raise not_found("Endpoint")
    return found


def _record(session: Session, endpoint: WebhookEndpoint, done: str, *, now: datetime) -> None:
    session.flush()
    record(
        session,
        endpoint.organization_id,
        f"webhook_endpoint.{done}",
        "webhook_endpoint",
        endpoint.id,
        after={"url": endpoint.url, "events": endpoint.events, "enabled": endpoint.enabled},
        now=now,
    )
