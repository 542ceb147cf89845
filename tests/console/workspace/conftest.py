"""The console as a browser has it, signed in; skipped where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from tests.api.people import PASSWORD, Clock, Person
from tests.api.sold import V1, Sold, post
from tests.console.billed import billed
from tests.console.browser import browsing, served
from tests.console.conftest import PUBLIC
from tests.console.workspace.signed_in import screens_of

PLACES: Final = (
    *("overview", "customers", "subscriptions", "invoices", "plans"),
    *("payments", "events", "meters", "webhooks", "audit"),
    *("customer", "subscription", "invoice", "plan"),
)

ALONE: Final = (
    *("setup", "credits", "test-clocks", "operations", "audit-chain"),
    *("api-keys", "members", "organization", "account"),
)


def furnish(owner: Person, sold: Sold, invoice: dict[str, Any]) -> dict[str, str]:
    """Credit that was granted and held, a key and an invitation; the screens that show them."""
    customer = invoice["customer_id"]
    post(owner, "/units", {"code": "TOKENS", "name": "Tokens", "scale": 0})
    grant = {"unit": "TOKENS", "amount": 5_000, "reason": "A welcome"}
    post(owner, f"/customers/{customer}/grants", grant)
    hold = {"unit": "TOKENS", "amount": 400, "expires_at": "2026-03-02T12:00:00Z"}
    post(owner, "/credits/holds", hold | {"customer_id": customer})
    owner.make_key("usage.write")
    post(owner, "/invitations", {"email": "finance@lumenworks.test", "role": "billing"})
    plan, meter = sold.plan["id"], sold.feature["meter"]["id"]
    [charge] = owner.get(f"{V1}/plans/{plan}").json()["charges"]
    tried = f"c.{charge['id']}.unit_price=0.012&q.{meter}=5000&period=last"
    return {
        "prices": f"/console/plans/{plan}/prices?{tried}",
        "credit": f"/console/customers/{customer}/credits?unit=TOKENS",
        "meter": f"/console/meters/{sold.feature['meter']['id']}",
    }


@pytest.fixture(scope="module")
def house(
    transactions: Transactions, security: Security, one_event_loop: BlockingPortal
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Where the console is served, who signs in there, and the screens by their names."""
    context = AppContext(
        transactions=transactions,
        security=security,
        now=Clock(),
        public_url=PUBLIC,
        stream_seconds=60,
    )
    app = create_app(context, pages=pages_of(context))
    with one_event_loop.wrap_async_context_manager(app.router.lifespan_context(app)):
        owner = Person(app).sign_up()
        sold, invoice = billed(owner)
        screens = dict(zip(PLACES, screens_of(owner, sold, invoice), strict=True))
        screens |= {name: f"/console/{name}" for name in ALONE} | furnish(owner, sold, invoice)
    own = replace(context, registry=CollectorRegistry())
    with served(create_app(own, pages=pages_of(own))) as address:
        yield address, owner.email, screens


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as opened:
        yield opened


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
        return page

    yield enter
    for context in contexts:
        context.close()
    assert heard == []
