"""What an invoice's page says of its receipt: what anybody is told of it, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from api import visits
from api.reads.verdicts import give_verdict
from repositories.transactions import Transactions
from services.receipts.verdicts import Verdict
from tests.api.people import Clock, Person
from tests.api.sold import V1
from tests.console.billed import addresses_in, billed, buyer, issue, link, words_of, write

PROGRAMS = Path(__file__).parents[2] / "docs" / "verify"


def test_page_says_what_anybody_is_told_of_the_receipt(
    owner: Person, visitor: Person, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, invoice = billed(owner)
    address = f"{link(owner, invoice)}/verify"
    receipt = owner.get(f"{V1}/invoices/{invoice['id']}/receipt").json()
    judged = []

    def count(*given: Any) -> Verdict:
        judged.append(given)
        return give_verdict(*given)

    monkeypatch.setattr(visits, "give_verdict", count)
    answers = [visitor.get(address) for _ in range(3)]
    clock.advance(minutes=5)
    told = visitor.get(f"/verify/{receipt['id']}.json").json()

    assert {one.status_code for one in answers} == {200}
    assert (told["verdict"], told["checked_at"]) == ("equal", "2026-03-02T08:00:00Z")
    assert len(judged) == 1
    assert "each of its lines comes out the same (1 checked)" in words_of(answers[0].text)
    assert "Checked 2026-03-02 08:00:00" in words_of(answers[0].text)


def test_page_of_a_changed_total_says_so(
    owner: Person, visitor: Person, transactions: Transactions
) -> None:
    _, invoice = billed(owner)
    address = f"{link(owner, invoice)}/verify"
    change = text("UPDATE invoice SET subtotal = 1, total = 1, amount_due = 1 WHERE id = :id")
    organization_id = UUID(owner.get(f"{V1}/organization").json()["id"])
    with transactions.for_organization(organization_id) as session:
        session.execute(change, {"id": invoice["id"]})

    words = words_of(visitor.get(address).text)

    assert "Verified" not in words
    assert "The invoice is not what its receipt says. Please ask Lumen Works." in words


def test_invoice_by_hand_is_verified_by_its_receipt(owner: Person, visitor: Person) -> None:
    address = link(owner, issue(owner, buyer(owner)))

    words = words_of(visitor.get(f"{address}/verify").text)

    assert "The receipt is signed, and the amounts are those it names." in words
    assert "<details" not in visitor.get(address).text
    assert visitor.get(f"{address}/lines/0/events").status_code == 404


def test_draft_offers_no_verification(owner: Person, visitor: Person) -> None:
    address = link(owner, write(owner, buyer(owner), "Setup"))

    page = visitor.get(address).text

    assert "Verify" not in page
    assert visitor.get(f"{address}/verify").status_code == 404


@pytest.mark.parametrize(
    "name",
    ["verify.py", "rules.py", "credit.py", "commitments.py", "included.py", "audit.py"],
)
def test_programs_of_strangers_are_given_to_anybody(visitor: Person, name: str) -> None:
    answer = visitor.get(f"/verify/{name}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/x-python; charset=utf-8"
    assert answer.content == (PROGRAMS / name).read_bytes()


def test_anybody_reads_a_receipt_and_nothing_of_the_customer(
    owner: Person, visitor: Person
) -> None:
    _, invoice = billed(owner)
    receipt = owner.get(f"{V1}/invoices/{invoice['id']}/receipt").json()
    address = f"/verify/{receipt['id']}"

    page = visitor.get(address)

    words = words_of(page.text)
    assert f"Receipt {invoice['invoice_number']}" in words
    assert 'href="/verify/verify.py"' in page.text
    assert "computed again from what was counted it comes out the same. Checked" in words
    assert f"Total {receipt['total']} USD" in words
    for digest in ("inputs_digest", "lines_digest", "signature"):
        assert receipt[digest] in words
    assert f"{address}.json" in addresses_in(page.text)
    assert "script" not in page.text
    for secret in ("Harbor", "Lumen", invoice["customer_id"]):
        assert secret not in page.text
    french = visitor.get(address, headers={"Accept-Language": "fr-CH, en"})
    assert '<html lang="fr">' in french.text


@pytest.mark.parametrize("receipt_id", ["01a2275f-ffd8-77af-85e0-840ab333434d", "nothing"])
def test_people_read_on_a_page_that_a_receipt_is_unknown(visitor: Person, receipt_id: str) -> None:
    answer = visitor.get(f"/verify/{receipt_id}")

    assert (answer.status_code, "<h1>Page not found</h1>" in answer.text) == (404, True)


def test_void_invoice_is_verified_and_nothing_is_due(owner: Person, visitor: Person) -> None:
    invoice = issue(owner, buyer(owner))
    receipt = owner.get(f"{V1}/invoices/{invoice['id']}/receipt").json()
    public = link(owner, invoice)
    owner.patch(f"{V1}/invoices/{invoice['id']}/status", json={"status": "VOID"})

    for address in (f"{public}/verify", f"/verify/{receipt['id']}"):
        page = visitor.get(address).text
        assert page.count("This invoice is void. Nothing is due.") == 1
        assert 'class="notice void"' in page


def test_unsigned_receipt_is_said_to_be_none(
    owner: Person, visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = issue(owner, buyer(owner))
    receipt = owner.get(f"{V1}/invoices/{invoice['id']}/receipt").json()

    def unsigned(*given: Any) -> Verdict:
        return replace(give_verdict(*given), verdict="unsigned", signature=None)

    monkeypatch.setattr(visits, "give_verdict", unsigned)
    page = visitor.get(f"/verify/{receipt['id']}").text

    assert 'class="notice unsigned"' in page
    assert "no signature of its own" in page
    assert "Ed25519" not in page
