"""Customers' accounts that contradict the documents and the money that they were made from."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

from billing.books.chart import OF_BILLS

CHANGED_ACCOUNTS: Final = text(
    """
    -- What final invoices left and took stands on the account; a void one gave back what it took.
    SELECT invoice.subscription_id, invoice.period_index, invoice.id,
        'The customer''s account does not say what the invoice left and took.'
    FROM invoice
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(amount), 0) AS amount FROM account_posting AS posting
        WHERE posting.organization_id = invoice.organization_id
            AND posting.invoice_id = invoice.id
            AND posting.kind IN ('carried', 'granted', 'returned')
    ) AS posted ON true
    WHERE invoice.organization_id = :organization_id AND invoice.status <> 'DRAFT'
        AND invoice.carried_credit + invoice.granted_credit > 0
        AND posted.amount <> CASE invoice.status
            WHEN 'VOID' THEN 0 ELSE invoice.carried_credit - invoice.granted_credit END
        AND NOT EXISTS (
            -- Credit of invoices that are older than accounts was opened in one sum.
            SELECT FROM account_posting AS opened
            WHERE opened.organization_id = invoice.organization_id
                AND opened.customer_id = invoice.customer_id AND opened.kind = 'opened'
                AND opened.currency = invoice.currency
                AND opened.created_at >= invoice.created_at
        )
    UNION ALL
    -- What is posted of an invoice's payments is what their rows say, and what was written off is
    -- what an uncollectible invoice is due.
    SELECT invoice.subscription_id, invoice.period_index, invoice.id,
        'The customer''s account does not say what was paid, refunded and written off.'
    FROM invoice
    LEFT JOIN (
        SELECT invoice_id,
            coalesce(sum(amount) FILTER (
                WHERE kind IN ('paid', 'refunded', 'refund_failed')), 0) AS money,
            coalesce(sum(amount) FILTER (
                WHERE kind IN ('written_off', 'restored', 'recovered')), 0) AS lost,
            coalesce(sum(amount) FILTER (
                WHERE kind NOT IN ({of_bills}, 'owed', 'settled')
            ), 0) AS surplus
        FROM account_posting WHERE organization_id = :organization_id GROUP BY invoice_id
    ) AS posted ON posted.invoice_id = invoice.id
    LEFT JOIN (
        SELECT invoice_id, sum(amount - refunded_amount - excess_amount) AS money,
            sum(amount - refunded_amount - excess_amount - applied_amount) AS surplus
        FROM payment WHERE organization_id = :organization_id AND status = 'succeeded'
        GROUP BY invoice_id
    ) AS received ON received.invoice_id = invoice.id
    WHERE invoice.organization_id = :organization_id AND invoice.status <> 'DRAFT' AND (
        coalesce(posted.money, 0) <> coalesce(received.money, 0)
        OR coalesce(posted.surplus, 0) <> coalesce(received.surplus, 0)
        OR coalesce(posted.lost, 0) <>
            CASE invoice.status WHEN 'UNCOLLECTIBLE' THEN invoice.amount_due ELSE 0 END
    )
    UNION ALL
    -- What a customer owes of credit that was spent is what was posted of it, what was given up of
    -- that is as well, and no credit is left beside either. Said of an invoice of whose payment it
    -- was posted.
    SELECT NULL, NULL, posted.invoice_id,
        'The customer''s account does not say what is owed of credit that was spent.'
    FROM customer_account AS account
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount) FILTER (WHERE kind IN ('owed', 'settled')), 0) AS owed,
            coalesce(sum(amount) FILTER (
                WHERE kind IN ('written_off', 'recovered') AND invoice_id IS NULL), 0) AS lost,
            sum(amount) AS balance,
            (array_agg(invoice_id) FILTER (WHERE kind IN ('owed', 'settled')))[1] AS invoice_id
        FROM account_posting AS posting
        WHERE posting.organization_id = account.organization_id
            AND posting.customer_id = account.customer_id AND posting.currency = account.currency
    ) AS posted
    WHERE account.organization_id = :organization_id AND (
        account.owed_amount <> posted.owed OR account.written_off_amount <> posted.lost
        OR (account.owed_amount + account.written_off_amount > 0 AND posted.balance > 0)
    )
    UNION ALL
    -- What gateways took for disputes is what was posted of it.
    SELECT NULL, NULL, payment.invoice_id,
        'The customer''s account does not say what a gateway took for disputes.'
    FROM payment
    JOIN (
        SELECT payment_id, sum(fee_amount) AS taken FROM dispute
        WHERE organization_id = :organization_id GROUP BY payment_id
    ) AS called ON called.payment_id = payment.id
    WHERE payment.organization_id = :organization_id AND called.taken <> (
        SELECT coalesce(sum(amount), 0) FROM account_posting AS posting
        WHERE posting.organization_id = payment.organization_id
            AND posting.payment_id = payment.id AND posting.kind = 'fee'
    )
    ORDER BY 3 LIMIT 1000
    """.replace("{of_bills}", ", ".join(f"'{kind}'" for kind in sorted(OF_BILLS)))
)
