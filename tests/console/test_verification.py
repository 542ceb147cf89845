"""What an invoice's page says of its receipt: what anybody is told of it, and nothing else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from api import visits
from api.reads.verdicts import Verdict, give_verdict
from repositories.transactions import Transactions
from tests.api.people import Clock, Person
from tests.api.sold import V1
from tests.console.billed import billed, buyer, issue, link, words_of, write


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
