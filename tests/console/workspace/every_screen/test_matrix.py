"""Every screen and every role, out of the routes of the console and the matrix of the API.

Nobody writes here which role sees what: a screen says of which calls it is made, and the document
of the API who may make them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from httpx2 import Response

from api.app import create_app
from api.context import AppContext
from cli.composition import pages_of
from console.workspace.frame import HOME, NAVIGATION
from console.workspace.routes import DONE, EVERY_ACTION, EVERY_PART, SHOWN
from repositories.transactions import Transactions
from runtime.security import Security
from services.accounts.roles import ROLES
from tests.api.people import PATIENT_SECONDS, Clock, Person
from tests.api.sold import V1
from tests.console.billed import addresses_in
from tests.console.conftest import PUBLIC
from tests.console.workspace.furnishing import furnish
from tests.console.workspace.test_actions import forms_of

STREAMS: Final = {
    *(f"{HOME}/events/live", f"{HOME}/overview/ingestion"),
    *(f"{HOME}/audit-chain/progress", f"{HOME}/test-clocks/{{id}}/progress"),
}
"""What is told as it happens, and so says no calls."""
BESIDE: Final = ("setup", "search", "events/import")
"""What is reached from other screens."""
NOWHERE: Final = "0192a2c4-5b7d-7c3a-8f00-0123456789ab"
MANY_PAGES: Final = 100_000
"""As many may be looked at in a minute: the tests of a module come from one address."""
CALL: Final = re.compile(r"^curl (?:-X (\w+) )?'?http://[^/]+(/[^ '?]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """An organization with one of each thing that screens show, and a member in each role."""

    app: FastAPI
    owner: Person
    people: Mapping[str, Person]
    ids: Mapping[str, str]


@pytest.fixture(scope="module")
def house(
    transactions: Transactions, security: Security, one_event_loop: BlockingPortal
) -> Iterator[House]:
    """One for all tests of the matrix: none of them changes anything of it."""
    clock = Clock()
    context = AppContext(
        transactions=transactions,
        security=security,
        now=clock,
        public_url=PUBLIC,
        transaction_seconds=PATIENT_SECONDS,
        auth_per_minute=MANY_PAGES,
    )
    app = create_app(context, pages=pages_of(context))
    with one_event_loop.wrap_async_context_manager(app.router.lifespan_context(app)):
        owner = Person(app).sign_up()
        ids = furnish(owner, transactions, clock)
        yield House(app=app, owner=owner, people={one: owner.invite(one) for one in ROLES}, ids=ids)


@pytest.fixture(scope="module")
def seen(house: House) -> dict[tuple[str, str], Response]:
    """Every screen as each role gets it, by the role and its address."""
    return {
        (role, address): one.get(address)
        for role, one in house.people.items()
        for address in addresses(house.ids)
    }


def addresses(ids: Mapping[str, str]) -> list[str]:
    """Every screen and part, with ids in the places of its ``{id}`` and ``{line}``."""
    return [fill_in(template, ids) for template in SHOWN if template not in STREAMS]


def fill_in(template: str, ids: Mapping[str, str]) -> str:
    if "{" not in template:
        return template
    return template.replace("{id}", ids[template.split("/")[2]]).replace("{line}", ids["lines"])


def calls_of(page: str) -> Iterator[tuple[str, str]]:
    """Method and path of every call that a screen was made of."""
    [listed] = re.findall(r'<details class="unfold calls">(.*?)</details>', page, re.DOTALL)
    for command in re.findall(r"<code>(.*?)</code>", listed):
        found = CALL.match(html.unescape(command))
        assert found is not None, command
        yield found[1] or "GET", found[2]


@cache
def roles_by_call(app: FastAPI) -> list[tuple[str, re.Pattern[str], set[str]]]:
    """Who may make each call, as the document says; everybody where it says nothing."""
    return [
        (
            method.upper(),
            re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + "$"),
            set(operation.get("x-roles", ROLES)),
        )
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
        if isinstance(operation, dict) and "responses" in operation
    ]


@cache
def who_may(app: FastAPI, method: str, path: str) -> set[str]:
    found = [
        roles for asked, shape, roles in roles_by_call(app) if asked == method and shape.match(path)
    ]
    assert found, f"{method} {path} is no call of the API"
    return set.union(*found)


def test_every_role_sees_what_the_api_tells_it_and_nothing_else(
    house: House, seen: dict[tuple[str, str], Response]
) -> None:
    for address in addresses(house.ids):
        calls = set(calls_of(seen["owner", address].text))
        may = set(ROLES).intersection(*(who_may(house.app, *one) for one in calls))
        shown = {role for role in ROLES if seen[role, address].status_code == 200}
        assert shown == may, address


def test_navigation_leaves_out_what_a_role_may_not_see(
    house: House, seen: dict[tuple[str, str], Response]
) -> None:
    for role in house.people:
        page = seen[role, f"{HOME}/account"]
        listed = {one for one in addresses_in(page.text) if one in dict(_places())}
        shown = {place for place in dict(_places()) if seen[role, place].status_code == 200}
        assert listed == shown, role


def _places() -> list[tuple[str, str]]:
    return [(to, words) for words, to, _ in NAVIGATION]


def test_every_screen_without_an_id_is_in_the_navigation() -> None:
    parts = {HOME + one.path for one in EVERY_PART}
    hidden = {*(f"{HOME}/{one}" for one in BESIDE), *parts, *STREAMS}

    assert {one for one in SHOWN if "{" not in one} - hidden == set(dict(_places()))


def sendable(page: str) -> set[tuple[str, str]]:
    """Method and path of the call of every form of a page."""
    folded = re.findall(r'<details class="unfold call">(.*?)</details>', page, re.DOTALL)
    commands = re.findall(r"<code>(.*?)</code>", "".join(folded))
    found = [CALL.match(html.unescape(one)) for one in commands]
    assert None not in found
    return {(one[1] or "GET", one[2]) for one in found if one}


def test_pages_have_the_forms_that_a_role_may_send_and_no_others(
    house: House, seen: dict[tuple[str, str], Response]
) -> None:
    for address in addresses(house.ids):
        every = sendable(seen["owner", address].text)
        for role in ROLES:
            answer = seen[role, address]
            if answer.status_code == 200:
                may = {call for call in every if role in who_may(house.app, *call)}
                assert sendable(answer.text) == may, (role, address)


@pytest.mark.parametrize("asks", [{}, {"HX-Request": "true"}], ids=["page", "fragment"])
def test_ids_of_another_organization_are_found_on_no_screen(
    house: House, asks: dict[str, str]
) -> None:
    stranger = Person(house.app).sign_up("Quay")
    for template in SHOWN:
        if "{id}" in template:
            address = fill_in(template, house.ids)
            assert stranger.get(address, headers=asks).status_code == 404, address
            nowhere = template.replace("{id}", NOWHERE)
            assert house.owner.get(nowhere, headers=asks).status_code == 404, template


def test_no_screen_is_framed_or_stored_for_any_role(
    seen: dict[tuple[str, str], Response],
) -> None:
    for (role, address), answer in seen.items():
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy, (role, address)
        assert answer.headers["x-frame-options"] == "DENY", (role, address)
        assert answer.headers["cache-control"] == "no-store", (role, address)


def test_customers_of_another_organization_are_in_no_list(house: House) -> None:
    stranger = Person(house.app).sign_up("Quay")
    for name in ("subscriptions", "invoices", "payments", "events", "alerts"):
        query = f"customer_id={house.ids['customers']}"
        assert stranger.get(f"{HOME}/{name}?{query}").status_code == 404, name


def fill(template: str) -> str:
    return re.sub(r"\{[^}]+\}", NOWHERE, template)


@pytest.mark.parametrize("template", DONE)
def test_nothing_is_done_by_a_form_of_another_site(house: House, template: str) -> None:
    owner = house.owner
    before = owner.get(f"{V1}/audit").json()["data"]

    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = owner.post(fill(template), headers=headers, data=EVERY_FIELD)
        assert answer.status_code in {403, 303, 200}, template
        assert answer.status_code == 403 or template.startswith(f"{HOME}/setup"), template

    assert owner.get(f"{V1}/audit").json()["data"] == before


EVERY_FIELD: Final[dict[str, Any]] = {
    "name": "x",
    "email": "x@y.test",
    "role": "owner",
    "password": "x",
    "current_password": "x",
    "new_password": "quiet-harbor-94",
    "code": "X",
    "expected": "x",
    "ids": NOWHERE,
    "confirmation": "x",
}


@pytest.mark.parametrize("template", [one for one in DONE if "{id}" in one])
def test_nothing_of_another_organization_is_changed(house: House, template: str) -> None:
    answer = house.owner.post(fill(template), data=EVERY_FIELD | {"amount": "1", "reason": "x"})

    assert answer.status_code in {404, 422}, template


def test_every_form_shows_its_call_before_the_next(
    house: House, seen: dict[tuple[str, str], Response]
) -> None:
    for address in addresses(house.ids):
        _, *forms = seen["owner", address].text.split('<form class="doing"')
        rows = [one for one in forms if one.partition("</form>")[2].startswith("</td>")]
        silent = [one for one in forms if 'class="unfold call"' not in one and one not in rows]
        assert silent == [], address
        # The forms of rows are alike: what follows the last of them shows the call.
        assert not rows or 'class="unfold call"' in rows[-1], address


def test_form_that_confirms_asks_for_it(
    house: House, seen: dict[tuple[str, str], Response]
) -> None:
    confirming = [
        re.compile('action="' + re.sub(r"\{[^}]+\}", "[^/]+", HOME + one.path) + '"')
        for one in EVERY_ACTION
        if one.confirms
    ]
    for address in addresses(house.ids):
        for form in re.findall(r"<form.*?</form>", seen["owner", address].text, re.DOTALL):
            if any(shape.search(form) for shape in confirming):
                assert 'name="confirmation"' in form, address


def test_every_form_of_every_screen_leads_to_something_that_is_done(
    house: House, seen: dict[tuple[str, str], Response]
) -> None:
    shapes = [re.compile(re.sub(r"\{[^}]+\}", "[^/]+", one) + "$") for one in DONE]
    for address in addresses(house.ids):
        for action in forms_of(seen["owner", address].text):
            assert any(shape.match(action) for shape in shapes), (address, action)
