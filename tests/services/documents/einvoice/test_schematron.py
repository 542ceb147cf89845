"""Every kind of document keeps the official rules of e-invoices, and a cent too many does not."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from html import escape

import pytest
from facturx import xml_check_xsd
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.invoicing.taxes import TaxRate
from billing.money import round_half_away
from billing.rating.lines import PricedLine
from services.documents.einvoice.cii import to_cii
from services.documents.einvoice.ubl import to_ubl
from services.documents.view import Document
from tests.services.documents.builders import bill, calls, credited, euros, rate
from tests.services.documents.einvoice.kinds import PAY_AT, kinds
from tests.services.documents.einvoice.schematron import (
    RULES,
    broken_by_cii,
    broken_by_peppol,
    broken_by_ubl,
)

KINDS = kinds()
DIGEST = re.compile(r"^\| `(\S+)` \|.* ([0-9a-f]{64}) \|$", re.MULTILINE)


def broken(document: Document) -> dict[str, str]:
    ubl = to_ubl(document)
    return broken_by_cii(to_cii(document)) | broken_by_ubl(ubl) | broken_by_peppol(ubl)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_keeps_every_rule(name: str) -> None:
    document = KINDS[name]

    assert broken(document) == {}
    assert xml_check_xsd(to_cii(document), flavor="factur-x", level="en16931")
    assert xml_check_xsd(to_ubl(document))
    assert to_cii(document) == to_cii(document)


@pytest.mark.parametrize(
    ("name", "means"), [("paid online", "68"), ("paid online or by transfer", "30")]
)
def test_link_to_pay_stands_in_both_syntaxes(name: str, means: str) -> None:
    cii, ubl = to_cii(KINDS[name]).decode(), to_ubl(KINDS[name]).decode()

    terms = f"Pay online: {escape(PAY_AT)}<"
    assert f"<ram:Description>{terms}" in cii
    assert f"<cbc:Note>{terms}" in ubl
    assert f"<ram:TypeCode>{means}<" in cii
    assert f"<cbc:PaymentMeansCode>{means}<" in ubl


def test_cent_too_many_is_found() -> None:
    document = KINDS["exclusive tax"]
    wrong = replace(document, total=document.total + Decimal("0.01"))

    assert {"BR-CO-15"} <= broken_by_cii(to_cii(wrong)).keys()
    assert {"BR-CO-15"} <= broken_by_ubl(to_ubl(wrong)).keys()


def test_cent_too_many_to_pay_is_found() -> None:
    document = KINDS["exclusive tax"]
    cii, ubl = to_cii(document).decode(), to_ubl(document).decode()
    right, wrong = f"{document.total:f}<", f"{document.total + Decimal('0.01'):f}<"

    cii = cii.replace(f"<ram:DuePayableAmount>{right}", f"<ram:DuePayableAmount>{wrong}")
    ubl = ubl.replace(
        f'PayableAmount currencyID="EUR">{right}', f'PayableAmount currencyID="EUR">{wrong}'
    )

    assert broken_by_cii(cii.encode()).keys() == {"BR-CO-16"}
    assert broken_by_ubl(ubl.encode()).keys() == {"BR-CO-16"}


@settings(deadline=None, max_examples=30)
@given(name=st.text(min_size=1, max_size=12).filter(str.strip))
def test_names_are_names_whatever_their_letters(name: str) -> None:
    document = KINDS["credit note with tax"]
    line = document.lines[0]
    named = replace(
        document,
        seller=replace(document.seller, name=name, street=name, registration_number=name),
        buyer=replace(document.buyer, name=name, city=name),
        buyer_reference=name,
        lines=(replace(line, priced=replace(line.priced, name=name)), *document.lines[1:]),
    )

    assert broken(named) == {}
    assert xml_check_xsd(to_cii(named), flavor="factur-x", level="en16931")
    assert xml_check_xsd(to_ubl(named))


def test_rules_are_those_that_their_table_names() -> None:
    table = dict(DIGEST.findall((RULES / "README.md").read_text()))

    found = {
        path.name: sha256(gzip.decompress(path.read_bytes())).hexdigest()
        for path in RULES.glob("*.gz")
    }

    assert table == found


CENTS = st.decimals(min_value="-500", max_value="5000", places=2)
PERCENTAGES = st.one_of(st.just(Decimal(0)), st.decimals(min_value="0.5", max_value="30", places=3))
"""The rules take less than a half for none; what breaks them is told when an invoice is issued."""


@st.composite
def priced_lines(draw: st.DrawFn) -> PricedLine:
    if draw(st.booleans()):
        return euros(draw(st.text(min_size=1, max_size=8)), str(draw(CENTS)))
    quantity = draw(st.decimals(min_value="0", max_value="1e9", places=4))
    price = draw(st.decimals(min_value="0", max_value="10", places=9))
    return calls(str(quantity), str(price), str(quantity * price))


def rates() -> st.SearchStrategy[list[TaxRate]]:
    one = st.builds(
        lambda percentage, inclusive: rate(str(percentage), inclusive=inclusive),
        PERCENTAGES,
        st.booleans(),
    )
    return st.lists(one, max_size=2)


@settings(deadline=None, max_examples=40)
@given(
    lines=st.lists(priced_lines(), min_size=1, max_size=6),
    rates=rates(),
    credit=st.decimals(min_value="0", max_value="100", places=2),
    share=st.integers(min_value=1, max_value=100),
)
def test_every_bill_keeps_every_rule(
    lines: list[PricedLine], rates: list[TaxRate], credit: Decimal, share: int
) -> None:
    document = bill(lines, rates, credit=credit)

    assert broken(document) == {}
    amounts = [
        round_half_away(max(Decimal(0), line.total * share / 100), 2) for line in document.lines
    ]
    if any(amounts):
        assert broken(credited(document, amounts)) == {}
