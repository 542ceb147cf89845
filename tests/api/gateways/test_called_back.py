"""Disputes are booked as the bank decided, whatever of the payment is left, and with their fees."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from billing.payments.gateways import GatewayDispute, GatewayPayment
from integrations.gateways.sandbox.gateway import SandboxGateway
from integrations.gateways.sandbox.ledger.refunds import DisputeAsked
from integrations.gateways.sandbox.ledger.tables import DisputeStatus
from tests.api.gateways.house import V1, House
from tests.api.gateways.test_attention import decide, pay, refund_by_request, waiting


def call_back(house: House, reference: str) -> None:
    """The bank calls the whole payment back, and decides so."""
    for status in (DisputeStatus.OPEN, DisputeStatus.LOST):
        house.loop.call(house.gateway.set_dispute, DisputeAsked(payment=reference, status=status))
    house.settle()


def journal(house: House) -> dict[str, Decimal]:
    """The balance of each account of the journal."""
    balances: dict[str, Decimal] = {}
    for line in house.owner.get(f"{V1}/exports/journal?format=csv").text.splitlines()[1:]:
        parts = line.split(",")
        account = next(part for part in parts if ":" in part and part[0].isupper())
        moved = Decimal(parts[-3] or 0) - Decimal(parts[-2] or 0)
        balances[account] = balances.get(account, Decimal(0)) + moved
    return balances


def account(house: House) -> dict[str, Any]:
    """What the customer has and owes."""
    found = house.owner.get(f"{V1}/customers/{house.customer_id}/account").json()
    [one] = found["accounts"]
    return {name: one[name] for name in ("balance", "receivable", "written_off", "owed")}


def test_bank_that_calls_back_what_was_refunded_before_is_booked_to_the_cent(
    house: House,
) -> None:
    invoice_id, reference = pay(house)
    refund_by_request(house, invoice_id, 50)
    house.settle()

    call_back(house, reference)

    [paid] = house.payments(invoice_id)
    amounts = ("applied_amount", "refunded_amount", "excess_amount")
    assert [paid[name] for name in amounts] == [0, 120, 50]
    assert house.invoice(invoice_id)["amount_due"] == 120
    assert account(house) == {"balance": 0, "receivable": 120, "written_off": 0, "owed": 50}
    assert waiting(house) == []
    books = journal(house)
    assert books["Assets:Cash:Sandbox"] == 120 - 50 - 120
    assert books["Assets:Receivable:SpentCredit"] == 50
    assert sum(books.values()) == 0

    house.clock.advance(seconds=10)
    decide(house, UUID(house.connection["id"]), "won")
    house.settle()

    assert [house.payments(invoice_id)[0][name] for name in amounts] == [70, 50, 0]
    assert account(house) == {"balance": 0, "receivable": 50, "written_off": 0, "owed": 0}
    assert journal(house)["Assets:Cash:Sandbox"] == 120 - 50


def test_fee_of_a_dispute_is_an_expense_and_no_customers(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is taken as the bank calls back, and given back in part when that was wrong."""
    invoice_id, reference = pay(house)
    found, fees = SandboxGateway.find_dispute, [Decimal(15)]

    async def find_with_fee(gateway: SandboxGateway, reference: str) -> GatewayDispute | None:
        told = await found(gateway, reference)
        return None if told is None else replace(told, fee=fees[-1])

    monkeypatch.setattr(SandboxGateway, "find_dispute", find_with_fee)
    call_back(house, reference)

    books = journal(house)
    assert books["Expenses:GatewayFees"] == 15
    assert books["Assets:Cash:Sandbox"] == -15
    assert account(house)["receivable"] == 120
    [dispute] = house.payments(invoice_id)[0]["disputes"]
    assert (dispute["status"], dispute["fee_amount"]) == ("lost", 15)

    for fee in (5, 15):
        fees.append(Decimal(fee))
        house.clock.advance(seconds=10)
        decide(house, UUID(house.connection["id"]), "won")
        house.settle()

        books = journal(house)
        assert books["Expenses:GatewayFees"] == fee
        assert books["Assets:Cash:Sandbox"] == 120 - fee
    assert sum(books.values()) == 0
    assert account(house) == {"balance": 0, "receivable": 0, "written_off": 0, "owed": 0}


def test_what_a_customer_owes_on_no_invoice_is_given_up_and_had_back(house: House) -> None:
    invoice_id, reference = pay(house)
    refund_by_request(house, invoice_id, 50)
    house.settle()
    call_back(house, reference)
    path = f"{V1}/customers/{house.customer_id}/account/write-off"

    for _ in range(2):
        given_up = house.owner.post(path, json={"currency": "USD", "amount": 20, "note": "Gone"})
        assert given_up.status_code == 200, given_up.text
    assert account(house) == {"balance": 0, "receivable": 120, "written_off": 20, "owed": 30}
    assert [one["kind"] for one in given_up.json()["data"][:2]] == ["settled", "written_off"]
    refused = [
        house.owner.post(path, json=body).json()["code"]
        for body in (
            {"currency": "USD", "amount": 31},
            {"currency": "EUR"},
            {"currency": "USD", "amount": 0},
        )
    ]
    assert refused == ["write_off_exceeds_owed", "nothing_owed", "amount_invalid"]
    assert house.owner.post(path, json={"currency": "USD"}).status_code == 200
    assert journal(house)["Expenses:BadDebt"] == 50

    wire = {"amount": 180, "surplus": "credit", "reference": "FT-1"}
    house.owner.post(f"{V1}/invoices/{invoice_id}/payments", json=wire)

    assert account(house) == {"balance": 10, "receivable": 0, "written_off": 0, "owed": 0}
    books = journal(house)
    assert books["Expenses:BadDebt"] == books["Assets:Receivable:SpentCredit"] == 0
    assert sum(books.values()) == 0


def test_refund_of_what_was_never_billed_here_calls_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account at a provider may have other business, whose refunds are told here as well."""
    invoice_id, _ = pay(house)
    refund_by_request(house, invoice_id, 50)
    found = SandboxGateway.find_payment

    async def find_another(
        gateway: SandboxGateway, *, reference: str | None, key: str | None
    ) -> GatewayPayment | None:
        told = await found(gateway, reference=reference, key=key)
        assert told is not None
        return replace(
            told, references=("of another business",), organization_id=None, invoice_id=None
        )

    house.ask()
    monkeypatch.setattr(SandboxGateway, "find_payment", find_another)
    house.deliver(*house.letters())
    house.ask()

    assert waiting(house) == []
    reasons = {one["reason"] for one in house.events() if one["type"].startswith("refund")}
    assert reasons == {"Its payment is of no invoice here."}


def test_dispute_in_another_currency_than_its_payment_waits_for_somebody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice_id, reference = pay(house)
    found = SandboxGateway.find_dispute

    async def find_in_euros(gateway: SandboxGateway, reference: str) -> GatewayDispute | None:
        told = await found(gateway, reference)
        return None if told is None else replace(told, currency="EUR")

    monkeypatch.setattr(SandboxGateway, "find_dispute", find_in_euros)
    call_back(house, reference)

    assert house.payments(invoice_id)[0]["refunded_amount"] == 0
    reasons = {one["reason"] for one in house.events(status="needs_attention")}
    assert reasons == {"It is in EUR, the payment is not."}
