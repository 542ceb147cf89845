"""Pages while there is no room for them: said in words, and nothing is held."""

from __future__ import annotations

from typing import NoReturn

import pytest
from fastapi import FastAPI
from psycopg.errors import QueryCanceled
from sqlalchemy.exc import OperationalError

from api import visits
from api.context import state_of
from billing.errors import Unavailable
from tests.api.people import Person
from tests.console.billed import billed, link, portal


def refuse(*_party: object, **_leaving: object) -> NoReturn:
    raise Unavailable("There is no slot.", code="no_slots")


def cancel(*_given: object, **_named: object) -> NoReturn:
    raise OperationalError("SELECT", None, QueryCanceled())


def test_page_takes_a_place_before_it_does_anything(
    app: FastAPI, owner: Person, visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, invoice = billed(owner)
    public, account = link(owner, invoice), portal(owner)
    monkeypatch.setattr(state_of(app).slots.all, "admit", refuse)

    for address in (
        public,
        f"{public}/pdf",
        f"{public}/verify",
        f"{public}/lines/0/events",
        account,
    ):
        answer = visitor.get(address)
        assert answer.status_code == 503, address
        assert answer.headers["retry-after"] == "2"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "This page cannot be shown at the moment." in answer.text
        assert "slot" not in answer.text


def test_verification_waits_in_the_line_of_verdicts(
    app: FastAPI, owner: Person, visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = link(owner, billed(owner)[1])
    monkeypatch.setattr(state_of(app).verdict_line, "admit", refuse)

    assert visitor.get(address).status_code == 200
    assert visitor.get(f"{address}/verify").status_code == 503


def test_what_takes_too_long_is_said(
    owner: Person, visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = link(owner, billed(owner)[1])
    monkeypatch.setattr(visits, "give_verdict", cancel)

    answer = visitor.get(f"{address}/verify", headers={"Accept-Language": "fr"})

    assert answer.status_code == 503
    assert "Cela prend plus de temps" in answer.text
    monkeypatch.undo()
    assert visitor.get(f"{address}/verify").status_code == 200
