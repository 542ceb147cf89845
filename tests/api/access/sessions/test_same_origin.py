"""No other site acts with a person's cookies (CONTRACT 63)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.app import create_app
from api.context import AppContext
from tests.api.people import Person

ORGANIZATION = "/api/v1/organization"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://testserver.evil.test"},
        {"Origin": "http://testserver:8080"},
        {"Origin": "https://testserver"},
        {"Origin": "testserver"},
        {"Origin": "file://testserver"},
        {"Origin": "http://testserver:port"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "Cross-Site", "Origin": "http://testserver"},
    ],
    ids=str,
)
def test_unsafe_request_from_elsewhere_is_refused(owner: Person, headers: dict[str, str]) -> None:
    answer = owner.patch(ORGANIZATION, json={"name": "Stolen"}, headers=headers)

    assert answer.status_code == 403
    assert answer.json()["code"] == "cross_site_request"
    assert owner.get(ORGANIZATION).json()["name"] == "Lumen Works"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://testserver"},
        {"Origin": "http://testserver:80"},
        {"Origin": "HTTP://TestServer"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_unsafe_request_from_here_passes(owner: Person, headers: dict[str, str]) -> None:
    answer = owner.patch(ORGANIZATION, json={"name": "Mine"}, headers=headers)

    assert answer.status_code == 200


def test_public_address_is_our_own_behind_a_proxy(context: AppContext) -> None:
    person = Person(create_app(replace(context, public_url="https://billing.lumenworks.test/")))
    person.sign_up()
    cookie = "; ".join(f"{name}={value}" for name, value in person.cookies.items())

    answer = person.patch(
        ORGANIZATION,
        json={"name": "Mine"},
        headers={"Origin": "https://billing.lumenworks.test", "Cookie": cookie},
    )

    assert answer.status_code == 200


def test_reading_from_elsewhere_passes(owner: Person) -> None:
    assert owner.get(ORGANIZATION, headers={"Origin": "https://evil.test"}).status_code == 200


def test_keys_and_bearer_tokens_are_not_bound_to_a_site(owner: Person, visitor: Person) -> None:
    elsewhere = {"Origin": "https://partner.test", "Sec-Fetch-Site": "cross-site"}
    bearer = {"Authorization": f"Bearer {owner.cookies['access_token']}", **elsewhere}

    assert visitor.patch(ORGANIZATION, json={"name": "Mine"}, headers=bearer).status_code == 200


def test_cookies_beside_a_key_are_still_refused_from_elsewhere(owner: Person) -> None:
    headers = {"X-API-Key": owner.make_key("billing.write"), "Origin": "https://evil.test"}

    assert owner.post("/api/v1/customers", json={}, headers=headers).status_code == 403


def test_log_out_from_elsewhere_is_refused(owner: Person) -> None:
    answer = owner.post("/api/v1/auth/logout", headers={"Origin": "https://evil.test"})

    assert answer.status_code == 403
    assert owner.get(ORGANIZATION).status_code == 200
