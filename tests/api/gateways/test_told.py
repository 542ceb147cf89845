"""What gateways tell, in any order: the books say the same in the end, and no money is lost."""

from __future__ import annotations

import itertools
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from billing.payments.gateways import PaymentRequest, RefundRequest
from integrations.gateways.sandbox.ledger.outbox import SandboxLetter
from integrations.gateways.sandbox.ledger.refunds import DisputeAsked
from integrations.gateways.sandbox.ledger.tables import DisputeStatus
from tests.api.gateways.house import V1, House

TOLD = ("failure", "success", "refund", "dispute")


def refund_of(payment: str, amount: int) -> RefundRequest:
    """Money that somebody sends back at the gateway itself."""
    return RefundRequest(
        payment_reference=payment,
        amount=Decimal(amount),
        currency="USD",
        idempotency_key=f"by hand {uuid4()}",
    )


def tell_of_everything(house: House) -> tuple[str, dict[str, list[SandboxLetter]]]:
    """A page on which a card failed, another paid, 20 went back, and the bank called back all."""
    invoice = house.finalize()
    letters: dict[str, list[SandboxLetter]] = {}
    house.press(invoice["payment_link"], "failure")
    letters["failure"] = house.letters()
    paid = house.press(invoice["payment_link"])
    letters["success"] = house.letters()
    house.loop.call(house.gateway.refund, refund_of(paid["id"], 20))
    letters["refund"] = house.letters()
    for status in (DisputeStatus.OPEN, DisputeStatus.LOST):
        house.loop.call(house.gateway.set_dispute, DisputeAsked(payment=paid["id"], status=status))
    letters["dispute"] = house.letters()
    return invoice["id"], letters


@pytest.mark.parametrize(("worked_on", "step"), [("one by one", 1), ("all at once", 3)])
def test_every_order_of_what_is_told_comes_to_the_same(
    house: House, worked_on: str, step: int
) -> None:
    found = set()
    orders = list(itertools.permutations(TOLD))[::step]
    for order in orders:
        invoice_id, letters = tell_of_everything(house)
        for name in order:
            # Each twice, and the two of a dispute the wrong way round.
            house.deliver(*reversed(letters[name]), *letters[name])
            if worked_on == "one by one":
                house.ask()
        house.settle()
        invoice = house.invoice(invoice_id)
        paid = sorted(
            (one["status"], one["amount"], one["refunded_amount"], one["excess_amount"])
            for one in house.payments(invoice_id)
        )
        found.add((invoice["status"], invoice["amount_due"], *paid))

        [online] = [one["id"] for one in house.payments(invoice_id) if one["refunded_amount"]]
        [dispute] = house.owner.get(f"{V1}/payments/{online}").json()["disputes"]
        assert (dispute["status"], dispute["amount"]) == ("lost", 120)

    # More was called back than was left, whichever came last: the customer had it twice.
    assert found == {("PAID", 120, ("failed", 120, 0, 0), ("succeeded", 120, 120, 20))}
    assert set(house.answered) == {200}
    assert house.events(status="received") == []
    assert house.events(status="needs_attention") == []


def test_payment_of_a_void_invoice_is_credit(house: House) -> None:
    invoice = house.finalize()
    house.press(invoice["payment_link"])
    letters = house.letters()
    house.owner.patch(f"{V1}/invoices/{invoice['id']}/status", json={"status": "VOID"})

    house.deliver(*letters)
    house.settle()

    [paid] = house.payments(invoice["id"])
    assert (paid["status"], paid["amount"], paid["refunded_amount"]) == ("succeeded", 120, 0)
    assert house.invoice(invoice["id"])["status"] == "VOID"
    # The next invoice takes it.
    assert house.finalize(200)["amount_due"] == 80
    assert "payment.surplus" in house.owner.get(f"{V1}/audit?page_size=100").text


def test_surplus_goes_back_where_the_organization_wants_that(house: House) -> None:
    house.owner.patch(f"{V1}/organization", json={"surplus_payments": "refund"})
    invoice = house.finalize()
    house.press(invoice["payment_link"])
    letters = house.letters()
    house.owner.post(
        f"{V1}/invoices/{invoice['id']}/payments",
        json={"amount": 70, "method": "bank_transfer", "reference": "wire 1"},
    )

    house.deliver(*letters, *letters)
    house.settle()

    by_hand, online = house.payments(invoice["id"])
    assert (by_hand["amount"], online["amount"], online["refunded_amount"]) == (70, 120, 70)
    told = house.loop.call(
        lambda: house.gateway.find_payment(reference=online["reference"], key=None)
    )
    assert told is not None
    assert told.refunded_amount == 70
    assert house.invoice(invoice["id"])["status"] == "PAID"


