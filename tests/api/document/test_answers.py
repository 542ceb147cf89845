"""What operations answer is what the OpenAPI document says, no more and no less."""

from __future__ import annotations

import httpx2 as httpx
import pytest

from tests.api.access.furnished import fill, furnish
from tests.api.answers import AnswerChecks
from tests.api.people import Person

NOT_OF_A_DRAFT = {
    "GET /api/v1/invoices/{invoice_id}/events/{event_id}/proof",
    "GET /api/v1/invoices/{invoice_id}/ubl",
    "GET /api/v1/credit-notes/{credit_note_id}/xrechnung",
    "GET /api/v1/invoices/{invoice_id}/xrechnung",
}
"""Of an invoice that was written by hand, and is not final, there is none of these."""

ASKED = {"GET /api/v1/search": {"q": "acct"}}
"""Where something must be asked for."""


def test_everything_that_is_read_is_described(compared: AnswerChecks, owner: Person) -> None:
    ids = furnish(owner)

    for name in compared.names("GET"):
        owner.get(fill(name.removeprefix("GET "), ids), params=ASKED.get(name))

    assert set(compared.names("GET")) - compared.seen == NOT_OF_A_DRAFT


@pytest.mark.parametrize(
    ("change", "problem"),
    [({"surprise": 1}, "surprise"), ({"status": None}, "status"), ({"status": 3}, "status")],
)
def test_what_is_not_described_is_noticed(
    compared: AnswerChecks, visitor: Person, change: dict[str, object], problem: str
) -> None:
    answer = visitor.get("/health")
    told = httpx.Response(200, json={"status": "ok"} | change, request=answer.request)

    with pytest.raises(AssertionError, match=problem):
        compared.check(told)
