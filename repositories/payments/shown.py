"""Payments as they are shown and listed, by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.payments.events import Dispute
from models.payments.payments import Payment
from repositories.asynchronous.document_reads import DocumentRead, PageRead


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPayment:
    """A payment as it is stored, and what the customer's bank says of it."""

    payment: Payment
    disputes: list[Dispute]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePayments:
    """All attempts to pay an invoice, the first one first."""

    payments: list[ShownPayment]


_DOCUMENT: Final = """json_build_object(
        'payment', payment,
        'disputes', coalesce((
            SELECT json_agg(dispute ORDER BY dispute.at, dispute.id) FROM dispute
            WHERE dispute.organization_id = tenant.id AND dispute.payment_id = payment.id
        ), '[]')
    )"""

PAYMENTS: Final = DocumentRead(
    f"""
    SELECT asked.place, {_DOCUMENT} AS document
    FROM asked JOIN payment ON payment.organization_id = tenant.id AND payment.id = asked.id""",  # noqa: S608  (put together out of constants)
    ShownPayment,
)

PAYMENTS_OF_INVOICES: Final = DocumentRead(
    f"""
    SELECT asked.place, json_build_object('payments', coalesce((
        SELECT json_agg({_DOCUMENT} ORDER BY payment.attempt) FROM payment
        WHERE payment.organization_id = tenant.id AND payment.invoice_id = invoice.id
    ), '[]')) AS document
    FROM asked JOIN invoice ON invoice.organization_id = tenant.id AND invoice.id = asked.id""",  # noqa: S608  (put together out of constants)
    InvoicePayments,
)

PAYMENT_PAGES: Final = PageRead(
    read=PAYMENTS,
    table="payment",
    filters={
        "customer_id": "customer_id = %(customer_id)s",
        "invoice_id": "invoice_id = %(invoice_id)s",
        "status": "status = %(status)s",
    },
)
