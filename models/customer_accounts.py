"""A customer's account: what was paid and what bills below zero left, until bills take it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.base import exact, instant, reference, words


class CustomerAccount(SQLModel, table=True):
    """One customer's account in one currency. Its row lock makes postings come one by one.

    ``owed_amount`` is what went back of credit that the customer had spent, since ``owed_since``;
    the next credit is taken for it. ``written_off_amount`` of it was given up as bad debt since.
    """

    __tablename__ = "customer_account"
    __table_args__ = (
        reference("customer_id", "customer"),
        CheckConstraint("owed_amount >= 0", name="owed_amount"),
        CheckConstraint("(owed_amount = 0) = (owed_since IS NULL)", name="owed_since"),
        CheckConstraint("written_off_amount >= 0", name="written_off_amount"),
        Index(
            "ix_customer_account_owed",
            "organization_id",
            "customer_id",
            postgresql_where=text("owed_amount > 0"),
        ),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    customer_id: UUID = Field(primary_key=True)
    currency: str = Field(primary_key=True, sa_type=Text)
    owed_amount: Decimal = exact(server_default="0", default=Decimal(0))
    owed_since: datetime | None = instant(nullable=True, default=None)
    written_off_amount: Decimal = exact(server_default="0", default=Decimal(0))


class AccountPosting(SQLModel, table=True):
    """One movement of an account: ``amount`` on it, and as much less on the document's side.

    Append-only. Each row begins at the balance where the one before it ended, and no balance is
    below zero, so no more can be granted than stands there, whoever writes. ``key`` is what the
    movement does to which document: a repeat changes nothing.
    """

    __tablename__ = "account_posting"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "customer_id", "currency"],
            [
                "customer_account.organization_id",
                "customer_account.customer_id",
                "customer_account.currency",
            ],
            name="fk_account_posting_account",
        ),
        ForeignKeyConstraint(
            [
                "organization_id",
                "customer_id",
                "currency",
                "follows",
                "balance_before",
            ],
            [
                "account_posting.organization_id",
                "account_posting.customer_id",
                "account_posting.currency",
                "account_posting.sequence",
                "account_posting.balance_after",
            ],
            name="fk_account_posting_chain",
        ),
        reference("invoice_id", "invoice"),
        reference("credit_note_id", "credit_note"),
        reference("payment_id", "payment"),
        reference("refund_id", "refund"),
        UniqueConstraint(
            "organization_id",
            "customer_id",
            "currency",
            "sequence",
            "balance_after",
            name="uq_account_posting_balance",
        ),
        UniqueConstraint("organization_id", "key", name="uq_account_posting_key"),
        CheckConstraint("balance_after = balance_before + amount", name="sum"),
        CheckConstraint("balance_after >= 0", name="balance"),
        CheckConstraint("amount <> 0 OR kind = 'opened'", name="amount"),
        CheckConstraint("sequence >= 1", name="sequence"),
        CheckConstraint(
            "CASE WHEN sequence = 1 THEN follows IS NULL AND balance_before = 0"
            " ELSE follows IS NOT NULL AND follows = sequence - 1 END",
            name="chain",
        ),
        CheckConstraint(
            "kind IN ('opened', 'carried', 'granted', 'returned', 'credited', 'paid', 'applied',"
            " 'unapplied', 'refunded', 'refund_failed', 'written_off', 'restored', 'recovered',"
            " 'owed', 'settled', 'fee', 'fee_taken')",
            name="kind",
        ),
        Index("ix_account_posting_at", "organization_id", "at"),
        Index("ix_account_posting_invoice", "organization_id", "invoice_id"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    customer_id: UUID = Field(primary_key=True)
    currency: str = Field(primary_key=True, sa_type=Text)
    sequence: int = Field(primary_key=True)
    follows: int | None = None
    key: str = words()
    kind: str = words()
    amount: Decimal = exact()
    balance_before: Decimal = exact()
    balance_after: Decimal = exact()
    invoice_id: UUID | None = None
    credit_note_id: UUID | None = None
    payment_id: UUID | None = None
    refund_id: UUID | None = None
    at: datetime = instant()
    created_at: datetime = instant()
