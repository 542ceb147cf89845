"""What gateways are still to be asked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text

from models.base import Tenant, instant, reference, words


class GatewayTask(Tenant, table=True):
    """Something to ask a gateway about a link, a refund or an event, queued with the fact itself.

    A pending one is due at ``next_attempt_at``; while somebody asks, that is when it would be asked
    again if nobody said what became of it. ``attempts`` counts those that were begun.
    """

    __tablename__ = "gateway_task"
    __table_args__ = (
        reference("connection_id", "connection"),
        UniqueConstraint("organization_id", "kind", "subject_id", name="uq_gateway_task_key"),
        CheckConstraint(
            "kind IN ('open_link', 'renew_link', 'close_link', 'refund', 'event', 'forget_method')",
            name="kind",
        ),
        CheckConstraint("status IN ('pending', 'done', 'failed')", name="status"),
        CheckConstraint("(status = 'pending') = (next_attempt_at IS NOT NULL)", name="due"),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index(
            "ix_gateway_task_due",
            "connection_id",
            "next_attempt_at",
            "id",
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "ix_gateway_task_next",
            "next_attempt_at",
            postgresql_where=text("status = 'pending'"),
        ),
    )

    connection_id: UUID
    kind: str = words()
    subject_id: UUID
    status: str = words()
    attempts: int = 0
    next_attempt_at: datetime | None = instant(nullable=True, default=None)
    error: str | None = words(nullable=True, default=None)
    created_at: datetime = instant()
