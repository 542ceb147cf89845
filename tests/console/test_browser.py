"""Pages as a browser has them: themes, keyboard, accessibility, frames. Skipped where none is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from anyio.from_thread import BlockingPortal
from prometheus_client import CollectorRegistry

from api.app import create_app
from api.context import AppContext
from cli.composition import pages_of
from repositories.transactions import Transactions
from runtime.security import Security
from tests.api.people import PATIENT_SECONDS, Clock, Person
from tests.console.browser import BY_COLOUR, framing_host, served, unfold, violations, why_none
from tests.console.conftest import PUBLIC
from tests.console.gallery import Gallery, furnish

MISSING: Final = why_none()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")

PICTURES: Final = Path(__file__).parents[2] / "docs" / "images" / "pages"
DRAWS: Final = "FLUXRATE_DRAW_PAGES" in os.environ
DRAWN: Final = {
    *("invoice-light", "invoice-dark", "verified-phone"),
    *("account-light", "account-dark", "account-phone"),
    *("receipt-light", "receipt-dark"),
}
WIDE: Final = {"width": 1100, "height": 900}
NARROW: Final = {"width": 360, "height": 780}
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"color_scheme": "light", "viewport": WIDE},
    "dark": {"color_scheme": "dark", "viewport": WIDE},
    "phone": {"color_scheme": "light", "viewport": NARROW, "device_scale_factor": 2},
}
FOCUSED: Final = """(() => {
    const one = document.activeElement;
    return [one === document.body, one.innerText, getComputedStyle(one).outlineStyle];
})()"""


@pytest.fixture(scope="module")
def named_host() -> Iterator[str]:
    """A host whose pages may frame the portal."""
    with framing_host() as host:
        yield host


@pytest.fixture(scope="module")
def gallery(
    transactions: Transactions,
    security: Security,
    one_event_loop: BlockingPortal,
    named_host: str,
) -> Iterator[tuple[str, Gallery]]:
    """Where pages are served, and the pages."""
    clock = Clock()
    context = AppContext(
        transactions=transactions,
        security=security,
        now=clock,
        public_url=PUBLIC,
        transaction_seconds=PATIENT_SECONDS,
    )
    app = create_app(context, pages=pages_of(context))
    with one_event_loop.wrap_async_context_manager(app.router.lifespan_context(app)):
        shown = furnish(Person(app).sign_up(), clock, host=named_host)
    # A server has an event loop of its own, so it gets an application of its own.
    own = replace(context, registry=CollectorRegistry())
    with served(create_app(own, pages=pages_of(own))) as address:
        yield address, shown


@pytest.fixture
def open_page(browser: Any, gallery: tuple[str, Gallery]) -> Iterator[Callable[..., Any]]:
    """Opens a page in a context of its own, and looks at what it says and asks for."""
    address, _ = gallery
    contexts: list[Any] = []
    heard: list[str] = []

    def note_foreign(request: Any) -> None:
        if not request.url.startswith((address, "data:")):
            heard.append(request.url)

    def note_message(message: Any) -> None:
        # Chromium would like to see a name beside a password; a link's page knows none.
        if not message.text.startswith("[DOM] Password forms should have"):
            heard.append(message.text)

    def visit(path: str, **options: Any) -> Any:
        context = browser.new_context(**({"viewport": WIDE} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("console", note_message)
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("requestfailed", lambda request: heard.append(f"failed: {request.url}"))
        page.on("request", note_foreign)
        assert page.goto(address + path).ok
        return page

    yield visit
    for context in contexts:
        context.close()
    assert heard == []


def pages(shown: Gallery) -> dict[str, str]:
    return {
        "invoice": shown.invoice,
        "verified": f"{shown.invoice}/verify",
        "events": f"{shown.invoice}/lines/0/events",
        "account": shown.account,
        "embedded": shown.embedded,
        "receipt": shown.receipt,
        "start": "/",
        "join": "/join#token",
        "new-password": "/new-password#token",
    }


NAMES: Final = (
    *("invoice", "verified", "events", "account", "embedded", "receipt"),
    *("start", "join", "new-password"),
)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", NAMES)
def test_page_is_accessible_in_every_look(
    open_page: Callable[..., Any], gallery: tuple[str, Gallery], name: str, look: str
) -> None:
    page = open_page(pages(gallery[1])[name], **LOOKS[look])
    rules = BY_COLOUR if look == "dark" else ()
    folded = violations(page, rules)
    draw(page, f"{name}-{look}", is_wanted=name != "invoice")
    unfolded = violations(page, rules) if unfold(page) else []

    found = [(one["id"], one["impact"], one["nodes"][0]["html"]) for one in [*folded, *unfolded]]
    assert found == []
    draw(page, f"{name}-{look}", is_wanted=name == "invoice")
    width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert width <= 0


def draw(page: Any, name: str, *, is_wanted: bool) -> None:
    """The page as a picture for docs, if pictures are asked for."""
    if DRAWS and is_wanted and name in DRAWN:
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=True)


@pytest.mark.parametrize("path", ["/p/nobody", "/embed?token=expired", "/verify/nothing"])
def test_refusal_is_accessible(browser: Any, gallery: tuple[str, Gallery], path: str) -> None:
    page = browser.new_page(color_scheme="dark")
    answer = page.goto(gallery[0] + path)

    assert answer.status == 404
    assert violations(page) == []
    page.close()


def test_everything_is_reached_by_keyboard_and_shows_where_one_is(
    open_page: Callable[..., Any], gallery: tuple[str, Gallery]
) -> None:
    page = open_page(gallery[1].invoice)
    reached = []
    for _ in range(30):
        page.keyboard.press("Tab")
        is_past, words, outline = page.evaluate(FOCUSED)
        if is_past:
            break
        reached.append(words.split(":")[0].strip())
        assert outline != "none", words

    assert reached[:3] == ["Skip to the content", "Download PDF", "Verify this invoice"]
    assert reached.count("How this was computed") == 2


def test_lines_unfold_by_keyboard_without_a_script(
    open_page: Callable[..., Any], gallery: tuple[str, Gallery]
) -> None:
    page = open_page(gallery[1].invoice, java_script_enabled=False)
    summary = page.locator("summary").first
    steps = page.locator("table.steps").first
    assert not steps.is_visible()

    summary.focus()
    page.keyboard.press("Enter")

    assert steps.is_visible()
    page.locator("details a").first.click()
    assert "Counted events" in page.title()
    page.locator("a[rel=next]").click()
    page.locator("p.back a").click()
    assert gallery[1].number in page.title()


def framed(browser: Any, host: str, address: str) -> Any:
    """The frame of a page of a host's that frames an address."""
    page = browser.new_page()
    page.goto(f"http://{host}/?{quote(address, safe='')}")
    page.wait_for_load_state("networkidle")
    return page.frames[1]


