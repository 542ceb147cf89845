"""Three books of the same money: the gateway's ledger file, the product's rows, its invoices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Connection, func, select

from integrations.gateways.sandbox.ledger.books import open_ledger_file
from integrations.gateways.sandbox.ledger.sums import InvoiceSum, LedgerSums, sum_up
from integrations.gateways.sandbox.ledger.tables import payment, webhook
from tests.servers import superuser_url

UNSETTLED: Final[dict[str, LiteralString]] = {
    "payments": "SELECT count(*) FROM payment WHERE status = 'pending'",
    "refunds": "SELECT count(*) FROM refund WHERE status = 'pending'",
    "tasks": "SELECT count(*) FROM gateway_task WHERE status = 'pending'"
    " AND next_attempt_at < now() + interval '1 hour'",
    "events": "SELECT count(*) FROM gateway_event WHERE status = 'received'",
    "messages": "SELECT count(*) FROM outbox_message WHERE available_at < now()",
    "collections": "SELECT count(*) FROM collection JOIN invoice"
    " ON (invoice.organization_id, invoice.id) = (collection.organization_id, invoice_id)"
    " WHERE collection.status = 'active' AND invoice.status <> 'OPEN'",
}

BY_INVOICE: Final = """
SELECT invoice.id, invoice.status, invoice.total, invoice.amount_paid, invoice.amount_due,
    invoice.amount_credited, invoice.amount_refunded,
    count(payment.id) FILTER (WHERE payment.told) AS told,
    count(payment.id) FILTER (WHERE payment.told AND payment.kind = 'saved_method') AS charged,
    coalesce(sum(payment.amount) FILTER (WHERE payment.told), 0) AS paid,
    coalesce(sum(payment.applied_amount), 0) AS applied,
    coalesce(sum(back.refunded) FILTER (WHERE payment.told), 0) AS refunded
FROM invoice
LEFT JOIN LATERAL (
    SELECT *, one.status = 'succeeded' AND one.kind <> 'manual' AS told FROM payment AS one
    WHERE (one.organization_id, one.invoice_id) = (invoice.organization_id, invoice.id)
) AS payment ON true
LEFT JOIN LATERAL (
    SELECT sum(refund.amount) AS refunded FROM refund
    WHERE (refund.organization_id, payment_id) = (payment.organization_id, payment.id)
        AND refund.status = 'succeeded'
) AS back ON true
GROUP BY invoice.organization_id, invoice.id
"""

SUMS: Final = """
SELECT
    (SELECT coalesce(sum(amount), 0) FROM account_posting WHERE kind = 'paid') AS posted_paid,
    (SELECT coalesce(sum(amount), 0) FROM payment WHERE status = 'succeeded') AS paid,
    (SELECT coalesce(-sum(amount), 0) FROM account_posting
        WHERE kind IN ('applied', 'unapplied')) AS posted_applied,
    (SELECT coalesce(sum(applied_amount), 0) FROM payment) AS applied,
    (SELECT coalesce(sum(amount_paid - amount_refunded), 0) FROM invoice) AS settled,
    (SELECT coalesce(-sum(amount), 0) FROM account_posting
        WHERE kind IN ('refunded', 'refund_failed')) AS posted_refunded,
    (SELECT coalesce(sum(amount), 0) FROM refund WHERE status = 'succeeded') AS refunded,
    (SELECT coalesce(sum(amount), 0) FROM account_posting) AS balance,
    (SELECT coalesce(sum(amount - applied_amount - refunded_amount), 0) FROM payment
        WHERE status = 'succeeded')
    + (SELECT coalesce(sum(amount), 0) FROM account_posting
        WHERE kind IN ('granted', 'returned')) AS credit_left
