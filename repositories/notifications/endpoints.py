"""Webhook endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.notifications.webhooks import WebhookEndpoint
from repositories.asynchronous.document_reads import DocumentRead, PageRead


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEndpoint:
    """An endpoint as it is listed; its secrets stay where they are."""

    id: UUID
    url: str
    events: list[str]
    description: str | None
    enabled: bool
    failing_since: datetime | None
    disabled_at: datetime | None
    created_at: datetime


ENDPOINT_PAGES: Final = PageRead(
    read=DocumentRead(
        """
        SELECT asked.place, json_build_object(
            'id', endpoint.id,
            'url', endpoint.url,
            'events', endpoint.events,
            'description', endpoint.description,
            'enabled', endpoint.enabled,
            'failing_since', endpoint.failing_since,
            'disabled_at', endpoint.disabled_at,
            'created_at', endpoint.created_at
        ) AS document
        FROM asked JOIN webhook_endpoint AS endpoint
            ON endpoint.organization_id = tenant.id AND endpoint.id = asked.id""",
        ShownEndpoint,
    ),
    table="webhook_endpoint",
    listed="deleted_at IS NULL",
)


def insert_endpoint(session: Session, endpoint: WebhookEndpoint) -> None:
    """Store a new endpoint."""
    session.add(endpoint)
    session.flush()


def find_endpoint(
    session: Session, organization_id: UUID, endpoint_id: UUID
) -> WebhookEndpoint | None:
    """The endpoint, or None. Deleted ones are included: their deliveries stay readable."""
    return session.get(WebhookEndpoint, (organization_id, endpoint_id))


def lock_endpoint(
    session: Session, organization_id: UUID, endpoint_id: UUID
) -> WebhookEndpoint | None:
    """The endpoint with its row locked, or None. Deleted ones are included."""
    return session.exec(
        select(WebhookEndpoint)
        .where(
            WebhookEndpoint.organization_id == organization_id, WebhookEndpoint.id == endpoint_id
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def count_endpoints(session: Session, organization_id: UUID) -> int:
    """How many endpoints there are that are not deleted."""
    return session.exec(
        select(func.count())
        .select_from(WebhookEndpoint)
        .where(
            WebhookEndpoint.organization_id == organization_id,
            col(WebhookEndpoint.deleted_at).is_(None),
        )
    ).one()


def list_listening(session: Session, organization_ids: Sequence[UUID]) -> Sequence[WebhookEndpoint]:
    """Every endpoint of these organizations that is told of anything."""
    return session.exec(
        select(WebhookEndpoint)
        .where(
            col(WebhookEndpoint.organization_id).in_(organization_ids),
            col(WebhookEndpoint.enabled),
            col(WebhookEndpoint.deleted_at).is_(None),
        )
        .order_by(col(WebhookEndpoint.created_at), col(WebhookEndpoint.id))
    ).all()


def has_listening(session: Session, organization_id: UUID) -> bool:
    """Whether the organization has an endpoint that is told of anything."""
    found = session.exec(
        select(WebhookEndpoint.id)
        .where(
            WebhookEndpoint.organization_id == organization_id,
            col(WebhookEndpoint.enabled),
            col(WebhookEndpoint.deleted_at).is_(None),
        )
        .limit(1)
    ).first()
    return found is not None


def lock_failing_endpoint(
    session: Session, organization_id: UUID, endpoint_id: UUID
) -> WebhookEndpoint | None:
    """The endpoint with its row locked if its last try failed, else None, and nothing is locked."""
    return session.exec(
        select(WebhookEndpoint)
        .where(
            WebhookEndpoint.organization_id == organization_id,
            WebhookEndpoint.id == endpoint_id,
            col(WebhookEndpoint.failing_since).is_not(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
