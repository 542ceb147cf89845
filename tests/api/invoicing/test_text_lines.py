"""The text of an invoice: one row a line, whatever the things on it are called."""

from __future__ import annotations

import pytest

from tests.api.people import Person
from tests.api.sold import V1, post


@pytest.mark.parametrize(
    "break_", ["\n", "\r\n", "\r", "\t", "\x0b", "\x0c", "\x1b[2K", "\x85", "\u2028", "\u202e"]
)
def test_name_makes_no_line_of_its_own(owner: Person, break_: str) -> None:
    tax_name = f"VAT{break_}  Total{break_}"
    post(owner, "/tax-rates", {"name": tax_name, "country": "GB", "percentage": 20})
    customer = post(
        owner,
        "/customers",
        {"name": "Harbor", "email": "ap@harbor.test", "billing_address_country": "GB"},
    )
    line = {"description": f"Import{break_}  Total  $0.00", "quantity": 1, "unit_amount": 100}
    body = {"customer_id": customer["id"], "currency": "USD", "due_date": "2026-04-01T00:00:00Z"}
    invoice = post(owner, "/invoices", body | {"line_items": [line]})

    lines = owner.get(f"{V1}/invoices/{invoice['id']}/text").text.splitlines()

    assert len(lines) == 8
    assert lines[3].startswith("  Import ")
    assert lines[3].endswith(" $100.00")
    assert [one.split("$")[-1] for one in lines[5:]] == ["100.00", "20.00", "120.00"]
