"""What an erasure changes, table by table, and how far those that take long have come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import exists, func, or_, text
from sqlmodel import Session, col, select

from billing.invoicing.invoices import InvoiceStatus
from models.customers import CustomerErasure
from models.invoicing.invoices import Invoice, InvoiceParties
from repositories.outbox import CHANNEL
from repositories.personal_data.whose import WHOSE

REASON: Final = "The customer was erased."

UNFINISHED: Final = "customer_erasure"
"""What the outbox's channel tells when an erasure is left to the job."""

_EMPTIED: Final = (
    ("invoice", "meta_data = '{}', payment_link = NULL", "true"),
    ("payment", "error = NULL", "error IS NOT NULL"),
    ("refund", "reason = NULL, error = NULL", "num_nonnulls(reason, error) > 0"),
    ("subscription", "cancel_reason = NULL, pending_change = NULL", "true"),
    ("subscription_period", "parked_reason = NULL", "parked_reason IS NOT NULL"),
    ("payment_link", "url = NULL", "status = 'closed'"),
    (
        "email",
        """recipient = NULL, next_attempt_at = NULL,
            error = CASE WHEN status = 'queued' THEN :reason END,
            status = CASE WHEN status = 'queued' THEN 'failed' ELSE status END""",
        "true",
    ),
)
"""Tables, what is set of their rows, and of which: all of them found by an index."""

_DELETED: Final = ("invoice_link", "idempotency_request")
"""Whose rows go. Answers are searched, but only those of a day."""

_EMPTIED_BY_SEARCH: Final = (
    ("gateway_task", "error = NULL", "error IS NOT NULL"),
    (
        "gateway_event",
        "body = NULL, content = '{}', reason = CASE WHEN reason IS NOT NULL THEN :reason END",
        "status <> 'received'",
    ),
)
"""The same, of tables that are read from one end to the other."""

_DELETED_BY_SEARCH: Final = (
    *("webhook_attempt", "webhook_delivery", "webhook_event"),
    "idempotency_request",
)
"""A try goes before its delivery, and that before its event."""

_FORGET_MESSAGES: Final = text(
    """
    DELETE FROM outbox_message WHERE organization_id = :organization_id AND kind = 'webhook'
        AND strpos(payload::text, CAST(:customer_id AS text)) > 0
    """
)

_KEPT: Final = text(
    """
    SELECT count(*), max(issue_date) FROM invoice
    WHERE organization_id = :organization_id AND customer_id = :customer_id
        AND status <> 'DRAFT'
    """
)

_ERASE_EVENTS: Final = text(
    """
    SELECT meter_id, "timestamp", id FROM erase_usage_events(
        :organization_id, :customer_id, CAST(:meter_id AS uuid),
        CAST(:timestamp AS timestamptz), CAST(:event_id AS uuid), :at_most)
    """
)

_ERASE_DISTINCT: Final = text("SELECT erase_distinct_values(:organization_id, :customer_id, :salt)")

_ERASE_BUYERS: Final = text(
    "SELECT erase_buyers(:organization_id, :customer_id, :until, CAST(:nobody AS jsonb))"
)

_COUNT_EVENTS: Final = text(
    """
    SELECT coalesce(sum(recorded_count), 0) FROM usage_rollup
    WHERE organization_id = :organization_id AND customer_id = :customer_id
    """
)

_COUNT_METHODS: Final = text(
    """
    SELECT count(*) FROM payment_method
    WHERE organization_id = :organization_id AND customer_id = :customer_id
    """
)

FIRST: Final = UUID(int=0)
BEGINNING: Final = "-infinity"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedDocuments:
    """How many issued invoices a customer has, and when the last was issued."""

    count: int
    last_issued_at: datetime | None


def find_erasure(
    session: Session, organization_id: UUID, customer_id: UUID
) -> CustomerErasure | None:
    """The customer's erasure, or None."""
    return session.get(CustomerErasure, (organization_id, customer_id))


def insert_erasure(session: Session, erasure: CustomerErasure) -> None:
    """That somebody asked for it is stored."""
    session.add(erasure)
    session.flush()


def lock_unfinished(
    session: Session, organization_ids: Sequence[UUID], *, completed_before: datetime, at_most: int
) -> Sequence[CustomerErasure]:
    """Erasures whose events are not done, or were done before then and not once more yet.

    The oldest first, locked; those that somebody else holds are passed over.
    """
    return session.exec(
        select(CustomerErasure)
        .where(
            col(CustomerErasure.organization_id).in_(organization_ids),
            col(CustomerErasure.checked_at).is_(None),
            or_(
                col(CustomerErasure.completed_at).is_(None),
                col(CustomerErasure.completed_at) < completed_before,
            ),
        )
        .order_by(col(CustomerErasure.requested_at))
        .limit(at_most)
        .with_for_update(skip_locked=True)
    ).all()


def count_unfinished(
    session: Session, organization_ids: Sequence[UUID], *, requested_before: datetime
) -> int:
    """How many erasures that were asked for before then are not done."""
    return session.exec(
        select(func.count()).where(
            col(CustomerErasure.organization_id).in_(organization_ids),
            col(CustomerErasure.requested_at) < requested_before,
            col(CustomerErasure.completed_at).is_(None),
        )
    ).one()


