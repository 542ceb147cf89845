"""From the page to sign up to an invoice of $82.45, by clicking: a person's first two minutes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.api.people import PASSWORD
from tests.console.browser import why_none
from tests.scenarios.product import Product

MISSING: Final = why_none()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")

PATIENCE_MILLISECONDS: Final = 180_000
LONGEST_SECONDS: Final = 120
STEPS: Final = (
    "Make the meter",
    "Set the price",
    "Subscribe them",
    "Send the event",
    "Make it the next month",
)


@pytest.fixture
def page(browser: Any, product: Product) -> Iterator[Any]:
    """The page to sign up."""
    page = browser.new_page(base_url=product.url)
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    page.goto("/console/sign-up")
    yield page
    page.close()


def test_first_invoice_is_two_minutes_of_clicking_away(page: Any) -> None:
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    began = time.monotonic()

    page.get_by_label("Organization").fill("Lumen Works")
    page.get_by_label("Email").fill("first@lumenworks.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    for words in STEPS:
        page.get_by_role("button", name=words).click()
        page.get_by_role("button", name=words).wait_for(state="detached")
    while page.get_by_role("link", name="Look again").count():
        page.get_by_role("link", name="Look again").click()

    page.get_by_text("$82.45").wait_for()
    took = time.monotonic() - began
    page.get_by_role("link", name="See why it is exactly that much").click()
    page.get_by_role("button", name="Verify").click()
    page.get_by_role("status").filter(has_text="all the same").wait_for()
    assert took < LONGEST_SECONDS
    assert heard == []
