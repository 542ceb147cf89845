"""What a ledger comes to, invoice by invoice: to be compared with the product's books."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Connection, case, func, select

from billing.payments.gateways import GatewayStatus
from integrations.gateways.sandbox.ledger.tables import payment, webhook


class InvoiceSum(msgspec.Struct, frozen=True, kw_only=True):
    """What was tried and paid for an invoice in a currency, in minor units."""

    account_id: UUID
    invoice_id: UUID
    currency: str
    succeeded: int
    pending: int
    failed: int
    paid_minor: int
    refunded_minor: int


class CurrencySum(msgspec.Struct, frozen=True, kw_only=True):
    """What all invoices come to in a currency, in minor units."""

    currency: str
    invoices: int
    succeeded: int
    paid_minor: int
    refunded_minor: int


class LedgerSums(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger as sums; ``webhooks_waiting`` have not arrived yet."""

    invoices: Sequence[InvoiceSum]
    totals: Sequence[CurrencySum]
    webhooks_waiting: int


def sum_up(connection: Connection, account_id: UUID | None = None) -> LedgerSums:
    """The sums of an account, or of all."""

    def count(status: GatewayStatus) -> ColumnElement[int]:
        return func.sum(case((payment.c.status == status, 1), else_=0))

    is_paid = payment.c.status == GatewayStatus.SUCCEEDED
    statement = (
        select(
            payment.c.account_id,
            payment.c.invoice_id,
            payment.c.currency,
            *(count(status).label(status.value) for status in GatewayStatus),
            func.sum(case((is_paid, payment.c.amount_minor), else_=0)).label("paid_minor"),
            func.sum(payment.c.refunded_minor).label("refunded_minor"),
        )
        .group_by(payment.c.account_id, payment.c.invoice_id, payment.c.currency)
        .order_by(payment.c.account_id, payment.c.invoice_id, payment.c.currency)
    )
    waiting = select(func.count()).where(webhook.c.due_at.is_not(None))
    if account_id is not None:
        statement = statement.where(payment.c.account_id == account_id)
        waiting = waiting.where(webhook.c.account_id == account_id)
    invoices = [
        InvoiceSum(
            account_id=row.account_id,
            invoice_id=row.invoice_id,
            currency=row.currency,
            # PostgreSQL sums up to decimals.
            succeeded=int(row.succeeded),
            pending=int(row.pending),
            failed=int(row.failed),
            paid_minor=int(row.paid_minor),
            refunded_minor=int(row.refunded_minor),
        )
        for row in connection.execute(statement)
    ]
    return LedgerSums(
        invoices=invoices,
        totals=_totals(invoices),
        webhooks_waiting=connection.execute(waiting).scalar_one(),
    )


def _totals(invoices: Sequence[InvoiceSum]) -> list[CurrencySum]:
    currencies = sorted({one.currency for one in invoices})
    return [
        CurrencySum(
            currency=currency,
            invoices=len(of_it),
            succeeded=sum(one.succeeded for one in of_it),
            paid_minor=sum(one.paid_minor for one in of_it),
            refunded_minor=sum(one.refunded_minor for one in of_it),
        )
        for currency in currencies
        if (of_it := [one for one in invoices if one.currency == currency])
    ]
