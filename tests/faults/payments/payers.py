"""Organizations that bill, and customers who pay in every way at once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

import httpx2

from integrations.gateways.sandbox.faults import Faults, FaultsAsked, save_plan
from integrations.gateways.sandbox.ledger.books import open_ledger_file
from tests.faults.payments.site import Site
from tests.scenarios.account import Account, Refused

PATIENCE_SECONDS: Final = 300.0
NOT_YET: Final = frozenset({429, 500, 502, 503, 504})

WAYS: Final = ("alone",) * 55 + ("page",) * 20 + ("tabs",) * 8 + ("declined",) * 7 + ("hand",) * 10
"""Beside the charge of the saved method: nothing, the page, the page in two tabs, the page with a
card that is declined and then another, or somebody who says that it is paid."""


def plan_of(seed: int) -> Faults:
    """Everything goes wrong that ends within seconds."""
    return Faults(
        seed=seed,
        lost_before_share=Decimal("0.06"),
        lost_after_share=Decimal("0.08"),
        late_share=Decimal("0.05"),
        slow_share=Decimal("0.02"),
        slow_seconds=1,
        pending_share=Decimal("0.05"),
        pending_seconds=3,
        refund_fails_share=Decimal("0.1"),
        webhook_delay_share=Decimal("0.2"),
        webhook_repeat_share=Decimal("0.15"),
        webhook_forge_share=Decimal("0.1"),
        webhook_contradict_share=Decimal("0.1"),
        is_payable_again=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Payee:
    """An organization with customers, each of whom has saved a method."""

    account: Account
    customer_ids: list[str]


def open_payee(site: Site, number: int, seed: int, count: int) -> Payee:
    """An organization whose gateway goes wrong from now on; its customers have paid one invoice.

    Every second one sends back what is too much; the others keep it as credit.
    """
    account = Account(site.url).sign_up(f"Lumen Works {number}")
    becomes = "refund" if number % 2 else "credit"
    account.patch("/organization", {"surplus_payments": becomes})
    connection = account.post("/connections", {"provider": "sandbox", "name": "Sandbox"})
    customers = [
        account.create_customer(f"acct_{one}", billing_address_country="US")["id"]
        for one in range(count)
    ]
    payee = Payee(account=account, customer_ids=customers)
    for customer_id in customers:
        save_method(payee, customer_id)
    asked = FaultsAsked(faults=plan_of(seed + number))
    open_ledger_file(site.ledger).run(lambda one: save_plan(one, UUID(connection["id"]), asked))
    return payee


def save_method(payee: Payee, customer_id: str) -> None:
    """The customer has paid an invoice on its page, and by that saved a method."""
    invoice_id = issue(payee, customer_id)
    pay_on_page(link_of(payee, invoice_id), "success")
    until(lambda: read(payee, invoice_id)["status"] == "PAID")


def run_payment(payee: Payee, chance: random.Random) -> str:
    """One more invoice is final, and somebody may pay it while it is charged; gives its id."""
    invoice_id = issue(payee, chance.choice(payee.customer_ids), chance.randint(100, 99_999))
    way = chance.choice(WAYS)
    if way == "hand":
        time.sleep(chance.random())
        ask_unless_done(payee, f"/invoices/{invoice_id}/pay")
    elif way != "alone":
        link = link_of(payee, invoice_id)
        outcomes = {"page": ["success"], "tabs": ["success", "success"]}
        for outcome in outcomes.get(way, ["failure", "success"]):
            pay_on_page(link, chance.choice([outcome, "unknown", "pending"]))
    return invoice_id


def issue(payee: Payee, customer_id: str, minor: int = 1000) -> str:
    """A final invoice, whoever was killed meanwhile; gives its id."""
    body = {
        "customer_id": customer_id,
        "currency": "USD",
        "due_date": "2036-01-01T00:00:00Z",
        "line_items": [
            {"description": "Work", "quantity": 1, "unit_amount": Decimal(minor) / 100},
        ],
    }
    key = {"Idempotency-Key": str(uuid4())}
    made = persist(lambda: payee.account.post("/invoices", body, headers=key))
    invoice_id = str(made["id"])
    # It may be made final by a request whose answer is lost, and be paid by the next one.
    ask_unless_done(payee, f"/invoices/{invoice_id}/finalize")
    return invoice_id


def read(payee: Payee, invoice_id: str) -> dict[str, Any]:
    """The invoice as it is now."""
    return dict(persist(lambda: payee.account.get(f"/invoices/{invoice_id}")))


def link_of(payee: Payee, invoice_id: str) -> str | None:
    """The page of an invoice, once there is one; None where it was paid before."""
    invoice: dict[str, Any] = {}

    def is_known() -> bool:
        invoice.update(read(payee, invoice_id))
        return invoice["payment_link"] is not None or invoice["status"] != "OPEN"

    until(is_known)
    link: str | None = invoice["payment_link"]
    return link


def pay_on_page(link: str | None, outcome: str) -> None:
    """Somebody presses a button on the page; what comes of it is the gateway's matter."""
    if link is None:
        return
    with httpx2.Client(trust_env=False, timeout=30) as browser:
        answer = browser.post(f"{link}/pay", json={"outcome": outcome})
    assert answer.status_code in {200, 409} | NOT_YET, answer.text


def ask_unless_done(payee: Payee, path: str) -> None:
    """It is done, or cannot be done any more because something else was first."""
    try:
        persist(lambda: payee.account.post(path))
    except Refused as refused:
        if refused.status != 409:
            raise


def persist(ask: Callable[[], Any]) -> Any:
    """The answer, asked for until there is one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except (httpx2.TransportError, Refused) as error:
            is_for_good = isinstance(error, Refused) and not is_passing(error)
            if is_for_good or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def is_passing(refused: Refused) -> bool:
    """Whether the same request may be answered otherwise in a moment."""
    return refused.status in NOT_YET or "still running" in str(refused.body)


def until(is_so: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.2)
