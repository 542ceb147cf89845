"""Subscriptions, their periods, and the messages that wake their workflows."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlmodel import Field, SQLModel

from billing.periods import Alignment
from billing.rating.terms import VersionPolicy
from billing.subscriptions import PeriodStatus
from models.base import Tenant, document, exact, instant, reference, words
from models.subscriptions.states import LIVE_OF_INDEX


class Subscription(Tenant, table=True):
    """One customer on one plan. Its row lock orders everything that happens to it."""

    __tablename__ = "subscription"
    __table_args__ = (
        reference("customer_id", "customer"),
        reference("plan_id", "plan"),
        reference("next_plan_id", "plan", use_alter=False),
        reference("test_clock_id", "test_clock"),
        CheckConstraint(
            "status IN ('TRIAL', 'ACTIVE', 'PAST_DUE', 'PAUSED', 'CANCELED')",
            name="status",
        ),
        CheckConstraint("version_policy IN ('latest', 'pinned')", name="version_policy"),
        CheckConstraint("billing_anchor IN ('start', 'calendar')", name="billing_anchor"),
        CheckConstraint("billing_interval_count > 0", name="billing_interval_count"),
        CheckConstraint(
            "(version_policy = 'pinned') = (plan_version IS NOT NULL)",
            name="pinned_version",
        ),
        CheckConstraint("current_period_start < current_period_end", name="current_period"),
        CheckConstraint("threshold_amount > 0", name="threshold_amount"),
        CheckConstraint("(status = 'CANCELED') = (ended_at IS NOT NULL)", name="ended_at"),
        CheckConstraint(
            "jsonb_typeof(pending_change) = 'object' AND pending_change ? 'action'"
            " AND pending_change ? 'at'",
            name="pending_change",
        ),
        Index("ix_subscription_customer", "organization_id", "customer_id"),
        Index(
            "ix_subscription_plan",
            "organization_id",
            "plan_id",
            postgresql_where=text(LIVE_OF_INDEX),
        ),
        Index(
            "ix_subscription_next_plan",
            "organization_id",
            "next_plan_id",
            postgresql_where=text(f"{LIVE_OF_INDEX} AND next_plan_id IS NOT NULL"),
        ),
        Index("ix_subscription_test_clock", "organization_id", "test_clock_id"),
        Index("ix_subscription_created", "organization_id", "created_at", "id"),
        Index(
            "ix_subscription_threshold",
            "organization_id",
            "customer_id",
            postgresql_where=text("threshold_amount IS NOT NULL"),
        ),
    )

    customer_id: UUID
    plan_id: UUID
    version_policy: str = words(default=VersionPolicy.LATEST)
    plan_version: int | None = None
    status: str = words()
    timezone: str = words()
    billing_interval: str = words()
    billing_interval_count: int = 1
    billing_anchor: str = words(default=Alignment.START)
    anchor_at: datetime = instant()
    start_date: datetime = instant()
    trial_end_date: datetime | None = instant(nullable=True, default=None)
    current_period_index: int | None = None
    current_period_start: datetime = instant()
    current_period_end: datetime = instant()
    last_invoiced_date: datetime | None = instant(nullable=True, default=None)
    cancel_at_period_end: bool = False
    canceled_at: datetime | None = instant(nullable=True, default=None)
    cancel_reason: str | None = words(nullable=True, default=None)
    ended_at: datetime | None = instant(nullable=True, default=None)
    resume_at: datetime | None = instant(nullable=True, default=None)
    next_plan_id: UUID | None = None
    test_clock_id: UUID | None = None
    completed_through: datetime | None = instant(nullable=True, default=None)
    pending_change: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    """What was asked for and is done once the missed periods before it are (CONTRACT 89)."""
    threshold_amount: Decimal | None = exact(nullable=True, default=None)
    """At how much that is not billed yet the running period is billed so far; None: at its end."""
    created_at: datetime = instant()
    deleted_at: datetime | None = instant(nullable=True, default=None)


class SubscriptionPeriod(SQLModel, table=True):
    """One period of a subscription, half-open, and how far its bill has come.

    ``index`` counts the periods as they came; ``ordinal`` is the number of the regular period that
    it is, or is a part of, counted from the anchor. They differ after a period was cut.
    """

    __tablename__ = "subscription_period"
    __table_args__ = (
        reference("subscription_id", "subscription"),
        CheckConstraint("starts_at < ends_at", name="half_open"),
        CheckConstraint("index >= 0", name="index"),
        CheckConstraint(
            "regular_starts_at <= starts_at AND ends_at <= regular_ends_at", name="regular"
        ),
        CheckConstraint(
            "status IN ('open', 'closed', 'drafted', 'final', 'parked', 'skipped', 'unbilled',"
            " 'void')",
            name="status",
        ),
        CheckConstraint("(status = 'parked') = (parked_step IS NOT NULL)", name="parked_step"),
        CheckConstraint("plan_version > 0", name="plan_version"),
        CheckConstraint("threshold_steps >= 0", name="threshold_steps"),
        ExcludeConstraint(
            ("organization_id", "="),
            ("subscription_id", "="),
            (text("tstzrange(starts_at, ends_at, '[)')"), "&&"),
            using="gist",
            name="ex_subscription_period_overlap",
        ),
        # Without the version, which edits move: see below.
        Index(
            "ix_subscription_period_plan", "organization_id", "plan_id", "subscription_id", "index"
        ),
        Index(
            "ix_subscription_period_ends_at",
            "organization_id",
            "ends_at",
            postgresql_where=text("status IN ('open', 'closed', 'parked')"),
        ),
        Index(
            "ix_subscription_period_unfinished",
            "organization_id",
            "subscription_id",
            "index",
            postgresql_where=text("status IN ('open', 'closed', 'parked')"),
        ),
        Index(
            "ix_subscription_period_parked",
            "organization_id",
            "subscription_id",
            "index",
            postgresql_where=text("status = 'parked'"),
        ),
        Index(
            "ix_subscription_period_final",
            "organization_id",
            "ends_at",
            postgresql_where=text("status = 'final'"),
        ),
        # Room on every page for a second version of its rows: an edit of running periods moves
        # those of a whole plan, and a row that stays on its page is in its indexes already.
        {"postgresql_with": {"fillfactor": 50}},
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    subscription_id: UUID = Field(primary_key=True)
    index: int = Field(primary_key=True)
    ordinal: int
    anchor_at: datetime = instant()
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    regular_starts_at: datetime | None = instant(nullable=True, default=None)
    regular_ends_at: datetime | None = instant(nullable=True, default=None)
    """What it is a part of, by the rules of its zone when it was opened; None in old rows."""
    plan_id: UUID
    plan_version: int
    """What it is billed by: known when it opens, moved only by edits of running periods."""
    status: str = words(default=PeriodStatus.OPEN)
    revision: int = 1
    threshold_steps: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How many threshold invoices it has had, void ones included."""
    closed_at: datetime | None = instant(nullable=True, default=None)
    parked_step: str | None = words(nullable=True, default=None)
    parked_reason: str | None = words(nullable=True, default=None)


