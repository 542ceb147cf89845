"""A restored copy that is looked at: nothing leaves it, and everything does once it may."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from runtime.embedded.processes import wait_until
from services.operations.outbound import Outbound
from tests import mail_servers
from tests.mail_servers import MailServer
from tests.receivers import Receiver, receiving
from tests.scenarios.account import Account
from tests.scenarios.product import Product, settings_for

LONG_ENOUGH_SECONDS = 3.0
"""What may leave has left by then, on whatever machine these tests run."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as served:
        yield served


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with mail_servers.serving() as served:
        yield served


def connect_to_the_world(account: Account, receiver: Receiver, mails: MailServer) -> None:
    """The organization mails, tells a receiver, and has a gateway."""
    account.post("/webhook-endpoints", {"url": receiver.url, "events": ["*"]})
    account.patch("/organization", mails.settings)
    account.post("/connections", {"provider": "sandbox", "name": "Test"})


def issue_invoice(account: Account) -> dict[str, Any]:
    """Twenty dollars that are open."""
    customer = account.create_customer(billing_address_country="US")
    draft = account.post(
        "/invoices",
        {
            "customer_id": customer["id"],
            "currency": "USD",
            "due_date": "2030-01-01T00:00:00Z",
            "line_items": [{"description": "Setup", "quantity": 1, "unit_amount": 20}],
        },
    )
    issued: dict[str, Any] = account.post(f"/invoices/{draft['id']}/finalize")
    return issued


def test_quiet_copy_lets_nothing_leave_and_all_of_it_once_it_may(
    module_database_url: str, temporal_address: str, receiver: Receiver, mails: MailServer
) -> None:
    settings = settings_for(module_database_url, temporal_address)
    settings = settings.model_copy(
        update={
            "outbound": Outbound.OFF,
            "allow_private_webhooks": True,
            "api_statement_seconds": 60,
        }
    )
    quiet = Product(settings).start()
    try:
        account, invoice = stay_quiet(quiet, receiver, mails)
    finally:
        quiet.stop()
    open_again = Product(settings.model_copy(update={"outbound": Outbound.ON})).start()
    try:
        account = move(account, open_again)
        wait_until(lambda: bool(receiver.bodies and mails.taken), timeout_seconds=60)
        address = f"/invoices/{invoice['id']}"
        wait_until(lambda: account.get(address)["payment_link"] is not None, timeout_seconds=60)
        assert account.client.get(f"{open_again.url}/status").json()["outbound"] == "on"
    finally:
        open_again.stop()


def stay_quiet(
    quiet: Product, receiver: Receiver, mails: MailServer
) -> tuple[Account, dict[str, Any]]:
    """An invoice is issued there, of which nobody outside hears."""
    account = Account(quiet.url).sign_up()
    connect_to_the_world(account, receiver, mails)

    invoice = issue_invoice(account)
    time.sleep(LONG_ENOUGH_SECONDS)

    assert (receiver.bodies, mails.taken) == ([], [])
    assert (invoice["status"], invoice["payment_link"]) == ("OPEN", None)
    emails = account.get(f"/invoices/{invoice['id']}/emails")["data"]
    assert [(one["status"], one["attempts"]) for one in emails] == [("queued", 0)]
    deliveries = account.get("/webhook-deliveries")["data"]
    assert {(one["status"], one["attempts"]) for one in deliveries} <= {("pending", 0)}
    status = account.client.get(f"{quiet.url}/status")
    assert status.json()["outbound"] == "off"
    page = account.client.get(f"{quiet.url}/status", headers={"Accept": "text/html"})
    assert "Nothing leaves this installation" in page.text
    return account, invoice


def move(account: Account, product: Product) -> Account:
    """The same person where another process serves."""
    there = Account(product.url)
    there.email = account.email
    there.ask(there.api.auth.log_in, email=account.email, password="correct-horse-9")
    return there
