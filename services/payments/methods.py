"""Methods that customers saved at gateways: found to be charged, forgotten when asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.payments.gateways import Gateway, SavedMethod
from billing.payments.states import TaskKind
from models.payments.links import PaymentMethod
from repositories.payments import connections as stored_connections
from repositories.payments import links as stored_links
from repositories.payments.tasks import TakenTask
from repositories.transactions import Transactions
from services.audit_log import record
from services.payments import tasks
from services.payments.tasks import Execute, Subject
from services.required import not_found

GatewayFor = Callable[[Session, TakenTask], Gateway]
"""Who is asked about a task."""


def find_usable_method(
    session: Session, organization_id: UUID, customer_id: UUID
) -> PaymentMethod | None:
    """What the customer's invoices can be charged to now, None if there is nothing.

    It is of the newest connection that lives, and was not declined for good.
    """
    return stored_links.find_usable(session, organization_id, customer_id)


def forget_methods(
    session: Session, organization_id: UUID, customer_id: UUID, *, now: datetime
) -> None:
    """Nothing is charged to what the customer saved, and gateways are asked to forget it.

    Each row stays until its gateway has. Where the connection was deleted nobody can be asked.
    """
    for method in stored_links.list_methods(session, organization_id, customer_id):
        connection = stored_connections.find_connection(
            session, organization_id, method.connection_id
        )
        if connection is None or connection.deleted_at is not None:
            session.delete(method)
            continue
        method.is_usable = False
        session.add(method)
        about = Subject(organization_id=organization_id, connection_id=connection.id, id=method.id)
        tasks.queue(session, TaskKind.FORGET_METHOD, [about], now=now)
    session.flush()


def drop_method(session: Session, organization_id: UUID, method_id: UUID) -> None:
    """The method is gone here as well. Repeatable."""
    method = stored_links.lock_method(session, organization_id, method_id)
    if method is not None:
        session.delete(method)
        session.flush()


def delete_method(
    session: Session, organization_id: UUID, customer_id: UUID, method_id: UUID, *, now: datetime
) -> None:
    """Nothing is charged to the method any more. Raises NotFound."""
    method = stored_links.lock_method(session, organization_id, method_id)
    if method is None or method.customer_id != customer_id:
        raise not_found("Payment method")
    session.delete(method)
    session.flush()
    record(
        session,
        organization_id,
        "payment_method.deleted",
        "payment_method",
        method_id,
        after={"customer_id": customer_id},
        now=now,
    )


async def forget_method(
    transactions: Transactions, gateway_for: GatewayFor, task: TakenTask, execute: Execute
) -> None:
    """Nothing can be charged to the method, there or here, and no row is left of it. Repeatable.

    Raises Unavailable, Rejected.
    """

    def read() -> tuple[Gateway, SavedMethod] | None:
        with transactions.for_organization(task.organization_id) as session:
            row = stored_links.lock_method(session, task.organization_id, task.subject_id)
            if row is None:
                return None
            return gateway_for(session, task), SavedMethod(
                customer_reference=row.customer_reference,
                method_reference=row.method_reference,
                label=row.label,
            )

    def drop() -> None:
        with transactions.for_organization(task.organization_id) as session:
            drop_method(session, task.organization_id, task.subject_id)

    asked = await execute(read)
    if asked is None:
        return
    gateway, method = asked
    await gateway.forget_method(method)
    await execute(drop)
