"""What a document lacks to be an XRechnung, the invoice that German public bodies ask for.

Source: XRechnung 3.0, section 11 (BR-DE); the official rules judge every kind in the suite.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from billing.invoicing.kinds import EN_16931
from services.documents.einvoice.checks import Problem, judge
from services.documents.einvoice.tax_ids import vat_id_of
from services.documents.view import Document

LEAST_DIGITS: Final = 3
"""A telephone number has so many (BR-DE-27)."""


def list_missing(document: Document) -> list[Problem]:
    """The fields to fill in, those that EN 16931 asks for first."""
    verdict = judge(
        document.seller,
        document.buyer,
        document.taxes,
        buyer_reference=document.buyer_reference,
        currency=document.currency,
    )
    problems = () if verdict is None else verdict.problems
    return [*(one for one in problems if one.rule.startswith(EN_16931)), *_missing(document)]


def _missing(document: Document) -> Iterator[Problem]:
    seller, buyer, contact = document.seller, document.buyer, document.contact
    asked = {
        ("organization.contact_name", "BR-DE-5"): contact.name,
        ("organization.contact_phone", "BR-DE-6"): contact.phone,
        ("organization.contact_email", "BR-DE-7"): contact.email,
        ("organization.billing_address_city", "BR-DE-3"): seller.city,
        ("organization.billing_address_postal_code", "BR-DE-4"): seller.postal_code,
        ("customer.billing_address_city", "BR-DE-8"): buyer.city,
        ("customer.billing_address_postal_code", "BR-DE-9"): buyer.postal_code,
        ("customer.buyer_reference", "BR-DE-15"): document.buyer_reference,
        ("customer.email", "PEPPOL-EN16931-R010"): vat_id_of(buyer) or buyer.email,
    }
    for (field, rule), value in asked.items():
        if not value:
            yield Problem(field=field, rule=rule)
    if contact.phone and sum(letter.isdigit() for letter in contact.phone) < LEAST_DIGITS:
        yield Problem(field="organization.contact_phone", rule="BR-DE-27")
