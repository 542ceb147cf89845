"""One customer on a test clock: everything that moves their credit, in a line each."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from billing.credits.grants import GrantKind
from billing.credits.purchases import Cost
from billing.invoicing.invoices import InvoiceStatus
from models.invoicing.credit_notes import CreditNote
from models.invoicing.invoices import Invoice
from repositories.credits.postings import LedgerRow
from repositories.ingestion.late_marks import mark_periods_changed_by
from repositories.invoicing import invoices as stored_invoices
from repositories.transactions import Transactions
from services.corrections import purchases
from services.corrections.credit_notes import CreditedLine
from services.credits import balances, ends, holds
from services.credits.balances import Balance
from services.credits.grants import NewGrant
from services.credits.holds import NewHold
from services.credits.recurring.rules import NewGrantRule
from services.credits.standing import GrantReading
from services.customers import CustomerDetails, UpdateCustomer, update_customer
from services.invoicing import manual, payment_status
from services.invoicing.manual import ManualInvoice, ManualLine
from services.payments import recording
from services.payments.recording import Told
from services.purchases import buying, recurring
from services.purchases.buying import Terms
from services.rating import accruing
from services.usage.rollups import rebuild_rollups
from tests.services.invoicing.prepaid.drawn import rows
from tests.services.lives import START, Life, begin_life
from tests.services.shop import NOW, open_shop
from tests.services.usage_facts import Fact, open_month, store_one

UNIT = "USD"
GRACE = timedelta(hours=1)
FREE = Terms(kind=GrantKind.FREE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A final invoice, what it comes to, and what it drew of each grant."""

    invoice_id: UUID
    total: Decimal
    draws: dict[UUID, Decimal]


