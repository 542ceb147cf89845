"""Who made the versions of a plan, and which subscriptions and invoices they met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeVersion:
    """A version as it is stored, with what the audit log says of it; None where it says nothing."""

    version: int
    terms: str
    effective: str
    created_at: datetime
    entry_id: UUID | None
    actor: str | None
    request_id: str | None
    terms_digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetSubscription:
    """A subscription with the periods that a version bills.

    None of ``first_start`` and ``last_end`` where only an invoice was computed by it.
    """

    subscription_id: UUID
    customer_id: UUID
    external_id: str | None
    period_count: int
    first_start: datetime | None
    last_end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetInvoice:
    """An invoice that was computed by a version; ``is_late`` where it corrects an earlier bill."""

    subscription_id: UUID
    invoice_id: UUID
    invoice_number: str | None
    status: str
    currency: str
    total: Decimal
    is_late: bool


PUBLISHED: Final = "plan.version_published"
"""The action by which the log says that a version was made."""

# Versions that were made before the log named them are found by the instant: whoever made them had
# one request, whose entries all have it.
_LIST_VERSIONS: Final = text(
    f"""
    SELECT made.version, made.terms::text AS terms, made.effective, made.created_at,
        coalesce(named.id, met.id) AS entry_id, coalesce(named.actor, met.actor) AS actor,
        coalesce(named.request_id, met.request_id) AS request_id,
        named.after ->> 'terms_digest' AS terms_digest
    FROM plan_version AS made
    LEFT JOIN LATERAL (
        SELECT * FROM audit_entry AS entry
        WHERE entry.organization_id = made.organization_id AND entry.object_id = made.plan_id
            AND entry.action = '{PUBLISHED}'
            AND entry.after ->> 'version' = CAST(made.version AS text)
        ORDER BY entry.at, entry.id LIMIT 1
    ) AS named ON true
    LEFT JOIN LATERAL (
        SELECT * FROM audit_entry AS entry
        WHERE named.id IS NULL AND entry.organization_id = made.organization_id
            AND entry.at = made.created_at
            AND entry.object_type IN ('plan', 'charge', 'plan_feature', 'meter', 'feature')
        ORDER BY entry.object_id = made.plan_id DESC, entry.id LIMIT 1
    ) AS met ON true
    WHERE made.organization_id = :organization_id AND made.plan_id = :plan_id
        AND made.version < :before
    ORDER BY made.version DESC LIMIT :limit
    """  # noqa: S608  (put together out of constants)
)

_INVOICES_BY_IT: Final = """
    SELECT FROM invoice
    WHERE invoice.organization_id = period.organization_id
        AND invoice.subscription_id = period.subscription_id
        AND invoice.period_index = period.index AND invoice.plan_version = :version
"""

# By the index of the plan's periods, which has them in the order of their subscriptions.
_LIST_MET: Final = text(
    f"""
    SELECT met.subscription_id, subscription.customer_id, customer.external_id,
        count(period.index) AS period_count, min(period.starts_at) AS first_start,
        max(period.ends_at) AS last_end
    FROM (
        SELECT DISTINCT period.subscription_id FROM subscription_period AS period
        WHERE period.organization_id = :organization_id AND period.plan_id = :plan_id
            AND period.subscription_id > :after
            -- An edit of running periods may have moved one whose first invoice is void.
            AND (period.plan_version = :version OR EXISTS ({_INVOICES_BY_IT}))
        ORDER BY period.subscription_id LIMIT :limit
    ) AS met
    JOIN subscription ON subscription.organization_id = :organization_id
        AND subscription.id = met.subscription_id
    JOIN customer ON customer.organization_id = :organization_id
        AND customer.id = subscription.customer_id
    LEFT JOIN subscription_period AS period ON period.organization_id = :organization_id
        AND period.subscription_id = met.subscription_id AND period.plan_id = :plan_id
        AND period.plan_version = :version
    GROUP BY met.subscription_id, subscription.customer_id, customer.external_id
    ORDER BY met.subscription_id
    """  # noqa: S608  (put together out of constants)
)

# Bills of periods say by which version they were computed. Late lines say of which period they
# are, and are rated by its version.
_LIST_INVOICES: Final = text(
    """
    SELECT invoice.subscription_id, invoice.id AS invoice_id, invoice.invoice_number,
        invoice.status, invoice.currency, invoice.total, false AS is_late, invoice.created_at
    FROM subscription_period AS period
    JOIN invoice ON invoice.organization_id = period.organization_id
        AND invoice.subscription_id = period.subscription_id
        AND invoice.period_index = period.index AND invoice.plan_version = :version
        AND invoice.kind = 'period'
    WHERE period.organization_id = :organization_id AND period.plan_id = :plan_id
        AND period.subscription_id = ANY (:subscriptions)
    UNION
    SELECT invoice.subscription_id, invoice.id, invoice.invoice_number, invoice.status,
        invoice.currency, invoice.total, true, invoice.created_at
    FROM subscription_period AS period
    JOIN invoice ON invoice.organization_id = period.organization_id
        AND invoice.subscription_id = period.subscription_id
    JOIN invoice_line AS line ON line.organization_id = invoice.organization_id
        AND line.invoice_id = invoice.id AND line.type = 'late_usage'
        AND line.period_start = period.starts_at AND line.period_end = period.ends_at
    WHERE period.organization_id = :organization_id AND period.plan_id = :plan_id
        AND period.subscription_id = ANY (:subscriptions) AND period.plan_version = :version
    ORDER BY subscription_id, created_at, invoice_id
    """
)


def list_versions(
    session: Session, organization_id: UUID, plan_id: UUID, *, before: int, limit: int
) -> Sequence[MadeVersion]:
    """Versions of a plan below a number, newest first."""
    keys = {"organization_id": organization_id, "plan_id": plan_id}
    rows = session.execute(_LIST_VERSIONS, {**keys, "before": before, "limit": limit}).mappings()
    return [MadeVersion(**row) for row in rows]


def list_met(
    session: Session, organization_id: UUID, plan_id: UUID, version: int, *, after: UUID, limit: int
) -> Sequence[MetSubscription]:
    """Subscriptions that a version met, by their ids, those behind ``after``."""
    keys = {"organization_id": organization_id, "plan_id": plan_id, "version": version}
    rows = session.execute(_LIST_MET, {**keys, "after": after, "limit": limit}).mappings()
    return [MetSubscription(**row) for row in rows]


def list_invoices(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    version: int,
    subscription_ids: Sequence[UUID],
) -> Sequence[MetInvoice]:
    """The invoices of these subscriptions that a version was used for, oldest first in each."""
    keys = {"organization_id": organization_id, "plan_id": plan_id, "version": version}
    rows = session.execute(_LIST_INVOICES, {**keys, "subscriptions": list(subscription_ids)})
    return [
        MetInvoice(**{name: getattr(row, name) for name in MetInvoice.__dataclass_fields__})
        for row in rows
    ]
