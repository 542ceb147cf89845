"""The console as members see it: every screen, made of the API's own answers."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest

from tests.api.people import PASSWORD, Person
from tests.api.sold import V1
from tests.console.billed import addresses_in, billed, buyer, words_of, write
from tests.console.workspace.signed_in import screens_of

EVERY = (
    "/console",
    "/console/customers",
    "/console/subscriptions",
    "/console/invoices",
    "/console/payments",
    "/console/events",
    "/console/meters",
    "/console/plans",
    "/console/webhooks",
    "/console/audit",
)


@pytest.mark.parametrize("path", EVERY)
def test_screens_of_a_fresh_organization_say_what_to_do_first(owner: Person, path: str) -> None:
    answer = owner.get(path)

    assert answer.status_code == 200
    assert 'aria-current="page"' in answer.text
    assert "curl" in words_of(answer.text)


def test_every_screen_of_what_was_sold_is_shown(owner: Person) -> None:
    sold, invoice = billed(owner)

    for path in screens_of(owner, sold, invoice):
        answer = owner.get(path)
        assert answer.status_code == 200, path
        assert 'action="/console/sign-out"' in answer.text, path


def test_invoice_unfolds_to_its_calculation_and_that_to_its_events(owner: Person) -> None:
    _, invoice = billed(owner)

    page = owner.get(f"/console/invoices/{invoice['id']}")
    words = words_of(page.text)
    [events] = [one for one in addresses_in(page.text) if one.startswith("/console/events?")]

    assert "Total $5.00" in words
    assert "Included units" in words
    assert "The 2 events that it counts" in words
    listed = words_of(owner.get(events).text)
    assert "1,200" in listed
    assert "300" in listed


def test_subscription_shows_the_add_ons_that_it_has(owner: Person) -> None:
    _, invoice = billed(owner)
    subscription = f"/subscriptions/{invoice['subscription_id']}"
    seats = {"charge": {"unit_price": 12.5, "display_name": "Seats"}, "quantity": 4}
    support = {"charge": {"unit_price": 99, "display_name": "Support"}}
    path = f"{V1}{subscription}/add-ons"
    ended = [owner.post(path, json=one).json()["id"] for one in (seats, support)][1]
    owner.delete(f"{path}/{ended}")

    words = words_of(owner.get(f"/console{subscription}").text)

    assert "Seats 4 × $12.50" in words
    assert "Support" not in words.split("Timeline")[0].split("Add-ons")[1]


def test_invoice_is_computed_again_where_it_is_looked_at(owner: Person) -> None:
    _, invoice = billed(owner)

    page = owner.post(f"/console/invoices/{invoice['id']}/verify")

    assert "Computed again from its events just now: 1 line, all the same." in words_of(page.text)


def test_screen_names_the_calls_that_it_was_made_of(owner: Person) -> None:
    _, invoice = billed(owner)

    words = words_of(owner.get(f"/console/invoices/{invoice['id']}").text)

    assert f"{V1}/invoices/{invoice['id']}" in words
    assert "$FLUXRATE_API_KEY" in words


def test_file_is_exactly_what_is_listed(owner: Person) -> None:
    _, invoice = billed(owner)

    listed = owner.get("/console/invoices?status=OPEN&format=csv")
    none = owner.get("/console/invoices?status=VOID&format=csv")

    head, row = listed.text.strip().split("\r\n")
    assert listed.headers["content-type"].startswith("text/csv")
    assert head == "Number,Status,Total,Due,Issued,Due date"
    assert row.startswith(f"{invoice['invoice_number']},OPEN,5")
    assert none.text.strip() == head


def test_cell_of_a_file_is_no_formula(owner: Person) -> None:
    owner.post(f"{V1}/customers", json={"name": "=1+1", "email": "a@b.test"})

    assert "'=1+1" in owner.get("/console/customers?format=csv").text


def test_who_is_signed_out_signs_in_and_comes_back(owner: Person, visitor: Person) -> None:
    sent = visitor.get("/console/invoices?status=OPEN", follow_redirects=False)
    there = sent.headers["location"]

    signed = visitor.post(
        there, data={"email": owner.email, "password": PASSWORD}, follow_redirects=False
    )

    assert sent.status_code == 303
    assert there == "/console/sign-in?next=/console/invoices%3Fstatus%3DOPEN"
    assert (signed.status_code, signed.headers["location"]) == (
        303,
        "/console/invoices?status=OPEN",
    )
    assert visitor.get("/console").status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.test", "//evil.test", "/console\\@evil.test", "/api/v1/plans"]
)
def test_nobody_is_led_away_by_signing_in(owner: Person, visitor: Person, elsewhere: str) -> None:
    answer = visitor.post(
        "/console/sign-in",
        params={"next": elsewhere},
        data={"email": owner.email, "password": PASSWORD},
        follow_redirects=False,
    )

    assert answer.headers["location"] == "/console"


def test_wrong_password_is_told_and_signs_nobody_in(owner: Person, visitor: Person) -> None:
    answer = visitor.post("/console/sign-in", data={"email": owner.email, "password": "wrong-one"})

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert owner.email in answer.text


def test_signed_out_member_is_asked_to_sign_in_again(owner: Person) -> None:
    owner.post("/console/sign-out", follow_redirects=False)

    assert owner.get("/console", follow_redirects=False).status_code == 303


def test_session_goes_on_by_its_refresh_token(owner: Person) -> None:
    del owner.cookies["access_token"]

    answer = owner.get("/console")

    assert answer.status_code == 200
    assert owner.cookies["access_token"]


@pytest.mark.parametrize("origin", ["https://evil.test", "null"])
def test_form_of_another_site_does_nothing(owner: Person, origin: str) -> None:
    _, invoice = billed(owner)

    refused = owner.post(f"/console/invoices/{invoice['id']}/verify", headers={"Origin": origin})
    signed = owner.post("/console/sign-in", headers={"Sec-Fetch-Site": "cross-site"}, data={})

    assert (refused.status_code, signed.status_code) == (403, 403)


def test_another_organization_finds_nothing(sign_up: Callable[[str], Person]) -> None:
    owner, other = sign_up("Lumen"), sign_up("Quay")
    sold, invoice = billed(owner)

    for path in screens_of(owner, sold, invoice):
        if re.search(r"/[0-9a-f-]{36}$", path):
            assert other.get(path).status_code == 404, path


def test_screens_load_nothing_from_elsewhere_and_are_framed_by_nobody(owner: Person) -> None:
    answer = owner.get("/console")

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.findall(r'(?:src|href)="https?://', answer.text)
    assert "style=" not in answer.text


def test_long_list_is_turned_by_its_cursor(owner: Person) -> None:
    sold, _ = billed(owner)
    for number in range(30):
        sold.used(1, "2026-03-02T07:30:00Z", idempotency_key=f"more-{number}")

    first = owner.get("/console/events")
    [following] = re.findall(r'rel="next" href="([^"]+)"', first.text)
    second = owner.get(f"/console/events{html.unescape(following)}")
    file = owner.get("/console/events?format=csv").text

    listed = [re.findall(r"(?:more|run)-\d+", words_of(page.text)) for page in (first, second)]
    assert [len(one) for one in listed] == [25, 7]
    assert not set(listed[0]) & set(listed[1])
    assert len(file.strip().split("\r\n")) == 33


def test_long_invoice_asks_no_more_of_the_api_than_a_short_one(owner: Person) -> None:
    invoice = write(owner, buyer(owner), *(f"Line {number}" for number in range(30)))
    [line] = [one for one in invoice["line_items"] if one["description"] == "Line 20"]
    path = f"/console/invoices/{invoice['id']}"

    folded = owner.get(path).text
    unfolded = owner.get(f"{path}?line={line['id']}").text

    assert folded.count("/explain") == 2
    assert f"?line={line['id']}#" in folded
    assert unfolded.count("/explain") == 3
    assert f"?line={line['id']}#" not in unfolded


def test_part_of_an_address_is_no_query_of_the_api(owner: Person) -> None:
    _, invoice = billed(owner)

    assert owner.get(f"/console/invoices/{invoice['id']}%3Fpage=1").status_code == 404


def test_refused_file_is_a_refusal_and_no_half_of_a_file(owner: Person) -> None:
    refused = owner.get("/console/events?start_date=never&format=csv")

    assert refused.status_code == 422
    assert not refused.headers["content-type"].startswith("text/csv")
