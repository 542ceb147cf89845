"""What is said when an invoice is issued is what the official rules say of its e-invoice."""

from __future__ import annotations

import pytest

from services.documents.einvoice.checks import Verdict, judge
from services.documents.einvoice.cii import to_cii
from services.documents.einvoice.tax_ids import has_right_digits, vat_id_of
from services.documents.einvoice.ubl import to_ubl
from services.documents.view import Document, Party
from tests.services.documents.builders import bill, calls, euros, rate
from tests.services.documents.einvoice.kinds import kinds
from tests.services.documents.einvoice.schematron import broken_by_cii, broken_by_ubl

KINDS = kinds()


def verdict_on(document: Document) -> Verdict:
    verdict = judge(
        document.seller,
        document.buyer,
        document.taxes,
        buyer_reference=document.buyer_reference,
        currency=document.currency,
    )
    assert verdict is not None
    return verdict


@pytest.mark.parametrize("name", KINDS)
def test_what_lacks_nothing_has_no_problem(name: str) -> None:
    assert verdict_on(KINDS[name]) == Verdict(valid=True, problems=())


def test_several_rates_that_are_rounded_a_unit_apart_are_told() -> None:
    document = bill([calls("10", "1", "10", "JPY")], [rate("5"), rate("5")])

    [problem] = verdict_on(document).problems

    assert (problem.field, problem.rule) == ("taxes", "BR-S-09")
    assert broken_by_cii(to_cii(document)).keys() == {"BR-S-09"}
    assert broken_by_ubl(to_ubl(document)).keys() >= {"BR-S-09"}


def test_tax_at_less_than_half_a_percent_is_told() -> None:
    document = bill([euros("Platform fee", "4876.79")], [rate("0.495")])

    [problem] = verdict_on(document).problems

    assert (problem.field, problem.rule) == ("taxes", "BR-CO-17")
    assert broken_by_cii(to_cii(document)).keys() == {"BR-CO-17"}
    assert broken_by_ubl(to_ubl(document)).keys() == {"BR-CO-17"}


def test_currency_newer_than_the_rules_is_told() -> None:
    document = bill([calls("10", "1", "10", "XCG")], [rate("5")])

    [problem] = verdict_on(document).problems

    assert (problem.field, problem.rule) == ("currency", "BR-CL-04")
    assert broken_by_cii(to_cii(document)).keys() >= {"BR-CL-04"}


@pytest.mark.parametrize(
    ("tax_id", "country", "vat_id", "is_right"),
    [
        ("DE136695976", "DE", "DE136695976", True),
        ("de 136 695 976", "DE", "DE136695976", True),
        ("DE136695977", "DE", "DE136695977", False),
        ("FR40303265045", "FR", "FR40303265045", True),
        ("FR41303265045", "FR", "FR41303265045", False),
        ("EL094259216", "GR", "EL094259216", True),
        ("EL094259217", "GR", "EL094259217", False),
        ("XI980780684", "GB", "XI980780684", True),
        ("GB980780684", "GB", "GB980780684", True),
        ("GB980780685", "GB", "GB980780685", False),
        ("CHE107787577MWST", "CH", "CHE107787577MWST", True),
        ("NO995525828MVA", "NO", "NO995525828MVA", True),
        ("ZZ12345", "ZZ", "ZZ12345", True),
        ("12-3456789", "US", None, True),
        ("HRB", "DE", None, True),
        (None, "DE", None, True),
    ],
)
def test_vat_numbers_are_known_by_their_prefix_and_their_digits(
    tax_id: str | None, country: str, vat_id: str | None, is_right: bool
) -> None:
    found = vat_id_of(Party(name="A", tax_id=tax_id, country=country))

    assert found == vat_id
    assert found is None or has_right_digits(found) is is_right
