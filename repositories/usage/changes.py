"""Which events changed a period after its documents were final: what a late line settles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod

SHOWN: Final = 20
"""How many changes are told with a line; the list of events has them all."""
COUNTED_AT_MOST: Final = 10_000
"""How far changes of a line are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageChange:
    """One fact that came after the documents: an event, or what corrected one.

    ``cause`` is ``late``, ``voided`` or ``amended``, ``quantity`` what counts since, ``was`` what
    counted before. ``known_at`` is when the product knew it; ``actor`` who corrected, None of what
    arrived late.
    """

    cause: str
    event_id: UUID
    meter_id: UUID
    idempotency_key: str | None
    timestamp: datetime
    known_at: datetime
    quantity: Decimal
    was: Decimal
    actor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChanges:
    """What changed since watermark ``after``, up to ``through``, which is None where none is kept.

    ``data`` are the first ``SHOWN`` in the order of arrival, ``count`` is at most
    ``COUNTED_AT_MOST``.
    """

    after: int
    through: int | None
    count: int
    data: list[UsageChange]


CHANGES_OF_LINE: Final = f"""
SELECT json_build_object(
    'after', bounds.after, 'through', receipt.watermark,
    'count', count(change.place),
    'data', coalesce(json_agg(json_build_object(
        'cause', change.cause, 'event_id', change.event_id, 'meter_id', change.meter_id,
        'idempotency_key', change.idempotency_key, 'timestamp', change.timestamp,
        'known_at', change.known_at, 'quantity', change.quantity::text, 'was', change.was::text,
        'actor', (
            -- Who voided or amended it stands in the audit log, of the same instant.
            SELECT entry.actor FROM audit_entry AS entry
            WHERE entry.organization_id = tenant.id AND entry.object_id = change.event_id
                AND entry.action = 'usage_event.' || change.cause AND entry.at = change.known_at
            ORDER BY entry.id LIMIT 1
        )
    ) ORDER BY change.place) FILTER (WHERE change.place <= {SHOWN}), '[]'::json)
)
FROM (
    -- Up to where earlier documents of the period have counted: its own invoice, and others that
    -- corrected it before. Those that keep no watermark are told apart by their instant.
    SELECT coalesce(max(kept.watermark), 0) AS after,
        coalesce(max(said.created_at) FILTER (WHERE kept.watermark IS NULL), '-infinity') AS since
    FROM invoice AS said
    LEFT JOIN LATERAL (
        SELECT max(earlier.watermark) AS watermark FROM invoice_receipt AS earlier
        WHERE earlier.organization_id = tenant.id AND earlier.invoice_id = said.id
    ) AS kept ON true
    WHERE said.organization_id = tenant.id AND said.subscription_id = invoice.subscription_id
        AND said.id <> invoice.id AND said.status <> 'DRAFT'
        AND said.created_at < invoice.created_at
        AND EXISTS (
            SELECT FROM correction_part AS part
            WHERE part.organization_id = tenant.id AND part.line_id = line.id AND (
                (said.kind IN ('period', 'threshold') AND said.period_index = part.period_index)
                OR EXISTS (
                    SELECT FROM correction_part AS other
                    WHERE other.organization_id = tenant.id AND other.invoice_id = said.id
                        AND other.subscription_id = part.subscription_id
                        AND other.period_index = part.period_index AND NOT other.is_by_hand
                )
            )
        )
) AS bounds
LEFT JOIN LATERAL (
    SELECT row_number() OVER (ORDER BY fact.sequence) AS place, fact.*
    FROM (
        -- What arrived after the bill counts from nothing; each correction from what was before.
        SELECT 'late' AS cause, event.id AS event_id, event.meter_id, event.idempotency_key,
            event.timestamp, event.ingested_at AS known_at, event.quantity, 0::numeric AS was,
            event.arrival_sequence AS sequence
        FROM usage_event AS event
        WHERE event.organization_id = tenant.id AND event.customer_id = invoice.customer_id
            AND event.counted AND NOT event.paused
            AND event.timestamp >= line.period_start AND event.timestamp < line.period_end
            AND event.arrival_sequence > bounds.after
        UNION ALL
        SELECT CASE made.kind WHEN 'void' THEN 'voided' ELSE 'amended' END, made.event_id,
            made.meter_id, event.idempotency_key, made.timestamp, made.created_at,
            coalesce(made.quantity, 0), coalesce((
                SELECT former.quantity FROM usage_correction AS former
                WHERE former.organization_id = tenant.id AND former.event_id = made.event_id
                    AND former.arrival_sequence < made.arrival_sequence
                ORDER BY former.arrival_sequence DESC LIMIT 1
            ), event.quantity), made.arrival_sequence
        FROM usage_correction AS made
        JOIN usage_event AS event ON event.organization_id = tenant.id
            AND event.id = made.event_id AND event.timestamp = made.timestamp
        WHERE made.organization_id = tenant.id AND made.customer_id = invoice.customer_id
            AND event.counted AND NOT event.paused
            AND made.timestamp >= line.period_start AND made.timestamp < line.period_end
            AND made.arrival_sequence > bounds.after
    ) AS fact
    -- Up to where this document has counted, and of the meters that its line corrects.
    WHERE fact.known_at > bounds.since
        AND (fact.sequence <= receipt.watermark
            OR (receipt.watermark IS NULL AND fact.known_at <= invoice.created_at))
        AND fact.meter_id IN (
            SELECT charge.meter_id FROM correction_part AS part
            JOIN charge ON charge.organization_id = tenant.id AND charge.id = part.charge_id
            WHERE part.organization_id = tenant.id AND part.line_id = line.id
                AND part.credit_note_id IS NULL
        )
    ORDER BY fact.sequence LIMIT {COUNTED_AT_MOST}
) AS change ON true
GROUP BY bounds.after"""  # noqa: S608  (put together out of constants)
"""A document of the shape of :class:`LineChanges`, of the late line ``line`` of ``invoice``.

``receipt`` has the watermark of that invoice, null where it keeps none.
"""


