"""What an issued document breaks of EN 16931 and of Peppol's rules: said, and issued all the same.

Sums, signs and codes hold by the way a document is mapped; the official rules say so in the suite.
What is left is what people enter. It is looked at without them, in microseconds: a month's end has
a hundred thousand documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from billing.invoicing.kinds import EN_16931
from billing.invoicing.tax_categories import TaxCategory
from billing.invoicing.tax_treatment import treatment_of
from billing.invoicing.taxes import TaxAmount
from billing.money import ONE, ZERO, exactly, find_currency
from services.documents.einvoice.tax_ids import (
    IS_INSTALLED,
    has_right_digits,
    peppol_address_of,
    vat_id_of,
)
from services.documents.view import Party

CHECK_DIGITS: Final = "CHECK-DIGITS"
"""No rule of EN 16931: a number that no country gave."""

MOST_DECIMALS: Final = 2
"""No amount of EN 16931 has more (BR-DEC-01 and on)."""

_SELLERS_TAX_RULES: Final = {
    TaxCategory.STANDARD: "BR-S-02",
    TaxCategory.ZERO_RATED: "BR-Z-02",
    TaxCategory.EXEMPT: "BR-E-02",
    TaxCategory.REVERSE_CHARGE: "BR-AE-02",
    TaxCategory.INTRA_COMMUNITY: "BR-IC-02",
    TaxCategory.EXPORT: "BR-G-02",
}
_NEED_VAT_ID: Final = frozenset({TaxCategory.INTRA_COMMUNITY, TaxCategory.EXPORT})
_NEED_BUYERS_VAT_ID: Final = frozenset({TaxCategory.REVERSE_CHARGE, TaxCategory.INTRA_COMMUNITY})
_HALF: Final = Decimal("0.5")
_UNKNOWN_CURRENCIES: Final = frozenset({"MRU", "STN", "XAD", "XCG"})
"""Newer than the rules' list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A field to fill in, and the rule that asks for it."""

    field: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a document keeps EN 16931, and what it breaks; Peppol's own rules are not of it."""

    valid: bool
    problems: tuple[Problem, ...]


def is_expressible(currency: str) -> bool:
    """Whether an e-invoice can say the amounts of a currency."""
    return find_currency(currency).exponent <= MOST_DECIMALS


def judge(
    seller: Party,
    buyer: Party,
    taxes: Sequence[TaxAmount],
    *,
    buyer_reference: str | None,
    currency: str,
) -> Verdict | None:
    """The verdict on an issued document; None where it has no e-invoice at all."""
    if not IS_INSTALLED or not is_expressible(currency):
        return None
    problems = (
        *_of_places(seller, buyer),
        *_of_numbers(seller, buyer, treatment_of(taxes).category),
        *_of_sums(taxes, currency),
        *_of_peppol(seller, buyer, buyer_reference),
    )
    return Verdict(
        valid=not any(one.rule.startswith(EN_16931) for one in problems),
        problems=problems,
    )


def _of_places(seller: Party, buyer: Party) -> Iterator[Problem]:
    if not seller.country:
        yield Problem(field="organization.billing_address_country", rule="BR-09")
    if not buyer.country:
        yield Problem(field="customer.billing_address_country", rule="BR-11")


def _of_numbers(seller: Party, buyer: Party, category: TaxCategory) -> Iterator[Problem]:
    sellers, buyers = vat_id_of(seller), vat_id_of(buyer)
    rule = _SELLERS_TAX_RULES.get(category)
    if rule is not None and not (sellers if category in _NEED_VAT_ID else seller.tax_id):
        yield Problem(field="organization.tax_id", rule=rule)
    elif not seller.registration_number and (rule is None or sellers is None):
        yield Problem(field="organization.registration_number", rule="BR-CO-26")
    if rule is not None and category in _NEED_BUYERS_VAT_ID and buyers is None:
        yield Problem(field="customer.tax_id", rule=rule)
    for field, number in (("organization.tax_id", sellers), ("customer.tax_id", buyers)):
        if number is not None and not has_right_digits(number):
            yield Problem(field=field, rule=CHECK_DIGITS)


@exactly
def _of_sums(taxes: Sequence[TaxAmount], currency: str) -> list[Problem]:
    """What the sums of a right invoice break all the same.

    Several rates, each rounded, may be a whole unit from what they are as one; and the rules take a
    percentage below a half for none, which may come to no tax.
    """
    problems = []
    if currency in _UNKNOWN_CURRENCIES:
        problems.append(Problem(field="currency", rule="BR-CL-04"))
    percentage = sum((one.percentage for one in taxes), ZERO)
    tax = sum((one.amount for one in taxes), ZERO)
    if ZERO < percentage < _HALF and not -_HALF <= tax < _HALF:
        problems.append(Problem(field="taxes", rule="BR-CO-17"))
    if len(taxes) > 1 and abs(tax - taxes[0].taxable * percentage.scaleb(-2)) >= ONE:
        problems.append(Problem(field="taxes", rule="BR-S-09"))
    return problems


def _of_peppol(seller: Party, buyer: Party, buyer_reference: str | None) -> Iterator[Problem]:
    if not buyer_reference:
        yield Problem(field="customer.buyer_reference", rule="PEPPOL-EN16931-R003")
    for field, party, rule in (
        ("organization.tax_id", seller, "PEPPOL-EN16931-R020"),
        ("customer.tax_id", buyer, "PEPPOL-EN16931-R010"),
    ):
        number = vat_id_of(party)
        if number is None or peppol_address_of(number) is None:
            yield Problem(field=field, rule=rule)
