"""A customer in a real database beside the model of the same: every action happens to both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)
from sqlmodel import Session, col, select

from billing.books.formats import JournalFormat
from billing.errors import Conflict
from billing.invoicing.invoices import InvoiceStatus
from billing.payments.gateways import GatewayPayment, GatewayStatus, Provider
from billing.payments.kinds import RefundKind
from models.base import new_id
from models.customer_accounts import AccountPosting
from models.invoicing.invoices import Invoice
from models.payments.connections import Connection
from models.payments.payments import Payment
from repositories.invoicing.invoices import list_lines
from repositories.operations.document_checks import list_contradictions
from repositories.payments.payments import lock_refund
from repositories.transactions import Transactions
from services.books.write_offs import write_off_owed
from services.corrections.credit_notes import CreditedLine
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.documents.locks import lock_invoice
from services.invoicing import manual, payment_status
from services.payments import recording, refunds
from services.payments.told import record_told
from tests.services.books.ledgers import read_csv, write
from tests.services.payments.naive_account import (
    NaiveAccount,
    NaiveInvoice,
    NaivePayment,
    NaiveRefund,
    Refused,
)
from tests.services.payments.sides import check_journal, check_sides
from tests.services.shop import NOW, open_shop

AMOUNTS = st.sampled_from([10, 20, 30])
"""Few, so that parts come to a whole and what is left to nothing."""

MOST_INVOICES = 3
Told = tuple[UUID, NaiveInvoice, UUID, NaivePayment]


class Machine(RuleBasedStateMachine):
    """One customer of one organization, and the model of the same."""

    transactions: Transactions

    invoices: Bundle[tuple[UUID, NaiveInvoice]] = Bundle("invoices")
    payments: Bundle[tuple[UUID, UUID, NaiveInvoice, NaivePayment]] = Bundle("payments")
    attempts: Bundle[list[Any]] = Bundle("attempts")
    pending: Bundle[tuple[UUID, UUID, NaiveRefund]] = Bundle("pending")

    def __init__(self) -> None:
        super().__init__()
        self.shop = open_shop(self.transactions)
        self.model = NaiveAccount()
        self.now = NOW
        details = CustomerDetails(name="Harbor", billing_address_country="GB")
        self.customer_id = self.do(create_customer, CreateCustomer(details=details)).id
        with self.session() as session:
            connection = Connection(
                organization_id=self.shop.organization_id,
                provider=Provider.SANDBOX,
                name="Sandbox",
                created_at=NOW,
                deleted_at=NOW,
            )
            session.add(connection)
            self.connection_id = connection.id

    def session(self) -> Any:
        return self.transactions.for_organization(self.shop.organization_id)

    def do(self, service: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """A transaction of its own, more than a minute after the one before."""
        self.now += timedelta(minutes=2)
        with self.session() as session:
            organization_id = self.shop.organization_id
            return service(session, organization_id, *args, **options, now=self.now)

    def both(self, model: Callable[[], Any], real: Callable[[], Any]) -> Any:
        """What both do, or None if both refuse."""
        try:
            expected = model()
        except Refused:
            try:
                real()
            except Conflict:
                return None
            raise AssertionError("The model refuses what was done.") from None
        return real(), expected

    @precondition(lambda self: len(self.model.invoices) < MOST_INVOICES)
    @rule(target=invoices, amount=AMOUNTS)
    def finalize(self, amount: int) -> Any:
        line = manual.ManualLine(
            description="Import", quantity=Decimal(1), unit_amount=Decimal(amount)
        )
        written = manual.ManualInvoice(
            customer_id=self.customer_id, currency="USD", due_date=NOW, lines=(line,)
        )
        draft = self.do(manual.create_invoice, written)
        self.do(payment_status.finalize, draft.id)
        return draft.id, self.model.bill(amount)

    @rule(invoice=invoices)
    def pay_in_full(self, invoice: tuple[UUID, NaiveInvoice]) -> None:
        invoice_id, known = invoice
        if known.status in {"OPEN", "UNCOLLECTIBLE"}:
            payment = NaivePayment(known.due)
            self.model.pay(known, payment, by_hand=True, keeps=False)
            self.do(payment_status.pay, invoice_id)

    @rule(target=payments, invoice=invoices, amount=AMOUNTS, keeps=st.booleans())
    def pay(self, invoice: tuple[UUID, NaiveInvoice], amount: int, *, keeps: bool) -> Any:
        invoice_id, known = invoice
        payment = NaivePayment(amount)
        told = recording.Told(amount=Decimal(amount), keeps_surplus=keeps)
        done = self.both(
            lambda: self.model.pay(known, payment, by_hand=True, keeps=keeps),
            lambda: self.do(recording.record_by_hand, invoice_id, told),
        )
        return (done[0].id, invoice_id, known, payment) if done else multiple()

    @rule(target=attempts, invoice=invoices, amount=AMOUNTS)
    def begin_at_the_gateway(self, invoice: tuple[UUID, NaiveInvoice], amount: int) -> list[Any]:
        """Somebody pays on a page: nobody knows yet what becomes of it."""
        payment = NaivePayment(amount, is_pending=True)
        invoice[1].payments.append(payment)
        return [invoice[0], invoice[1], f"pay_{new_id()}", payment]

    @rule(attempt=attempts, status=st.sampled_from(["pending", "failed"]))
    def tell_of_no_money(self, attempt: list[Any], status: str) -> None:
        self.tell(attempt, GatewayStatus(status))

    @rule(target=payments, attempt=attempts, times=st.integers(1, 2))
    def tell_of_success(self, attempt: list[Any], times: int) -> Any:
        invoice_id, known, _, payment = attempt
        for _ in range(times):
            payment_id = self.tell(attempt, GatewayStatus.SUCCEEDED)
        if payment.is_pending:
            self.model.pay(known, payment, by_hand=False, keeps=True)
        return payment_id, invoice_id, known, payment

    def tell(self, attempt: list[Any], status: GatewayStatus) -> UUID:
        invoice_id, _, reference, payment = attempt
        told = GatewayPayment(
            references=(reference,),
            status=status,
            amount=Decimal(payment.amount),
            currency="USD",
            at=NOW,
        )

        def record(session: Session, organization_id: UUID, *, now: Any) -> UUID:
            invoice, _ = lock_invoice(session, organization_id, invoice_id)
            made = record_told(session, invoice, self.connection_id, told, now=now)
            return made.id

        payment_id: UUID = self.do(record)
        return payment_id

    @rule(invoice=invoices, amount=AMOUNTS)
    def give_note(self, invoice: tuple[UUID, NaiveInvoice], amount: int) -> None:
        invoice_id, known = invoice
        [line, *_] = self.shop.read(list_lines, [invoice_id])
        lines = [CreditedLine(line_id=line.id, amount=Decimal(amount))]
        self.both(
            lambda: self.model.give_note(known, amount),
            lambda: self.do(payment_status.credit, invoice_id, lines, reason="Returned"),
        )

    @rule(target=pending, payment=payments, amount=AMOUNTS)
    def refund(self, payment: tuple[UUID, UUID, NaiveInvoice, NaivePayment], amount: int) -> Any:
        payment_id, _, invoice, known = payment
        with self.session() as session:
            found = session.get(Payment, (self.shop.organization_id, payment_id))
            is_pending = found.connection_id is not None
        done = self.both(
            lambda: self.model.refund(invoice, known, amount, is_pending=is_pending),
            lambda: self.do(refunds.refund, payment_id, Decimal(amount)),
        )
        if done is None or not is_pending:
            return multiple()
        return payment_id, done[0].id, done[1]

    @rule(payment=payments, amount=AMOUNTS, kind=st.sampled_from(RefundKind))
    def hear_of_money_that_went(
        self,
        payment: tuple[UUID, UUID, NaiveInvoice, NaivePayment],
        amount: int,
        kind: RefundKind,
    ) -> None:
        """Somebody sent it at the gateway, or a bank took it: nobody here can refuse that."""
        payment_id, _, invoice, known = payment
        self.both(
            lambda: self.model.refund(invoice, known, amount, has_gone=True),
            lambda: self.do(refunds.refund, payment_id, Decimal(amount), kind=kind, is_sent=True),
        )

    @rule(target=pending, payment=payments)
    def hear_that_all_was_called_back(
        self, payment: tuple[UUID, UUID, NaiveInvoice, NaivePayment]
    ) -> Any:
        """A bank takes the whole payment, whatever of it went back before; it may come back yet."""
        payment_id, _, invoice, known = payment
        done = self.both(
            lambda: self.model.refund(invoice, known, known.amount, has_gone=True),
            lambda: self.do(
                refunds.refund, payment_id, Decimal(known.amount), kind=RefundKind.DISPUTE
            ),
        )
        return (payment_id, done[0].id, done[1]) if done else multiple()

    @rule(amount=st.sampled_from([None, 10, 20]))
    def give_up_what_is_owed(self, amount: int | None) -> None:
        """What is owed on no invoice is bad debt; without an amount all of it."""
        given = None if amount is None else Decimal(amount)
        self.both(
            lambda: self.model.give_up(self.model.owed if amount is None else amount),
            lambda: self.do(write_off_owed, self.customer_id, "USD", given),
        )

    @rule(refund=consumes(pending), fails=st.booleans())
    def hear_of_refund(self, refund: tuple[UUID, UUID, NaiveRefund], *, fails: bool) -> None:
        payment_id, refund_id, known = refund
        if fails:
            self.model.fail(known)

        def end(session: Session, organization_id: UUID, *, now: Any) -> None:
            invoice, payment = refunds.lock_paid_invoice(session, organization_id, payment_id)
            made = lock_refund(session, organization_id, refund_id)
            assert made is not None
            for _ in range(2):
                if fails:
                    refunds.fail(session, invoice, payment, made, error="no", at=now, now=now)
                else:
                    refunds.settle(session, made, at=now, now=now)

        self.do(end)

    @rule(invoice=invoices)
    def void(self, invoice: tuple[UUID, NaiveInvoice]) -> None:
        self.change(invoice, self.model.void, InvoiceStatus.VOID)

    @rule(invoice=invoices)
    def write_off(self, invoice: tuple[UUID, NaiveInvoice]) -> None:
        self.change(invoice, self.model.write_off, InvoiceStatus.UNCOLLECTIBLE)

    def change(
        self,
        invoice: tuple[UUID, NaiveInvoice],
        model: Callable[[NaiveInvoice], None],
        wanted: InvoiceStatus,
    ) -> None:
        self.both(
            lambda: model(invoice[1]),
            lambda: self.do(payment_status.change_status, invoice[0], wanted, note=None),
        )

    def teardown(self) -> None:
        """The journal, which is read from documents, has what the model has."""
        text = write(self.transactions, self.shop.organization_id, JournalFormat.CSV)
        check_journal(self.model, {name: amount for (name, _), amount in read_csv(text).items()})

    @invariant()
    def rows_say_what_the_model_says(self) -> None:
        with self.session() as session:
            rows = session.exec(select(Invoice).order_by(col(Invoice.created_at))).all()
            shown = [(one.status, one.amount_due) for one in rows]
            assert shown == [(one.status, one.due) for one in self.model.invoices]
            for row in rows:
                formula = row.total - row.amount_credited - row.amount_paid + row.amount_refunded
                assert row.status == InvoiceStatus.VOID or row.amount_due == formula
            postings = session.exec(
                select(AccountPosting).order_by(col(AccountPosting.sequence))
            ).all()
            assert sum(one.amount for one in postings) == self.model.credit
            check_sides(self.model, rows, postings)
            assert list_contradictions(session, self.shop.organization_id) == []
