"""Pages of links in a browser: an invitation is accepted. Skipped where none is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import httpx2
import pytest

from api.app import create_app
from api.context import AppContext
from cli.composition import pages_of
from repositories.transactions import Transactions
from runtime.security import Security
from tests.api.people import PASSWORD, Clock
from tests.console.browser import served, why_none

MISSING: Final = why_none()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")

V1: Final = "/api/v1"
EMAIL: Final = "new@lumenworks.test"


@pytest.fixture
def address(transactions: Transactions, security: Security) -> Iterator[str]:
    context = AppContext(transactions=transactions, security=security, now=Clock())
    with served(create_app(context, pages=pages_of(context))) as address:
        yield address


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page()
    yield opened
    opened.close()


def invite(address: str) -> str:
    """The path of a new invitation's link."""
    with httpx2.Client(base_url=address + V1, trust_env=False) as owner:
        asked = {
            "email": "owner@lumenworks.test",
            "password": PASSWORD,
            "organization_name": "Lumen Works",
        }
        assert owner.post("/auth/signup", json=asked).status_code == 201
        told = owner.post("/invitations", json={"email": EMAIL, "role": "billing"}).json()
    return f"/join#{told['link'].partition('#')[2]}"


def choose(page: Any, password: str) -> str:
    """What the page says of a password."""
    page.get_by_label("password").fill(password)
    page.get_by_role("button").click()
    said = page.get_by_role("status")
    said.filter(has_text=".").wait_for()
    return str(said.inner_text())


def test_an_invited_person_joins_and_logs_in(address: str, page: Any) -> None:
    page.goto(address + invite(address))
    assert "#" not in page.url

    weak = choose(page, "password1")
    assert page.locator("#password").is_visible()
    page.locator("#said").evaluate("one => one.textContent = ''")
    done = choose(page, "quiet-harbor-94")

    assert weak != done
    assert not page.locator("#password").is_visible()
    login = {"email": EMAIL, "password": "quiet-harbor-94"}
    answer = httpx2.post(f"{address}{V1}/auth/login", json=login, trust_env=False)
    assert answer.json()["user"]["role"] == "billing"


@pytest.mark.parametrize("path", ["/join", "/new-password"])
def test_a_link_without_its_token_says_that_it_is_over(address: str, page: Any, path: str) -> None:
    page.goto(address + path)

    assert page.get_by_role("status").inner_text() != ""
    assert not page.locator("#password").is_visible()


@pytest.mark.parametrize("path", ["/join", "/new-password"])
def test_a_link_that_is_no_longer_good_says_so(address: str, page: Any, path: str) -> None:
    page.goto(f"{address}{path}#{'x' * 33}")
    over = page.locator("#said").get_attribute("data-over")

    assert choose(page, "quiet-harbor-94") == over
    assert not page.locator("#password").is_visible()
