"""Lists within screens turn as the long ones do: nothing is beyond the reach of its form."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest

from console.workspace.lists import PAGE_SIZE
from console.workspace.settings import members
from console.workspace.subscriptions import screen as subscription_screen
from tests.api.people import Person
from tests.api.sold import V1, post
from tests.console.billed import billed, buyer, words_of
from tests.console.workspace.test_actions import forms_of

MORE = PAGE_SIZE + 1


def add_alert(owner: Person, customer: str, number: int) -> None:
    watched = {"on": "spend", "subject": {"customer_id": customer}, "thresholds": [number]}
    post(owner, "/alerts", watched)


def add_coupon(owner: Person, customer: str, number: int) -> None:
    post(owner, "/coupons", {"code": f"SPRING-{number}", "percent": 10})
    post(owner, f"/customers/{customer}/coupons", {"code": f"SPRING-{number}"})


def add_grant(owner: Person, customer: str, number: int) -> None:
    post(owner, f"/customers/{customer}/grants", {"unit": "USD", "amount": number})


def add_rule(owner: Person, customer: str, number: int) -> None:
    rule = {"unit": "USD", "amount": number, "interval": "month"}
    post(owner, f"/customers/{customer}/grant-rules", rule)


LISTS = [
    pytest.param(add_alert, "alerts", r"/alerts/[^/]+/end$", "page", id="alerts"),
    pytest.param(add_coupon, "", r"/detach$", "coupons_page", id="coupons"),
    pytest.param(add_grant, "credits?unit=USD", r"/grants/[^/]+/end$", "grants_page", id="grants"),
    pytest.param(add_rule, "credits?unit=USD", r"/rules/[^/]+/end$", "rules_page", id="rules"),
]


def turned(page: str, name: str, rel: str) -> str | None:
    """Where a list of the page leads on or back."""
    found = re.findall(rf'rel="{rel}" href="([^"]*{name}=[^"]*)"', page)
    return html.unescape(found[0]) if found else None


@pytest.mark.parametrize(("add", "screen", "form", "name"), LISTS)
def test_what_is_beyond_the_first_page_is_reached_and_has_its_form(
    owner: Person,
    add: Callable[[Person, str, int], None],
    screen: str,
    form: str,
    name: str,
) -> None:
    customer = buyer(owner)
    for number in range(1, MORE + 1):
        add(owner, customer, number)
    path, _, query = f"/console/customers/{customer}/{screen}".rstrip("/").partition("?")

    first = owner.get(f"{path}?{query}").text
    after = turned(first, name, "next")
    assert after is not None
    second = owner.get(path + after).text
    before = turned(second, name, "prev")

    counted = [
        sum(bool(re.search(form, one)) for one in forms_of(page)) for page in (first, second)
    ]
    assert counted == [PAGE_SIZE, 1]
    assert not forms_of(first).keys() & {one for one in forms_of(second) if re.search(form, one)}
    assert f"{MORE} in all, page 2 of 2" in words_of(second)
    assert f"{name}=3" not in second
    assert before is not None
    assert "page 1 of 2" in words_of(owner.get(path + before).text)


def test_lists_of_a_screen_turn_by_themselves(owner: Person) -> None:
    customer = buyer(owner)
    for number in range(1, MORE + 1):
        add_grant(owner, customer, number)
        add_rule(owner, customer, number)
    path = f"/console/customers/{customer}/credits"

    page = owner.get(f"{path}?unit=USD&grants_page=2").text
    after = turned(page, "rules_page", "next")

    assert after == "?unit=USD&grants_page=2&rules_page=2"
    assert owner.get(path + after).status_code == 200


def test_add_on_that_lives_is_shown_after_many_that_ended(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, invoice = billed(owner)
    path = f"/subscriptions/{invoice['subscription_id']}"

    def attach(number: int) -> str:
        charge = {"unit_price": 1, "display_name": f"Seats {number}"}
        return str(post(owner, f"{path}/add-ons", {"charge": charge})["id"])

    for number in range(PAGE_SIZE):
        assert owner.delete(f"{V1}{path}/add-ons/{attach(number)}").status_code < 300
    ended = words_of(owner.get(f"/console{path}").text)
    attach(PAGE_SIZE)

    page = words_of(owner.get(f"/console{path}").text)
    monkeypatch.setattr(subscription_screen, "MANY", PAGE_SIZE)
    first = owner.get(f"/console{path}?done=paused").text
    after = turned(first, "page", "next")

    assert "None. An add-on is on each bill" in ended
    assert f"Seats {PAGE_SIZE}" in page
    assert "None. An add-on is on each bill" not in words_of(first)
    assert after == "?page=2"
    assert f"Seats {PAGE_SIZE}" in words_of(owner.get(f"/console{path}{after}").text)


def test_invitation_that_waits_is_reached_beyond_those_accepted(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "MANY", 1)
    none = words_of(owner.get("/console/members").text)
    owner.invite("developer")
    post(owner, "/invitations", {"email": "waits@b.test", "role": "billing"})

    first = owner.get("/console/members").text
    after = turned(first, "invitations_page", "next")
    pages = [first, owner.get(f"/console/members{after}").text]

    assert "Nobody is invited" in none
    assert "Nobody is invited" not in words_of(first)
    assert sum("waits@b.test" in words_of(one) for one in pages) == 1


def test_page_that_is_none_is_refused_in_the_words_of_the_api(owner: Person) -> None:
    refused = owner.get("/console/customers?page=x")

    assert refused.status_code == 422
    assert owner.get(f"{V1}/customers?page=x").json()["detail"] in words_of(refused.text)
