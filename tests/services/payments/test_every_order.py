"""Whatever is billed, paid, given and sent back in whatever order: it adds up to the last cent.

Rows of a real database against integers of a naive model, which knows neither rows nor postings.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from sqlmodel import Session, select

from billing.errors import Conflict
from billing.payments.gateways import GatewayPayment, GatewayStatus
from billing.payments.kinds import PaymentKind, RefundKind
from models.payments.events import GatewayEventRow
from repositories.payments.payments import list_of_invoice
from repositories.transactions import Transactions
from services.documents.locks import lock_invoice
from services.dunning import attempts
from services.payments import recording
from services.payments.told import record_told
from tests.services.payments.adding_up import Machine
from tests.services.shop import NOW


@pytest.fixture
def machine(transactions: Transactions) -> Machine:
    Machine.transactions = transactions
    return Machine()


def test_every_order_of_what_can_happen_adds_up(machine: Machine) -> None:
    run_state_machine_as_test(
        type(machine),
        settings=settings(max_examples=20, stateful_step_count=25, deadline=None, derandomize=True),
    )


@pytest.mark.parametrize("meanwhile", ["nothing", "paid", "paid in part", "void", "written off"])
@pytest.mark.parametrize("note", [0, 10, 30])
def test_refund_that_fails_gives_the_money_to_whoever_needs_it_then(
    machine: Machine, meanwhile: str, note: int
) -> None:
    invoice = machine.finalize(amount=50)
    payment = machine.tell_of_success(machine.begin_at_the_gateway(invoice, amount=40), times=2)
    if note:
        machine.give_note(invoice, amount=note)
    refund = machine.refund(payment, amount=30)
    match meanwhile:
        case "paid":
            machine.pay_in_full(invoice)
        case "paid in part":
            machine.pay(invoice, amount=20, keeps=True)
        case "void":
            machine.void(invoice)
        case "written off":
            machine.write_off(invoice)
    machine.rows_say_what_the_model_says()

    machine.hear_of_refund(refund, fails=True)

    machine.rows_say_what_the_model_says()
    machine.finalize(amount=60)
    machine.rows_say_what_the_model_says()


@pytest.mark.parametrize("kind", RefundKind)
def test_money_that_went_though_its_credit_was_spent_is_owed_until_credit_comes(
    machine: Machine, kind: RefundKind
) -> None:
    invoice = machine.finalize(amount=30)
    attempt = machine.begin_at_the_gateway(invoice, amount=30)
    payment = machine.tell_of_success(attempt, times=1)
    machine.void(machine.finalize(amount=10))
    surplus = machine.tell_of_success(machine.begin_at_the_gateway(invoice, amount=30), times=1)
    machine.finalize(amount=20)
    machine.rows_say_what_the_model_says()

    machine.hear_of_money_that_went(surplus, amount=30, kind=kind)

    assert (machine.model.credit, machine.model.owed) == (0, 20)
    machine.rows_say_what_the_model_says()
    machine.pay(machine.finalize(amount=10), amount=20, keeps=True)
    assert (machine.model.credit, machine.model.owed) == (0, 10)
    machine.rows_say_what_the_model_says()
    machine.pay(machine.finalize(amount=10), amount=30, keeps=True)
    assert (machine.model.credit, machine.model.owed) == (10, 0)
    machine.rows_say_what_the_model_says()
    machine.hear_of_money_that_went(payment, amount=30, kind=kind)
    machine.rows_say_what_the_model_says()


def test_paid_invoice_that_cannot_be_written_off_has_no_bad_debt_when_its_refund_fails(
    machine: Machine,
) -> None:
    invoice: Any = machine.finalize(amount=100)
    payment = machine.tell_of_success(machine.begin_at_the_gateway(invoice, amount=100), times=1)
    machine.give_note(invoice, amount=40)
    refund = machine.refund(payment, amount=60)
    machine.write_off(invoice)  # Both refuse: it is paid, though 20 are due again.

    machine.hear_of_refund(refund, fails=True)

    machine.rows_say_what_the_model_says()
    assert (invoice[1].status, invoice[1].due, machine.model.credit) == ("PAID", 0, 0)


def test_payment_that_is_known_of_another_invoice_locks_no_second_one(machine: Machine) -> None:
    first: Any = machine.finalize(amount=30)
    second: Any = machine.finalize(amount=30)
    attempt: Any = machine.begin_at_the_gateway(first, amount=30)
    machine.tell_of_success(attempt, times=1)

    with pytest.raises(Conflict, match="of another invoice"):
        machine.tell([second[0], *attempt[1:]], GatewayStatus.SUCCEEDED)

    machine.rows_say_what_the_model_says()


def test_charge_in_another_currency_is_no_money_of_the_invoice(machine: Machine) -> None:
    invoice: Any = machine.finalize(amount=30)

    def begin(session: Session, organization_id: UUID, *, now: datetime) -> UUID:
        locked, _ = lock_invoice(session, organization_id, invoice[0])
        made = recording.begin(
            session,
            locked,
            kind=PaymentKind.SAVED_METHOD,
            amount=Decimal(30),
            connection_id=machine.connection_id,
            at=now,
            now=now,
        )
        return made.id

    told = GatewayPayment(
        references=("pay_eur",),
        status=GatewayStatus.SUCCEEDED,
        amount=Decimal(30),
        currency="EUR",
        at=NOW,
    )
    payment_id = machine.do(begin)
    for _ in range(2):
        machine.do(attempts.settle_attempt, payment_id, told)

    [paid] = machine.shop.read(list_of_invoice, invoice[0])
    assert (paid.status, paid.error_code, paid.applied_amount) == ("failed", "other_currency", 0)
    with machine.session() as session:
        [event] = session.exec(select(GatewayEventRow)).all()
        assert (event.status, event.payment_id) == ("needs_attention", payment_id)
        assert (event.reference, event.amount, event.currency) == ("pay_eur", 30, "EUR")
    machine.rows_say_what_the_model_says()


def test_what_a_gateway_charged_twice_by_one_key_is_two_payments(machine: Machine) -> None:
    """It must not, and some do: the second is money that somebody has to get back."""
    invoice: Any = machine.finalize(amount=30)

    def tell(reference: str, status: GatewayStatus) -> None:
        paid = GatewayPayment(
            references=(reference,),
            status=status,
            amount=Decimal(30),
            currency="USD",
            at=NOW,
            idempotency_key=f"{invoice[0]}/1",
        )

        def record(session: Session, organization_id: UUID, *, now: datetime) -> None:
            locked, _ = lock_invoice(session, organization_id, invoice[0])
            record_told(session, locked, machine.connection_id, paid, now=now)

        machine.do(record)

    def begin(session: Session, organization_id: UUID, *, now: datetime) -> None:
        locked, _ = lock_invoice(session, organization_id, invoice[0])
        recording.begin(
            session,
            locked,
            kind=PaymentKind.SAVED_METHOD,
            amount=Decimal(30),
            connection_id=machine.connection_id,
            at=now,
            now=now,
        )

    machine.do(begin)
    tell("pay_declined", GatewayStatus.FAILED)
    for reference in ("pay_a", "pay_a", "pay_b", "pay_b"):
        tell(reference, GatewayStatus.PENDING)
        tell(reference, GatewayStatus.SUCCEEDED)
    tell("pay_declined", GatewayStatus.FAILED)

    paid = machine.shop.read(list_of_invoice, invoice[0])
    assert [(one.reference, one.status) for one in paid] == [
        ("pay_a", "succeeded"),
        ("pay_b", "succeeded"),
    ]
    assert [(one.applied_amount, one.amount) for one in paid] == [(30, 30), (0, 30)]


@pytest.mark.parametrize("end", ["refund", "note", "void", "payment", "too much"])
def test_uncollectible_invoice_is_bad_debt_of_what_is_due(machine: Machine, end: str) -> None:
    invoice = machine.finalize(amount=50)
    payment = machine.pay(invoice, amount=20, keeps=False)
    machine.write_off(invoice)
    match end:
        case "refund":
            machine.refund(payment, amount=10)
        case "note":
            machine.give_note(invoice, amount=10)
        case "void":
            machine.void(invoice)
        case "payment":
            machine.pay(invoice, amount=10, keeps=False)
        case "too much":
            machine.pay(invoice, amount=60, keeps=True)

    machine.rows_say_what_the_model_says()


@pytest.mark.parametrize("is_written_off", [False, True])
def test_void_gives_back_each_of_several_payments(machine: Machine, is_written_off: bool) -> None:
    invoice = machine.finalize(amount=50)
    machine.pay(invoice, amount=10, keeps=False)
    machine.pay(invoice, amount=20, keeps=False)
    if is_written_off:
        machine.write_off(invoice)

    machine.void(invoice)

    assert machine.model.credit == 30
    machine.rows_say_what_the_model_says()


def test_success_after_a_failure_is_one_payment_however_often_it_is_told(machine: Machine) -> None:
    invoice: Any = machine.finalize(amount=30)
    attempt = machine.begin_at_the_gateway(invoice, amount=30)
    machine.tell_of_no_money(attempt, status="failed")

    machine.tell_of_success(attempt, times=2)
    machine.tell_of_no_money(attempt, status="failed")

    machine.rows_say_what_the_model_says()
    assert len(machine.shop.read(list_of_invoice, invoice[0])) == 1