@pytest.mark.parametrize("went_by", ["refund", "dispute"])
def test_money_that_went_after_its_credit_was_spent_is_owed(house: House, went_by: str) -> None:
    invoice = house.finalize()
    paid = house.press(invoice["payment_link"])
    letters = house.letters()
    house.owner.patch(f"{V1}/invoices/{invoice['id']}/status", json={"status": "VOID"})
    house.deliver(*letters)
    house.settle()
    house.finalize(120)  # takes all of the credit

    if went_by == "refund":
        house.loop.call(house.gateway.refund, refund_of(paid["id"], 120))
    else:
        for status in (DisputeStatus.OPEN, DisputeStatus.LOST):
            asked = DisputeAsked(payment=paid["id"], status=status)
            house.loop.call(house.gateway.set_dispute, asked)
    house.settle()

    [online] = house.payments(invoice["id"])
    assert (online["amount"], online["refunded_amount"]) == (120, 120)
    [refund] = house.owner.get(f"{V1}/payments/{online['id']}/refunds").json()["data"]
    assert (refund["kind"], refund["status"], refund["owed_amount"]) == (went_by, "succeeded", 120)
    assert house.events(status="needs_attention") == []
    [account] = house.owner.get(f"{V1}/customers/{house.customer_id}/account").json()["accounts"]
    assert (account["balance"], account["receivable"], account["owed"]) == (0, 0, 120)
    [due] = house.owner.get(f"{V1}/reports/receivables").json()["totals"]
    assert (due["invoices"], due["total"], due["owed"], due["current"]) == (0, 120, 120, 120)
    journal = house.owner.get(f"{V1}/exports/journal?format=csv").text
    assert "Assets:Receivable:SpentCredit,120" in journal
    assert "Assets:Cash:Sandbox,,120" in journal


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"invoice_id": uuid4()}, "There is no such invoice."),
        ({"customer_id": uuid4()}, "It is of another customer than the invoice."),
        ({"currency": "EUR"}, "It is in EUR, the invoice is not."),
    ],
    ids=["invoice", "customer", "currency"],
)
def test_money_that_fits_no_invoice_waits_for_people(
    house: House, changes: dict[str, object], reason: str
) -> None:
    invoice = house.finalize()
    request = {
        "organization_id": house.organization_id,
        "invoice_id": UUID(invoice["id"]),
        "customer_id": UUID(house.customer_id),
        "invoice_number": "INV-2026-0001",
        "amount": Decimal(120),
        "currency": "USD",
        "idempotency_key": f"foreign {uuid4()}",
        "customer_name": "Harbor",
        **changes,
    }
    link = house.loop.call(house.gateway.create_link, PaymentRequest(**request))  # type: ignore[arg-type]  # what is changed is of the right kind
    house.press(link.url)

    house.settle()

    [event] = house.events(status="needs_attention")
    assert (event["reason"], event["payment_id"]) == (reason, None)
    assert house.payments(invoice["id"]) == []
    assert house.invoice(invoice["id"])["status"] == "OPEN"


@pytest.mark.parametrize(("outcome", "is_kept"), [("failure", True), ("declined_for_good", False)])
def test_method_that_failed_on_a_page_is_kept_for_retries_unless_for_good(
    house: House, outcome: str, is_kept: bool
) -> None:
    invoice = house.finalize()
    house.press(invoice["payment_link"], outcome)
    house.settle()

    path = f"{V1}/customers/{house.customer_id}/payment-methods"
    kept = house.owner.get(path).json()["data"]

    assert [one["is_usable"] for one in kept] == [True] * is_kept


def test_method_that_was_declined_for_good_is_usable_once_it_worked(house: House) -> None:
    for outcome in ("success", "declined_for_good", "success"):
        invoice = house.finalize()
        house.press(invoice["payment_link"], outcome)
        house.settle()

    path = f"{V1}/customers/{house.customer_id}/payment-methods"
    assert [one["is_usable"] for one in house.owner.get(path).json()["data"]] == [True]


def test_method_that_was_saved_is_kept_until_it_is_forgotten(house: House) -> None:
    invoice = house.finalize()
    house.press(invoice["payment_link"])
    house.settle()
    path = f"{V1}/customers/{house.customer_id}/payment-methods"

    [method] = house.owner.get(path).json()["data"]

    assert method["is_usable"] is True
    assert method["connection_id"] == house.connection["id"]
    assert house.owner.delete(f"{path}/{method['id']}").status_code == 204
    assert house.owner.get(path).json()["data"] == []
    assert house.owner.delete(f"{path}/{method['id']}").status_code == 404
