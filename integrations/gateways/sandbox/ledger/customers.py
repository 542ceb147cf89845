"""Customers of the sandbox gateway: the method that each saved, and how it last ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from billing.errors import NotFound
from integrations.gateways.sandbox.ledger.books import new_reference
from integrations.gateways.sandbox.ledger.tables import Outcome, customer
from integrations.gateways.sandbox.wire import MethodTold


def remember(
    connection: Connection, account_id: UUID, customer_id: UUID, outcome: Outcome, *, now: datetime
) -> str:
    """The reference of the customer's method, which ends like this from now on."""
    is_it = _is(account_id, customer_id)
    found: str | None = connection.execute(
        select(customer.c.method_reference).where(is_it).with_for_update()
    ).scalar_one_or_none()
    if found is not None:
        connection.execute(update(customer).where(is_it).values(outcome=outcome, updated_at=now))
        return found
    reference = new_reference("pm")
    connection.execute(
        insert(customer).values(
            account_id=account_id,
            customer_id=customer_id,
            method_reference=reference,
            outcome=outcome,
            updated_at=now,
        )
    )
    return reference


def require_method(connection: Connection, account_id: UUID, reference: str) -> Row[Any]:
    """The customer whose method it is. Raises NotFound."""
    found = connection.execute(
        select(customer).where(
            customer.c.account_id == account_id, customer.c.method_reference == reference
        )
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such method.")
    return found


def forget(connection: Connection, account_id: UUID, reference: str) -> None:
    """Nobody has the method any more. Repeatable."""
    connection.execute(
        delete(customer).where(
            customer.c.account_id == account_id, customer.c.method_reference == reference
        )
    )


def count_declined(connection: Connection, account_id: UUID, customer_id: UUID) -> None:
    """The plan has declined one more payment of the customer."""
    connection.execute(
        update(customer)
        .where(_is(account_id, customer_id))
        .values(declined_count=customer.c.declined_count + 1)
    )


def find_customer(connection: Connection, account_id: UUID, customer_id: UUID) -> Row[Any]:
    """The customer, who has a method."""
    return connection.execute(select(customer).where(_is(account_id, customer_id))).one()


def method_told(customer_id: UUID, method_reference: str) -> MethodTold:
    """The customer's method as the gateway tells it."""
    return MethodTold(
        customer=f"cus_{customer_id.hex}",
        id=method_reference,
        label="Sandbox card ending in 4242",
    )


def _is(account_id: UUID, customer_id: UUID) -> ColumnElement[bool]:
    return (customer.c.account_id == account_id) & (customer.c.customer_id == customer_id)