class WalletLife:
    """A subscription of a dollar a call, and credit in dollars. ``now`` is what the clock says."""

    def __init__(self, transactions: Transactions) -> None:
        self.life: Life = begin_life(open_shop(transactions))
        self.shop = self.life.shop
        self.customer_id: UUID = self.life.row().customer_id
        self.meter_id: UUID = self.life.meter_id()
        self._months: set[date] = set()
        details = CustomerDetails(name="Harbor Labs", billing_address_country="DE")
        given = frozenset({"billing_address_country"})
        self.shop.do(
            update_customer, self.customer_id, UpdateCustomer(details=details, given=given)
        )
        self.now: datetime = START

    def copied(self, organization_id: UUID) -> WalletLife:
        """The same customer in another organization, a copy of this one's."""
        made = copy(self)
        made.shop = replace(self.shop, organization_id=organization_id)
        made.life = replace(self.life, shop=made.shop)
        return made

    def wait(self, hours: int) -> None:
        """Time passes, and the workflow does what is due."""
        self.now += timedelta(hours=hours)
        self.life.advance(self.now)

    def use(self, at: datetime, amount: Decimal) -> None:
        """Somebody says now that so much was used then."""
        month = at.date().replace(day=1)
        if month not in self._months:
            self.shop.read(open_month, month)
            self._months.add(month)
        self.shop.read(self._use, Fact(at=at, value=amount))

    def _use(self, session: Session, organization_id: UUID, fact: Fact) -> None:
        store_one(session, self.shop, self.customer_id, self.meter_id, fact)
        rebuild_rollups(session, organization_id)
        mark_periods_changed_by(
            session, organization_id, self.customer_id, self.meter_id, fact.at, now=NOW
        )

    def grant(self, amount: Decimal, terms: Terms = FREE, **more: Any) -> GrantReading:
        """Credit is given or sold."""
        command = NewGrant(unit=UNIT, amount=amount, **more)
        return self.shop.do(buying.create_grant, self.customer_id, command, terms)

    def sell(self, amount: Decimal, **more: Any) -> GrantReading:
        """Credit is sold for what it pays."""
        price = Cost(amount=amount, currency="USD")
        return self.grant(amount, Terms(kind=GrantKind.PAID, cost=price), **more)

    def pay(self, invoice_id: UUID) -> None:
        """All that is due of an invoice comes in."""
        invoice = self.invoice(invoice_id)
        if invoice.amount_due:
            told = Told(amount=invoice.amount_due)
            self.shop.do(recording.record_by_hand, invoice_id, told)

    def recur(self, amount: Decimal, **more: Any) -> UUID:
        """Credit is given again and again."""
        command = NewGrantRule(unit=UNIT, amount=amount, **more)
        return self.shop.do(recurring.create_rule, self.customer_id, command).id

    def end_rule(self, rule_id: UUID) -> None:
        """It is not given any more."""
        self.shop.do(recurring.end_rule, self.customer_id, rule_id)

    def end(self, grant_id: UUID, *, refund: bool) -> None:
        """A grant is ended before its time."""
        self.shop.do(partial(purchases.end_grant, refund=refund), grant_id)

    def expire(self) -> None:
        """The hourly check posts what is over."""
        self.shop.do(ends.expire_due)

    def hold(self, hold_id: UUID, amount: Decimal, until: datetime) -> None:
        """Credit is set aside."""
        command = NewHold(
            customer_id=self.customer_id,
            unit=UNIT,
            amount=amount,
            expires_at=until,
            hold_id=hold_id,
        )
        self.shop.do(_hold, command)

    def settle(self, hold_id: UUID, amount: Decimal) -> None:
        """A hold came to so much."""
        self.shop.do(holds.settle, hold_id, amount)

    def release(self, hold_id: UUID) -> None:
        """A hold is not needed."""
        self.shop.do(holds.release, hold_id)

    def write(self, amount: Decimal) -> Drawn:
        """Somebody writes an invoice of one line, which becomes final."""
        line = ManualLine(description="Work", quantity=Decimal(1), unit_amount=amount)
        command = ManualInvoice(
            customer_id=self.customer_id,
            currency="USD",
            due_date=self.now + timedelta(days=300),
            lines=(line,),
        )
        draft = self.shop.do(manual.create_invoice, command)
        return self.drawn(self.shop.do(payment_status.finalize, draft.id))

    def void(self, invoice_id: UUID, *, extend_days: int | None) -> None:
        """An invoice has no effect any more, and what it billed is not billed again."""
        change = partial(
            payment_status.change_status, note=None, settles_again=False, extend_days=extend_days
        )
        self.shop.do(change, invoice_id, InvoiceStatus.VOID)

    def note(self, invoice_id: UUID, amount: Decimal, reason: str) -> CreditNote:
        """So much of the only line of an invoice is given back."""
        [line] = self.shop.read(stored_invoices.list_lines, [invoice_id])
        credited = [CreditedLine(line_id=line.id, amount=amount)]
        return self.shop.do(partial(payment_status.credit, reason=reason), invoice_id, credited)

    def invoice(self, invoice_id: UUID) -> Invoice:
        """An invoice as it is stored."""
        found = self.shop.read(stored_invoices.find_invoice, invoice_id)
        assert found is not None
        return found

    def period_bill(self, index: int) -> Drawn | None:
        """The final bill of a period."""
        found = self.shop.read(
            stored_invoices.find_period_invoice, self.life.subscription_id, index
        )
        if found is None or found.status == InvoiceStatus.DRAFT:
            return None
        return self.drawn(found)

    def drawn(self, invoice: Invoice) -> Drawn:
        """What a final invoice drew."""
        draws: dict[UUID, Decimal] = {}
        for one in rows(self.life, invoice):
            draws[one.grant_id] = draws.get(one.grant_id, Decimal(0)) + one.amount
        return Drawn(invoice_id=invoice.id, total=invoice.subtotal, draws=draws)

    def balance(self, *, at: datetime | None = None) -> Balance:
        """What there is, and what usage has of it already."""
        read = partial(
            balances.read_balance, at=at, look_at_accruing=accruing.find_accruing, now=NOW
        )
        return self.shop.read(read, self.customer_id, UNIT)

    def ledger(self) -> list[LedgerRow]:
        """Every movement."""
        read = partial(balances.read_ledger, after=0, limit=10_000)
        return list(self.shop.read(read, self.customer_id, UNIT).rows)

    def stored_grants(self) -> list[GrantRow]:
        """All grants, in the order of the wallet."""
        return self.shop.read(_list_grants)


class GrantRow(NamedTuple):
    """A grant as it is stored."""

    id: UUID
    sequence: int
    amount: Decimal
    effective_at: datetime
    expires_at: datetime | None
    invoice_id: UUID | None
    rolled_from: UUID | None
    rule_id: UUID | None
    occurrence: int | None


GRANTS = text(
    f"SELECT {', '.join(GrantRow._fields)} FROM credit_grant"
    " WHERE organization_id = :organization_id ORDER BY sequence"
)


def _list_grants(session: Session, organization_id: UUID) -> list[GrantRow]:
    """Read after each step, so as rows: no unit of work keeps them."""
    found = session.execute(GRANTS, {"organization_id": organization_id})
    return [GrantRow(*row) for row in found]


def _hold(session: Session, organization_id: UUID, command: NewHold, *, now: datetime) -> None:
    used = accruing.find_unholdable(
        session, organization_id, command.customer_id, command.unit, now=now
    )
    holds.hold(session, organization_id, command, accruing=used, now=now)
