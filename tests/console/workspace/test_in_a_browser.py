"""The console as a browser has it: themes, keyboard, accessibility. Skipped where none is."""

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
from tests.console.billed import billed
from tests.console.browser import browsing, served, why_none
from tests.console.conftest import PUBLIC
from tests.console.test_browser import DRAWS, FOCUSED, LOOKS, PICTURES
from tests.console.workspace.signed_in import screens_of

MISSING: Final = why_none()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")

DRAWN: Final = {"overview", "invoice", "subscription"}
PLACES: Final = (
    *("overview", "customers", "subscriptions", "invoices", "plans"),
    *("payments", "events", "meters", "webhooks", "audit"),
    *("customer", "subscription", "invoice", "plan"),
)


@pytest.fixture(scope="module")
def house(
    transactions: Transactions, security: Security, one_event_loop: BlockingPortal
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Where the console is served, who signs in there, and the screens by their names."""
    context = AppContext(
        transactions=transactions, security=security, now=Clock(), public_url=PUBLIC
    )
    app = create_app(context, pages=pages_of(context))
    with one_event_loop.wrap_async_context_manager(app.router.lifespan_context(app)):
        owner = Person(app).sign_up()
        screens = dict(zip(PLACES, screens_of(owner, *billed(owner)), strict=True))
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


@pytest.mark.parametrize("look", LOOKS)
def test_screens_are_accessible_in_every_look(
    sign_in: Callable[..., Any], house: tuple[str, str, dict[str, str]], look: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415  (may be missing)

    page = sign_in(**LOOKS[look])
    found = []
    for name, path in house[2].items():
        page.goto(path)
        for summary in page.query_selector_all("details:not([open]) > summary"):
            summary.click()
        violations = Axe().run(page).response["violations"]
        found += [(name, one["id"], one["nodes"][0]["html"][:200]) for one in violations]
        width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert width <= 0, name
        draw(page, f"console-{name}-{look}", is_wanted=name in DRAWN)
    assert found == []


def draw(page: Any, name: str, *, is_wanted: bool) -> None:
    """The screen as a picture for docs, if pictures are asked for."""
    if DRAWS and is_wanted:
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=True)


def test_invoice_is_verified_with_the_keyboard_alone(
    sign_in: Callable[..., Any], house: tuple[str, str, dict[str, str]]
) -> None:
    page = sign_in()
    page.goto(house[2]["invoice"])

    for _ in range(40):
        page.keyboard.press("Tab")
        is_body, words, outline = page.evaluate(FOCUSED)
        assert is_body or outline != "none"
        if words == "Verify":
            break
    page.keyboard.press("Enter")

    page.get_by_role("status").filter(has_text="all the same").wait_for()
