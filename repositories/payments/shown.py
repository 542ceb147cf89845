"""Payments as they are listed, by one statement."""

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


PAYMENTS: Final = DocumentRead(
    """
    SELECT asked.place, json_build_object(
        'payment', payment,
        'disputes', coalesce((
            SELECT json_agg(dispute ORDER BY dispute.at, dispute.id) FROM dispute
            WHERE dispute.organization_id = tenant.id AND dispute.payment_id = payment.id
        ), '[]')
    ) AS document
    FROM asked JOIN payment ON payment.organization_id = tenant.id AND payment.id = asked.id""",
    ShownPayment,
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
