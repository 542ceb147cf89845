"""The console as a browser has it: themes, keyboard, accessibility. Skipped where none is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import pytest

from console.workspace.frame import HOME
from console.workspace.routes import EVERY_PART, SHOWN
from tests.console.browser import BY_COLOUR, unfold, violations, why_none
from tests.console.test_browser import DRAWS, FOCUSED, LOOKS, PICTURES
from tests.console.workspace.conftest import wait_for_parts

MISSING: Final = why_none()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")

BY_SCRIPT: Final = ("/live", "/ingestion", "/progress", "/derivation", "/unfolded", "/counted")
"""What scripts ask for alone."""
DRAWN: Final = {"overview", "invoice", "subscription"}
"""What is drawn whole, and unfolded, in every look; others as they open, in themes."""
OVERHANG: Final = """(() => {
    const lefts = [...document.querySelectorAll("main > *")].map(
        (one) => one.getBoundingClientRect().left,
    );
    const width = document.documentElement.scrollWidth - window.innerWidth;
    return Math.max(width, -Math.min(0, ...lefts));
})()"""
"""By how much a page is wider than its window, towards either side."""
WALL: Final = {"width": 2560, "height": 1440}
THEMES: Final = {"light", "dark"}
MOVING: Final = """[...document.querySelectorAll("*")].flatMap((one) =>
    ["", "::before", "::after"].map((part) => getComputedStyle(one, part)),
).filter((style) => style.transitionDuration !== "0s" || style.animationName !== "none").length"""
"""How many elements of a page move by themselves or in passing."""


@pytest.mark.parametrize("look", LOOKS)
def test_screens_are_accessible_in_every_look(
    sign_in: Callable[..., Any], house: tuple[str, str, dict[str, str]], look: str
) -> None:
    page = sign_in(**LOOKS[look])
    found = []
    for name, path in house[2].items():
        page.goto(path)
        wait_for_parts(page)
        if look in THEMES and name not in DRAWN:
            draw(page, f"console-{name}-{look}", is_whole=False)
        unfold(page)
        seen = violations(page, BY_COLOUR if look == "dark" else ())
        found += [(name, one["id"], one["nodes"][0]["html"][:200]) for one in seen]
        assert page.evaluate(OVERHANG) <= 0, name
        if look == "light":
            page.set_viewport_size(WALL)
            assert page.evaluate(OVERHANG) <= 0, f"{name} on a wall"
            page.set_viewport_size(LOOKS[look]["viewport"])
        if name in DRAWN:
            page.evaluate("window.scrollTo(0, 0)")
            draw(page, f"console-{name}-{look}")
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert page.evaluate(OVERHANG) <= 0, f"{name} from right to left"
    assert found == []


def test_every_screen_is_looked_at(house: tuple[str, str, dict[str, str]]) -> None:
    paths = [one.partition("?")[0] for one in house[2].values()]
    parts = {HOME + one.path for one in EVERY_PART}

    for template in SHOWN:
        if template not in parts and not template.endswith(BY_SCRIPT):
            shape = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", template))
            assert any(shape.fullmatch(one) for one in paths), template


def draw(page: Any, name: str, *, is_whole: bool = True) -> None:
    """The screen as a picture for docs, if pictures are asked for."""
    if DRAWS:
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=is_whole)


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


def test_nothing_moves_for_whoever_wants_no_motion(
    sign_in: Callable[..., Any], house: tuple[str, str, dict[str, str]]
) -> None:
    page = sign_in(reduced_motion="reduce")
    for name in ("overview", "invoice", "import"):
        page.goto(house[2][name])
        wait_for_parts(page)
        assert page.evaluate(MOVING) == 0, name
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(MOVING) > 0
