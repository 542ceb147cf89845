"""E-invoices over the API: what software gets, what is missing, and where there is none."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from facturx import get_facturx_xml_from_pdf
from pypdf import PdfReader

from services.documents.einvoice import checks, formats
from tests.api.catalogue import field_of
from tests.api.people import Person
from tests.api.sold import V1, post, sell
from tests.services.documents.einvoice.schematron import (
    broken_by_cii,
    broken_by_peppol,
    broken_by_ubl,
    broken_by_xrechnung,
)

SELLER = {
    "legal_name": "Lumen Works GmbH",
    "tax_id": "DE136695976",
    "registration_number": "HRB 1234 B",
    "billing_address_line1": "Torstraße 1",
    "billing_address_city": "Berlin",
    "billing_address_postal_code": "10119",
    "billing_address_country": "DE",
}
CONTACT = {
    "contact_name": "Ada Lamprecht",
    "contact_phone": "+49 30 1234567",
    "contact_email": "billing@lumen.test",
}
BUYER = {
    "name": "Harbor & Fils S.A.",
    "email": "ap@harbor.test",
    "tax_id": "FR40303265045",
    "buyer_reference": "PO 4711",
    "billing_address_city": "Paris",
    "billing_address_country": "FR",
}
FINAL = "invoice_finalized"
PLACE = {"billing_address_city": "Lyon", "billing_address_country": "FR"}
LINE = {"description": "Data import", "quantity": 3, "unit_amount": 120}


def drafted(owner: Person, *, currency: str = "EUR", **buyer: Any) -> dict[str, Any]:
    """A draft over 360 for a buyer in France."""
    customer = post(owner, "/customers", BUYER | buyer)
    body = {"customer_id": customer["id"], "currency": currency, "due_date": "2026-04-01T00:00:00Z"}
    return post(owner, "/invoices", body | {"line_items": [LINE]})


def issued(owner: Person, **options: Any) -> dict[str, Any]:
    """The same, issued."""
    return post(owner, f"/invoices/{drafted(owner, **options)['id']}/finalize", {})


def complete(owner: Person) -> None:
    """The seller says all that an e-invoice asks of it, and charges tax in France."""
    assert owner.patch(f"{V1}/organization", json=SELLER).status_code == 200
    post(owner, "/tax-rates", {"name": "TVA", "country": "FR", "percentage": 20})


def test_issued_invoice_is_an_einvoice_in_both_forms(owner: Person) -> None:
    complete(owner)
    invoice = issued(owner)
    path = f"{V1}/invoices/{invoice['id']}"

    ubl, pdf = owner.get(f"{path}/ubl"), owner.get(f"{path}/pdf")

    assert ubl.headers["content-type"] == "application/xml"
    number = invoice["invoice_number"]
    assert ubl.headers["content-disposition"] == f'inline; filename="{number}.xml"'
    assert broken_by_ubl(ubl.content) | broken_by_peppol(ubl.content) == {}
    name, cii = get_facturx_xml_from_pdf(pdf.content, check_xsd=True)
    assert name == "factur-x.xml"
    assert broken_by_cii(cii) == {}
    for content in (ubl.content, cii):
        assert "Lumen Works GmbH" in content.decode()
        assert ">432.00<" in content.decode()
    assert owner.get(f"{path}/ubl").content == ubl.content
    assert owner.get(path).json()["einvoice"] == {"valid": True, "problems": []}


def test_credit_note_names_its_invoice_and_its_tax_by_rate(owner: Person) -> None:
    complete(owner)
    invoice = issued(owner)
    given_back = {"line_id": invoice["line_items"][0]["id"], "amount": 100}
    note = post(
        owner,
        f"/invoices/{invoice['id']}/credit-notes",
        {"reason": "Imported twice", "lines": [given_back]},
    )

    ubl = owner.get(f"{V1}/credit-notes/{note['id']}/ubl")

    assert broken_by_ubl(ubl.content) | broken_by_peppol(ubl.content) == {}
    text = ubl.content.decode()
    assert "<cbc:CreditNoteTypeCode>381<" in text
    assert f"<cbc:ID>{invoice['invoice_number']}</cbc:ID>" in text
    assert '<cbc:TaxAmount currencyID="EUR">20.00<' in text
    pdf = owner.get(f"{V1}/credit-notes/{note['id']}/pdf")
    assert broken_by_cii(PdfReader(io.BytesIO(pdf.content)).attachments["factur-x.xml"][0]) == {}


def test_xrechnung_names_what_it_lacks_until_nothing_does(owner: Person) -> None:
    complete(owner)
    invoice = issued(owner, buyer_reference="04011000-1-06", billing_address_postal_code="75002")
    path = f"{V1}/invoices/{invoice['id']}/xrechnung"

    refused = owner.get(path)
    owner.patch(f"{V1}/organization", json=CONTACT)
    answer = owner.get(path)

    assert (refused.status_code, refused.json()["code"]) == (409, "xrechnung_incomplete")
    assert "organization.contact_name (BR-DE-5), organization.contact_phone" in refused.text
    assert field_of(refused) == "organization.contact_name"
    assert answer.status_code == 200, answer.text
    assert broken_by_ubl(answer.content) | broken_by_xrechnung(answer.content) == {}
    assert "xrechnung_3.0<" in answer.text
    given_back = {"line_id": invoice["line_items"][0]["id"], "amount": 100}
    body = {"reason": "Imported twice", "lines": [given_back]}
    note = post(owner, f"/invoices/{invoice['id']}/credit-notes", body)
    note_file = owner.get(f"{V1}/credit-notes/{note['id']}/xrechnung").content
    assert broken_by_ubl(note_file) | broken_by_xrechnung(note_file) == {}
    # Peppol asks German sellers for the contact too, and has it.
    assert owner.get(f"{V1}/invoices/{invoice['id']}/ubl").text.count("Ada Lamprecht") == 1


def test_missing_fields_are_named_and_the_invoice_is_issued(owner: Person) -> None:
    post(owner, "/tax-rates", {"name": "TVA", "country": "FR", "percentage": 20})
    draft = drafted(owner, tax_id="FR40303265046", buyer_reference=None)

    invoice = post(owner, f"/invoices/{draft['id']}/finalize", {})

    assert (draft["einvoice"], invoice["status"]) == (None, "OPEN")
    assert invoice["einvoice"] == {
        "valid": False,
        "problems": [
            {"field": "organization.billing_address_country", "rule": "BR-09"},
            {"field": "organization.tax_id", "rule": "BR-S-02"},
            {"field": "customer.tax_id", "rule": "CHECK-DIGITS"},
            {"field": "customer.buyer_reference", "rule": "PEPPOL-EN16931-R003"},
            {"field": "organization.tax_id", "rule": "PEPPOL-EN16931-R020"},
        ],
    }
    broken = broken_by_ubl(owner.get(f"{V1}/invoices/{invoice['id']}/ubl").content)
    assert {"BR-S-02"} <= broken.keys()
    assert broken.keys() & {"BR-08", "BR-09"}


def test_category_of_a_rate_reaches_the_einvoice(owner: Person) -> None:
    owner.patch(f"{V1}/organization", json=SELLER)
    rate = {"name": "Autoliquidation", "country": "FR", "percentage": 0, "category": "ae"}
    created = post(owner, "/tax-rates", rate | {"exemption_reason": "Article 196"})
    invoice = issued(owner)

    text = owner.get(f"{V1}/invoices/{invoice['id']}/ubl").text

    assert (created["category"], created["exemption_reason"]) == ("AE", "Article 196")
    assert "<cbc:ID>AE</cbc:ID>" in text
    assert "<cbc:TaxExemptionReason>Article 196<" in text
    assert "<cbc:TaxExemptionReasonCode>VATEX-EU-AE<" in text
    assert broken_by_ubl(text.encode()) == {}
    assert invoice["einvoice"]["valid"] is True


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"percentage": 20, "category": "Z"}, "category", "invalid_category"),
        ({"percentage": 0, "category": "S"}, "category", "invalid_category"),
        ({"percentage": 0, "category": "Q"}, "category", "invalid_input"),
        (
            {"percentage": 0, "exemption_reason": "Because"},
            "exemption_reason",
            "invalid_exemption_reason",
        ),
    ],
)
def test_category_that_the_percentage_contradicts_is_refused(
    owner: Person, given: dict[str, Any], field: str, code: str
) -> None:
    answer = owner.post(f"{V1}/tax-rates", json={"name": "TVA", "country": "FR"} | given)

    assert (answer.status_code, field_of(answer)) == (422, field)
    assert answer.json()["code"] == code


@pytest.mark.parametrize(("given", "kept"), [("e34", "E34"), ("C62", "C62"), (None, None)])
def test_meter_has_a_unit_code(owner: Person, given: str | None, kept: str | None) -> None:
    body = {"meter_name": "traffic", "aggregation_type": "SUM", "property_name": "bytes"}

    meter = post(owner, "/meters", body | {"unit": "GB", "unit_code": given})

    assert meter["unit_code"] == kept
    refused = owner.patch(f"{V1}/meters/{meter['id']}", json={"unit_code": "GIGABYTE"})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_unit_code")


def test_timeline_names_what_the_einvoice_of_a_period_lacks(owner: Person) -> None:
    sold = sell(owner, {"unit": "GB"}, is_soft_limit=True)
    subscription = sold.subscribe("2025-12-01T00:00:00Z")
    path = f"/subscriptions/{subscription['id']}"
    bills = post(owner, f"{path}/generate-invoice", {})["data"][:2]
    for bill in bills:
        post(owner, f"/invoices/{bill['id']}/finalize", {})
        owner.patch(f"{V1}/customers/{sold.customer['id']}", json=PLACE)
        complete(owner)

    past = owner.get(f"{V1}{path}/timeline").json()["past"]

    told = {one["invoice_id"]: one["detail"] for one in past if one["action"] == FINAL}
    broken = "The e-invoice breaks EN 16931: "
    fields = ("organization.billing_address_country (BR-09)", "customer.billing_address_country")
    assert told[bills[0]["id"]].startswith(f"{broken}{', '.join(fields)} (BR-11), ")
    assert told[bills[1]["id"]] is None


def test_unit_of_a_meter_reaches_the_einvoice(owner: Person) -> None:
    sold = sell(owner, {"unit": "GB", "unit_code": "e34"}, is_soft_limit=True)
    price = {"model": "per_unit", "unit_price": "0.001"}
    post(
        owner,
        f"/plans/{sold.plan['id']}/charges",
        {"type": "USAGE", "meter_id": sold.feature["meter"]["id"], "pricing": price},
    )
    subscription = sold.subscribe("2025-12-01T00:00:00Z")
    sold.used(1400, "2025-12-03T00:00:00Z")
    [bill, *_] = post(owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})["data"]
    invoice = post(owner, f"/invoices/{bill['id']}/finalize", {})

    text = owner.get(f"{V1}/invoices/{invoice['id']}/ubl").text

    assert '<cbc:InvoicedQuantity unitCode="E34">400<' in text
    assert '<cbc:PriceAmount currencyID="USD">0.01<' in text
    assert '<cbc:BaseQuantity unitCode="E34">10<' in text


def test_draft_void_and_three_decimals_have_none(owner: Person) -> None:
    complete(owner)
    draft, dinars = drafted(owner), issued(owner, currency="KWD")
    void = issued(owner)
    owner.patch(f"{V1}/invoices/{void['id']}/status", json={"status": "VOID"})

    def refusal(invoice: dict[str, Any]) -> tuple[int, str]:
        answer = owner.get(f"{V1}/invoices/{invoice['id']}/ubl")
        return answer.status_code, answer.json()["code"]

    assert refusal(draft) == (409, "einvoice_not_issued")
    assert refusal(void) == (409, "einvoice_not_issued")
    assert refusal(dinars) == (409, "einvoice_currency")
    assert dinars["einvoice"] is None
    for invoice in (draft, void, dinars):
        pdf = owner.get(f"{V1}/invoices/{invoice['id']}/pdf").content
        assert [*PdfReader(io.BytesIO(pdf)).attachments] == ["receipt.json"]


def test_without_the_extra_there_is_the_receipt_alone(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (checks, formats):
        monkeypatch.setattr(module, "IS_INSTALLED", False)
    complete(owner)
    invoice = issued(owner)

    answer = owner.get(f"{V1}/invoices/{invoice['id']}/ubl")

    assert (answer.status_code, answer.json()["code"]) == (409, "einvoice_not_installed")
    assert "extra `einvoice`" in answer.json()["detail"]
    pdf = owner.get(f"{V1}/invoices/{invoice['id']}/pdf").content
    assert [*PdfReader(io.BytesIO(pdf)).attachments] == ["receipt.json"]
    assert invoice["einvoice"] is None


def test_einvoice_is_of_this_organization_only(
    owner: Person, sign_up: Callable[[str], Person]
) -> None:
    invoice = issued(owner)

    answer = sign_up("Harbor").get(f"{V1}/invoices/{invoice['id']}/ubl")

    assert (answer.status_code, answer.json()["code"]) == (404, "invoice_not_found")
