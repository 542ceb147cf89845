"""Whatever is said of an e-invoice, the official rules say of it: sellers, buyers and languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.invoicing.kinds import DocumentLanguage
from billing.invoicing.tax_categories import TaxCategory
from services.documents.einvoice.cii import to_cii
from services.documents.einvoice.ubl import to_ubl
from services.documents.view import Party
from tests.services.documents.builders import BUYER, SELLER, bill, calls, euros, rate
from tests.services.documents.einvoice.schematron import (
    broken_by_cii,
    broken_by_peppol,
    broken_by_ubl,
)
from tests.services.documents.einvoice.test_checks import verdict_on
from tests.services.documents.einvoice.test_languages import said_in

SAYING = (
    *("paid online", "credit note with tax", "prepaid", "credit taken"),
    *("category AE", "category K", "category G", "category O", "category E"),
)
"""Documents in which the product says something of its own."""

PARTS: Mapping[str, tuple[str | None, ...]] = {
    "country": (None, "DE", "US", "GR"),
    "tax_id": (None, "DE136695976", "EL094259216", "12-3456789"),
    "registration_number": (None, "HRB 1234 B"),
    "street": (None, "Torstraße 1"),
    "email": (None, "ap@harbor.example"),
}


def parties(usual: Party) -> st.SearchStrategy[Party]:
    parts = {name: st.sampled_from(values) for name, values in PARTS.items()}
    given = st.fixed_dictionaries(parts)
    return given.map(lambda values: replace(usual, **values))  # type: ignore[arg-type]  # fields by name


@settings(deadline=None, max_examples=60)
@given(
    seller=parties(SELLER),
    buyer=parties(BUYER),
    category=st.sampled_from([None, *TaxCategory]),
    reference=st.sampled_from([None, "PO 4711"]),
    credit=st.sampled_from([Decimal(0), Decimal(10)]),
)
def test_verdict_is_that_of_the_rules(
    seller: Party,
    buyer: Party,
    category: TaxCategory | None,
    reference: str | None,
    credit: Decimal,
) -> None:
    percentage = "19" if category is TaxCategory.STANDARD else "0"
    rates = [] if category is None else [rate(percentage, category=category)]
    lines = [euros("Platform fee", "49.99"), calls("82450", "0.001", "82.45")]
    document = replace(
        bill(lines, rates, credit=credit), seller=seller, buyer=buyer, buyer_reference=reference
    )

    verdict = verdict_on(document)

    ubl = to_ubl(document)
    broken = broken_by_cii(to_cii(document)).keys() | broken_by_ubl(ubl).keys()
    assert verdict.valid == (broken == set()), (broken, verdict)
    said = {one.rule for one in verdict.problems if one.rule.startswith("BR-")}
    assert said <= broken
    of_peppol = {one.rule for one in verdict.problems if one.rule.startswith("PEPPOL")}
    # Each country has rules of its own beside those of all, such as how a Greek number is made up.
    broken_of_peppol = {one for one in broken_by_peppol(ubl) if one.startswith("PEPPOL")}
    assert bool(of_peppol) == bool(broken_of_peppol), (of_peppol, broken_of_peppol)


@pytest.mark.parametrize("language", DocumentLanguage)
def test_every_language_keeps_every_rule(language: DocumentLanguage) -> None:
    for name in SAYING:
        document = said_in(name, language)
        ubl = to_ubl(document)

        assert broken_by_cii(to_cii(document)) == {}, name
        assert broken_by_ubl(ubl) | broken_by_peppol(ubl) == {}, name
