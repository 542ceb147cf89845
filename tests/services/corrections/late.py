"""A customer whose usage comes late, and what the books say of it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text

from billing.invoicing.invoices import InvoiceStatus
from models.invoicing.invoices import Invoice
from models.usage.events import UsageEvent
from repositories import customer_accounts
from repositories.ingestion import late_marks
from repositories.invoicing import invoices
from services.corrections.credit_notes import CreditedLine
from services.invoicing import payment_status
from tests.services.lives import Life, begin_life
from tests.services.shop import NOW, Shop

TENTH = datetime(2025, 1, 10, tzinfo=UTC)
FEBRUARY, MARCH, APRIL, MAY = (datetime(2025, month, 1, 2, tzinfo=UTC) for month in (2, 3, 4, 5))


class Late:
    """A life whose usage may come late, and what people do with its invoices."""

    def __init__(self, shop: Shop, **options: Any) -> None:
        self.shop = shop
        self.life: Life = begin_life(shop, **options)
        self.customer_id = self.life.row().customer_id
        self.meter_id = self.life.meter_id()
        self.advance = self.life.advance
        self.invoices = self.life.invoices

    def set(self, **values: object) -> None:
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            for name, value in values.items():
                session.execute(
                    text(f"UPDATE organization SET {name} = :value WHERE id = :id"),
                    {"value": value, "id": self.shop.organization_id},
                )

    def use(self, at: datetime, quantity: int, meter_id: UUID | None = None) -> UsageEvent:
        meter_id = meter_id or self.meter_id
        event = self.life.use(at, quantity, meter_id)
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            late_marks.mark_periods_changed_by(
                session, self.shop.organization_id, self.customer_id, meter_id, at, now=NOW
            )
        return event

    def totals(self) -> list[Decimal]:
        return [one.total for one in self.invoices()]

    def owed(self) -> Decimal:
        """What the customer owes in all, less what stands on the account."""
        found = [one for one in self.invoices() if one.status not in ("VOID", "DRAFT")]
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            given = session.execute(text("SELECT coalesce(sum(total), 0) FROM credit_note"))
            notes = Decimal(given.scalar_one())
        balances = self.shop.read(customer_accounts.list_left_by_bills, self.customer_id)
        return sum((one.total for one in found), Decimal(0)) - notes - balances.get("USD", 0)

    def change(
        self, invoice: Invoice, status: InvoiceStatus, *, settles_again: bool = True
    ) -> None:
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            payment_status.change_status(
                session,
                invoice.organization_id,
                invoice.id,
                status,
                note=None,
                settles_again=settles_again,
                now=NOW,
            )

    def credit(self, invoice: Invoice, amount: int) -> None:
        line = next(
            row
            for row in self.shop.read(invoices.list_lines, [invoice.id])
            if row.charge_id is not None or row.type == "late_usage"
        )
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            payment_status.credit(
                session,
                invoice.organization_id,
                invoice.id,
                [CreditedLine(line_id=line.id, amount=Decimal(amount))],
                reason="goodwill",
                now=NOW,
            )