ARRIVED_LATE: Final = text("""
SELECT EXISTS (
    SELECT FROM usage_event AS event
    WHERE event.organization_id = :organization_id AND event.customer_id = :customer_id
        AND event.late AND event.counted AND NOT event.paused
        AND event.timestamp >= :starts_at AND event.timestamp < :ends_at
        AND event.meter_id IN (
            SELECT charge.meter_id FROM charge
            WHERE charge.organization_id = :organization_id AND charge.id = ANY (:charge_ids)
        )
        AND event.arrival_sequence > coalesce((
            -- Up to where documents of the period have counted that are final.
            SELECT max(receipt.watermark) FROM invoice AS said
            JOIN invoice_receipt AS receipt ON receipt.organization_id = said.organization_id
                AND receipt.invoice_id = said.id
            WHERE said.organization_id = :organization_id
                AND said.subscription_id = :subscription_id AND said.status <> 'DRAFT'
                AND (
                    (said.kind IN ('period', 'threshold') AND said.period_index = :period_index)
                    OR EXISTS (
                        -- Another document has corrected it before.
                        SELECT FROM correction_part AS part
                        WHERE part.organization_id = said.organization_id
                            AND part.invoice_id = said.id AND NOT part.is_by_hand
                            AND part.subscription_id = said.subscription_id
                            AND part.period_index = :period_index
                    )
                )
        ), 0)
)""")


def has_late_arrivals(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    charge_ids: Collection[UUID],
) -> bool:
    """Whether events of these charges came since the final documents of a period counted."""
    found = session.execute(
        ARRIVED_LATE,
        {
            "organization_id": subscription.organization_id,
            "customer_id": subscription.customer_id,
            "subscription_id": subscription.id,
            "starts_at": stored.starts_at,
            "ends_at": stored.ends_at,
            "period_index": stored.index,
            "charge_ids": list(charge_ids),
        },
    )
    return bool(found.scalar_one())


CORRECTED_SINCE: Final = text("""
SELECT asked.place
FROM unnest(
    CAST(:places AS integer[]), CAST(:organizations AS uuid[]), CAST(:customers AS uuid[]),
    CAST(:meters AS uuid[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]),
    CAST(:watermarks AS bigint[])
) AS asked (
    place, organization_id, customer_id, meter_id, starts_at, ends_at, watermark
)
WHERE EXISTS (
    SELECT FROM usage_correction AS made
    WHERE made.organization_id = asked.organization_id AND made.customer_id = asked.customer_id
        AND made.meter_id = asked.meter_id
        AND made.timestamp >= asked.starts_at AND made.timestamp < asked.ends_at
        AND made.arrival_sequence > asked.watermark
)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedWindow:
    """A window of a customer's meter, counted up to a watermark, of the bill at that place."""

    place: int
    organization_id: UUID
    customer_id: UUID
    meter_id: UUID
    starts_at: datetime
    ends_at: datetime
    watermark: int


def find_corrected(session: Session, windows: Sequence[CountedWindow]) -> set[int]:
    """The places of the windows of which an event became void or another quantity since."""
    if not windows:
        return set()
    columns = {
        "places": [one.place for one in windows],
        "organizations": [one.organization_id for one in windows],
        "customers": [one.customer_id for one in windows],
        "meters": [one.meter_id for one in windows],
        "starts": [one.starts_at for one in windows],
        "ends": [one.ends_at for one in windows],
        "watermarks": [one.watermark for one in windows],
    }
    return set(session.execute(CORRECTED_SINCE, columns).scalars())
