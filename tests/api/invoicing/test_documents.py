"""Documents over the API: who gets which file, and what is not held while it is made."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pypdf import PdfReader

from api.context import AppContext, state_of
from api.reads import typeset_files
from services.documents.assembly import read_invoice
from services.documents.pdf import render_pdf
from services.documents.view import Document
from tests.api.people import Person
from tests.api.sold import V1, post
from tests.servers import superuser_url


def billed(owner: Person, *, tax: bool = True) -> dict[str, Any]:
    """An issued invoice over 360 pounds before tax."""
    return post(owner, f"/invoices/{drafted(owner, tax=tax)['id']}/finalize", {})


def drafted(owner: Person, *, tax: bool = True) -> dict[str, Any]:
    """Its draft."""
    if tax:
        post(owner, "/tax-rates", {"name": "VAT", "country": "GB", "percentage": 20})
    customer = post(
        owner,
        "/customers",
        {
            "name": "Harbor & Sons",
            "email": "ap@harbor.test",
            "billing_address_line1": "1 Quay",
            "billing_address_city": "Dover",
            "billing_address_country": "GB",
        },
    )
    line = {"description": "Data import", "quantity": 3, "unit_amount": 120}
    body = {"customer_id": customer["id"], "currency": "GBP", "due_date": "2026-04-01T00:00:00Z"}
    return post(owner, "/invoices", body | {"line_items": [line]})


def words_of(content: bytes) -> str:
    return " ".join(
        " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split()
    )


def test_invoice_is_a_file_with_its_receipt(owner: Person) -> None:
    invoice = billed(owner)
    owner.patch(f"{V1}/organization", json={"bank_details": {"iban": "GB33BUKB20201555555555"}})

    answer = owner.get(f"{V1}/invoices/{invoice['id']}/pdf")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    number = invoice["invoice_number"]
    assert answer.headers["content-disposition"] == f'inline; filename="{number}.pdf"'
    words = words_of(answer.content)
    assert "Harbor & Sons 1 Quay Dover United Kingdom ap@harbor.test" in words
    assert "Data import 3 £120.00 £360.00 Subtotal £360.00 VAT (20%) £72.00 Total £432.00" in words
    assert "VAT 20% £360.00 £72.00" in words
    assert "IBAN GB33 BUKB 2020 1555 5555 55" in words
    [receipt] = PdfReader(io.BytesIO(answer.content)).attachments["receipt.json"]
    held = json.loads(receipt)
    assert (held["invoice_number"], held["total"], held["inputs"]) == (number, "432", None)
    assert (held["receipt"]["total"], held["receipt"]["sequence"]) == ("432", 1)
    assert held["lines"][0]["line_id"] == invoice["line_items"][0]["id"]
    assert owner.get(f"{V1}/invoices/{invoice['id']}/pdf").content == answer.content


def test_issued_documents_name_the_parties_as_they_were(owner: Person) -> None:
    """CONTRACT 4.8: what is open does not change, however its parties are called later."""
    invoice = billed(owner)
    line = {"line_id": invoice["line_items"][0]["id"], "amount": 100}
    note = post(
        owner,
        f"/invoices/{invoice['id']}/credit-notes",
        {"reason": "Imported twice", "lines": [line]},
    )
    paths = [f"{V1}/invoices/{invoice['id']}/pdf", f"{V1}/credit-notes/{note['id']}/pdf"]
    text = f"{V1}/invoices/{invoice['id']}/text"
    issued = [owner.get(path).content for path in (*paths, text)]

    owner.patch(f"{V1}/organization", json={"legal_name": "Renamed", "document_language": "de"})
    changed = {"name": "Somebody Else", "language": "fr", "buyer_reference": "PO 7"}
    owner.patch(f"{V1}/customers/{invoice['customer_id']}", json=changed)

    assert [owner.get(path).content for path in (*paths, text)] == issued


def test_credit_note_names_its_invoice(owner: Person) -> None:
    invoice = billed(owner)
    credited = {"line_id": invoice["line_items"][0]["id"], "amount": 100}
    note = post(
        owner,
        f"/invoices/{invoice['id']}/credit-notes",
        {"reason": "Imported twice", "lines": [credited]},
    )

    answer = owner.get(f"{V1}/credit-notes/{note['id']}/pdf")

    assert answer.headers["content-disposition"] == f'inline; filename="{note["number"]}.pdf"'
    words = words_of(answer.content)
    assert f"For invoice {invoice['invoice_number']}" in words
    assert "Reason Imported twice" in words
    assert "Data import £100.00 Subtotal £100.00 VAT (20%) £20.00 Total £120.00" in words
    again = words_of(owner.get(f"{V1}/invoices/{invoice['id']}/pdf").content)
    assert "Credited -£120.00 Amount due £312.00" in again
    assert f"{note['number']}" in again


def test_tax_that_a_credited_line_contains_is_shown(owner: Person) -> None:
    post(owner, "/tax-rates", {"name": "VAT", "country": "GB", "percentage": 20, "inclusive": True})
    invoice = billed(owner, tax=False)
    credited = {"line_id": invoice["line_items"][0]["id"], "amount": 120}
    notes = [
        post(
            owner,
            f"/invoices/{invoice['id']}/credit-notes",
            {"reason": f"Imported twice: {time}", "lines": [credited]},
        )
        for time in (1, 2)
    ]

    for note in notes:
        words = words_of(owner.get(f"{V1}/credit-notes/{note['id']}/pdf").content)
        assert note["total"] == 120
        assert "Subtotal £100.00 VAT (20%, included) £20.00 Total £120.00" in words


def test_a_credit_note_shows_the_tax_that_it_stored(owner: Person) -> None:
    post(owner, "/tax-rates", {"name": "VAT", "country": "GB", "percentage": 20, "inclusive": True})
    invoice = billed(owner, tax=False)
    line_id = invoice["line_items"][0]["id"]
    # A third of a cent, then the first whole cent of tax: of a note over a cent it would be all.
    notes = [
        post(
            owner,
            f"/invoices/{invoice['id']}/credit-notes",
            {"reason": f"Rounded: {amount}", "lines": [{"line_id": line_id, "amount": amount}]},
        )
        for amount in (0.02, 0.01)
    ]

    words = words_of(owner.get(f"{V1}/credit-notes/{notes[1]['id']}/pdf").content)

    assert (notes[1]["subtotal"], notes[1]["tax"], notes[1]["total"]) == (0.01, 0, 0.01)
    assert "Subtotal £0.01 VAT (20%, included) £0.00 Total £0.01" in words


def test_a_credit_note_of_before_is_shown_without_the_tax_it_never_had(
    owner: Person, module_database_url: str
) -> None:
    post(owner, "/tax-rates", {"name": "VAT", "country": "GB", "percentage": 20, "inclusive": True})
    invoice = billed(owner, tax=False)
    credited = {"line_id": invoice["line_items"][0]["id"], "amount": 120}
    note = post(
        owner,
        f"/invoices/{invoice['id']}/credit-notes",
        {"reason": "Imported twice", "lines": [credited]},
    )
    with psycopg.connect(superuser_url(module_database_url)) as connection:
        written_then = "UPDATE credit_note SET subtotal = total, tax = 0 WHERE id = %s"
        connection.execute(written_then, [note["id"]])

    words = words_of(owner.get(f"{V1}/credit-notes/{note['id']}/pdf").content)

    assert "Subtotal £120.00 Tax £0.00 Total £120.00" in words


def test_parties_are_named_as_they_are_registered(owner: Person) -> None:
    invoice = drafted(owner)
    owner.patch(
        f"{V1}/organization",
        json={
            "legal_name": "Lumen Works GmbH",
            "tax_id": "DE136695976",
            "registration_number": "HRB 1234 B",
            "document_language": "de",
        },
    )
    customer = f"{V1}/customers/{invoice['customer_id']}"
    path = f"{V1}/invoices/{invoice['id']}/pdf"
    owner.patch(customer, json={"tax_id": "GB330331015", "buyer_reference": "PO 4711"})

    german = words_of(owner.get(path).content)
    owner.patch(customer, json={"language": "fr"})
    french = words_of(owner.get(path).content)

    assert "Lumen Works GmbH USt-IdNr. DE136695976 Registernummer HRB 1234 B" in german
    assert "Ihre Referenz PO 4711" in german
    assert "ap@harbor.test USt-IdNr. GB330331015" in german
    assert "Gesamtbetrag 432,00 £" in german.replace("\N{NO-BREAK SPACE}", " ")
    assert "Votre référence PO 4711" in french
    assert "Numéro" in french
    assert "Total £432.00" in " ".join(owner.get(path.replace("pdf", "text")).text.split())


def test_draft_has_no_payable_name(owner: Person) -> None:
    owner.patch(f"{V1}/organization", json={"number_at": "finalization"})
    customer = post(
        owner,
        "/customers",
        {"name": "H", "email": "h@harbor.test", "billing_address_country": "GB"},
    )
    line = {"description": "Import", "quantity": 1, "unit_amount": 1}
    body = {"customer_id": customer["id"], "currency": "USD", "due_date": "2026-04-01T00:00:00Z"}
    draft = post(owner, "/invoices", body | {"line_items": [line]})

    answer = owner.get(f"{V1}/invoices/{draft['id']}/pdf")

    assert answer.headers["content-disposition"] == 'inline; filename="draft.pdf"'
    assert "Number Draft" in words_of(answer.content)


def test_file_is_of_this_organization_only(owner: Person, sign_up: Callable[[str], Person]) -> None:
    invoice = billed(owner)

    answer = sign_up("Harbor").get(f"{V1}/invoices/{invoice['id']}/pdf")

    assert (answer.status_code, answer.json()["code"]) == (404, "invoice_not_found")
    missing = owner.get(f"{V1}/credit-notes/{invoice['id']}/pdf")
    assert (missing.status_code, missing.json()["code"]) == (404, "credit_note_not_found")


def test_issued_invoice_points_to_its_receipt(owner: Person, context: AppContext) -> None:
    organization_id = UUID(owner.get(f"{V1}/organization").json()["id"])
    draft, invoice = drafted(owner), billed(owner, tax=False)
    receipt = owner.get(f"{V1}/invoices/{invoice['id']}/receipt").json()

    def verify_link(of: dict[str, Any], public_url: str) -> str | None:
        with context.transactions.for_organization(organization_id) as session:
            read = read_invoice(session, organization_id, UUID(of["id"]), public_url=public_url)
        return read.verify_link

    public = "https://billing.harbor.example"
    assert verify_link(invoice, public) == f"{public}/verify/{receipt['id']}"
    assert verify_link(invoice, "http://127.0.0.1:8000") is None
    assert verify_link(draft, public) is None


def test_nothing_is_held_while_a_file_is_made(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = billed(owner)
    held: list[str] = []

    def look(document: Document) -> bytes:
        pool = state_of(owner.app).context.transactions._engine.pool  # type: ignore[arg-type]  # the application
        held.append(pool.status())
        return render_pdf(document)

    monkeypatch.setattr(typeset_files, "render_pdf", look)

    assert owner.get(f"{V1}/invoices/{invoice['id']}/pdf").status_code == 200

    assert len(held) == 1
    assert "checked out connections: 0" in held[0].lower()
