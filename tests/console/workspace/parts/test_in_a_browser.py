"""Derivations, the palette and undoing as a person has them. Skipped without Chromium."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.console.browser import why_none

MISSING: Final = why_none()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")


def test_amount_says_how_it_was_computed_to_a_keyboard_until_escape(
    sign_in: Callable[..., Any], house: tuple[str, str, dict[str, str]]
) -> None:
    page = sign_in()
    page.goto(house[2]["invoice"])
    amount = page.locator(".derives a").first

    amount.focus()
    steps = page.get_by_role("tooltip")
    steps.filter(has_text="Included units").wait_for()
    page.keyboard.press("Escape")

    assert not steps.is_visible()


def test_total_says_what_it_is_the_sum_of_to_a_pointer(
    sign_in: Callable[..., Any], house: tuple[str, str, dict[str, str]]
) -> None:
    page = sign_in()
    page.goto(house[2]["customer"])

    page.locator(".derives a").first.hover()

    page.get_by_role("tooltip").filter(has_text="Total").wait_for()


def test_customer_is_reached_by_the_palette_with_the_keyboard_alone(
    sign_in: Callable[..., Any], house: tuple[str, str, dict[str, str]]
) -> None:
    page = sign_in()
    # A key that comes before the scripts is the browser's own.
    page.wait_for_load_state()

    page.keyboard.press("Control+k")
    page.keyboard.type("acct")
    page.locator("#found [aria-selected=true]").filter(has_text="Customer").wait_for()
    page.keyboard.press("Enter")

    page.wait_for_url(f"**{house[2]['customer']}")


def test_palette_is_a_page_where_no_script_runs(sign_in: Callable[..., Any]) -> None:
    page = sign_in(java_script_enabled=False)

    page.get_by_role("link", name="Search").click()
    page.get_by_role("searchbox").fill("acct")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=acct")

    assert page.locator(".finds a").first.get_attribute("href").startswith("/console/customers/")


def test_cancellation_is_undone_with_the_keyboard_alone(
    sign_in: Callable[..., Any], house: tuple[str, str, dict[str, str]]
) -> None:
    page = sign_in()
    page.goto(house[2]["subscription"])

    page.get_by_role("button", name="Cancel at the period's end").focus()
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text="it ends with its period").wait_for()
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")

    page.get_by_role("button", name="Cancel at the period's end").wait_for()
    assert page.get_by_role("button", name="Undo").count() == 0
