"""Payment links, and methods that customers saved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, literal, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.payments.states import LinkStatus, TaskKind, TaskStatus
from models.payments.connections import Connection
from models.payments.links import PaymentLink, PaymentMethod
from models.payments.tasks import GatewayTask


def find_link(session: Session, organization_id: UUID, link_id: UUID) -> PaymentLink | None:
    """The link, or None."""
    return session.get(PaymentLink, (organization_id, link_id))


def lock_link(session: Session, organization_id: UUID, link_id: UUID) -> PaymentLink | None:
    """The link with its row locked. Its invoice is locked before it."""
    return session.exec(
        select(PaymentLink)
        .where(PaymentLink.organization_id == organization_id, PaymentLink.id == link_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def find_live(session: Session, organization_id: UUID, invoice_id: UUID) -> PaymentLink | None:
    """The invoice's link that is made or open, or None."""
    return session.exec(
        select(PaymentLink).where(
            PaymentLink.organization_id == organization_id,
            PaymentLink.invoice_id == invoice_id,
            PaymentLink.status != LinkStatus.CLOSED,
        )
    ).one_or_none()


def list_closing(
    session: Session, organization_id: UUID, invoice_id: UUID
) -> Sequence[PaymentLink]:
    """The links of the invoice whose pages are to be ended, and may not be yet."""
    return session.exec(
        select(PaymentLink)
        .join(
            GatewayTask,
            (col(GatewayTask.organization_id) == PaymentLink.organization_id)
            & (col(GatewayTask.subject_id) == PaymentLink.id),
        )
        .where(
            PaymentLink.organization_id == organization_id,
            PaymentLink.invoice_id == invoice_id,
            GatewayTask.kind == TaskKind.CLOSE_LINK,
            GatewayTask.status == TaskStatus.PENDING,
        )
        .order_by(col(PaymentLink.sequence))
    ).all()


def find_last_sequence(session: Session, organization_id: UUID, invoice_id: UUID) -> int:
    """The number of the invoice's last link, 0 if it had none."""
    return session.exec(
        select(func.coalesce(func.max(PaymentLink.sequence), 0)).where(
            PaymentLink.organization_id == organization_id, PaymentLink.invoice_id == invoice_id
        )
    ).one()


def save_method(session: Session, method: PaymentMethod, *, has_worked: bool) -> None:
    """The customer's method at this connection is this one.

    It is usable again if it is another one, or has worked. Told again as it is, it keeps its
    ``updated_at``: a charge that began before charges what it meant to.
    """
    statement = insert(PaymentMethod).values(method.model_dump())
    given = statement.excluded
    is_same = col(PaymentMethod.method_reference) == given.method_reference
    is_as_it_was = (
        is_same
        & (col(PaymentMethod.customer_reference) == given.customer_reference)
        & (col(PaymentMethod.is_usable) | ~literal(has_worked))
    )
    session.execute(
        statement.on_conflict_do_update(
            constraint="uq_payment_method_customer",
            set_={
                "customer_reference": given.customer_reference,
                "method_reference": given.method_reference,
                "label": given.label,
                "is_usable": col(PaymentMethod.is_usable) | ~is_same | literal(has_worked),
                "updated_at": case(
                    (is_as_it_was, col(PaymentMethod.updated_at)), else_=given.updated_at
                ),
            },
        )
    )


def mark_unusable(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    connection_id: UUID,
    *,
    charged_since: datetime,
    now: datetime,
) -> None:
    """The customer's method at this connection was declined for good.

    One that was saved after the charge began is another one, of which nothing is known.
    """
    session.execute(
        update(PaymentMethod)
        .where(
            col(PaymentMethod.organization_id) == organization_id,
            col(PaymentMethod.customer_id) == customer_id,
            col(PaymentMethod.connection_id) == connection_id,
            col(PaymentMethod.updated_at) <= charged_since,
        )
        .values(is_usable=False, updated_at=now)
    )


def find_usable(session: Session, organization_id: UUID, customer_id: UUID) -> PaymentMethod | None:
    """The method of the customer that can be charged: at the newest connection that lives."""
    return session.exec(
        select(PaymentMethod)
        .join(
            Connection,
            (col(Connection.organization_id) == PaymentMethod.organization_id)
            & (col(Connection.id) == PaymentMethod.connection_id),
        )
        .where(
            PaymentMethod.organization_id == organization_id,
            PaymentMethod.customer_id == customer_id,
            col(PaymentMethod.is_usable),
            col(Connection.deleted_at).is_(None),
        )
        .order_by(col(Connection.created_at).desc(), col(Connection.id).desc())
        .limit(1)
    ).first()


def list_methods(
    session: Session, organization_id: UUID, customer_id: UUID
) -> Sequence[PaymentMethod]:
    """The methods of the customer, the oldest first."""
    return session.exec(
        select(PaymentMethod)
        .where(
            PaymentMethod.organization_id == organization_id,
            PaymentMethod.customer_id == customer_id,
        )
        .order_by(col(PaymentMethod.created_at), col(PaymentMethod.id))
    ).all()


def lock_method(session: Session, organization_id: UUID, method_id: UUID) -> PaymentMethod | None:
    """The method with its row locked, or None."""
    return session.exec(
        select(PaymentMethod)
        .where(PaymentMethod.organization_id == organization_id, PaymentMethod.id == method_id)
        .with_for_update()
    ).one_or_none()
