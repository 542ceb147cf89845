"""What a script asks for and does not get is a part of the page, and no page within the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from fastapi import FastAPI
from httpx2 import Response

from api.access.address_limits import AddressLimit
from api.context import state_of
from console.workspace.routes import EVERY_PART
from tests.api.people import Person
from tests.console.billed import billed, words_of

BY_SCRIPT: Final = {"HX-Request": "true"}
PLACES: Final = (
    *("overview/money", "overview/attention", "overview/ingestion", "events/live"),
    *("audit-chain/progress", "search?q=x", "meters/{id}/counted", "invoices/{id}/derivation"),
)


def is_page(answer: Response) -> bool:
    return "<html" in answer.text or "<main" in answer.text


@pytest.mark.parametrize("place", PLACES)
def test_page_is_looked_at_anew_where_its_member_is_signed_out(visitor: Person, place: str) -> None:
    told = visitor.get(f"/console/{place}", headers=BY_SCRIPT, follow_redirects=False)

    assert (told.status_code, told.headers["hx-refresh"], told.text) == (401, "true", "")


def test_refusal_stands_in_the_place_of_the_part(
    owner: Person, sign_up: Callable[[str], Person]
) -> None:
    _, invoice = billed(owner)
    stranger = sign_up("Elsewhere")

    for rest in ("derivation", "lines/0/derivation"):
        told = stranger.get(f"/console/invoices/{invoice['id']}/{rest}", headers=BY_SCRIPT)
        assert told.status_code == 404
        assert not is_page(told)
        assert "invoice_not_found" in words_of(told.text)
    assert is_page(stranger.get(f"/console/invoices/{invoice['id']}"))


def test_stream_that_is_refused_says_why_in_its_place(owner: Person) -> None:
    told = owner.get("/console/audit-chain/progress?after=x", headers=BY_SCRIPT)

    assert told.status_code == 422
    assert not is_page(told)
    assert 'role="alert"' in told.text


def test_address_that_asks_too_often_is_told_so_in_the_place_of_the_part(
    app: FastAPI, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = AddressLimit(0, code="too_many_pages", detail="Too many.")
    monkeypatch.setattr(state_of(app).address_limits, "pages", limit)

    told = owner.get(f"/console{EVERY_PART[0].path}", headers=BY_SCRIPT)

    assert told.status_code == 429
    assert not is_page(told)
    assert 'role="alert"' in told.text
