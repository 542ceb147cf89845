"""Where nothing leaves the installation, what pages say of it is seen and read by everybody."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from api.app import create_app
from api.context import AppContext
from cli.composition import pages_of
from tests.api.people import PASSWORD, Person
from tests.console.browser import served, violations, why_none
from tests.console.test_browser import LOOKS
from tests.console.workspace.every_screen.test_quiet import OUTSIDE, app, context

__all__ = ["app", "context"]


@pytest.mark.skipif(why_none() is not None, reason=why_none() or "")
@pytest.mark.parametrize("look", LOOKS)
def test_what_is_said_is_accessible(
    owner: Person, context: AppContext, browser: Any, look: str
) -> None:
    own = replace(context, registry=CollectorRegistry())
    with (
        served(create_app(own, pages=pages_of(own))) as address,
        closing(browser.new_context(base_url=address, **LOOKS[look])) as seen,
    ):
        page, found = seen.new_page(), []
        for path in OUTSIDE:
            page.goto(path)
            found += violations(page)
        page.goto("/console/sign-in")
        page.get_by_label("Email").fill(owner.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Overview").wait_for()
        found += violations(page)
        page.goto("/console/customers/nobody")
        found += violations(page)
        page.go_back()
        banner = page.locator(".outbound").bounding_box()
        main = page.locator("main").bounding_box()

    assert found == []
    # Within the column of the screen, and not as high as it.
    assert banner["x"] >= main["x"]
    assert banner["height"] < main["height"] / 4
