"""What a customer's token reaches: everything of theirs, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from tests.api.people import Person
from tests.api.sold import V1, post
from tests.console.billed import (
    addresses_in,
    billed,
    buyer,
    issue,
    meter_and_sell,
    portal,
    widget_token,
    words_of,
)


def crawl(visitor: Person, start: str) -> dict[str, str]:
    """Every page and file that can be reached from one by its links, by address."""
    waiting, found = [start], {}
    while waiting:
        address = waiting.pop()
        if address in found or not address.startswith("/"):
            continue
        answer = visitor.get(address)
        assert answer.status_code == 200, address
        found[address] = answer.text
        if answer.headers["content-type"].startswith("text/html"):
            waiting += addresses_in(answer.text)
    return found


def test_everything_of_an_invoice_is_reached_from_the_account(
    owner: Person, visitor: Person
) -> None:
    _, invoice = billed(owner)

    found = crawl(visitor, portal(owner))

    paths = {address.partition("?")[0] for address in found}
    own = f"/embed/invoices/{invoice['id']}"
    assert {own, f"{own}/pdf", f"{own}/verify", f"{own}/lines/0/events"} <= paths


def test_a_token_never_reaches_anybody_else(
    owner: Person, visitor: Person, sign_up: Callable[[str], Person]
) -> None:
    sold, own = billed(owner)
    neighbour = buyer(owner, name="Rival Ltd", external_id="acct_rival")
    theirs = issue(owner, neighbour, "Secret project")
    subscription = {"customer_id": neighbour, "start_date": "2026-03-01T00:00:00Z"}
    post(owner, "/subscriptions", subscription | {"plan_id": sold.plan["id"]})
    foreign = sign_up("Foreign")
    elsewhere = issue(foreign, buyer(foreign, external_id="acct_77", name="Elsewhere Inc"))
    token = widget_token(owner)

    found = crawl(visitor, f"/embed?token={token}")

    shown = " ".join(found.values()) + " ".join(found)
    for secret in (
        theirs["id"],
        neighbour,
        "Rival",
        "Secret project",
        elsewhere["id"],
        "Elsewhere",
    ):
        assert secret not in shown
    assert own["id"] in shown
    for other in (theirs, elsewhere):
        for rest in ("", "/pdf", "/verify", "/lines/0/events"):
            answer = visitor.get(f"/embed/invoices/{other['id']}{rest}?token={token}")
            assert (answer.status_code, "Page not found" in answer.text) == (404, True)


@pytest.mark.parametrize("seed", range(4))
def test_tokens_of_any_customers_show_what_is_theirs(
    owner: Person, visitor: Person, seed: int
) -> None:
    """Random customers of one organization; each token's pages name none of the others."""
    random = Random(seed)
    plan = meter_and_sell(owner).plan
    own: dict[str, set[str]] = {}
    for number in range(random.randint(2, 4)):
        name = f"acct_{seed}_{number}"
        customer = buyer(owner, external_id=name, name=f"Name-{number}-{random.random()}")
        marks = {customer, owner.get(f"{V1}/customers/{customer}").json()["name"]}
        for _ in range(random.randint(0, 3)):
            words = f"Work-{random.random()}"
            invoice = issue(owner, customer, words)
            marks |= {invoice["id"], invoice["invoice_number"], words}
        if random.random() < 0.5:
            body = {"customer_id": customer, "plan_id": plan["id"]}
            started = post(owner, "/subscriptions", body | {"start_date": "2026-03-01T00:00:00Z"})
            marks.add(started["id"])
        own[name] = marks

    for name, marks in own.items():
        found = crawl(visitor, portal(owner, name))
        shown = " ".join(found.values()) + " ".join(found)
        others = set[str]().union(*(foreign for other, foreign in own.items() if other != name))
        assert {mark for mark in others if mark in shown} == set()
        assert {mark for mark in marks if mark.startswith("Work-")} <= set(words_of(shown).split())
