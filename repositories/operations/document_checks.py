"""Documents that contradict what they were made from: somebody changed rows behind our back.

Every statement gives what is wrong as rows of (subscription, period index, invoice, detail) and
reads an organization's documents once. At most a thousand findings of a kind are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from repositories.operations.account_checks import CHANGED_ACCOUNTS
from repositories.operations.line_money import MONEY_OF_LINE

# A quotient whose digits never end is stored as one; what is compared with it was cut somewhere.
_TOLERANCE: Final = "0.000000001"


def _exact(value: str) -> str:
    """SQL that reads a stored number, written as a decimal or as a quotient."""
    return (
        f"CASE WHEN {value} LIKE '%/%'"
        f" THEN split_part({value}, '/', 1)::numeric / split_part({value}, '/', 2)::numeric"
        f" ELSE ({value})::numeric END"
    )


class Contradiction(NamedTuple):
    """What is wrong, with a sentence for people."""

    subscription_id: UUID | None
    period_index: int | None
    invoice_id: UUID | None
    detail: str


# A period is billed by one invoice that is not void, and no instant by two.
DOUBLE_BILLED: Final = text(
    """
    SELECT one.subscription_id, one.period_index, one.id,
        'The invoice bills time that invoice ' || other.id || ' bills too.'
    FROM invoice AS one
    JOIN invoice AS other ON other.organization_id = one.organization_id
        AND other.subscription_id = one.subscription_id AND other.id < one.id
        AND other.period_start < one.period_end AND one.period_start < other.period_end
        AND other.kind = 'period' AND other.status <> 'VOID'
    WHERE one.organization_id = :organization_id AND one.kind = 'period'
        AND one.status <> 'VOID'
    ORDER BY one.id LIMIT 1000
    """
)

MISSING_INVOICES: Final = text(
    """
    SELECT period.subscription_id, period.index, NULL::uuid,
        'Period ' || period.index || ' is ' || period.status || ', but its invoice is gone.'
    FROM subscription_period AS period
    WHERE period.organization_id = :organization_id AND period.status IN ('drafted', 'final')
        AND NOT EXISTS (
            SELECT FROM invoice WHERE invoice.organization_id = period.organization_id
                AND invoice.subscription_id = period.subscription_id
                AND invoice.period_index = period.index AND invoice.kind = 'period'
                AND invoice.status <> 'VOID'
        )
    ORDER BY period.subscription_id, period.index LIMIT 1000
    """
)

# An open period runs to its regular end; a billed one is what its invoice and its receipt say.
MOVED_PERIODS: Final = text(
    """
    SELECT period.subscription_id, period.index, NULL::uuid,
        'Period ' || period.index || ' runs, but not to its regular end.'
    FROM subscription_period AS period
    WHERE period.organization_id = :organization_id AND period.status = 'open'
        AND period.ends_at <> period.regular_ends_at
    UNION ALL
    SELECT period.subscription_id, period.index, invoice.id,
        'Period ' || period.index || ' is not the time that its invoice was computed for.'
    FROM subscription_period AS period
    JOIN invoice ON invoice.organization_id = period.organization_id
        AND invoice.subscription_id = period.subscription_id
        AND invoice.period_index = period.index
        AND invoice.kind = 'period' AND invoice.status <> 'VOID'
    LEFT JOIN invoice_receipt AS receipt ON receipt.organization_id = invoice.organization_id
        AND receipt.invoice_id = invoice.id AND receipt.revision = invoice.revision
    WHERE period.organization_id = :organization_id AND (
        (period.starts_at, period.ends_at) IS DISTINCT FROM
            (invoice.period_start, invoice.period_end)
        OR (receipt.invoice_id IS NOT NULL AND (period.starts_at, period.ends_at)
            IS DISTINCT FROM (receipt.period_start, receipt.period_end))
    )
    ORDER BY 1, 2 LIMIT 1000
    """
)

# Rounding leaves at most half a minor unit between a line's exact amount and its total.
CHANGED_AMOUNTS: Final = text(
    """
    -- Lines against their own calculation, which may end in a quotient, and against rounding.
    WITH summed AS (
        SELECT line.invoice_id, sum(line.line_total) AS lines,
            bool_or(abs(line.exact_amount - {exact})
                > CASE WHEN line.calculation ->> 'exact_amount' LIKE '%/%'
                    THEN {tolerance} ELSE 0 END) AS has_changed_line,
            bool_or(abs(line.line_total - {money})
                > 0.5 * power(10::numeric, -scale(line.line_total))
            OR abs(line.amount_in_unit - line.exact_amount)
                > 0.5 * power(10::numeric, -scale(line.amount_in_unit))) AS has_changed_total
        FROM invoice_line AS line
        WHERE line.organization_id = :organization_id
        GROUP BY line.invoice_id
    ),
    -- Inclusive taxes are part of the lines already, all others come on top of the subtotal.
    taxed AS (
        SELECT invoice_id, sum(amount) AS tax,
            coalesce(sum(amount) FILTER (WHERE is_inclusive), 0) AS inclusive
        FROM invoice_tax WHERE organization_id = :organization_id GROUP BY invoice_id
    ),
    -- What goes back to grants that paid after taxes never was due.
    given AS (
        SELECT invoice_id, sum(total - credits_after_tax) AS total FROM credit_note
        WHERE organization_id = :organization_id GROUP BY invoice_id
    ),
    -- What grants pay before taxes is off the total, what they pay after them off what is due.
    drawn AS (
        SELECT invoice_id,
            coalesce(sum(money) FILTER (WHERE place = 'before_tax'), 0) AS before_tax,
            coalesce(sum(money) FILTER (WHERE place = 'after_tax'), 0) AS after_tax
        FROM invoice_draw WHERE organization_id = :organization_id GROUP BY invoice_id
    ),
    -- What coupons take off is off the total, and spread over the lines.
    discounted AS (
        SELECT invoice_id, sum(amount) AS coupons FROM invoice_coupon
        WHERE organization_id = :organization_id GROUP BY invoice_id
    ),
    spread AS (
        SELECT invoice_id, sum(amount) AS lines FROM invoice_coupon_line
        WHERE organization_id = :organization_id GROUP BY invoice_id
    ),
    -- What an invoice has, or had before it was refunded, of the payments on it.
    received AS (
        SELECT payment.invoice_id, sum(payment.applied_amount) + sum(coalesce(back.amount, 0))
            AS paid, sum(coalesce(back.amount, 0)) AS refunded
        FROM payment
        LEFT JOIN (
            SELECT payment_id, sum(from_invoice) AS amount FROM refund
            WHERE organization_id = :organization_id AND status <> 'failed' GROUP BY payment_id
        ) AS back ON back.payment_id = payment.id
        WHERE payment.organization_id = :organization_id GROUP BY payment.invoice_id
    )
    -- What is due counts only while somebody may still pay.
    SELECT invoice.subscription_id, invoice.period_index, invoice.id,
        'The amounts of the invoice are not what its lines, taxes and credit notes come to.'
    FROM invoice
    LEFT JOIN summed ON summed.invoice_id = invoice.id
    LEFT JOIN taxed ON taxed.invoice_id = invoice.id
    LEFT JOIN given ON given.invoice_id = invoice.id
    LEFT JOIN drawn ON drawn.invoice_id = invoice.id
    LEFT JOIN discounted ON discounted.invoice_id = invoice.id
    LEFT JOIN spread ON spread.invoice_id = invoice.id
    LEFT JOIN received ON received.invoice_id = invoice.id
    WHERE invoice.organization_id = :organization_id AND (
        coalesce(summed.lines, 0) <> invoice.subtotal + coalesce(taxed.inclusive, 0)
        OR coalesce(taxed.tax, 0) <> invoice.tax
        OR invoice.total <> invoice.subtotal - invoice.coupons_total
            - invoice.credits_before_tax + invoice.tax
        OR invoice.coupons_total <> coalesce(discounted.coupons, 0)
        OR invoice.coupons_total <> coalesce(spread.lines, 0)
        OR invoice.credits_before_tax <> coalesce(drawn.before_tax, 0)
        OR invoice.credits_after_tax <> coalesce(drawn.after_tax, 0)
        OR coalesce(summed.has_changed_line, false)
        OR coalesce(summed.has_changed_total, false)
        OR (invoice.status = 'DRAFT'
            AND invoice.amount_due <> invoice.total - invoice.credits_after_tax)
        -- What notes gave back lowers what is due as far as it was not paid before.
        OR (invoice.status IN ('OPEN', 'UNCOLLECTIBLE')
            AND invoice.amount_credited <> coalesce(given.total, 0))
        OR (invoice.status <> 'DRAFT' AND (
            invoice.amount_credited > coalesce(given.total, 0)
            OR invoice.amount_paid <> coalesce(received.paid, 0)
            OR invoice.amount_refunded <> coalesce(received.refunded, 0)
        ))
    )
    ORDER BY invoice.id LIMIT 1000
    """.replace("{exact}", _exact("line.calculation ->> 'exact_amount'"))
    .replace("{tolerance}", _TOLERANCE)
    .replace("{money}", MONEY_OF_LINE)
)

# Every line of a period's invoice is the evidence that its receipt fingerprints.
CHANGED_EVIDENCE: Final = text(
    """
    SELECT invoice.subscription_id, invoice.period_index, invoice.id,
        'The lines of the invoice are not those that it was computed to.'
    FROM invoice
    JOIN invoice_receipt AS receipt ON receipt.organization_id = invoice.organization_id
        AND receipt.invoice_id = invoice.id AND receipt.revision = invoice.revision
    LEFT JOIN billing_run AS evidence ON evidence.organization_id = invoice.organization_id
        AND evidence.subscription_id = invoice.subscription_id
        AND evidence.period_index = invoice.period_index
        AND evidence.revision = invoice.revision AND evidence.step = 'evidence'
    -- What the bill was computed to, out of its evidence; a quotient may have been cut when stored.
    LEFT JOIN LATERAL (
        SELECT count(*) AS lines, sum({exact}) AS amount,
            coalesce(bool_or(one ->> 'exact_amount' LIKE '%/%'), false) AS is_cut
        FROM jsonb_array_elements(evidence.content) AS one
    ) AS computed ON true
    -- What stands on the invoice. Lines without a charge are late usage, credit, or people's.
    LEFT JOIN LATERAL (
        SELECT count(*) AS lines, sum(line.exact_amount) AS amount FROM invoice_line AS line
        WHERE line.organization_id = invoice.organization_id AND line.invoice_id = invoice.id
            AND line.charge_id IS NOT NULL
    ) AS billed ON true
    WHERE invoice.organization_id = :organization_id
        AND invoice.kind IN ('period', 'threshold') AND NOT invoice.is_edited AND (
            evidence.digest IS DISTINCT FROM receipt.lines_digest
            OR computed.lines IS DISTINCT FROM billed.lines
            OR (computed.amount IS NULL) <> (billed.amount IS NULL)
            OR abs(computed.amount - billed.amount)
                > CASE WHEN computed.is_cut THEN {tolerance} ELSE 0 END
        )
    ORDER BY invoice.id LIMIT 1000
    """.replace("{exact}", _exact("one ->> 'exact_amount'")).replace("{tolerance}", _TOLERANCE)
)

# Every state leaves its traces: instants on the invoice, the state of the period, what is due.
CHANGED_STATUSES: Final = text(
    """
    SELECT invoice.subscription_id, invoice.period_index, invoice.id,
        'The invoice is ' || invoice.status || ', but nothing says how it came to be so.'
    FROM invoice
    LEFT JOIN subscription_period AS period
        ON period.organization_id = invoice.organization_id
        AND period.subscription_id = invoice.subscription_id
        AND period.index = invoice.period_index AND invoice.kind = 'period'
    LEFT JOIN LATERAL (
        SELECT sum(note.total - note.credits_after_tax) AS total FROM credit_note AS note
        WHERE note.organization_id = invoice.organization_id AND note.invoice_id = invoice.id
    ) AS given ON true
    WHERE invoice.organization_id = :organization_id AND (
        -- Instants of the invoice.
        (invoice.status = 'DRAFT') <> (invoice.finalized_at IS NULL)
        OR (invoice.status = 'VOID') <> (invoice.voided_at IS NOT NULL)
        -- What is due: nothing once it is paid, or by credit notes; something while it is open.
        OR (invoice.status = 'PAID' AND (
            invoice.amount_due > invoice.amount_refunded
            OR invoice.amount_paid + coalesce(given.total, 0)
                < invoice.total - invoice.credits_after_tax
        ))
        OR (invoice.status = 'OPEN' AND invoice.amount_due = 0)
        -- Only people call an invoice uncollectible, and what people do is in the audit log.
        OR (invoice.status = 'UNCOLLECTIBLE' AND NOT EXISTS (
            SELECT FROM audit_entry AS entry
            WHERE entry.organization_id = invoice.organization_id
                AND entry.object_id = invoice.id AND entry.action = 'invoice.uncollectible'
        ))
        -- The state of the period; a void invoice of a final one has a successor.
        OR (period.status = 'final' AND invoice.status = 'DRAFT')
        OR (period.status = 'drafted' AND invoice.status NOT IN ('DRAFT', 'VOID'))
        OR (invoice.status = 'VOID' AND period.status = 'final' AND NOT EXISTS (
            SELECT FROM invoice AS again
            WHERE again.organization_id = invoice.organization_id
                AND again.subscription_id = invoice.subscription_id
                AND again.period_index = invoice.period_index AND again.kind = 'period'
                AND again.status <> 'VOID'
        ))
    )
    ORDER BY invoice.id LIMIT 1000
    """
)


def list_contradictions(
    session: Session, organization_id: UUID
) -> Sequence[tuple[str, Contradiction]]:
    """Every contradiction in an organization's documents, with the name of its kind."""
    session.flush()
    return [
        (kind, Contradiction(*row))
        for kind, statement in STATEMENTS.items()
        for row in session.execute(statement, {"organization_id": organization_id})
    ]


STATEMENTS: Final = {
    "double_billed": DOUBLE_BILLED,
    "missing_invoice": MISSING_INVOICES,
    "period_moved": MOVED_PERIODS,
    "amount_changed": CHANGED_AMOUNTS,
    "evidence_changed": CHANGED_EVIDENCE,
    "status_changed": CHANGED_STATUSES,
    "account_changed": CHANGED_ACCOUNTS,
}
