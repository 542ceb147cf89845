"""The pages that links of accounts lead to."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from console.assets import address_of
from console.joining.page import PAGES
from services.members.links import join_link, reset_link
from tests.api.credentials import least_credentials
from tests.api.people import Person
from tests.console.conftest import PUBLIC
from tests.console.test_policies import POLICY


@pytest.mark.parametrize("path", PAGES)
def test_page_loads_one_script_of_ours_and_asks_our_api_alone(visitor: Person, path: str) -> None:
    answer = visitor.get(path)

    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy == f"{POLICY}; script-src 'self'; connect-src 'self'"
    assert answer.text.count("<script") == 1
    assert f'<script src="{address_of("password.js")}" defer></script>' in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert (
        visitor.get(address_of("password.js")).headers["content-type"].startswith("text/javascript")
    )


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["de", "fr", "es", "ja"])
def test_page_is_in_the_language_of_who_reads_it(visitor: Person, path: str, language: str) -> None:
    answer = visitor.get(path, headers={"Accept-Language": language})

    assert f'<html lang="{language}">' in answer.text
    assert answer.text != visitor.get(path).text


def test_links_lead_to_these_pages_and_forms_to_operations() -> None:
    paths = {urlsplit(link(PUBLIC, "token")).path for link in (join_link, reset_link)}

    assert paths == PAGES.keys()
    for _, address in PAGES.values():
        assert least_credentials()["POST", address] == "anybody"


def test_link_of_an_invitation_carries_its_token_where_no_server_sees_it(owner: Person) -> None:
    asked = {"email": "new@lumenworks.test", "role": "billing"}

    link = owner.post("/api/v1/invitations", json=asked).json()["link"]

    parts = urlsplit(link)
    assert f"{parts.scheme}://{parts.netloc}" == PUBLIC
    assert (parts.path, parts.query) == ("/join", "")
    assert len(parts.fragment) == 33
