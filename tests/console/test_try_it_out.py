"""`/docs` in a real browser: from signing up to a paid invoice, by the bodies that stand there.

Nothing is typed: each operation is opened by the page's own list of steps, tried, and executed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.console.browser import why_none
from tests.scenarios.product import Product

pytestmark = pytest.mark.skipif(why_none() is not None, reason=str(why_none()))

PATIENCE_MILLISECONDS: Final = 180_000
MOST_LOOKS: Final = 60
WAITS_FOR: Final = {"get_test_clock": '"ready"'}
"""What an answer must say before the next step is taken."""
IS_IN_SIGHT: Final = (
    "(one) => Math.abs(one.getBoundingClientRect().top) < innerHeight / 2"
    " || scrollY + innerHeight > document.documentElement.scrollHeight - 1"
)
"""Whether a page has gone to an element, as far down as it goes."""


@pytest.fixture
def page(product: Product, browser: Any) -> Iterator[Any]:
    """The page of the documentation, once it is drawn."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    page.goto(f"{product.url}/docs")
    page.wait_for_selector(".opblock-tag-section")
    page.click(".way summary")
    yield page
    page.close()


def execute(block: Any) -> tuple[str, str]:
    """Status and body of the answer to what stands there."""
    block.locator("button.execute").click()
    answer = block.locator(".live-responses-table")
    answer.wait_for()
    block.locator(".loading-container").wait_for(state="detached")
    status = answer.locator("tbody .response-col_status").first.inner_text()
    return status.split()[0], answer.inner_text()


def try_out(page: Any, link: Any) -> tuple[str, str, str]:
    """An operation of the list, its status, and what was answered once that is worth reading."""
    name = link.get_attribute("href").rpartition("/")[2]
    link.evaluate("one => one.click()")  # it leads to a place on this page, and nowhere else
    block = page.locator(f"[id$='-{name}'].opblock")
    block.locator(".opblock-body").wait_for()
    page.wait_for_function(IS_IN_SIGHT, arg=block.element_handle())
    block.locator("button.try-out__btn").click()
    status, answer = execute(block)
    for _ in range(MOST_LOOKS):
        if WAITS_FOR.get(name, "") in answer:
            break
        page.wait_for_timeout(500)
        status, answer = execute(block)
    return name, status, answer


def test_the_bodies_that_stand_there_lead_to_a_paid_invoice(page: Any) -> None:
    steps = page.locator(".way a")
    done = [try_out(page, steps.nth(number)) for number in range(steps.count())]

    assert [(name, answer) for name, status, answer in done if status[0] != "2"] == []
    answers = {name: answer for name, _, answer in done}
    assert len(answers) >= 14
    assert "82.45" in answers["preview_invoice"]
    assert "$82.45" in answers["get_invoice_text"]
    assert '"PAID"' in answers["pay_invoice"]