def test_the_host_that_is_named_frames_the_portal_and_nobody_else_does(
    browser: Any, gallery: tuple[str, Gallery], named_host: str
) -> None:
    address, shown = gallery

    inside = framed(browser, named_host, address + shown.account)
    public = framed(browser, named_host, address + shown.invoice)
    with framing_host() as other:
        outside = framed(browser, other, address + shown.account)

    assert "Account of Harbor Labs Ltd" in inside.text_content("h1")
    inside.click(f"text={shown.number}")
    inside.wait_for_selector("text=Back to your account")
    with inside.page.expect_download() as download:
        inside.click("text=Download PDF")
    assert download.value.suggested_filename == f"{shown.number}.pdf"
    inside.click("text=Verify this invoice")
    inside.wait_for_selector("text=Verified.")
    assert inside.get_attribute("text=Check this document", "target") == "_blank"
    assert [one.url for one in (outside, public)] == ["chrome-error://chromewebdata/"] * 2


def test_paper_shows_the_bill_without_what_is_clicked(
    open_page: Callable[..., Any], gallery: tuple[str, Gallery]
) -> None:
    page = open_page(gallery[1].invoice)

    page.emulate_media(media="print")

    assert not page.locator(".actions").is_visible()
    assert not page.locator("details").first.is_visible()
    assert page.locator(".totals").is_visible()
    assert page.locator("h1").is_visible()
