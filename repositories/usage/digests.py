"""A line of an invoice with the fingerprint of the events behind it, by one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from models.invoicing.invoices import InvoiceLine
from repositories.asynchronous.document_reads import DocumentRead
from repositories.usage.changes import CHANGES_OF_LINE, LineChanges
from repositories.usage.counted_events import COUNTS, QUANTITY, latest_corrections

_CORRECTIONS: Final = latest_corrections(
    "made.organization_id = tenant.id AND made.customer_id = counted.customer_id"
    " AND made.meter_id = counted.meter_id"
    " AND made.timestamp >= counted.starts_at AND made.timestamp < counted.ends_at"
    " AND made.arrival_sequence <= counted.watermark"
)

_EVENT_SUMS: Final = f"""
SELECT json_build_array(
    coalesce(sum(('x' || left(fingerprint.hash, 15))::bit(60)::bigint), 0)::text,
    coalesce(sum(('x' || right(fingerprint.hash, 15))::bit(60)::bigint), 0)::text
)
FROM (
    SELECT encode(sha256(convert_to(event.id::text || ':' || trim_scale({QUANTITY})::text,
                                    'UTF8')), 'hex') AS hash
    FROM usage_event AS event
    LEFT JOIN {_CORRECTIONS} AS correction ON correction.event_id = event.id
    WHERE event.organization_id = tenant.id AND event.customer_id = counted.customer_id
        AND event.meter_id = counted.meter_id
        AND event.timestamp >= counted.starts_at AND event.timestamp < counted.ends_at
        AND event.arrival_sequence <= counted.watermark AND {COUNTS}
) AS fingerprint"""  # noqa: S608  (put together out of constants)
"""What :func:`write_digest` is made of: sums over the counted events of the row ``counted``.

It names a customer, a meter, [``starts_at``, ``ends_at``) and a ``watermark``. Voided events are
not among them, and amended ones are with their newest quantity.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineContents:
    """A line, whom its invoice bills, and which events it counts: up to the watermark.

    ``line`` is None where the invoice has no such line, ``event_sums`` where it has no meter, and
    ``changes`` of every line but those that settle what changed later. ``coupons`` are codes, each
    with what it takes off the line, in their order; ``draws`` what each grant pays of it: grant,
    unit, amount, money and place; ``parts`` when what could be paid of it was used: place, instant
    and amount.
    """

    customer_id: UUID
    line: InvoiceLine | None
    watermark: int | None
    event_sums: tuple[str, ...] | None
    coupons: tuple[tuple[str, str], ...]
    draws: tuple[tuple[str, str, str, str, str], ...]
    parts: tuple[tuple[str, str, str], ...]
    changes: LineChanges | None


EXPLAINED_LINES: Final = DocumentRead(
    f"""
    SELECT asked.place, json_build_object(
        'customer_id', invoice.customer_id,
        'line', line,
        'watermark', receipt.watermark,
        'event_sums', events.sums,
        -- What each coupon takes off the line, in their order.
        'coupons', (
            SELECT coalesce(json_agg(
                json_build_array(used.code, share.amount::text) ORDER BY used.position
            ), '[]')
            FROM invoice_coupon_line AS share
            JOIN invoice_coupon AS used ON used.organization_id = share.organization_id
                AND used.invoice_id = share.invoice_id
                AND used.redemption_id = share.redemption_id
            WHERE share.organization_id = tenant.id AND share.invoice_id = invoice.id
                AND share.line_position = line.position
        ),
        -- What each grant pays of the line, before tax first.
        'draws', (
            SELECT coalesce(json_agg(
                json_build_array(draw.grant_id, draw.unit, draw.amount::text, draw.money::text,
                    draw.place)
                ORDER BY draw.place DESC, draw.sequence, draw.grant_id
            ), '[]')
            FROM invoice_draw AS draw
            WHERE draw.organization_id = tenant.id AND draw.invoice_id = invoice.id
                AND draw.line_position = line.position
        ),
        -- Of a final invoice: when what could be paid of the line was used.
        'parts', (
            SELECT coalesce(json_agg(
                json_build_array(asked.place, segment.value ->> 'used_at',
                    segment.value ->> 'amount')
                ORDER BY asked.place DESC, segment.number
            ), '[]')
            FROM invoice_drawing AS drawing
            CROSS JOIN (VALUES ('in_units'), ('before_tax'), ('after_tax')) AS asked (place)
            CROSS JOIN jsonb_array_elements(drawing.content -> asked.place) AS part (value)
            CROSS JOIN jsonb_array_elements(part.value -> 'segments')
                WITH ORDINALITY AS segment (value, number)
            WHERE drawing.organization_id = tenant.id AND drawing.invoice_id = invoice.id
                AND (part.value ->> 'position')::integer = line.position
        ),
        'changes', CASE WHEN line.type = 'late_usage' THEN ({CHANGES_OF_LINE}) END
    ) AS document
    FROM asked JOIN invoice ON invoice.organization_id = tenant.id AND invoice.id = asked.id
    LEFT JOIN invoice_line AS line ON line.organization_id = tenant.id
        AND line.invoice_id = invoice.id AND line.id = %(line_id)s
    LEFT JOIN LATERAL (
        -- Of the newest revision.
        SELECT watermark FROM invoice_receipt
        WHERE organization_id = tenant.id AND invoice_id = invoice.id
        ORDER BY revision DESC LIMIT 1
    ) AS receipt ON true
    LEFT JOIN LATERAL (
        SELECT ({_EVENT_SUMS}) AS sums
        FROM (
            SELECT invoice.customer_id, line.meter_id, line.period_start AS starts_at,
                line.period_end AS ends_at, coalesce(receipt.watermark, 0) AS watermark
        ) AS counted
    ) AS events ON line.meter_id IS NOT NULL AND line.period_start IS NOT NULL
        AND line.period_end IS NOT NULL""",  # noqa: S608  (put together out of constants)
    LineContents,
)
"""Of the line ``line_id`` of the invoice that is asked for."""


def write_digest(sums: Sequence[str]) -> str:
    """The fingerprint.

    It is made of sums of the events' SHA-256 hashes, so it takes no sorting and no memory, and
    differs as soon as an event is added, missing or different.
    """
    first, second = sums
    return f"{int(first):020x}{int(second):020x}"
