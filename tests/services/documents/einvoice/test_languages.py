"""What the product itself says in an e-invoice is in the language of its document."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from billing.invoicing.kinds import DocumentLanguage
from billing.invoicing.tax_categories import EXEMPTIONS
from services.documents.einvoice.cii import to_cii
from services.documents.einvoice.terms import terms_of
from services.documents.einvoice.values import Terms
from services.documents.layout import words_in
from services.documents.view import Document
from tests.services.documents.einvoice.kinds import PAY_AT, kinds
from tests.services.documents.einvoice.schematron import broken_by_cii

KINDS = kinds()


def said_in(name: str, language: str) -> Document:
    return replace(KINDS[name], language=DocumentLanguage(language))


def each(document: Document, group: str, term: str) -> list[object]:
    """What a term says in every entry of a group."""
    return [one[term] for one in cast("list[Terms]", terms_of(document)[group])]


@pytest.mark.parametrize(
    ("language", "pay", "given_back", "prepaid"),
    [
        ("en", "Pay online: ", "Given back of invoice INV-2026-0012", "Prepaid credit"),
        ("de", "Online bezahlen: ", "Gutschrift zu Rechnung INV-2026-0012", "Guthaben"),
        (
            "fr",
            "Payer en ligne : ",
            "Avoir relatif à la facture INV-2026-0012",
            "Crédit prépayé",
        ),
        ("es", "Pagar en línea: ", "Abono de la factura INV-2026-0012", "Saldo prepago"),
        ("ja", "オンラインで支払う: ", "請求書 INV-2026-0012 の返還", "前払いクレジット"),
    ],
)
def test_terms_of_payment_and_allowances_are_said_in_the_language(
    language: str, pay: str, given_back: str, prepaid: str
) -> None:
    assert terms_of(said_in("paid online", language))["BT-20"] == f"{pay}{PAY_AT}"
    assert terms_of(said_in("credit note with tax", language))["BT-20"] == given_back
    assert prepaid in each(said_in("prepaid", language), "BG-20", "BT-97")


@pytest.mark.parametrize(
    ("language", "reverse", "settled"),
    [
        ("en", "Reverse charge", "Settled with another invoice, after tax"),
        (
            "de",
            "Steuerschuldnerschaft des Leistungsempfängers",
            "Mit einer anderen Rechnung verrechnet, nach Steuern",
        ),
        ("fr", "Autoliquidation", "Imputé sur une autre facture, après taxes"),
        (
            "es",
            "Inversión del sujeto pasivo",
            "Compensado con otra factura, después de impuestos",
        ),
        ("ja", "リバースチャージ方式", "他の請求書と税引後に精算"),
    ],
)
def test_why_there_is_no_tax_is_said_in_the_language(
    language: str, reverse: str, settled: str
) -> None:
    assert each(said_in("category AE", language), "BG-23", "BT-120") == [reverse]
    assert settled in each(said_in("credit taken", language), "BG-23", "BT-120")


@pytest.mark.parametrize("language", DocumentLanguage)
def test_reason_of_ones_own_stays_as_it_was_written(language: DocumentLanguage) -> None:
    document = said_in("reason of one's own", language)
    ours = EXEMPTIONS[next(iter(EXEMPTIONS))].reason
    [tax] = document.taxes
    copied = replace(document, taxes=(replace(tax, exemption_reason=ours),))

    assert each(document, "BG-23", "BT-120") == ["Education, section 4"]
    assert each(copied, "BG-23", "BT-120") == [ours]


def test_english_is_what_rows_and_receipts_keep() -> None:
    words = words_in("en")
    own = {one for name, one in words.items() if name.startswith("exemption_")}

    assert {one.reason for one in EXEMPTIONS.values()} < own


def test_another_language_keeps_the_rules_of_europe() -> None:
    assert broken_by_cii(to_cii(said_in("credit note with tax", "de"))) == {}
