"""How far the work of all workflows has come, across organizations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, and_, func, literal_column, or_
from sqlmodel import Session, col, select

from billing.invoicing.kinds import InvoiceKind
from billing.subscriptions import PeriodStatus
from models.audit_log import AuditEntry
from models.invoicing.invoices import Invoice
from models.subscriptions.states import UNDRAFTED
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod

FINALIZE_STEP = "finalize_invoice"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFacts:
    """The earliest instant at which work is due, the latest at which some was done, and failures.

    What is due, or done, by the time of test clocks is left out. ``parked`` counts the bills that a
    broken rule stopped and that wait for people.
    """

    next_due_at: datetime | None
    last_done_at: datetime | None
    parked: int


def read_generation(session: Session, organization_ids: Sequence[UUID]) -> WorkFacts:
    """What is known of the making of drafts."""
    # The first by an index, not the least of all: of an organization there may be very many.
    next_due_at = session.exec(
        select(SubscriptionPeriod.ends_at)
        .join(Subscription, _subscription_of_period())
        .where(
            col(SubscriptionPeriod.organization_id).in_(organization_ids),
            col(SubscriptionPeriod.status).in_(UNDRAFTED),
            col(Subscription.test_clock_id).is_(None),
        )
        .order_by(col(SubscriptionPeriod.ends_at))
        .limit(1)
    ).first()
    last_done_at = session.exec(
        select(func.max(Invoice.created_at)).where(
            col(Invoice.organization_id).in_(organization_ids), Invoice.kind == InvoiceKind.PERIOD
        )
    ).one()
    failed = col(SubscriptionPeriod.parked_step) != FINALIZE_STEP
    return WorkFacts(
        next_due_at=next_due_at,
        last_done_at=last_done_at,
        parked=_count_parked(session, organization_ids, failed),
    )


def read_finalization(session: Session, organization_ids: Sequence[UUID]) -> WorkFacts:
    """What is known of the finalizing of drafts."""
    next_due_at = session.exec(
        select(Invoice.scheduled_finalize_at)
        .join(Subscription, _subscription_of_invoice())
        .join(SubscriptionPeriod, _period_of_invoice(), isouter=True)
        .where(
            col(Invoice.organization_id).in_(organization_ids),
            # A literal, as in the partial index.
            col(Invoice.status) == literal_column("'DRAFT'"),
            col(Invoice.scheduled_finalize_at).is_not(None),
            col(Subscription.test_clock_id).is_(None),
            or_(
                col(SubscriptionPeriod.status).is_(None),
                col(SubscriptionPeriod.status) != PeriodStatus.PARKED,
            ),
        )
        .order_by(col(Invoice.scheduled_finalize_at))
        .limit(1)
    ).first()
    last_done_at = session.exec(
        select(Invoice.finalized_at)
        .join(Subscription, _subscription_of_invoice(), isouter=True)
        .where(
            col(Invoice.organization_id).in_(organization_ids),
            col(Invoice.finalized_at).is_not(None),
            col(Subscription.test_clock_id).is_(None),
        )
        .order_by(col(Invoice.finalized_at).desc())
        .limit(1)
    ).first()
    failed = col(SubscriptionPeriod.parked_step) == FINALIZE_STEP
    return WorkFacts(
        next_due_at=next_due_at,
        last_done_at=last_done_at,
        parked=_count_parked(session, organization_ids, failed),
    )


def sum_workflows_woken(session: Session, organization_ids: Sequence[UUID]) -> int:
    """How many workflows the hourly check has woken, or started again, so far."""
    woken = col(AuditEntry.after)["owners_told"].as_string().cast(BigInteger)
    total = session.exec(
        select(func.coalesce(func.sum(woken), 0)).where(
            col(AuditEntry.organization_id).in_(organization_ids),
            # A literal, as in the partial index.
            col(AuditEntry.action) == literal_column("'coverage.repaired'"),
        )
    ).one()
    return int(total)


def _count_parked(
    session: Session, organization_ids: Sequence[UUID], failed: ColumnElement[bool]
) -> int:
    return session.exec(
        select(func.count())
        .select_from(SubscriptionPeriod)
        .where(
            col(SubscriptionPeriod.organization_id).in_(organization_ids),
            SubscriptionPeriod.status == PeriodStatus.PARKED,
            failed,
        )
    ).one()


def _subscription_of_period() -> ColumnElement[bool]:
    return and_(
        col(Subscription.organization_id) == SubscriptionPeriod.organization_id,
        col(Subscription.id) == SubscriptionPeriod.subscription_id,
    )


def _subscription_of_invoice() -> ColumnElement[bool]:
    return and_(
        col(Subscription.organization_id) == Invoice.organization_id,
        col(Subscription.id) == Invoice.subscription_id,
    )


def _period_of_invoice() -> ColumnElement[bool]:
    return and_(
        col(SubscriptionPeriod.organization_id) == Invoice.organization_id,
        col(SubscriptionPeriod.subscription_id) == Invoice.subscription_id,
        col(SubscriptionPeriod.index) == Invoice.period_index,
    )