def lock_outdated(
    session: Session, organization_ids: Sequence[UUID], *, now: datetime, at_most: int
) -> Sequence[CustomerErasure]:
    """Erasures whose documents the law wants no longer, locked."""
    return session.exec(
        select(CustomerErasure)
        .where(
            col(CustomerErasure.organization_id).in_(organization_ids),
            col(CustomerErasure.documents_erased_at).is_(None),
            col(CustomerErasure.documents_kept_until) <= now,
        )
        .limit(at_most)
        .with_for_update(skip_locked=True)
    ).all()


def read_issued(session: Session, organization_id: UUID, customer_id: UUID) -> IssuedDocuments:
    """The customer's documents that the law wants kept."""
    count, last = session.execute(_KEPT, _names(organization_id, customer_id)).one()
    return IssuedDocuments(count=count, last_issued_at=last)


def list_without_parties(
    session: Session, organization_id: UUID, customer_id: UUID
) -> Sequence[Invoice]:
    """The customer's issued invoices whose parties were not kept: those before migration 0024."""
    named = exists().where(
        col(InvoiceParties.organization_id) == col(Invoice.organization_id),
        col(InvoiceParties.invoice_id) == col(Invoice.id),
    )
    return session.exec(
        select(Invoice).where(
            Invoice.organization_id == organization_id,
            Invoice.customer_id == customer_id,
            Invoice.status != InvoiceStatus.DRAFT,
            ~named,
        )
    ).all()


def is_short(session: Session, organization_id: UUID, *, at_most: int) -> bool:
    """Whether what would have to be searched has no more rows than that, of each table."""
    return not any(
        session.execute(
            text(
                f"SELECT count(*) > :at_most FROM (SELECT FROM {table}"  # noqa: S608  (put together out of constants)
                " WHERE organization_id = :organization_id LIMIT :at_most + 1) AS some_of"
            ),
            {"organization_id": organization_id, "at_most": at_most},
        ).scalar_one()
        for table in ("webhook_event", "gateway_event", "gateway_task")
    )


def tell_of_unfinished(session: Session) -> None:
    """The commit tells whoever goes on with erasures that there is one."""
    session.execute(
        text("SELECT pg_notify(:channel, :told)"), {"channel": CHANNEL, "told": UNFINISHED}
    )


def count_events(session: Session, organization_id: UUID, customer_id: UUID) -> int:
    """How many events there are of the customer, counted by their hours."""
    return int(session.execute(_COUNT_EVENTS, _names(organization_id, customer_id)).scalar_one())


def empty_rows(session: Session, organization_id: UUID, customer_id: UUID) -> None:
    """What no law wants is gone of all but the customer, their methods and events. Repeatable."""
    _change(session, organization_id, customer_id, _EMPTIED, _DELETED)


def empty_searched_rows(session: Session, organization_id: UUID, customer_id: UUID) -> None:
    """The same where rows do not say whose they are, or no index does. Repeatable."""
    _change(session, organization_id, customer_id, _EMPTIED_BY_SEARCH, _DELETED_BY_SEARCH)


def _change(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    emptied: Sequence[tuple[str, str, str]],
    deleted: Sequence[str],
) -> None:
    values = {**_names(organization_id, customer_id), "reason": REASON}
    session.flush()
    for table, changes, which in emptied:
        where = f"{WHOSE[table].where} AND ({which})"
        statement = f"UPDATE {table} AS held SET {changes} WHERE {where}"  # noqa: S608  (put together out of constants)
        session.execute(text(statement), values)
    for table in deleted:
        statement = f"DELETE FROM {table} AS held WHERE {WHOSE[table].where}"  # noqa: S608  (put together out of constants)
        session.execute(text(statement), values)
    session.execute(_FORGET_MESSAGES, values)
    session.expire_all()


def count_methods(session: Session, organization_id: UUID, customer_id: UUID) -> int:
    """How many methods of the customer gateways have not forgotten yet."""
    found = session.execute(_COUNT_METHODS, _names(organization_id, customer_id))
    return int(found.scalar_one())


def erase_distinct(session: Session, erasure: CustomerErasure, salt: bytes) -> None:
    """What unique values are counted by names nobody, and counts the same, however often."""
    session.execute(_ERASE_DISTINCT, {**_whose(erasure), "salt": salt})


def erase_events(session: Session, erasure: CustomerErasure, *, at_most: int) -> bool:
    """Some more events lost what they were sent with; whether there are any left."""
    values = {
        **_whose(erasure),
        "meter_id": erasure.after_meter_id or FIRST,
        "timestamp": erasure.after_timestamp or BEGINNING,
        "event_id": erasure.after_event_id or FIRST,
        "at_most": at_most,
    }
    last = session.execute(_ERASE_EVENTS, values).first()
    if last is None:
        return False
    erasure.after_meter_id, erasure.after_timestamp, erasure.after_event_id = last
    session.add(erasure)
    session.flush()
    return True


def erase_buyers(session: Session, erasure: CustomerErasure, nobody: str, *, now: datetime) -> None:
    """The customer's documents name ``nobody``, a party as JSON, from here on. Repeatable."""
    session.execute(_ERASE_BUYERS, {**_whose(erasure), "until": now, "nobody": nobody})


def _whose(erasure: CustomerErasure) -> dict[str, object]:
    return _names(erasure.organization_id, erasure.customer_id)


def _names(organization_id: UUID, customer_id: UUID) -> dict[str, object]:
    return {"organization_id": organization_id, "customer_id": customer_id}
