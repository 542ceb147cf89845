"""Alerts and spending caps (docs/concepts/alerts.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlmodel import Session

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.credits.alerts import (
    AlertCreate,
    AlertCrossingView,
    AlertView,
    view_alert,
    view_crossing,
)
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from models.notifications.alerts import Alert
from repositories import customers
from services.rating.alerts import rules

router = Router(prefix="/alerts", tags=["Credits"])


@router.post("", status_code=201, response_model=AlertView)
def create_alert(
    body: AlertCreate, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Watch what a customer or a subscription spends, uses or has left."""
    created = rules.create_alert(
        session, principal.organization_id, body.command(), now=context.now()
    )
    [shown] = _view(session, [created])
    return respond(shown, 201)


@router.get("", response_model=PageOf[AlertView])
def list_alerts(
    session: ReadSession,
    principal: Reader,
    page: PageDep,
    customer_id: Annotated[UUID | None, Query(description="Of this customer alone.")] = None,
) -> Response:
    """List what is watched, oldest first."""
    found, total = rules.list_alerts(
        session,
        principal.organization_id,
        customer_id=customer_id,
        offset=page.offset,
        limit=page.size,
    )
    return respond(envelope(_view(session, found), page, total))


@router.get("/{alert_id}/crossings", response_model=PageOf[AlertCrossingView])
def list_alert_crossings(
    alert_id: UUID, session: ReadSession, principal: Reader, page: PageDep
) -> Response:
    """List the times that an alert was reached, oldest first."""
    found, total = rules.list_crossings(
        session, principal.organization_id, alert_id, offset=page.offset, limit=page.size
    )
    return respond(envelope([view_crossing(one) for one in found], page, total))


@router.delete("/{alert_id}", status_code=204)
def end_alert(
    alert_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """End an alert: it tells nothing any more, and blocks nothing."""
    rules.end_alert(session, principal.organization_id, alert_id, now=context.now())
    return Response(status_code=204)


def _view(session: Session, found: Sequence[Alert]) -> list[AlertView]:
    """The alerts as the API shows them, with the names of their customers."""
    buyers = customers.list_by_key(session, [_buyer(one) for one in found])
    return [view_alert(one, customer_name=buyers[_buyer(one)].name) for one in found]


def _buyer(alert: Alert) -> tuple[UUID, UUID]:
    return alert.organization_id, alert.customer_id
