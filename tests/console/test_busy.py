"""Pages while there is no room for them: said in words, and nothing is held."""

from __future__ import annotations

import asyncio
from typing import NoReturn
from uuid import uuid4

import pytest
from fastapi import FastAPI
from psycopg.errors import QueryCanceled
from sqlalchemy.exc import OperationalError

from api import visits
from api.access import address_limits
from api.access.address_limits import AddressLimit
from api.context import state_of
from api.reads import fast_reads
from billing.errors import Unavailable
from services.entitlements import access
from services.entitlements.access import CustomerEntitlement
from tests.api.people import Clock, Person
from tests.api.sold import V1
from tests.console.billed import billed, link, meter_and_sell, portal


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


def test_what_takes_too_long_is_said_and_not_tried_again_at_once(
    owner: Person, visitor: Person, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = link(owner, billed(owner)[1])
    monkeypatch.setattr(visits, "give_verdict", cancel)

    answer = visitor.get(f"{address}/verify", headers={"Accept-Language": "fr"})

    assert answer.status_code == 503
    assert "Cela prend plus de temps" in answer.text
    monkeypatch.undo()
    assert visitor.get(f"{address}/verify").status_code == 503
    clock.advance(minutes=1)
    assert visitor.get(f"{address}/verify").status_code == 200


def test_portal_takes_no_connection_from_those_who_check(
    app: FastAPI, owner: Person, visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter_and_sell(owner)
    monkeypatch.setattr(state_of(app).read_connections, "lend", refuse)

    assert visitor.get(portal(owner)).status_code == 200


def test_portal_gives_up_reads_that_are_late(
    owner: Person, visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleep(*_given: object, **_named: object) -> list[CustomerEntitlement]:
        await asyncio.sleep(30)
        return []

    meter_and_sell(owner)
    address = portal(owner)
    monkeypatch.setattr(fast_reads, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(access, "list_entitlements", sleep)

    assert visitor.get(address).status_code == 503
    monkeypatch.undo()
    assert visitor.get(address).status_code == 200


def test_address_asks_for_so_many_pages_and_no_more(
    app: FastAPI, owner: Person, visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter_and_sell(owner)
    limit = AddressLimit(3, code="too_many_pages", detail="Too many.")
    monkeypatch.setattr(state_of(app).address_limits, "pages", limit)
    monkeypatch.setattr(address_limits, "REFUSED_AFTER_SECONDS", 0.0)
    addresses = ["/p/nobody", "/p/nobody/pdf", portal(owner), portal(owner)]

    answers = [visitor.get(address) for address in addresses]

    assert [one.status_code for one in answers] == [404, 404, 200, 429]
    assert answers[-1].headers["retry-after"] == "60"
    assert "Too many requests" in answers[-1].text
    assert owner.get(f"{V1}/organization").status_code == 200


def test_address_that_asks_of_receipts_too_often_reads_so_on_a_page(
    app: FastAPI, visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = AddressLimit(0, code="too_many_proofs", detail="Too many.")
    monkeypatch.setattr(state_of(app).address_limits, "proofs", limit)

    answer = visitor.get(f"/verify/{uuid4()}", headers={"Accept-Language": "de"})

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert "Zu viele Anfragen" in answer.text
    assert visitor.get(f"/verify/{uuid4()}.json").json()["code"] == "too_many_proofs"


def test_account_waits_among_bills(
    app: FastAPI, owner: Person, visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter_and_sell(owner)
    address = portal(owner)
    monkeypatch.setattr(state_of(app).slots.bills, "admit", refuse)

    assert visitor.get(address).status_code == 503


def test_refusals_are_seen_in_the_frame(
    app: FastAPI, owner: Person, visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter_and_sell(owner)
    owner.patch(f"{V1}/organization", json={"embed_hosts": ["app.harbor.test"]})
    address = portal(owner)
    assert visitor.get(address).status_code == 200

    missing = visitor.get(f"{address}&page=0")
    monkeypatch.setattr(state_of(app).slots.all, "admit", refuse)
    busy = visitor.get(address)
    limit = AddressLimit(0, code="too_many_pages", detail="Too many.")
    monkeypatch.setattr(state_of(app).address_limits, "pages", limit)
    often = visitor.get(address)

    answers = [missing, busy, often]
    assert [one.status_code for one in answers] == [404, 503, 429]
    for one in answers:
        policy = one.headers["content-security-policy"]
        assert policy.endswith("frame-ancestors https://app.harbor.test")