class SubscriptionPause(Tenant, table=True):
    """One pause of a subscription, half-open; open-ended until it resumes."""

    __tablename__ = "subscription_pause"
    __table_args__ = (
        reference("subscription_id", "subscription"),
        CheckConstraint("starts_at <= ends_at", name="half_open"),
        ExcludeConstraint(
            ("organization_id", "="),
            ("subscription_id", "="),
            (text("tstzrange(starts_at, ends_at, '[)')"), "&&"),
            using="gist",
            name="ex_subscription_pause_overlap",
        ),
    )

    subscription_id: UUID
    starts_at: datetime = instant()
    ends_at: datetime | None = instant(nullable=True, default=None)


class SubscriptionAction(Tenant, table=True):
    """One thing that happened to a subscription: the past half of its timeline. Append-only."""

    __tablename__ = "subscription_action"
    __table_args__ = (
        reference("subscription_id", "subscription"),
        Index(
            "ix_subscription_action_at",
            "organization_id",
            "subscription_id",
            "at",
            "id",
        ),
    )

    subscription_id: UUID
    at: datetime = instant()
    action: str = words()
    period_index: int | None = None
    invoice_id: UUID | None = None
    detail: str | None = words(nullable=True, default=None)
    recorded_at: datetime = instant()


class OutboxMessage(Tenant, table=True):
    """A message that leaves the database after the commit of what it tells. Sent at least once."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        CheckConstraint("attempts >= 0", name="attempts"),
        UniqueConstraint("organization_id", "kind", "key", name="uq_outbox_message_key"),
        Index("ix_outbox_message_due", "kind", "available_at", "id"),
    )

    kind: str = words()
    key: str = words()
    payload: dict[str, Any] = document()
    created_at: datetime = instant()
    available_at: datetime = instant()
    attempts: int = 0
