"""What single countries add to Peppol's rules: kept, or named in docs/operators/e-invoices.md."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from services.documents.einvoice.tax_ids import peppol_address_of
from services.documents.einvoice.ubl import to_ubl
from services.documents.view import Document
from tests.services.documents.einvoice.kinds import kinds
from tests.services.documents.einvoice.schematron import broken_by_peppol

PAGE = Path(__file__).parents[4] / "docs" / "operators" / "e-invoices.md"
DOCUMENT = kinds()["exclusive tax"]
VAT_IDS = {
    "DE": "DE136695976",
    "DK": "DK13585628",
    "FI": "FI20774740",
    "IT": "IT00743110157",
    "NL": "NL004495445B01",
    "NO": "NO995525828MVA",
    "SE": "SE123456789701",
}
BROKEN_AT_HOME = {
    "DE": {"DE-R-002"},
    "DK": {"DK-R-002", "DK-R-005"},
    "FI": set(),
    "IT": set(),
    "NL": set(),
    "NO": {"NO-R-002"},
    "SE": {"SE-R-006"},
}
"""With a seller of the same country who has no registration number, and a rate of 19 %."""


def sold_to(country: str, document: Document = DOCUMENT) -> Document:
    buyer = replace(document.buyer, country=country, tax_id=VAT_IDS[country])
    return replace(document, buyer=buyer)


@pytest.mark.parametrize("country", sorted(VAT_IDS.keys() - {"DE"}))
def test_buyer_abroad_is_found_by_the_vat_number(country: str) -> None:
    assert broken_by_peppol(to_ubl(sold_to(country))) == {}


@pytest.mark.parametrize("country", VAT_IDS)
def test_rules_of_a_country_are_kept_or_named(country: str) -> None:
    seller = replace(
        DOCUMENT.seller, country=country, tax_id=VAT_IDS[country], registration_number=None
    )
    broken = broken_by_peppol(to_ubl(sold_to(country, replace(DOCUMENT, seller=seller))))

    assert broken.keys() == BROKEN_AT_HOME[country]
    assert broken.keys() <= set(re.findall(r"`([A-Z]{2}-R-\d{3})`", PAGE.read_text("utf-8")))


def test_address_is_the_number_that_the_network_knows() -> None:
    said = {one: peppol_address_of(VAT_IDS[one]) for one in ("DE", "NO", "SE")}

    assert {one: (f"{at.scheme}:{at.value}") for one, at in said.items() if at is not None} == {
        "DE": "9930:DE136695976",
        "NO": "0192:995525828",
        "SE": "0007:1234567897",
    }
    assert peppol_address_of("US123456789") is None
