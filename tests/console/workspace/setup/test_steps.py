"""The guided setup: signing up in the console, and five steps that are forms."""

from __future__ import annotations

import pytest

from tests.api.people import PASSWORD, Person
from tests.api.sold import V1
from tests.console.billed import words_of
from tests.console.workspace.test_actions import form_of

SETUP = "/console/setup"
STEPS = ("meter", "price", "customer", "event")
NEW = {"organization_name": "Lumen Works", "email": "new@lumenworks.test", "password": PASSWORD}


def take(owner: Person, step: str, **typed: str) -> str:
    """Send the form of the next step as it is proposed; what the page says then."""
    address, fields = form_of(owner, SETUP, f"/{step}")
    return words_of(owner.post(address, data=fields | typed).text)


def test_who_signs_up_is_led_to_the_first_step(visitor: Person) -> None:
    sent = visitor.post("/console/sign-up", data=NEW, follow_redirects=False)

    assert (sent.status_code, sent.headers["location"]) == (303, SETUP)
    assert "Step 1 of 5" in words_of(visitor.get(SETUP).text)


@pytest.mark.parametrize("name", NEW)
def test_what_is_missing_is_told_beside_the_form(visitor: Person, name: str) -> None:
    refused = visitor.post("/console/sign-up", data={**NEW, name: ""})

    assert refused.status_code == 422
    assert "set-cookie" not in refused.headers
    assert 'role="alert"' in refused.text


def test_form_of_another_site_makes_no_organization(visitor: Person) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}

    foreign = NEW | {"email": "foreign@lumenworks.test"}

    refused = visitor.post("/console/sign-up", data=foreign, headers=headers)

    assert refused.status_code == 403
    login = {"email": foreign["email"], "password": PASSWORD}
    assert visitor.post(f"{V1}/auth/login", json=login).status_code == 401


def test_steps_are_taken_as_they_are_proposed(owner: Person) -> None:
    said = [take(owner, step) for step in STEPS]

    assert ["Step" in one and one[one.index("Step") :][:11] for one in said] == [
        f"Step {number} of 5" for number in range(2, 6)
    ]
    [event] = owner.get(f"{V1}/usage").json()["data"]
    [subscription] = owner.get(f"{V1}/subscriptions").json()["data"]
    preview = owner.post(f"{V1}/subscriptions/{subscription['id']}/preview-invoice", json={})
    assert event["idempotency_key"] == "job-5512"
    assert str(preview.json()["total"]) == "82.45"


def test_step_that_is_sent_twice_is_taken_once(owner: Person) -> None:
    for step in STEPS[:2]:
        take(owner, step)
    address, fields = form_of(owner, SETUP, "/customer")

    pages = [owner.post(address, data=fields) for _ in range(3)]

    assert {page.status_code for page in pages} == {200}
    assert owner.get(f"{V1}/test-clocks").json()["meta"]["total"] == 1
    assert owner.get(f"{V1}/subscriptions").json()["meta"]["total"] == 1


def test_refusal_stands_beside_the_form_with_what_was_typed(owner: Person) -> None:
    take(owner, "meter")

    said = take(owner, "price", unit_price="a tenth of a cent")
    address, fields = form_of(owner, SETUP, "/price")
    again = words_of(owner.post(address, data=fields).text)

    assert "unit_price" in said
    assert "Step 2 of 5" in said
    assert "Step 3 of 5" in again
    assert owner.get(f"{V1}/plans").json()["meta"]["total"] == 1


def test_overview_leads_to_the_setup_until_something_is_billed(owner: Person) -> None:
    assert SETUP in owner.get("/console").text
    for step in STEPS:
        take(owner, step)

    assert f'href="{SETUP}"' not in owner.get("/console").text
