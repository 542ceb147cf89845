"""Tokens that open a customer's portal for an hour, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from repositories.accounts import organizations as stored_organizations
from repositories.natural_keys import find_customer_id
from repositories.transactions import Transactions
from services.accounts.credentials import Security, WidgetClaims
from services.required import not_found

LIFETIME: Final = timedelta(hours=1)
LONGEST_TOKEN: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class WidgetToken:
    """A token, and when it opens nothing any more."""

    token: str
    expires_at: datetime


def issue_token(
    session: Session,
    organization_id: UUID,
    external_id: str,
    *,
    security: Security,
    now: datetime,
) -> WidgetToken:
    """A token for the portal of the customer known by this external id. Raises NotFound.

    Nothing is stored: the token is signed. Source: CONTRACT 3.8.
    """
    customer_id = find_customer_id(session, organization_id, external_id)
    if customer_id is None:
        raise not_found("Customer", field="customer_external_id")
    claims = WidgetClaims(organization_id=organization_id, customer_id=customer_id)
    seconds = int(LIFETIME.total_seconds())
    return WidgetToken(
        token=security.issue_widget_token(claims, now=now, seconds=seconds),
        expires_at=now.replace(microsecond=0) + LIFETIME,
    )


def read_token(security: Security, token: str, *, now: datetime) -> WidgetClaims:
    """Whose portal the token opens. Raises NotFound, in the same words for whatever opens none."""
    if len(token) > LONGEST_TOKEN:
        raise not_found("Page")
    claims = security.read_widget_token(token, now=now)
    if claims is None:
        raise not_found("Page")
    return claims


def find_framers(
    transactions: Transactions, security: Security, token: str
) -> tuple[str, ...] | None:
    """Who may frame what a token of ours opened before it ended; None for any other text."""
    claims = security.name_widget(token) if len(token) <= LONGEST_TOKEN else None
    if claims is None:
        return None
    with transactions.for_organization(claims.organization_id) as session:
        organization = stored_organizations.get_organization(session, claims.organization_id)
        return tuple(organization.embed_hosts)