"""

PAIRS: Final = (
    ("posted_paid", "paid"),
    ("posted_applied", "applied"),
    ("posted_refunded", "refunded"),
    ("applied", "settled"),
    ("balance", "credit_left"),
)
"""What was posted on accounts, and the rows that it was posted for; what invoices had of it, and
what customers have left when later invoices had taken from that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the books come to, and every difference between them."""

    figures: dict[str, Any]
    differences: list[str]


def count_unsettled(database_url: str, ledger: Path) -> Counter[str]:
    """What is still on its way, by kind."""
    sums = open_ledger_file(ledger).run(sum_up)
    counted = Counter(
        {
            "webhooks": sums.webhooks_waiting,
            "pending at the gateway": sum(one.pending for one in sums.invoices),
        }
    )
    with psycopg.connect(superuser_url(database_url)) as connection:
        for name, statement in UNSETTLED.items():
            found = connection.execute(statement).fetchone()
            counted[name] = int(found[0]) if found else 0
    return +counted


def compare(database_url: str, ledger: Path) -> Comparison:
    """The three books, side by side. Nothing may be on its way."""
    file = open_ledger_file(ledger)
    sums: LedgerSums = file.run(sum_up)
    told = {one.invoice_id: one for one in sums.invoices}
    charged, webhooks = file.run(count_charges), file.run(count_webhooks)
    with psycopg.connect(superuser_url(database_url), row_factory=dict_row) as connection:
        invoices = connection.execute(BY_INVOICE).fetchall()
        books = connection.execute(SUMS).fetchone()
    assert books is not None
    differences = [
        f"invoice {one['id']}: {difference}"
        for one in invoices
        for difference in differences_of(one, told.get(one["id"]), charged.get(one["id"], 0))
    ]
    strangers = told.keys() - {one["id"] for one in invoices}
    differences += [f"invoice {one}: the gateway was paid, nobody knows it" for one in strangers]
    differences += [
        f"{first} {books[first]}, {second} {books[second]}"
        for first, second in PAIRS
        if books[first] != books[second]
    ]
    figures = {
        "invoices": len(invoices),
        "invoices by status": dict(Counter(one["status"] for one in invoices)),
        "charged by us at the gateway": len(charged),
        "invoices charged twice": sum(times > 1 for times in charged.values()),
        "invoices paid twice by customers": sum(one.succeeded > 1 for one in sums.invoices),
        "webhooks, and forged ones": webhooks,
        "gateway": [(one.paid_minor, one.refunded_minor) for one in sums.totals],
        "books": {name: str(amount) for name, amount in books.items()},
    }
    return Comparison(figures=figures, differences=differences)


def count_charges(connection: Connection) -> dict[UUID, int]:
    """How often a saved method was charged for each invoice, as the gateway knows it."""
    statement = (
        select(payment.c.invoice_id, func.count().label("times"))
        .where(payment.c.key.is_not(None), payment.c.status == "succeeded")
        .group_by(payment.c.invoice_id)
    )
    return {row.invoice_id: row.times for row in connection.execute(statement)}


def count_webhooks(connection: Connection) -> tuple[int, int]:
    """How many webhooks there were, and how many of them were forged."""
    statement = select(func.count(), func.count().filter(webhook.c.is_forged))
    told, forged = connection.execute(statement).one()
    return told, forged


def differences_of(invoice: dict[str, Any], told: InvoiceSum | None, charged: int) -> Iterator[str]:
    """What the books say differently of an invoice."""
    succeeded, paid_minor, refunded_minor = (
        (0, 0, 0) if told is None else (told.succeeded, told.paid_minor, told.refunded_minor)
    )
    if charged > 1 or invoice["charged"] != charged:
        yield f"charged {charged} times, {invoice['charged']} in the books"
    if invoice["told"] != succeeded:
        yield f"{succeeded} payments at the gateway, {invoice['told']} in the books"
    if invoice["paid"] * 100 != paid_minor:
        yield f"{paid_minor} paid at the gateway, {invoice['paid']} in the books"
    if invoice["refunded"] * 100 != refunded_minor:
        yield f"{refunded_minor} refunded at the gateway, {invoice['refunded']} in the books"
    if invoice["status"] != "PAID" or invoice["amount_due"] != 0:
        yield f"it is {invoice['status']}, {invoice['amount_due']} due"
    if invoice["applied"] != invoice["amount_paid"] - invoice["amount_refunded"]:
        yield f"{invoice['applied']} applied, {invoice['amount_paid']} paid"
    if invoice["amount_paid"] + invoice["amount_credited"] != invoice["total"]:
        yield f"{invoice['amount_paid']} paid of {invoice['total']}"
