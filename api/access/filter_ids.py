"""Filters by ids: an id of somebody else, or of nobody, is 404 on every route (CONTRACT 97)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from sqlmodel import Session

from api.transport.urls.natural_keys import read_id
from billing.errors import NotFound
from repositories.accounts.api_keys import find_api_key
from repositories.catalog.meters import find_meter
from repositories.customers import find_customer
from repositories.invoicing.invoices import find_invoice
from repositories.notifications.endpoints import find_endpoint
from repositories.payments.connections import find_connection
from repositories.subscriptions.clocks import find_clock
from repositories.subscriptions.subscriptions import find_subscription

FIND: Final[Mapping[str, Callable[[Session, UUID, UUID], object | None]]] = {
    "api_key_id": find_api_key,
    "connection_id": find_connection,
    "customer_id": find_customer,
    "endpoint_id": find_endpoint,
    "invoice_id": find_invoice,
    "meter_id": find_meter,
    "subscription_id": find_subscription,
    "test_clock_id": find_clock,
}
"""By the parameter's name. Deleted things are found: what belongs to them stays readable."""


def filters_by_id(query: Mapping[str, str]) -> bool:
    """Whether the query filters by an id at all, or only by what needs no looking up."""
    return not FIND.keys().isdisjoint(query)


def require_known_ids(session: Session, organization_id: UUID, query: Mapping[str, str]) -> None:
    """Return if there is whatever the query filters by. Raises NotFound.

    What is no id is left to the route, which refuses it.
    """
    for parameter, find in FIND.items():
        filtered_by = read_id(query.get(parameter, ""))
        if filtered_by is not None and find(session, organization_id, filtered_by) is None:
            noun = parameter.removesuffix("_id")
            words = noun.replace("_", " ").capitalize()
            raise NotFound(f"{words} not found.", code=f"{noun}_not_found", field=parameter)
