"""Where nothing leaves the installation, every page of the console says so, and no other does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from api.app import create_app
from api.context import AppContext
from cli.composition import pages_of
from repositories.transactions import Transactions
from runtime.security import Security
from services.operations.outbound import Outbound
from tests.api.people import PASSWORD, Clock, Person
from tests.console.billed import billed, link, portal, words_of
from tests.console.browser import served, violations, why_none
from tests.console.conftest import PUBLIC
from tests.console.test_browser import LOOKS
from tests.console.workspace.signed_in import screens_of

TOLD = (
    "Nothing leaves this installation: mails, webhooks, charges and top-ups wait until"
    " FLUXRATE_OUTBOUND is on."
)
OUTSIDE = ("/", "/console/sign-in", "/console/sign-up")
"""Pages before anybody is signed in."""


@pytest.fixture
def context(transactions: Transactions, security: Security, clock: Clock) -> AppContext:
    """The surroundings of an installation that is quiet."""
    return AppContext(
        transactions=transactions,
        security=security,
        now=clock,
        public_url=PUBLIC,
        outbound=Outbound.OFF,
    )


@pytest.fixture
def app(context: AppContext, one_event_loop: BlockingPortal) -> Iterator[FastAPI]:
    """The whole application, served."""
    quiet = create_app(context, pages=pages_of(context))
    with one_event_loop.wrap_async_context_manager(quiet.router.lifespan_context(quiet)):
        yield quiet


def test_every_page_of_the_console_says_what_waits(owner: Person) -> None:
    screens = screens_of(owner, *billed(owner))

    for path in (*OUTSIDE, *screens, "/console/customers/nobody", "/console/setup"):
        assert words_of(owner.get(path).text).count(TOLD) == 1, path


def test_pages_of_customers_say_nothing_of_it(owner: Person, visitor: Person) -> None:
    _, invoice = billed(owner)

    for address in (link(owner, invoice), portal(owner)):
        page = visitor.get(address)
        assert page.status_code == 200
        assert "Nothing leaves" not in page.text


def test_nothing_is_said_where_all_leaves(
    context: AppContext, one_event_loop: BlockingPortal
) -> None:
    loud = replace(context, outbound=Outbound.ON, registry=CollectorRegistry())
    app = create_app(loud, pages=pages_of(loud))
    with one_event_loop.wrap_async_context_manager(app.router.lifespan_context(app)):
        somebody = Person(app).sign_up()
        pages = [somebody.get(path) for path in (*OUTSIDE, "/console")]

    assert [page.status_code for page in pages] == [200] * len(pages)
    assert not any("Nothing leaves" in page.text for page in pages)


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
