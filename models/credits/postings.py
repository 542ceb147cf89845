"""Postings: every movement of credit, and what it leaves of its grant."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.base import exact, instant, new_id, reference, words


class CreditPosting(SQLModel, table=True):
    """One movement of a grant: ``amount`` on it, and as much less on the other side.

    Append-only. Each row begins at the rest where the grant's one before it ended, and no rest is
    below zero or above what was granted, so no more can be drawn than there is, whoever writes.
    ``key`` is what the movement is: a repeat changes nothing. ``position`` counts the postings of
    the wallet, and ``balance_after`` is the sum of them up to this one, net of holds.
    """

    __tablename__ = "credit_posting"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "grant_id", "customer_id", "unit", "grant_amount"],
            [
                "credit_grant.organization_id",
                "credit_grant.id",
                "credit_grant.customer_id",
                "credit_grant.unit",
                "credit_grant.amount",
            ],
            name="fk_credit_posting_grant",
        ),
        ForeignKeyConstraint(
            ["organization_id", "grant_id", "follows", "rest_before"],
            [
                "credit_posting.organization_id",
                "credit_posting.grant_id",
                "credit_posting.sequence",
                "credit_posting.rest_after",
            ],
            name="fk_credit_posting_chain",
        ),
        ForeignKeyConstraint(
            ["organization_id", "invoice_id", "line_position"],
            [
                "invoice_line.organization_id",
                "invoice_line.invoice_id",
                "invoice_line.position",
            ],
            name="fk_credit_posting_line",
        ),
        reference("invoice_id", "invoice"),
        reference("credit_note_id", "credit_note"),
        reference("hold_id", "credit_hold"),
        UniqueConstraint(
            "organization_id", "grant_id", "sequence", "rest_after", name="uq_credit_posting_rest"
        ),
        UniqueConstraint("organization_id", "key", name="uq_credit_posting_key"),
        UniqueConstraint(
            "organization_id", "customer_id", "unit", "position", name="uq_credit_posting_position"
        ),
        CheckConstraint("rest_after = rest_before + amount", name="sum"),
        CheckConstraint("rest_after BETWEEN 0 AND grant_amount", name="rest"),
        CheckConstraint("balance_after >= 0", name="balance"),
        CheckConstraint("sequence >= 1 AND position >= 1", name="sequence"),
        CheckConstraint(
            "CASE WHEN sequence = 1 THEN follows IS NULL AND rest_before = 0 AND kind = 'granted'"
            " ELSE follows IS NOT NULL AND follows = sequence - 1 AND kind <> 'granted' END",
            name="chain",
        ),
        CheckConstraint(
            "CASE kind"
            " WHEN 'granted' THEN amount = grant_amount"
            " WHEN 'returned' THEN amount > 0"
            " WHEN 'released' THEN amount > 0 AND hold_id IS NOT NULL"
            " WHEN 'held' THEN amount < 0 AND hold_id IS NOT NULL"
            " WHEN 'drawn' THEN amount < 0 AND (invoice_id IS NOT NULL OR hold_id IS NOT NULL)"
            " WHEN 'rolled' THEN amount < 0"
            " WHEN 'expired' THEN amount <= 0"
            " WHEN 'refunded' THEN amount <= 0"
            " ELSE false END",
            name="kind",
        ),
        CheckConstraint("line_position IS NULL OR invoice_id IS NOT NULL", name="line"),
        Index(
            "ix_credit_posting_invoice",
            "organization_id",
            "invoice_id",
            postgresql_where=text("invoice_id IS NOT NULL"),
        ),
        Index(
            "ix_credit_posting_at",
            "organization_id",
            "at",
            postgresql_where=text("kind IN ('drawn', 'returned', 'expired')"),
        ),
        Index(
            "ix_credit_posting_hold",
            "organization_id",
            "hold_id",
            postgresql_where=text("hold_id IS NOT NULL"),
        ),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    grant_id: UUID = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    follows: int | None = None
    id: UUID = Field(default_factory=new_id)
    customer_id: UUID
    unit: str = Field(sa_type=Text)
    position: int
    key: str = words()
    kind: str = words()
    grant_amount: Decimal = exact()
    amount: Decimal = exact()
    rest_before: Decimal = exact()
    rest_after: Decimal = exact()
    balance_after: Decimal = exact()
    invoice_id: UUID | None = None
    line_position: int | None = None
    credit_note_id: UUID | None = None
    hold_id: UUID | None = None
    at: datetime = instant()
    booked_at: datetime = instant()
