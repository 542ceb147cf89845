"""Five jobs that people come with, each from the overview, by the keyboard alone, in half a minute.

How long a person needs is keys and pages: a browser presses the very keys, and the whole takes less
than half of what a person may take. `docs/guides/console.md` lists them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, Final
from uuid import UUID

import pytest
from anyio.from_thread import BlockingPortal
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from api.app import create_app
from api.context import AppContext
from cli.composition import pages_of
from repositories.transactions import Transactions
from runtime.security import Security
from services.invoicing.parking import park_bill
from services.notifications.deliveries import spread_events
from tests.api.people import PASSWORD, PATIENT_SECONDS, Clock, Person
from tests.api.sold import V1, Sold, post, sell
from tests.console.billed import buyer, write
from tests.console.browser import served, why_none
from tests.console.conftest import PUBLIC

MISSING: Final = why_none()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")

SECONDS: Final = 30
MOST_KEYS: Final = 60
"""Tabs to anything on a page of these jobs."""
TIERS: Final = [{"up_to": 1000, "unit_price": 0.01}, {"up_to": None, "unit_price": 0.001}]
HAS_FOCUS: Final = """() => {
    const one = document.activeElement;
    const acts = one.matches("a, button, input, select, summary");
    return acts ? `${one.name ?? ""} ${one.innerText ?? ""}` : "";
}"""


@dataclass
class Hands:
    """A keyboard and nothing else, and what was done with it: the keys, but Tab once a row."""

    page: Any
    did: list[str] = field(default_factory=list)
    began: float = field(default_factory=monotonic)

    def press(self, key: str) -> None:
        self.page.wait_for_load_state()
        self.page.keyboard.press(key)
        self.did.append(key)

    def write(self, words: str) -> None:
        self.page.keyboard.type(words)
        self.did.append(words)

    def find(self, words: str, kind: str) -> None:
        """Go anywhere by the palette."""
        self.press("Control+k")
        self.write(words)
        chosen = self.page.locator("#found [aria-selected=true]")
        # Before the answer the palette shows every screen, of which the first is chosen.
        chosen.filter(has_text=kind).filter(has_text=words).wait_for()
        self.enter()

    def tab_to(self, words: str) -> None:
        """Tab until what has the focus says these words, or is named by them."""
        for _ in range(MOST_KEYS):
            self.page.keyboard.press("Tab")
            if words in self.page.evaluate(HAS_FOCUS):
                self.did.append(f"Tab to {words}")
                return
        raise AssertionError(f"Tab does not reach {words}.")

    def enter(self) -> None:
        """Follow a link or send a form, and be on the next page."""
        with self.page.expect_navigation():
            self.press("Enter")

    def require_in_time(self) -> None:
        """It took no longer than a person may take."""
        assert monotonic() - self.began <= SECONDS, self.did


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Where the console is served, who signs in there, and the organization with its jobs."""

    address: str
    owner: Person
    parked_id: str


def sell_to_acme(owner: Person) -> Sold:
    """Acme has paid 13.50 for February, and has used 3,000 calls in March."""
    sold = sell(owner, usage_limit=0, is_soft_limit=True)
    charge = {"type": "USAGE", "meter_id": sold.feature["meter"]["id"]}
    pricing = {"pricing": {"model": "graduated", "tiers": TIERS}}
    post(owner, f"/plans/{sold.plan['id']}/charges", charge | pricing)
    owner.patch(f"{V1}/customers/{sold.customer['id']}", json={"name": "Acme"})
    subscription = sold.subscribe("2026-02-01T00:00:00Z")
    sold.used(4500, "2026-02-10T00:00:00Z")
    made = post(owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})["data"][0]
    invoice = post(owner, f"/invoices/{made['id']}/finalize", {})
    assert invoice["total"] == 13.5
    post(owner, f"/invoices/{made['id']}/pay", {})
    sold.used(3000, "2026-03-01T12:00:00Z")
    return sold


def park(owner: Person, sold: Sold, transactions: Transactions) -> str:
    """Another customer's bill waits for somebody."""
    body = {"name": "Harbor", "email": "ap@harbor.test", "billing_address_country": "GB"}
    customer = post(owner, "/customers", body)
    subscription = sold.subscribe("2026-02-01T00:00:00Z", customer_id=customer["id"])
    organization_id = UUID(owner.get(f"{V1}/organization").json()["id"])
    with transactions.for_organization(organization_id) as session:
        park_bill(
            session,
            organization_id,
            UUID(subscription["id"]),
            period_index=0,
            step="price_usage",
            reason="A rule of the plan could not be applied.",
            at=Clock()(),
            now=Clock()(),
        )
    return str(subscription["id"])


