"""A customer with credit that is sold, and a short way to sell and to pay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from billing.credits.grants import GrantKind, Spendable
from billing.credits.purchases import Cost
from billing.invoicing.invoices import InvoiceStatus
from models.invoicing.invoices import Invoice
from models.payments.payments import Payment
from repositories.invoicing import invoices as stored_invoices
from services.credits.grants import NewGrant
from services.credits.standing import GrantReading
from services.invoicing import payment_status
from services.payments import recording
from services.payments.recording import Told
from services.purchases import buying
from services.purchases.buying import Terms
from tests.services.credits.purse import BEGIN, UNIT, Purse


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """Where one customer buys credit."""

    purse: Purse

    def sell(
        self,
        amount: str,
        cost: str,
        *,
        spendable: Spendable | None = None,
        unit: str = UNIT,
        now: datetime = BEGIN,
        **more: Any,
    ) -> GrantReading:
        """So much credit is sold for so many dollars."""
        command = NewGrant(unit=unit, amount=Decimal(amount), **more)
        price = Cost(amount=Decimal(cost), currency="USD")
        terms = Terms(kind=GrantKind.PAID, cost=price, spendable=spendable)
        sell = buying.create_grant
        return self.purse.shop.do(sell, self.purse.customer_id, command, terms, now=now)

    def invoice_of(self, sold: GrantReading) -> Invoice:
        """The invoice that sells a grant."""
        assert sold.row.invoice_id is not None
        with self.purse.shop.transactions.for_organization(self.purse.organization_id) as session:
            found = stored_invoices.find_invoice(
                session, self.purse.organization_id, sold.row.invoice_id
            )
            assert found is not None
            return found

    def pay(self, invoice_id: UUID | None, amount: str, *, now: datetime = BEGIN) -> Payment:
        """So much money comes in another way."""
        told = Told(amount=Decimal(amount))
        return self.purse.shop.do(recording.record_by_hand, invoice_id, told, now=now)

    def change(
        self, invoice_id: UUID | None, wanted: InvoiceStatus, *, now: datetime = BEGIN
    ) -> Invoice:
        """Somebody moves the invoice to another state."""
        change = partial(payment_status.change_status, note=None)
        return self.purse.shop.do(change, invoice_id, wanted, now=now)
