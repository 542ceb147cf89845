"""Every kind of document keeps the official rules of XRechnung, and what one lacks is named."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from facturx import xml_check_xsd

from services.documents.einvoice.ubl import Specification, to_ubl
from services.documents.einvoice.xrechnung import list_missing
from services.documents.view import Contact, Document
from tests.services.documents.einvoice.kinds import kinds
from tests.services.documents.einvoice.schematron import broken_by_ubl, broken_by_xrechnung

ASKED = Contact(name="Ada Lamprecht", phone="+49 30 1234567", email="billing@harbor.example")
LEITWEG_ID = "04011000-1234512345-06"
KINDS = kinds()


def ready(name: str) -> Document:
    return replace(KINDS[name], contact=ASKED, buyer_reference=LEITWEG_ID)


def broken(document: Document) -> dict[str, str]:
    xrechnung = to_ubl(document, Specification.XRECHNUNG)
    return broken_by_ubl(xrechnung) | broken_by_xrechnung(xrechnung)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_keeps_every_rule(name: str) -> None:
    document = ready(name)

    assert list_missing(document) == []
    assert broken(document) == {}
    assert xml_check_xsd(to_ubl(document, Specification.XRECHNUNG))


def test_each_part_that_is_missing_is_named_by_its_rule() -> None:
    whole = ready("exclusive tax")
    bare = [
        *(replace(whole, contact=replace(ASKED, **{one.name: None})) for one in fields(ASKED)),
        replace(whole, contact=replace(ASKED, phone="30")),
        replace(whole, buyer_reference=None),
        *(
            replace(whole, **{party: replace(getattr(whole, party), **{part: None})})
            for party in ("seller", "buyer")
            for part in ("city", "postal_code")
        ),
        replace(whole, buyer=replace(whole.buyer, tax_id=None, email=None)),
    ]

    for document in bare:
        [problem] = list_missing(document)
        assert problem.rule in broken(document), problem


def test_seller_without_a_vat_number_is_reached_by_the_mail_of_the_contact() -> None:
    whole = ready("no tax")
    document = replace(whole, seller=replace(whole.seller, tax_id=None))

    assert broken(document) == {}
    assert 'schemeID="EM">billing@harbor.example<' in to_ubl(document).decode()
