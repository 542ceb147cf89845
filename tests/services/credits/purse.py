"""A customer with credit, and a short way to move it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from billing.credits.drawing import Draw
from billing.credits.grants import Place
from models.credits.holds import CreditHold
from models.invoicing.draws import InvoiceDraw
from models.invoicing.invoices import Invoice
from repositories.credits.postings import LedgerRow
from repositories.entitlements.balances import Holding, HoldingAsked, read_holdings
from services import customers
from services.credits import balances, drawing, ends, grants, holds, standing, units
from services.credits.balances import Balance
from services.credits.grants import NewGrant
from services.credits.holds import NewHold
from services.credits.standing import GrantReading
from services.customers import CreateCustomer, CustomerDetails
from services.invoicing import manual, payment_status
from services.invoicing.manual import ManualInvoice, ManualLine
from services.purchases import recurring
from tests.services.shop import Shop

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
UNIT = "TOKENS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """One customer's credit in one unit with two decimal places."""

    shop: Shop
    customer_id: UUID

    @property
    def organization_id(self) -> UUID:
        """Whose customer it is."""
        return self.shop.organization_id

    def grant(self, amount: str, *, now: datetime = BEGIN, **more: Any) -> GrantReading:
        """The customer has so much more."""
        command = NewGrant(unit=UNIT, amount=Decimal(amount), **more)
        return self.shop.do(grants.grant_free, self.customer_id, command, now=now)

    def read(self, grant_id: UUID, *, now: datetime = BEGIN) -> GrantReading:
        """How a grant stands."""
        return self.shop.do(standing.read_grant, grant_id, now=now)

    def balance(self, *, now: datetime = BEGIN, at: datetime | None = None) -> Balance:
        """What there is."""
        read = partial(balances.read_balance, at=at)
        return self.shop.do(read, self.customer_id, UNIT, now=now)

    def holding(self, *, now: datetime = BEGIN) -> Holding | None:
        """What there is, as one statement reads it."""
        asked = [HoldingAsked(self.customer_id, UNIT, now)]
        read = partial(read_holdings, organization_id=self.organization_id, asked=asked)
        return self.shop.ask(read)[0]

    def ledger(self) -> Sequence[LedgerRow]:
        """Every movement."""
        return self.shop.read(
            balances.read_ledger, self.customer_id, UNIT, after=0, limit=10_000
        ).rows

    def movements(self) -> list[tuple[str, Decimal]]:
        """Kinds and amounts of all movements, in order."""
        return [(one.kind, one.amount) for one in self.ledger()]

    def invoice(self, lines: int = 3, *, now: datetime = BEGIN) -> Invoice:
        """A final document with so many lines that draws can name."""
        line = ManualLine(description="Usage", quantity=Decimal(1), unit_amount=Decimal(1))
        command = ManualInvoice(
            customer_id=self.customer_id,
            currency="USD",
            due_date=now + 30 * DAY,
            lines=(line,) * lines,
        )
        draft = self.shop.do(manual.create_invoice, command, now=now)
        return self.shop.do(payment_status.finalize, draft.id, now=now)

    def draw(self, invoice: Invoice, *draws: tuple[UUID, int, str], now: datetime = BEGIN) -> None:
        """The invoice draws from grants: of each, which line and how much."""
        wanted = [
            Draw(
                grant_id=grant_id,
                position=position,
                amount=Decimal(amount),
                place=Place.BEFORE_TAX,
            )
            for grant_id, position, amount in draws
        ]
        said = [
            {
                "organization_id": self.organization_id,
                "invoice_id": invoice.id,
                "line_position": one.position,
                "grant_id": one.grant_id,
                "unit": UNIT,
                "amount": one.amount,
                "money": one.amount,
                "place": one.place,
            }
            for one in wanted
        ]
        with self.shop.transactions.for_organization(self.organization_id) as session:
            session.execute(insert(InvoiceDraw).on_conflict_do_nothing(), said)
            drawing.post_draws(session, invoice, wanted, at=now, now=now)

    def give_back(
        self, invoice: Invoice, *, now: datetime = BEGIN, extend_days: int | None = None
    ) -> None:
        """The invoice is void."""
        with self.shop.transactions.for_organization(self.organization_id) as session:
            drawing.return_draws(session, invoice, at=now, now=now, extend_days=extend_days)

    def hold(
        self, amount: str, *, now: datetime = BEGIN, hold_id: UUID | None = None, hours: int = 1
    ) -> CreditHold:
        """So much is set aside."""
        command = NewHold(
            customer_id=self.customer_id,
            unit=UNIT,
            amount=Decimal(amount),
            expires_at=now + timedelta(hours=hours),
            hold_id=hold_id,
        )
        return self.shop.do(holds.hold, command, now=now)

    def settle(self, hold_id: UUID, amount: str, *, now: datetime = BEGIN) -> CreditHold:
        """The hold came to so much."""
        return self.shop.do(holds.settle, hold_id, Decimal(amount), now=now)

    def release(self, hold_id: UUID, *, now: datetime = BEGIN) -> None:
        """The hold is not needed."""
        self.shop.do(holds.release, hold_id, now=now)

    def end(self, grant_id: UUID, *, now: datetime = BEGIN) -> GrantReading:
        """The grant is ended before its time."""
        return self.shop.do(ends.end_early, grant_id, now=now)

    def expire(self, *, now: datetime) -> int:
        """What is over is posted."""
        return self.shop.do(ends.expire_due, now=now)


def grant_due(shop: Shop, *, now: datetime) -> int:
    """What recurs is granted as the hourly check does it; to how many customers."""
    due = shop.do(partial(recurring.list_due_customers, limit=100), now=now)
    for customer_id in due:
        shop.do(recurring.grant_to, customer_id, now=now)
    return len(due)


def open_purse(shop: Shop) -> Purse:
    """A customer without any credit yet."""
    details = CustomerDetails(name="Quay", email="a@quay.test", billing_address_country="DE")
    customer = shop.do(customers.create_customer, CreateCustomer(details=details))
    command = units.CreateUnit(code=UNIT, name="Tokens", scale=2)
    shop.do(units.create_unit, command)
    return Purse(shop=shop, customer_id=customer.id)
