"""What happened to subscriptions: the past half of their timelines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from billing.timeline import Happening
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription, SubscriptionAction
from repositories.asynchronous.prefetched import prefetchable


def insert_action(
    session: Session,
    subscription: Subscription,
    action: Happening,
    *,
    at: datetime,
    recorded_at: datetime,
    period_index: int | None = None,
    invoice_id: UUID | None = None,
    detail: str | None = None,
) -> None:
    """Record that something happened to a subscription."""
    session.add(
        SubscriptionAction(
            organization_id=subscription.organization_id,
            subscription_id=subscription.id,
            at=at,
            action=action,
            period_index=period_index,
            invoice_id=invoice_id,
            detail=detail,
            recorded_at=recorded_at,
        )
    )


def find_last_action(
    session: Session, subscription: Subscription, action: Happening, *, after: datetime
) -> SubscriptionAction | None:
    """The newest of what happened to a subscription by that name, later than an instant."""
    return session.exec(
        select(SubscriptionAction)
        .where(
            SubscriptionAction.organization_id == subscription.organization_id,
            SubscriptionAction.subscription_id == subscription.id,
            SubscriptionAction.action == action,
            col(SubscriptionAction.at) > after,
        )
        .order_by(col(SubscriptionAction.at).desc(), col(SubscriptionAction.id).desc())
        .limit(1)
    ).first()


@prefetchable
def list_actions(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> Sequence[SubscriptionAction]:
    """What happened to a subscription, in the order of its instants."""
    return session.exec(
        select(SubscriptionAction)
        .where(
            SubscriptionAction.organization_id == organization_id,
            SubscriptionAction.subscription_id == subscription_id,
        )
        .order_by(col(SubscriptionAction.at), col(SubscriptionAction.id))
    ).all()


@prefetchable
def list_broken_einvoices(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> dict[UUID, list[dict[str, Any]]]:
    """What a subscription's invoices broke of the rules of e-invoices when they became final.

    Those that kept EN 16931 are not among them.
    """
    found = session.exec(
        select(Invoice.id, Invoice.einvoice).where(
            Invoice.organization_id == organization_id,
            Invoice.subscription_id == subscription_id,
            col(Invoice.einvoice)["valid"].astext == "false",
        )
    )
    return {one: einvoice["problems"] for one, einvoice in found if einvoice is not None}
