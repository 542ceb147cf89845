"""Webhook endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from models.notifications.webhooks import WebhookEndpoint
from repositories.pages import read_page


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


def list_endpoints(
    session: Session, organization_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[WebhookEndpoint], int]:
    """A page of endpoints that are not deleted, oldest first, and how many there are."""
    matching = select(WebhookEndpoint).where(
        WebhookEndpoint.organization_id == organization_id,
        col(WebhookEndpoint.deleted_at).is_(None),
    )
    return read_page(session, matching, offset=offset, limit=limit)


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
