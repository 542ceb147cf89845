"""Whatever is billed, paid, given and sent back in whatever order: it adds up to the last cent.

Rows of a real database against integers of a naive model, which knows neither rows nor postings.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from billing.payments.allocation import RefundKind
from repositories.payments.payments import list_of_invoice
from repositories.transactions import Transactions
from tests.services.payments.adding_up import Machine


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


def test_success_after_a_failure_is_one_payment_however_often_it_is_told(machine: Machine) -> None:
    invoice: Any = machine.finalize(amount=30)
    attempt = machine.begin_at_the_gateway(invoice, amount=30)
    machine.tell_of_no_money(attempt, status="failed")

    machine.tell_of_success(attempt, times=2)
    machine.tell_of_no_money(attempt, status="failed")

    machine.rows_say_what_the_model_says()
    assert len(machine.shop.read(list_of_invoice, invoice[0])) == 1