def fail_a_webhook(owner: Person, transactions: Transactions) -> None:
    """A delivery was tried as often as any, and failed."""
    endpoint = {"url": "https://hooks.example.com/in", "events": ["invoice.created"]}
    post(owner, "/webhook-endpoints", endpoint)
    write(owner, buyer(owner, name="Told"), "Set-up")
    spread_events(transactions, now=Clock()())
    organization_id = UUID(owner.get(f"{V1}/organization").json()["id"])
    with transactions.for_organization(organization_id) as session:
        session.execute(
            text(
                "UPDATE webhook_delivery SET status = 'failed', next_attempt_at = NULL,"
                " completed_at = now(), attempts = 12, error = 'The receiver answered 500.'"
            )
        )


@pytest.fixture(scope="module")
def office(
    transactions: Transactions, security: Security, one_event_loop: BlockingPortal
) -> Iterator[Office]:
    """An organization with the five jobs."""
    context = AppContext(
        transactions=transactions,
        security=security,
        now=Clock(),
        public_url=PUBLIC,
        transaction_seconds=PATIENT_SECONDS,
    )
    app = create_app(context, pages=pages_of(context))
    with one_event_loop.wrap_async_context_manager(app.router.lifespan_context(app)):
        owner = Person(app).sign_up()
        sold = sell_to_acme(owner)
        parked_id = park(owner, sold, transactions)
        fail_a_webhook(owner, transactions)
        own = replace(context, registry=CollectorRegistry())
        with served(create_app(own, pages=pages_of(own))) as address:
            yield Office(address=address, owner=owner, parked_id=parked_id)


@pytest.fixture
def hands(browser: Any, office: Office) -> Iterator[Hands]:
    """The keyboard of somebody who is on the overview."""
    context = browser.new_context(base_url=office.address)
    page = context.new_page()
    page.goto("/console")
    page.get_by_label("Email").fill(office.owner.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Overview").wait_for()
    page.wait_for_load_state()
    yield Hands(page=page)
    context.close()


def test_why_did_this_customer_pay_13_50(hands: Hands) -> None:
    hands.find("acme", "Customer")
    hands.tab_to("INV-2026")
    hands.enter()
    hands.tab_to("How this was computed")
    hands.press("Enter")

    steps = hands.page.get_by_role("region", name="How API Calls was computed")
    steps.get_by_text("13.5", exact=True).first.wait_for()
    hands.page.get_by_role("link", name="The 1 event that it counts").wait_for()
    hands.require_in_time()


def test_what_closes_tonight(hands: Hands) -> None:
    hands.find("subscriptions", "Screen")
    hands.tab_to("period_ends_before")
    hands.write("2026-04-02")
    hands.enter()

    hands.page.get_by_role("main").get_by_role("link", name="Acme").first.wait_for()
    hands.require_in_time()


def test_a_parked_bill_is_brought_on_again(hands: Hands, office: Office) -> None:
    # What waits comes a moment after the page.
    hands.page.get_by_role("link", name="Try again or skip").wait_for()
    hands.tab_to("Try again or skip")
    hands.enter()
    hands.tab_to("Try again")
    hands.enter()

    hands.page.get_by_text("None. A bill that cannot be made waits here").wait_for()
    hands.require_in_time()
    timeline = office.owner.get(f"{V1}/subscriptions/{office.parked_id}").json()
    assert timeline["status"] == "ACTIVE"


def test_what_raising_the_second_tier_would_cost_acme(hands: Hands) -> None:
    hands.find("acme", "Customer")
    hands.tab_to("Try a price")
    hands.enter()
    hands.tab_to("pricing.tiers.1.unit_price")
    hands.press("Control+a")
    hands.write("0.002")
    hands.enter()

    who = hands.page.locator("#who")
    who.get_by_text("+$2.00").first.wait_for()
    who.get_by_role("link", name="Acme").wait_for()
    hands.require_in_time()


def test_a_failed_webhook_is_sent_again(hands: Hands, office: Office) -> None:
    # What needs somebody comes a moment after the page.
    hands.page.get_by_role("link", name="Deliveries that failed").wait_for()
    hands.tab_to("Deliveries that failed")
    hands.enter()
    hands.tab_to("Deliver again")
    hands.enter()

    hands.require_in_time()
    states = [one["status"] for one in office.owner.get(f"{V1}/webhook-deliveries").json()["data"]]
    assert sorted(states) == ["failed", "pending"]
