"""Series of numbers: drawn where scripts run, in both themes, and tables where none do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.console.browser import why_none

MISSING: Final = why_none()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")

PAINTED: Final = """(() => {
    const canvas = document.querySelector("figure[data-series] canvas");
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let place = 0; place < data.length; place += 4)
        if (data[place + 3] > 250) colours.add(data.slice(place, place + 3).join());
    return [...colours];
})()"""
ACCENT: Final = {"light": "70,80,216", "dark": "152,161,255"}


def test_usage_is_drawn_in_the_colours_of_the_theme_and_drawn_again_in_the_other(
    sign_in: Callable[..., Any], house: tuple[str, str, dict[str, str]]
) -> None:
    page = sign_in(color_scheme="light", reduced_motion="reduce")
    page.goto(house[2]["subscription"])

    page.locator("figure[data-series] canvas").wait_for()
    light = page.evaluate(PAINTED)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(200)
    dark = page.evaluate(PAINTED)

    assert ACCENT["light"] in light
    assert ACCENT["dark"] in dark
    assert not page.locator("figure table").is_visible()


def test_usage_is_a_table_where_no_script_runs(
    sign_in: Callable[..., Any], house: tuple[str, str, dict[str, str]]
) -> None:
    page = sign_in(java_script_enabled=False)
    page.goto(f"{house[2]['subscription']}?whole=now")

    row = page.locator("figure[data-series] tbody tr").first

    assert "2026-03-02" in row.inner_text()
    # What was sold, and what a program sent on that day.
    assert "1,512" in row.inner_text()
    assert not page.locator("figure .drawn").is_visible()


def test_credit_burns_down_as_a_line_above_its_ledger(
    sign_in: Callable[..., Any], house: tuple[str, str, dict[str, str]]
) -> None:
    page = sign_in(color_scheme="light")
    page.goto(f"{house[2]['customer']}/credits")
    form = page.locator("form[action$='/credits/grant']")
    form.get_by_label("Amount").fill("50")
    form.get_by_label("Unit").fill("USD")
    form.get_by_role("button", name="Grant credit").click()
    page.goto(f"{house[2]['customer']}/credits?unit=USD")

    page.locator("figure[data-series=line] canvas").wait_for()

    assert ACCENT["light"] in page.evaluate(PAINTED)
    assert page.locator("figure table").is_visible()
