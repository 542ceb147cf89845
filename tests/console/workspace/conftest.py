"""The console as a browser has it, signed in; skipped where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import pytest
from anyio.from_thread import BlockingPortal
from prometheus_client import CollectorRegistry

from api.app import create_app
from api.context import AppContext
from cli.composition import pages_of
from repositories.transactions import Transactions
from runtime.security import Security
from services.notifications.deliveries import spread_events
from tests.api.conftest import SECRET
from tests.api.people import PASSWORD, PATIENT_SECONDS, Clock, Person
from tests.api.sold import V1, Sold, post
from tests.console.billed import bill, billed
from tests.console.browser import served
from tests.console.conftest import PUBLIC
from tests.console.workspace.signed_in import screens_of
from tests.services.receipts_of import signing
from tests.shared_databases import SharedEngines

PLACES: Final = (
    *("overview", "customers", "subscriptions", "invoices", "plans"),
    *("payments", "events", "meters", "webhooks", "audit"),
    *("customer", "subscription", "invoice", "plan"),
)

ALONE: Final = (
    *(
        "setup",
        "dunning",
        "credits",
        "coupons",
        "alerts",
        "test-clocks",
        "operations",
        "audit-chain",
    ),
    *("requests", "api-keys", "members", "organization", "account"),
)


def furnish(
    owner: Person, transactions: Transactions, sold: Sold, invoice: dict[str, Any]
) -> dict[str, str]:
    """What is beside the bills, of each kind something; the screens that show it."""
    customer = invoice["customer_id"]
    subscription = f"/subscriptions/{invoice['subscription_id']}"
    seats = {"unit_price": 12.5, "display_name": "Seats"}
    post(owner, f"{subscription}/add-ons", {"charge": seats, "quantity": 4})
    owner.patch(f"{V1}{subscription}", json={"threshold_amount": 250})
    commitment = {"amount": 1_200, "term_periods": 12, "overage_factor": 0.8}
    post(owner, f"/plans/{sold.plan['id']}/commitments", commitment)
    clock = live_by_a_clock(owner, sold)
    spread_events(transactions, now=Clock()())
    told = owner.get(f"{V1}/webhook-deliveries").json()["data"][0]
    post(owner, "/units", {"code": "TOKENS", "name": "Tokens", "scale": 0})
    grant = {"unit": "TOKENS", "amount": 5_000, "reason": "A welcome"}
    post(owner, f"/customers/{customer}/grants", grant)
    hold = {"unit": "TOKENS", "amount": 400, "expires_at": "2026-03-02T12:00:00Z"}
    post(owner, "/credits/holds", hold | {"customer_id": customer})
    rule = {"unit": "TOKENS", "amount": 1_000, "interval": "month", "expires_after": "month"}
    post(owner, f"/customers/{customer}/grant-rules", rule)
    coupon = post(owner, "/coupons", {"code": "SPRING-26", "percent": 10, "duration": 3})
    post(owner, f"/customers/{customer}/coupons", {"code": "SPRING-26"})
    whose = {"subject": {"customer_id": customer}}
    alert = post(owner, "/alerts", whose | {"on": "spend", "thresholds": [100, 250]})
    post(owner, "/alerts", whose | {"on": "spend", "thresholds": [500], "action": "block"})
    send_by_key(owner)
    post(owner, "/invitations", {"email": "finance@lumenworks.test", "role": "billing"})
    plan, meter = sold.plan["id"], sold.feature["meter"]["id"]
    [charge] = owner.get(f"{V1}/plans/{plan}").json()["charges"]
    tried = f"c.{charge['id']}.unit_price=0.012&q.{meter}=5000&period=last"
    return {
        "import": "/console/events/import",
        "prices": f"/console/plans/{plan}/prices?{tried}",
        "coupon": f"/console/coupons/{coupon['id']}",
        "customer-alerts": f"/console/customers/{customer}/alerts",
        "alert": f"/console/alerts/{alert['id']}",
        "credit": f"/console/customers/{customer}/credits?unit=TOKENS",
        "meter": f"/console/meters/{sold.feature['meter']['id']}",
        "delivery": f"/console/webhooks/{told['id']}",
        "test-clock": f"/console/test-clocks/{clock}",
        "search": "/console/search?q=harbor",
    }


def send_by_key(owner: Person) -> None:
    """A program sends something of its own, and some of it is refused."""
    key = {"X-API-Key": owner.make_key("usage.write")}
    event = {"meter_name": "api_calls", "customer_external_id": "acct_77", "quantity": 12}
    owner.get(f"{V1}/customers/acct_77/entitlements", headers=key)
    for sent in (event, event | {"quantity": "a dozen"}, event | {"meter_name": "pages"}):
        owner.post(f"{V1}/usage", json=sent, headers=key)
    owner.get(f"{V1}/invoices", headers=key)


def live_by_a_clock(owner: Person, sold: Sold) -> str:
    """A clock with a customer who was billed on it."""
    clock = post(owner, "/test-clocks", {"name": "A year", "frozen_time": "2026-01-20T00:00:00Z"})
    body = {"name": "Acme", "email": "ap@acme.test", "test_clock_id": clock["id"]}
    customer = post(owner, "/customers", body | {"billing_address_country": "GB"})
    started = sold.subscribe("2026-01-01T00:00:00Z", customer_id=customer["id"])
    bill(owner, started)
    return str(clock["id"])


def wait_for_parts(page: Any) -> None:
    """The parts of a page that follow it have come."""
    page.locator(".later").first.wait_for(state="detached")


House = tuple[str, str, dict[str, str]]
"""Where the console is served, who signs in there, and the screens by their names."""


@pytest.fixture(scope="session")
def house(
    shared_engines: SharedEngines, security: Security, one_event_loop: BlockingPortal
) -> Iterator[House]:
    """One for all tests that change nothing that others look at."""
    transactions = signing(Transactions(shared_engines.engine_of("house", 8)), SECRET)
    with furnished_house(transactions, security, one_event_loop) as shown:
        yield shown


@contextmanager
def furnished_house(
    transactions: Transactions, security: Security, one_event_loop: BlockingPortal
) -> Iterator[House]:
    """The console of an organization that has something of everything, served."""
    context = AppContext(
        transactions=transactions,
        security=security,
        now=Clock(),
        public_url=PUBLIC,
        stream_seconds=60,
        transaction_seconds=PATIENT_SECONDS,
    )
    app = create_app(context, pages=pages_of(context))
    with one_event_loop.wrap_async_context_manager(app.router.lifespan_context(app)):
        owner = Person(app).sign_up()
        reminded = {"reminder_days": [-3, 7], "smtp_host": "mail.test"}
        owner.patch(f"{V1}/organization", json=reminded)
        post(owner, "/webhook-endpoints", {"url": "https://hooks.lumen.test/in", "events": ["*"]})
        sold, invoice = billed(owner)
        screens = dict(zip(PLACES, screens_of(owner, sold, invoice), strict=True))
        screens |= {name: f"/console/{name}" for name in ALONE}
        screens |= furnish(owner, transactions, sold, invoice)
    own = replace(context, registry=CollectorRegistry())
    with served(create_app(own, pages=pages_of(own))) as address:
        yield address, owner.email, screens


@pytest.fixture
def sign_in(browser: Any, house: tuple[str, str, dict[str, str]]) -> Iterator[Callable[..., Any]]:
    """Signs in on the page, in a context of its own, and looks at what the browser says."""
    address, email, _ = house
    contexts: list[Any] = []
    heard: list[str] = []

    def enter(**look: Any) -> Any:
        context = browser.new_context(base_url=address, **look)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.goto("/console")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Overview").wait_for()
        if look.get("java_script_enabled", True):
            wait_for_parts(page)
        return page

    yield enter
    for context in contexts:
        context.close()
    assert heard == []
