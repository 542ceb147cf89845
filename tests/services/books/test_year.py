"""A year with every kind of document and of money, as beancount, hledger and a table have it."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from billing.books.formats import JournalFormat
from billing.invoicing.invoices import InvoiceStatus
from billing.payments.gateways import GatewayDispute, GatewayPayment, GatewayStatus, Provider
from models.invoicing.invoices import Invoice
from models.payments.connections import Connection
from repositories.transactions import Transactions
from services.books.write_offs import write_off_owed
from services.catalog.tax_rates import CreateTaxRate, create_tax_rate
from services.corrections.credit_returns import return_credit
from services.customers import CustomerDetails, UpdateCustomer, update_customer
from services.documents.locks import lock_invoice
from services.invoicing import manual, payment_status
from services.lifecycle.changes import cancel_subscription
from services.payments import recording, refunds
from services.payments.reversals import accept_dispute
from services.payments.told import record_told
from services.usage.corrections import void_usage
from tests.services.books.ledgers import (
    Balances,
    read_beancount,
    read_csv,
    read_hledger,
    write,
)
from tests.services.corrections.late import Late
from tests.services.shop import NOW, Shop, open_shop

READ = {
    JournalFormat.BEANCOUNT: read_beancount,
    JournalFormat.HLEDGER: read_hledger,
    JournalFormat.CSV: read_csv,
}
KINDS = {
    *("invoice", "credit_note", "void", "carried", "granted", "returned", "credited"),
    *("paid", "applied", "unapplied", "refunded", "refund_failed"),
    *("written_off", "restored", "recovered", "owed", "settled", "fee", "fee_taken"),
}
"""All but what older versions left."""


def day(month: int, number: int, year: int = 2025) -> datetime:
    return datetime(year, month, number, 2, tzinfo=UTC)


class Year:
    """A customer in Quebec, whose bills are taxed twice, and what happens to each of them."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        for name, percentage, state in (("GST", "5", None), ("QST", "9.975", "QC")):
            rate = CreateTaxRate(
                name=name, country="CA", percentage=Decimal(percentage), state=state
            )
            shop.do(create_tax_rate, rate)
        self.late = Late(shop)
        self.late.set(grace_period_minutes=0, auto_email=False)
        details = CustomerDetails(
            name='=Harbor "Labs"; \\ Co\n|',
            email="ap@harbor.test",
            billing_address_country="CA",
            billing_address_state="QC",
        )
        given = frozenset({"name", "billing_address_country", "billing_address_state"})
        shop.do(
            update_customer, self.late.customer_id, UpdateCustomer(details=details, given=given)
        )
        self.live()

    def live(self) -> None:
        gone = self.bill(1, 400)
        self.pay(self.last(), keeps=50)
        self.shop.do(void_usage, gone.id)
        self.bill(2, 10)  # below zero: carried to those that follow
        self.bill(3, 900)
        self.credit(self.last(), 20)
        self.pay(self.last(), Decimal(30))
        self.change(self.last(), InvoiceStatus.VOID)
        self.bill(4, 2500)
        self.change(self.last(), InvoiceStatus.UNCOLLECTIBLE)
        self.pay(self.last(), Decimal(40))
        self.credit(self.last(), 30)
        self.bill(5, 700)
        self.tell(self.last(), Decimal(900))
        self.bill(6, 90)
        self.change(self.last(), InvoiceStatus.UNCOLLECTIBLE)
        self.change(self.last(), InvoiceStatus.VOID)
        gone = self.bill(7, 500)
        self.pay(self.last())
        self.shop.do(void_usage, gone.id)
        self.sell_by_hand(35)
        self.late.life.do(partial(cancel_subscription, at_period_end=False), now=NOW)
        self.late.advance(day(9, 1))
        self.late.life.send_clock(day(12, 1))
        self.late.life.do(return_credit, due_at=day(12, 1), now=NOW)
        self.refund(Decimal(60), fails=True)
        self.refund(Decimal(25))
        self.sell_by_hand(2000)
        self.shop.do(partial(refunds.refund, is_sent=True), self.payment_id, Decimal(865))
        self.call_back(Decimal(900), fee=Decimal(15))
        self.shop.do(write_off_owed, self.late.customer_id, "USD", Decimal(100))
        self.sell_by_hand(5)
        self.pay(self.last(), keeps=1)

    def bill(self, month: int, calls: int) -> Any:
        event = self.late.use(day(month, 10), calls)
        self.late.advance(day(month + 1, 1))
        return event

    def last(self) -> Invoice:
        return self.late.invoices()[-1]

    def pay(self, invoice: Invoice, amount: Decimal | None = None, keeps: int = 0) -> None:
        amount = invoice.amount_due + keeps if amount is None else amount
        told = recording.Told(amount=amount, keeps_surplus=bool(keeps), reference="FT, 1")
        self.shop.do(recording.record_by_hand, invoice.id, told)

    def credit(self, invoice: Invoice, amount: int) -> None:
        self.late.credit(invoice, amount)

    def change(self, invoice: Invoice, status: InvoiceStatus) -> None:
        self.late.change(invoice, status)

    def tell(self, invoice: Invoice, amount: Decimal) -> None:
        """A gateway has it, and more than is due; no later invoice is collected there."""
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            connection = Connection(
                organization_id=self.shop.organization_id,
                provider=Provider.STRIPE,
                name="Stripe",
                created_at=NOW,
                deleted_at=NOW,
            )
            session.add(connection)
            session.flush()
            locked, _ = lock_invoice(session, invoice.organization_id, invoice.id)
            told = GatewayPayment(
                references=("pi_1",),
                status=GatewayStatus.SUCCEEDED,
                amount=amount,
                currency="USD",
                at=NOW,
            )
            made = record_told(session, locked, connection.id, told, now=NOW)
            self.payment_id = made.id

    def refund(self, amount: Decimal, *, fails: bool = False) -> None:
        made = self.shop.do(refunds.refund, self.payment_id, amount)
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            invoice, payment = refunds.lock_paid_invoice(
                session, self.shop.organization_id, self.payment_id
            )
            made = session.merge(made)
            if fails:
                refunds.fail(session, invoice, payment, made, error="no", at=NOW, now=NOW)
            else:
                refunds.settle(session, made, at=NOW, now=NOW)

    def call_back(self, amount: Decimal, *, fee: Decimal) -> None:
        """The customer's bank takes all of it, though most went back before."""
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            invoice, payment = refunds.lock_paid_invoice(
                session, self.shop.organization_id, self.payment_id
            )
            assert payment.connection_id is not None
            told = GatewayDispute(
                reference="du_1",
                payment_reference="pi_1",
                amount=amount,
                currency="USD",
                status="lost",
                reason="fraudulent",
                at=NOW,
                fee=fee,
            )
            accept_dispute(
                session, invoice, payment, payment.connection_id, told, asked_at=NOW, now=NOW
            )

    def sell_by_hand(self, amount: int) -> None:
        line = manual.ManualLine(
            description="Setup", quantity=Decimal(1), unit_amount=Decimal(amount)
        )
        written = manual.ManualInvoice(
            customer_id=self.late.customer_id, currency="USD", due_date=NOW, lines=(line,)
        )
        made = self.shop.do(manual.create_invoice, written)
        self.shop.do(payment_status.finalize, made.id)

    def ask(self, statement: str) -> Decimal:
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            return Decimal(session.execute(text(statement)).scalar_one() or 0)

    def write(self, language: JournalFormat, *days: date) -> str:
        return write(self.shop.transactions, self.shop.organization_id, language, *days)


