"""The portal: one customer's own account, and nothing of anybody else's."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import event

from api.context import state_of
from tests.api.payments.paying import pay
from tests.api.people import Clock, Person
from tests.api.sold import V1, post
from tests.console.billed import (
    billed,
    buyer,
    issue,
    meter_and_sell,
    portal,
    widget_token,
    words_of,
    write,
)


def test_account_shows_subscription_usage_limits_and_invoices(
    owner: Person, visitor: Person, clock: Clock
) -> None:
    sold, invoice = billed(owner)
    clock.instant = clock.instant.replace(day=5)
    sold.used(40, "2026-03-04T07:00:00Z")
    key = {"X-API-Key": sold.key}
    body = {"customer_external_id": "acct_77"}
    token = visitor.post(f"{V1}/widget/token", json=body, headers=key).json()["token"]

    words = words_of(visitor.get(f"/embed?token={token}").text)

    assert "Account of Harbor Labs" in words
    assert "Pay as you go Mar 2, 2026 – Mar 31, 2026 Active So far this period $0.40" in words
    assert "API Calls 40 in this period" in words
    assert "Mar 4, 2026 40" in words
    assert "Mar 5, 2026 0" in words
    assert "1,540 of 1,000" in words
    assert "Resets April 1, 2026" in words
    assert f"{invoice['invoice_number']} March 2, 2026 Open $5.00" in words


def test_what_is_left_of_a_partly_paid_invoice_stands_below_its_total(
    owner: Person, visitor: Person
) -> None:
    invoice = issue(owner, buyer(owner, external_id="acct_part"), "Setup", "Import")
    pay(owner, invoice, 7.5)
    address = portal(owner, "acct_part")

    words = words_of(visitor.get(address).text)

    assert f"{invoice['invoice_number']} March 2, 2026 Open $20.00 Amount due $12.50" in words
    pay(owner, invoice, 12.5)
    assert "Paid $20.00" in words_of(visitor.get(address).text)
    assert "Amount due" not in words_of(visitor.get(address).text)


def test_drafts_are_not_shown(owner: Person, visitor: Person) -> None:
    sold = meter_and_sell(owner)
    owner.patch(f"{V1}/customers/{sold.customer['id']}", json={"billing_address_country": "GB"})
    draft = write(owner, sold.customer["id"], "Setup")
    token = widget_token(owner)

    assert "No invoices yet." in words_of(visitor.get(f"/embed?token={token}").text)
    assert visitor.get(f"/embed/invoices/{draft['id']}?token={token}").status_code == 404


def test_token_ends_with_its_hour(owner: Person, visitor: Person, clock: Clock) -> None:
    meter_and_sell(owner)
    issued = post(owner, "/widget/token", {"customer_external_id": "acct_77"})
    address = f"/embed?{urlencode({'token': issued['token']})}"

    assert issued["expires_at"] == "2026-03-02T09:00:00Z"
    assert issued["url"].endswith(address)
    clock.advance(minutes=59)
    assert visitor.get(address).status_code == 200
    clock.advance(minutes=1)
    assert visitor.get(address).status_code == 404


def test_ended_token_opens_nothing_and_says_so_where_the_portal_was(
    owner: Person, visitor: Person, clock: Clock
) -> None:
    _, invoice = billed(owner)
    owner.patch(f"{V1}/organization", json={"embed_hosts": ["app.harbor.test"]})
    token = widget_token(owner)
    clock.advance(days=3)

    for path in ("/embed", f"/embed/invoices/{invoice['id']}", f"/embed/invoices/{uuid4()}/pdf"):
        answer = visitor.get(f"{path}?token={token}")
        words = words_of(answer.text)
        assert answer.status_code == 404
        assert "This view ended after an hour." in words
        assert "Harbor" not in words
        policy = answer.headers["content-security-policy"]
        assert policy.endswith("frame-ancestors https://app.harbor.test")


def test_what_is_not_there_is_not_said_to_have_ended(owner: Person, visitor: Person) -> None:
    meter_and_sell(owner)

    answer = visitor.get(f"/embed/invoices/{uuid4()}?token={widget_token(owner)}")

    assert (answer.status_code, "Page not found" in answer.text) == (404, True)


def test_tokens_of_one_kind_open_nothing_of_the_other(owner: Person, visitor: Person) -> None:
    meter_and_sell(owner)
    widget, access = widget_token(owner), owner.cookies["access_token"]

    refused = visitor.get(f"{V1}/invoices", headers={"Authorization": f"Bearer {widget}"})

    assert refused.status_code == 401
    assert visitor.get(f"/embed?token={access}").status_code == 404
    assert visitor.get(f"/p/{widget}").status_code == 404


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "é", "t" * 5_000])
def test_bad_tokens_all_get_the_same_answer(visitor: Person, token: str) -> None:
    answer = visitor.get("/embed", params={"token": token})

    assert answer.status_code == 404
    assert answer.content == visitor.get("/embed").content


def test_customer_who_is_gone_has_no_portal(owner: Person, visitor: Person) -> None:
    customer = buyer(owner, external_id="acct_gone")
    address = portal(owner, "acct_gone")
    assert visitor.get(address).status_code == 200

    assert owner.delete(f"{V1}/customers/{customer}").status_code == 204

    assert visitor.get(address).status_code == 404
    missing = owner.post(f"{V1}/widget/token", json={"customer_external_id": "acct_gone"})
    assert (missing.status_code, missing.json()["code"]) == (404, "customer_not_found")


def test_key_that_may_write_usage_opens_the_portal(owner: Person, visitor: Person) -> None:
    meter_and_sell(owner)
    body = {"customer_external_id": "acct_77"}

    statuses = [
        visitor.post(f"{V1}/widget/token", json=body, headers={"X-API-Key": owner.make_key(scope)})
        for scope in ("usage.write", "usage.read", "billing.read")
    ]

    assert [one.status_code for one in statuses] == [200, 403, 403]


def test_nobody_frames_the_portal_but_the_hosts_that_are_named(
    owner: Person, visitor: Person
) -> None:
    meter_and_sell(owner)
    address = portal(owner)

    def framers() -> str:
        policy = visitor.get(address).headers["content-security-policy"]
        return policy.partition("frame-ancestors ")[2]

    assert framers() == "'none'"
    hosts = ["App.Harbor.test", "*.harbor.test", "localhost:3000", "app.harbor.test"]
    answer = owner.patch(f"{V1}/organization", json={"embed_hosts": hosts})
    assert answer.json()["embed_hosts"] == ["app.harbor.test", "*.harbor.test", "localhost:3000"]
    assert framers() == "https://app.harbor.test https://*.harbor.test http://localhost:3000"


@pytest.mark.parametrize(
    "host",
    [
        *("", "*", "*.test", "https://app.harbor.test", "app.harbor.test/x", "a b", "a;b", "a,b"),
        *("app.harbor.test:0", "app.harbor.test:99999", "'self'", "app.*.test", "müller.test"),
        *("-a.test", "a..test", "x" * 300, "a.test;script-src *", "[::1]", "a\nb"),
    ],
)
def test_hosts_are_names_and_nothing_more(owner: Person, host: str) -> None:
    answer = owner.patch(f"{V1}/organization", json={"embed_hosts": ["ok.test", host]})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("embed_hosts.1")


def test_hosts_are_few(owner: Person) -> None:
    hosts = [f"h{number}.test" for number in range(21)]

    answer = owner.patch(f"{V1}/organization", json={"embed_hosts": hosts})

    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_embed_hosts")


def test_invoices_are_paged_newest_first(owner: Person, visitor: Person) -> None:
    customer = buyer(owner, external_id="acct_many")
    numbers = [issue(owner, customer)["invoice_number"] for _ in range(12)]
    address: str | None = portal(owner, "acct_many")
    shown = []

    while address is not None:
        page = visitor.get(address).text
        shown.append(re.findall(r"INV-\d+-\d+", words_of(page)))
        links = re.findall(r'rel="next" href="([^"]+)"', page)
        address = links[0].replace("&amp;", "&") if links else None

    assert [len(one) for one in shown] == [10, 2]
    assert [number for page in shown for number in page] == numbers[::-1]


@pytest.mark.parametrize("page", ["0", "-1", "x", "1001", "99999999", "¹"])
def test_pages_that_cannot_be_are_not_found(owner: Person, visitor: Person, page: str) -> None:
    buyer(owner, external_id="acct_p")

    assert visitor.get(f"{portal(owner, 'acct_p')}&page={page}").status_code == 404


def test_trial_is_used_and_not_billed(owner: Person, visitor: Person) -> None:
    sold = meter_and_sell(owner)
    sold.subscribe(trial_end_date="2026-03-15T00:00:00Z")
    sold.used(40, "2026-03-02T07:00:00Z")

    words = words_of(visitor.get(portal(owner)).text)

    assert "Trial until March 15, 2026" in words
    assert "So far this period" not in words
    assert "API Calls 40 in this period" in words


def test_account_lives_by_its_test_clock(owner: Person, visitor: Person) -> None:
    sold = meter_and_sell(owner)
    clock = post(owner, "/test-clocks", {"name": "T", "frozen_time": "2030-01-10T00:00:00Z"})
    buyer(owner, external_id="acct_clock", test_clock_id=clock["id"])
    customer = owner.get(f"{V1}/customers/acct_clock").json()["id"]
    body = {"customer_id": customer, "plan_id": sold.plan["id"]}
    post(owner, "/subscriptions", body | {"start_date": "2030-01-01T00:00:00Z"})

    words = words_of(visitor.get(portal(owner, "acct_clock")).text)

    assert "Jan 9, 2030 0" in words
    assert "Jan 11, 2030 0" not in words


def test_account_takes_as_many_statements_however_much_there_is(
    owner: Person, visitor: Person, app: FastAPI
) -> None:
    customer = buyer(owner, external_id="acct_s")
    issue(owner, customer)
    engine = state_of(app).context.transactions._engine
    asked: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        counts = []
        for _ in range(2):
            address = portal(owner, "acct_s")
            asked.clear()
            assert visitor.get(address).status_code == 200
            counts.append(len(asked))
            for _ in range(9):
                issue(owner, customer)
    finally:
        event.remove(engine, "before_cursor_execute", note)

    assert counts[0] == counts[1] < 12


def test_account_is_in_the_customers_language(owner: Person, visitor: Person) -> None:
    buyer(owner, external_id="acct_ja", language="ja", name="港湾株式会社")

    page = visitor.get(portal(owner, "acct_ja")).text

    assert '<html lang="ja">' in page
    assert "港湾株式会社 様のアカウント" in page
