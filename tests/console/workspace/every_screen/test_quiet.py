"""Where nothing leaves the installation, every page of the console says so, and no other does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

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
from tests.api.people import PATIENT_SECONDS, Clock, Person
from tests.console.billed import billed, link, portal, words_of
from tests.console.conftest import PUBLIC
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
        transaction_seconds=PATIENT_SECONDS,
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