@pytest.fixture(scope="module")
def year(transactions: Transactions) -> Year:
    return Year(open_shop(transactions))


@pytest.fixture(scope="module")
def balances(year: Year) -> Balances:
    return read_beancount(year.write(JournalFormat.BEANCOUNT))


def test_year_has_every_kind_of_entry(year: Year) -> None:
    rows = csv.DictReader(io.StringIO(year.write(JournalFormat.CSV)))

    assert {row["kind"] for row in rows} == KINDS


def test_every_language_says_the_same(year: Year, balances: Balances) -> None:
    assert {
        language: read(year.write(language)) for language, read in READ.items()
    } == dict.fromkeys(READ, balances)
    assert sum(balances.values()) == 0


def test_balances_are_those_of_invoices_payments_and_accounts(
    year: Year, balances: Balances
) -> None:
    final = "FROM invoice WHERE status NOT IN ('DRAFT', 'VOID')"
    due = year.ask(f"SELECT sum(amount_due) {final} AND status <> 'UNCOLLECTIBLE'")
    bad_debt = year.ask(f"SELECT sum(amount_due) {final} AND status = 'UNCOLLECTIBLE'")
    credited = year.ask(f"SELECT sum(amount_credited) {final}")
    of_final = f"invoice_id IN (SELECT id {final})"
    noted = year.ask(f"SELECT sum(total) FROM credit_note WHERE {of_final}")
    credit = year.ask("SELECT balance_after FROM account_posting ORDER BY sequence DESC LIMIT 1")
    paid = "FROM payment WHERE status = 'succeeded' AND connection_id IS"
    tax = year.ask(f"SELECT sum(tax) {final}") - year.ask(
        f"SELECT sum(tax) FROM credit_note WHERE {of_final}"
    )
    stays = "SELECT sum(amount - refunded_amount - excess_amount)"
    fees = year.ask("SELECT sum(fee_amount) FROM dispute")
    given_up = year.ask("SELECT sum(written_off_amount) FROM customer_account")
    found = {account: amount for (account, _), amount in balances.items()}

    assert {
        name: amount
        for name, amount in found.items()
        if not name.startswith(("Income", "Liabilities:Tax"))
    } == {
        "Assets:Cash:ByHand": year.ask(f"{stays} {paid} NULL"),
        "Assets:Cash:Stripe": year.ask(f"{stays} {paid} NOT NULL") - fees,
        # What notes gave back of money that is not back yet is owed the other way round.
        "Assets:Receivable": due - (noted - credited),
        "Assets:Receivable:SpentCredit": year.ask("SELECT sum(owed_amount) FROM customer_account"),
        "Expenses:BadDebt": bad_debt + given_up,
        "Expenses:GatewayFees": fees,
        # Nobody has credit and owes.
        **({"Liabilities:CustomerCredit": -credit} if credit else {}),
    }
    assert {name for name in found if name.startswith(("Income", "Liabilities:Tax"))} == {
        "Income:Revenue:CA-GST-5-and-CA-QC-QST-9-975",
        "Liabilities:Tax:CA-GST-5",
        "Liabilities:Tax:CA-QC-QST-9-975",
    }
    assert sum(amount for name, amount in found.items() if "Liabilities:Tax" in name) == -tax


def test_year_is_its_parts(year: Year, balances: Balances) -> None:
    """A day is in one part only, and accounts add up over them."""
    parts = [(date(2020, 1, 1), date(2025, 4, 30)), (date(2025, 5, 1), date(2027, 1, 1))]
    added: Counter[tuple[str, str]] = Counter()

    for days in parts:
        for key, amount in read_beancount(year.write(JournalFormat.BEANCOUNT, *days)).items():
            added[key] += amount  # type: ignore[assignment]  # a Counter of exact amounts

    assert {key: amount for key, amount in added.items() if amount} == balances


def test_words_of_customers_neither_compute_nor_end_a_line(year: Year) -> None:
    table, ledger = year.write(JournalFormat.CSV), year.write(JournalFormat.HLEDGER)

    assert '"\'=Harbor ""Labs""; \\ Co |"' in table
    assert ",=" not in table
    heads = [line for line in ledger.splitlines() if line[:2] == "20"]
    assert not [line for line in heads if ";" in line]
