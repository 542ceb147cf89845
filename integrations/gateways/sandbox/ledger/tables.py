"""The tables of the sandbox gateway's own books, in a schema of their own.

They hold on PostgreSQL and on SQLite alike. Amounts are integers in minor units of their currency.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    text,
)

SCHEMA: Final = "sandbox_gateway"

metadata: Final = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    },
)


class Outcome(StrEnum):
    """How a payment ends, by the button that is pressed on the page."""

    SUCCESS = "success"
    FAILURE = "failure"
    DECLINED_FOR_GOOD = "declined_for_good"
    PENDING = "pending"
    UNKNOWN = "unknown"
    """It succeeds, and the answer is lost."""


class DisputeStatus(StrEnum):
    """How far a dispute is."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Instant(TypeDecorator[datetime]):
    """An aware instant. SQLite has none: there it is the text of one in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The instant as the database takes it."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """The instant as it was stored."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _belongs_to_account() -> Column[object]:
    return Column("account_id", Uuid, ForeignKey(f"{SCHEMA}.account.id"), nullable=False)


def _instant(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, Instant, nullable=nullable)


account: Final = Table(
    "account",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("key_hash", Text, nullable=False),
    Column("webhook_secret", Text, nullable=False),
    Column("webhook_url", Text, nullable=False),
    _instant("created_at"),
    PrimaryKeyConstraint("id"),
)

customer: Final = Table(
    "customer",
    metadata,
    _belongs_to_account(),
    Column("customer_id", Uuid, nullable=False),
    Column("method_reference", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("declined_count", Integer, nullable=False, server_default="0"),
    _instant("updated_at"),
    PrimaryKeyConstraint("account_id", "customer_id"),
    UniqueConstraint("method_reference", name="uq_customer_method_reference"),
    CheckConstraint(
        "outcome IN ('success', 'failure', 'declined_for_good', 'pending', 'unknown')",
        name="outcome",
    ),
)

link: Final = Table(
    "link",
    metadata,
    Column("id", Text, nullable=False),
    _belongs_to_account(),
    Column("token", Text, nullable=False),
    Column("organization_id", Uuid, nullable=False),
    Column("invoice_id", Uuid, nullable=False),
    Column("invoice_number", Text, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("return_url", Text, nullable=True),
    _instant("expired_at", nullable=True),
    _instant("created_at"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("token", name="uq_link_token"),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
)

payment: Final = Table(
    "payment",
    metadata,
    Column("id", Text, nullable=False),
    _belongs_to_account(),
    Column("link_id", Text, ForeignKey(f"{SCHEMA}.link.id"), nullable=True),
    Column("turn", Integer, nullable=False, server_default="0"),
    Column("key", Text, nullable=True),
    Column("organization_id", Uuid, nullable=False),
    Column("invoice_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False, server_default="0"),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("method_reference", Text, nullable=True),
    Column("error_code", Text, nullable=True),
    Column("error", Text, nullable=True),
    Column("is_declined_for_good", Boolean, nullable=False, server_default=text("false")),
    _instant("resolves_at", nullable=True),
    _instant("created_at"),
    _instant("at"),
    PrimaryKeyConstraint("id"),
    # One for each key: what is asked again is never charged again.
    UniqueConstraint("account_id", "key", name="uq_payment_key"),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="refunded_minor"),
    CheckConstraint("refunded_minor = 0 OR status = 'succeeded'", name="refunded"),
    CheckConstraint("status IN ('pending', 'succeeded', 'failed')", name="status"),
    CheckConstraint("(status = 'pending') = (resolves_at IS NOT NULL)", name="resolves_at"),
)

# A link is paid once. A second payment takes another turn, which only a fault gives.
Index(
    "uq_payment_link",
    payment.c.link_id,
    payment.c.turn,
    unique=True,
    postgresql_where=text("status <> 'failed'"),
    sqlite_where=text("status <> 'failed'"),
)
Index("ix_payment_listed", payment.c.link_id, payment.c.created_at)
Index(
    "ix_payment_resolves_at",
    payment.c.resolves_at,
    postgresql_where=text("status = 'pending'"),
    sqlite_where=text("status = 'pending'"),
)

refund: Final = Table(
    "refund",
    metadata,
    Column("id", Text, nullable=False),
    _belongs_to_account(),
    Column("payment_id", Text, ForeignKey(f"{SCHEMA}.payment.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("error", Text, nullable=True),
    _instant("at"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("account_id", "key", name="uq_refund_key"),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    CheckConstraint("status IN ('succeeded', 'failed')", name="status"),
)

dispute: Final = Table(
    "dispute",
    metadata,
    Column("id", Text, nullable=False),
    _belongs_to_account(),
    Column("payment_id", Text, ForeignKey(f"{SCHEMA}.payment.id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=True),
    _instant("at"),
    PrimaryKeyConstraint("id"),
    # A payment is called back once.
    UniqueConstraint("payment_id", name="uq_dispute_payment_id"),
    CheckConstraint("status IN ('open', 'won', 'lost')", name="status"),
)

answer: Final = Table(
    "answer",
    metadata,
    _belongs_to_account(),
    Column("key", Text, nullable=False),
    Column("request_hash", Text, nullable=False),
    Column("body", Text, nullable=False),
    _instant("created_at"),
    PrimaryKeyConstraint("account_id", "key"),
)

webhook: Final = Table(
    "webhook",
    metadata,
    Column("id", Uuid, nullable=False),
    _belongs_to_account(),
    Column("event_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("is_forged", Boolean, nullable=False, server_default=text("false")),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _instant("due_at", nullable=True),
    _instant("created_at"),
    PrimaryKeyConstraint("id"),
)

Index(
    "ix_webhook_due_at",
    webhook.c.due_at,
    postgresql_where=text("due_at IS NOT NULL"),
    sqlite_where=text("due_at IS NOT NULL"),
)

fault_plan: Final = Table(
    "fault_plan",
    metadata,
    _belongs_to_account(),
    Column("subject", Text, nullable=False),
    Column("faults", Text, nullable=False),
    PrimaryKeyConstraint("account_id", "subject"),
)
