"""A year of one customer, as it happens, and the documents that it leaves behind.

A trial, growing usage, events that come late, an upgrade in the middle of a period, a credit note,
a payment that fails, a cancellation. What the invoices say is in files beside this one, as text and
as their pages.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from console.assets import VERSION
from tests.scenarios.account import DEADLINE_SECONDS, TIERS, Account
from tests.scenarios.product import Product

METER, CUSTOMER = "api_calls", "acct_77"
PAGES = {
    "2025-01": "first",
    "2025-05": "late",
    "2025-06": "upgraded",
    "2025-08": "credited",
    "2025-10": "paid",
}
"""The invoices whose pages are kept, by the month in which their periods begin."""


class Text(SingleFileSnapshotExtension):
    """A file to read."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


class Page(Text):
    """A page."""

    file_extension = "html"


class Story:
    """What happens to one customer, told by the day."""

    def __init__(self, account: Account) -> None:
        self.account = account
        account.patch(
            "/organization",
            {
                "legal_name": "Lumen Works GmbH",
                "tax_id": "DE136695976",
                "billing_address_line1": "Torstraße 1",
                "billing_address_city": "Berlin",
                "billing_address_country": "DE",
                "bank_details": {"iban": "DE89370400440532013000"},
            },
        )
        account.post("/tax-rates", {"name": "VAT", "country": "GB", "percentage": 20})
        self.feature = account.create_meter(METER)
        self.starter = self._add_plan("starter", "Starter", fee=20, included=1_000, trial_days=14)
        self.team = self._add_plan("team", "Team", fee=49, included=10_000)
        self.clock = account.create_clock("2025-01-01T00:00:00Z")
        self.customer = account.create_customer(
            CUSTOMER,
            clock=self.clock,
            name="Harbor Labs Ltd",
            billing_address_line1="12 Quay Street",
            billing_address_city="Dover",
            billing_address_country="GB",
        )
        self.subscription = account.subscribe(self.customer, self.starter)
        self.declined = ""
        """The page of the invoice whose payment failed, before it was paid."""

    def _add_plan(self, lookup_id: str, name: str, *, fee: int, included: int, **plan: Any) -> Any:
        made = self.account.create_plan(lookup_id, name=name, type="HYBRID", **plan)
        charge = {"type": "FIXED", "unit_price": fee, "display_name": f"{name} plan"}
        self.account.post(f"/plans/{made['id']}/charges", charge)
        calls = {"pricing": TIERS, "unit_price": None, "included_units": included}
        self.account.add_usage_charge(made, self.feature["meter_id"], **calls)
        return made

    def on(self, day: str) -> None:
        """It is the morning of this day."""
        self.account.advance(self.clock, f"{day}T09:00:00Z")

    def call(self, calls: int, day: str) -> None:
        """So many calls are reported as of the night before this day."""
        self.account.track(METER, CUSTOMER, calls, f"{day}T03:00:00Z", f"{day}-{calls}")

    def invoices(self) -> list[dict[str, Any]]:
        """The invoices so far, oldest first."""
        return self.account.invoices(self.subscription)

    def pay_all(self) -> None:
        """Whatever is open is paid."""
        for invoice in self.invoices():
            if invoice["status"] == "OPEN":
                self.account.post(f"/invoices/{invoice['id']}/pay")

    def pay_online(self, invoice: dict[str, Any], outcome: str) -> None:
        """The customer presses a button on the gateway's page, which the product hears of."""
        path = f"/invoices/{invoice['id']}"
        tries = len(self.payments(invoice))
        link = self._wait(lambda: self.account.get(path)["payment_link"])
        answer = self.account.client.post(f"{link}/pay", json={"outcome": outcome})
        assert answer.status_code == 200
        self._wait(lambda: len(self.payments(invoice)) > tries)

    def payments(self, invoice: dict[str, Any]) -> list[dict[str, Any]]:
        """All tries to pay an invoice."""
        return list(self.account.get(f"/invoices/{invoice['id']}/payments")["data"])

    @staticmethod
    def _wait(find: Callable[[], Any]) -> Any:
        """What is found, once there is something."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (found := find()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return found

    def change_plan(self, plan: dict[str, Any]) -> None:
        """The customer moves to another plan at once."""
        body = {"plan_id": plan["id"], "when": "now"}
        self.account.post(f"/subscriptions/{self.subscription['id']}/change-plan", body)

    def credit(self, invoice: dict[str, Any], amount: int, reason: str) -> None:
        """Some of the usage on an invoice is given back."""
        line = next(one for one in invoice["line_items"] if one["type"] == "usage")
        body = {"reason": reason, "lines": [{"line_id": line["id"], "amount": amount}]}
        self.account.post(f"/invoices/{invoice['id']}/credit-notes", body)

    def page(self, invoice: dict[str, Any]) -> str:
        """The public page of an invoice, with what is another one in every run left out."""
        link = self.account.post(f"/invoices/{invoice['id']}/generate-token")
        token = str(link["public_token"])
        answer = self.account.client.get(f"/p/{token}")
        assert answer.status_code == 200
        return re.sub(f'{token}|{VERSION}|(?<=href=")http[^"]*/sandbox/pay/[^"]*', "…", answer.text)


def live(story: Story) -> None:
    """The year."""
    # Two weeks of trial: used, and never billed.
    story.on("2025-01-10")
    story.call(700, "2025-01-09")
    # From 15 January on every month has two busy days, each month a bit more.
    for number, month in enumerate(("01-20", "02-20", "03-20", "04-20", "05-20"), start=1):
        story.on(f"2025-{month}")
        story.call(900 * number, f"2025-{month}")
        story.pay_all()
    # An importer that had stopped sends what it had kept: March is final, so May says it.
    story.call(2_500, "2025-03-25")
    # On 1 July the customer outgrows Starter; the running period ends there.
    story.on("2025-06-20")
    story.call(6_000, "2025-06-20")
    story.on("2025-07-01")
    story.change_plan(story.team)
    for number, month in enumerate(("07-20", "08-20", "09-20", "10-20", "11-20"), start=7):
        story.on(f"2025-{month}")
        story.call(4_000 * number, f"2025-{month}")
        if month == "10-20":
            # Calls of August were counted twice by the customer's own fault; some are given back.
            august = next(one for one in story.invoices() if one["period_start"] > "2025-08")
            story.credit(august, 5, "A test run was counted as use")
        if month == "11-20":
            # October's is to be paid online: the card has no funds, and then it has.
            october = story.invoices()[-1]
            story.pay_online(october, "failure")
            story.declined = story.page(october)
            story.pay_online(october, "success")
        story.pay_all()
        if month == "10-20":
            story.account.post("/connections", {"provider": "sandbox", "name": "Sandbox"})
    # It ends with the year.
    cancel = {"cancel_at_period_end": True, "reason": "The project is done"}
    story.account.post(f"/subscriptions/{story.subscription['id']}/cancel", cancel)
    story.on("2026-01-15")
    story.pay_all()


@pytest.fixture(scope="module")
def year(product: Product) -> Iterator[Story]:
    """The year has happened."""
    account = Account(product.url).sign_up()
    story = Story(account)
    live(story)
    yield story
    account.client.close()


def test_year_is_billed_whole_and_once(year: Story) -> None:
    invoices = year.invoices()
    periods = [(one["period_start"], one["period_end"]) for one in invoices]

    assert periods[0][0] == "2025-01-15T00:00:00Z"
    assert all(before[1] == after[0] for before, after in pairwise(periods))
    assert {one["status"] for one in invoices} == {"PAID"}
    ended = year.account.get(f"/subscriptions/{year.subscription['id']}")
    assert ended["status"] == "CANCELED"
    assert ended["current_period_end"] == periods[-1][1]


def test_every_invoice_of_the_year_comes_out_the_same_again(year: Story) -> None:
    verified = [year.account.post(f"/invoices/{one['id']}/verify") for one in year.invoices()]

    assert {one["result"] for one in verified} == {"equal"}


def test_usage_of_the_year_is_on_its_invoices(year: Story) -> None:
    recorded = year.account.get("/usage?page_size=100&counted=true")["data"]
    billed = [line for one in year.invoices() for line in one["line_items"]]
    measured = sum(line["usage_quantity"] or 0 for line in billed if line["type"] == "usage")

    trial, late = 700, 2_500
    assert sum(Decimal(one["quantity"]) for one in recorded) == measured + trial + late
    assert [line["type"] for line in billed].count("late_usage") == 1


def test_documents_of_the_year_read_as_they_did(year: Story, snapshot: SnapshotAssertion) -> None:
    texts = [year.account.text(one) for one in year.invoices()]

    assert "\n".join(texts) == snapshot(extension_class=Text)


def test_payment_that_failed_was_tried_again_and_paid_once(year: Story) -> None:
    october = next(one for one in year.invoices() if one["period_start"].startswith("2025-10"))

    tries = [(one["attempt"], one["status"], one["error_code"]) for one in year.payments(october)]

    assert tries == [(1, "failed", "insufficient_funds"), (2, "succeeded", None)]
    assert october["amount_paid"] == october["total"]


def test_method_that_paid_once_pays_what_follows_by_itself(year: Story) -> None:
    tries = [(one["kind"], one["status"]) for one in year.payments(year.invoices()[-1])]

    assert tries == [("saved_method", "succeeded")]


def test_page_of_an_invoice_whose_payment_failed_looks_as_it_did(
    year: Story, snapshot: SnapshotAssertion
) -> None:
    assert year.declined == snapshot(extension_class=Page)


@pytest.mark.parametrize("month", PAGES, ids=PAGES.get)
def test_pages_of_the_year_look_as_they_did(
    year: Story, snapshot: SnapshotAssertion, month: str
) -> None:
    invoice = next(one for one in year.invoices() if one["period_start"].startswith(month))

    assert year.page(invoice) == snapshot(extension_class=Page)
