"""The public page of an invoice: what whoever has the link reads, and what nobody does."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from pypdf import PdfReader

from tests.api.people import Person
from tests.api.sold import V1, post
from tests.console.billed import (
    addresses_in,
    bill,
    billed,
    buyer,
    issue,
    link,
    meter_and_sell,
    words_of,
    write,
)
from tests.console.conftest import PUBLIC

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
TURNED = "evil\u202egpj.exe\u2066"


def test_page_says_what_the_text_says(owner: Person, visitor: Person) -> None:
    _, invoice = billed(owner)
    text = owner.get(f"{V1}/invoices/{invoice['id']}/text").text

    answer = visitor.get(link(owner, invoice))

    words = words_of(answer.text)
    assert answer.status_code == 200
    assert f"Invoice {invoice['invoice_number']} Open $5.00 due April 1, 2026" in words
    assert "API Calls 1,500 − 1,000 included" in words
    assert "500 $0.01 $5.00" in words
    assert {word.strip(")") for word in text.split() if word.startswith("$")} <= set(words.split())


def test_line_unfolds_to_the_steps_of_its_explanation(owner: Person, visitor: Person) -> None:
    _, invoice = billed(owner)
    line = invoice["line_items"][0]["id"]
    explained = owner.get(f"{V1}/invoices/{invoice['id']}/lines/{line}/explain").json()

    page = visitor.get(link(owner, invoice)).text

    words = words_of(page)
    assert "Measured aggregation SUM" in words or "Measured windows 1" in words
    assert page.count("<details") == 1
    assert [step["output"] for step in explained["steps"]] == ["1500", "500", "5", "5"]
    for step in explained["steps"]:
        for name, value in step["inputs"].items():
            assert f"{name.replace('_', ' ')} {value}" in words


def test_events_of_a_line_are_paged_and_exactly_those_that_count(
    owner: Person, visitor: Person
) -> None:
    sold, invoice = billed(owner, *range(1, 121))
    sold.used(999, "2026-03-02T06:30:00Z", idempotency_key="too-late")
    address: str | None = f"{link(owner, invoice)}/lines/0/events"
    pages, names = 0, []

    while address is not None:
        answer = visitor.get(address)
        assert answer.status_code == 200
        names += [word for word in words_of(answer.text).split() if word.startswith("run-")]
        assert "too-late" not in answer.text
        pages += 1
        address = next((one for one in addresses_in(answer.text) if "after=" in one), None)

    assert pages == 3
    assert names == [f"run-{number}" for number in reversed(range(120))]


def test_corrected_event_says_what_it_was(owner: Person, visitor: Person) -> None:
    sold = meter_and_sell(owner)
    subscription = sold.subscribe()
    event = sold.used(70, "2026-03-02T07:00:00Z", idempotency_key="wrong")
    post(owner, f"/usage/{event['id']}/amend", {"quantity": 7})
    path = link(owner, bill(owner, subscription))

    words = words_of(visitor.get(f"{path}/lines/0/events").text)

    assert "wrong 7 was 70" in words


@pytest.mark.parametrize("path", ["/lines/1/events", "/lines/0/events?after=no", "/lines/x/events"])
def test_events_of_no_line_are_no_page(owner: Person, visitor: Person, path: str) -> None:
    _, invoice = billed(owner)

    assert visitor.get(link(owner, invoice) + path).status_code == 404


def test_page_leads_to_its_receipt_and_the_file_to_its_page(owner: Person, visitor: Person) -> None:
    _, invoice = billed(owner)
    address = link(owner, invoice)
    receipt = owner.get(f"{V1}/invoices/{invoice['id']}/receipt").json()

    leading = addresses_in(visitor.get(address).text)
    file = PdfReader(BytesIO(visitor.get(f"{address}/pdf").content))

    links = [str(one["/A"]["/URI"]) for one in file.pages[0].annotations or ()]
    assert f"{PUBLIC}/verify/{receipt['id']}" in leading
    assert f"{PUBLIC}{address}" in links


def test_file_is_that_of_the_api(owner: Person, visitor: Person) -> None:
    _, invoice = billed(owner)

    answer = visitor.get(f"{link(owner, invoice)}/pdf")

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == owner.get(f"{V1}/invoices/{invoice['id']}/pdf").content


def test_invoice_keeps_its_link(owner: Person) -> None:
    _, invoice = billed(owner)

    first, second = link(owner, invoice), link(owner, invoice)

    recorded = owner.get(f"{V1}/audit").json()["data"]
    assert first == second
    assert len(first.removeprefix("/p/")) >= 32
    assert [one["action"] for one in recorded].count("invoice.linked") == 1
    assert first.removeprefix("/p/") not in str(recorded)


def test_link_that_is_taken_away_shows_nothing_and_never_comes_back(
    owner: Person, visitor: Person
) -> None:
    _, invoice = billed(owner)
    path = f"{V1}/invoices/{invoice['id']}/public-token"
    former = link(owner, invoice)

    deleted = [owner.delete(path).status_code for _ in range(2)]

    newer = link(owner, invoice)
    recorded = [one["action"] for one in owner.get(f"{V1}/audit").json()["data"]]
    assert deleted == [204, 204]
    assert former != newer
    assert [visitor.get(one).status_code for one in (former, newer)] == [404, 200]
    assert [recorded.count(f"invoice.{one}") for one in ("linked", "unlinked")] == [2, 1]


def test_links_of_another_organization_are_not_made(
    owner: Person, sign_up: Callable[[str], Person]
) -> None:
    _, invoice = billed(owner)

    answer = sign_up("Harbor").post(f"{V1}/invoices/{invoice['id']}/generate-token", json={})

    assert (answer.status_code, answer.json()["code"]) == (404, "invoice_not_found")


@pytest.mark.parametrize("rest", ["", "/pdf", "/verify", "/lines/0/events"])
def test_unknown_token_says_nothing_more(owner: Person, visitor: Person, rest: str) -> None:
    known = link(owner, billed(owner)[1])
    other_end = "1" if known.endswith("0") else "0"
    tokens = [
        "x",
        known[3:-1] + other_end,
        known[3:].swapcase(),
        "a" * 33,
        "%00",
        "z" * 5_000,
        "é" * 33,
    ]

    answers = [visitor.get(f"/p/{token}{rest}") for token in tokens]

    assert {one.status_code for one in answers} == {404}
    assert len({one.content for one in answers}) == 1
    assert "Page not found" in answers[0].text
    assert "Lumen Works" not in answers[0].text


def test_refusal_speaks_the_browsers_language(visitor: Person) -> None:
    answer = visitor.get("/p/nobody", headers={"Accept-Language": "pt-BR, de-AT;q=0.8, en;q=0.5"})

    assert '<html lang="de">' in answer.text
    assert "Seite nicht gefunden" in answer.text


def test_void_invoice_and_draft_say_so(owner: Person, visitor: Person) -> None:
    customer = buyer(owner)
    void, draft = issue(owner, customer), write(owner, customer, "Setup")
    owner.patch(f"{V1}/invoices/{void['id']}/status", json={"status": "VOID"})

    pages = [words_of(visitor.get(link(owner, one)).text) for one in (void, draft)]

    assert "This invoice is void. Nothing is due." in pages[0]
    assert "This is a draft. It may still change." in pages[1]


def test_deleted_draft_takes_its_page_along(owner: Person, visitor: Person) -> None:
    customer = buyer(owner)
    draft = write(owner, customer, "Setup")
    address = link(owner, draft)

    assert owner.delete(f"{V1}/invoices/{draft['id']}").status_code == 204

    assert visitor.get(address).status_code == 404


def test_overdue_credited_and_paid_invoices_show_what_is_left(
    owner: Person, visitor: Person
) -> None:
    customer = buyer(owner)
    invoice = issue(owner, customer)
    lines = [{"line_id": invoice["line_items"][0]["id"], "amount": 4}]
    body = {"reason": "Goodwill", "lines": lines}
    note = post(owner, f"/invoices/{invoice['id']}/credit-notes", body)
    address = link(owner, invoice)

    credited = words_of(visitor.get(address).text)
    post(owner, f"/invoices/{invoice['id']}/pay", {})
    paid = words_of(visitor.get(address).text)

    assert "Credited -$4.00 Amount due $6.00" in credited
    assert f"Credit notes Number Date of issue Amount {note['number']}" in credited
    assert "Paid $6.00 paid" in paid


def test_names_are_words_and_no_markup(owner: Person, visitor: Person) -> None:
    owner.patch(f"{V1}/organization", json={"legal_name": HOSTILE, "bank_details": {HOSTILE: "x"}})
    customer = buyer(owner, name=HOSTILE)
    invoice = issue(owner, customer, HOSTILE, TURNED)

    page = visitor.get(link(owner, invoice)).text

    assert "<script" not in page
    assert "<img" not in page
    assert words_of(page).count(HOSTILE) >= 4
    assert "\u202e" not in page
    assert "\u2066" not in page
    assert "evil gpj.exe" in page


def test_page_is_in_the_customers_language(owner: Person, visitor: Person) -> None:
    customer = buyer(owner, name="شركة الميناء", language="fr")

    page = visitor.get(link(owner, issue(owner, customer))).text

    assert '<html lang="fr">' in page
    assert "À payer" in page
    assert "Télécharger le PDF" in page
    assert '<p class="name" dir="auto">شركة الميناء</p>' in page


def test_page_loads_nothing_from_elsewhere(owner: Person, visitor: Person) -> None:
    _, invoice = billed(owner)

    page = visitor.get(link(owner, invoice)).text

    assert "style=" not in page
    assert "<script" not in page
    assert all(
        one.startswith(("/", "#", "data:", f"{PUBLIC}/")) and not one.startswith("//")
        for one in addresses_in(page)
    )
    for address in addresses_in(page):
        if address.startswith("/"):
            assert visitor.get(address).status_code == 200, address
