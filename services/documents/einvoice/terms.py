"""A document as the business terms of EN 16931: the one mapping that CII and UBL are written of."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from typing import Final

from billing.invoicing.tax_categories import TaxCategory
from billing.invoicing.tax_treatment import Treatment, treatment_of, treatment_of_untaxed
from billing.money import ZERO
from billing.periods import local_date
from services.documents.einvoice.lines import NetLine, line_terms, net_lines
from services.documents.einvoice.tax_ids import peppol_address_of, vat_id_of
from services.documents.einvoice.values import Amount, Identifier, Term, Terms
from services.documents.layout import words_in
from services.documents.own_words import exemption_reason_of, reason_of
from services.documents.view import Document, DocumentKind, Party

INVOICE: Final = "380"
CREDIT_NOTE: Final = "381"
CREDIT_TRANSFER: Final = "30"
ONLINE_SERVICE: Final = "68"
UNDEFINED_MEANS: Final = "1"
DISCOUNT: Final = "95"
"""UNTDID 5189: a discount."""


def terms_of(document: Document) -> Terms:
    """The document by the numbers of its terms. It has a number, and at most two decimals."""
    lines = net_lines(document)
    outside = treatment_of(document.taxes).category is TaxCategory.OUTSIDE
    is_invoice = document.kind is DocumentKind.INVOICE
    return {
        "BT-1": document.number,
        "BT-2": local_date(document.issued_at, document.timezone),
        "BT-3": INVOICE if is_invoice else CREDIT_NOTE,
        "BT-5": document.currency,
        "BT-9": document.due_at and local_date(document.due_at, document.timezone),
        "BT-10": document.buyer_reference,
        **_correction_terms(document),
        **_seller_terms(document.seller, is_outside=outside),
        "BT-34": _electronic_address(document.seller, document.contact.email),
        "BT-41": document.contact.name,
        "BT-42": document.contact.phone,
        "BT-43": document.contact.email,
        **_buyer_terms(document.buyer, is_outside=outside),
        **_period_terms(document),
        **_payment_terms(document),
        **_total_terms(document),
        "BG-20": _allowance_terms(document),
        "BG-23": _tax_terms(document, lines),
        "BG-25": line_terms(document, lines),
    }


def _correction_terms(document: Document) -> Terms:
    """Which invoice a credit note gives back of, and why. Its amount needs terms too (BR-CO-25)."""
    correction = document.correction
    if correction is None:
        return {}
    words = words_in(document.language)
    return {
        "BT-20": words["terms_given_back"].format(invoice=correction.invoice_number),
        "BT-22": reason_of(correction, document.language, words),
        "BT-25": correction.invoice_number,
    }


def _seller_terms(party: Party, *, is_outside: bool) -> Terms:
    """BG-4. A document outside of VAT names no VAT number (BR-O-02): a tax number then."""
    vat_id = None if is_outside else vat_id_of(party)
    return {
        "BT-27": party.name,
        "BT-30": party.registration_number,
        "BT-31": vat_id,
        "BT-32": None if vat_id else party.tax_id,
        "BT-35": party.street,
        "BT-37": party.city,
        "BT-38": party.postal_code,
        "BT-39": party.state,
        "BT-40": party.country,
    }


def _buyer_terms(party: Party, *, is_outside: bool) -> Terms:
    """BG-7."""
    return {
        "BT-44": party.name,
        "BT-48": None if is_outside else vat_id_of(party),
        "BT-49": _electronic_address(party, party.email),
        "BT-50": party.street,
        "BT-52": party.city,
        "BT-53": party.postal_code,
        "BT-54": party.state,
        "BT-55": party.country,
    }


def _electronic_address(party: Party, email: str | None) -> Identifier | None:
    vat_id = vat_id_of(party)
    address = peppol_address_of(vat_id) if vat_id else None
    if address is not None:
        return address
    return Identifier(value=email, scheme="EM") if email else None


def _period_terms(document: Document) -> Terms:
    """BG-14; and of what goes to another country of the EU, when and to which (BR-IC-11, 12)."""
    terms: dict[str, Term] = {}
    if document.period is not None:
        terms["BT-73"] = document.period.first_day(document.timezone)
        terms["BT-74"] = document.period.last_covered_day(document.timezone)
    if treatment_of(document.taxes).category is TaxCategory.INTRA_COMMUNITY:
        terms["BT-72"] = local_date(document.issued_at, document.timezone)
        terms["BT-77"] = document.buyer.city
        terms["BT-78"] = document.buyer.postal_code
        terms["BT-80"] = document.buyer.country
    return terms


def _payment_terms(document: Document) -> Terms:
    """BG-16: the account to pay to, if there is one; and BT-20, where it can be paid online."""
    if document.kind is not DocumentKind.INVOICE:
        return {}
    details = {name.casefold(): value for name, value in document.bank_details}
    iban, link = "".join(details.get("iban", "").split()), document.payment_link
    terms: dict[str, Term] = {}
    if link:
        terms["BT-20"] = words_in(document.language)["terms_pay_online"].format(link=link)
    if iban:
        account_name, bic = details.get("account_name"), details.get("bic") or details.get("swift")
        return terms | {
            "BT-81": CREDIT_TRANSFER,
            "BT-84": iban,
            "BT-85": account_name,
            "BT-86": bic,
        }
    return terms | ({"BT-81": ONLINE_SERVICE} if link else {})


def _total_terms(document: Document) -> Terms:
    """BG-22. What a credit note gives back is, in its own terms, what is due."""
    is_invoice = document.kind is DocumentKind.INVOICE
    paid = document.amount_paid + document.prepaid_after_tax if is_invoice else ZERO
    allowed = sum((amount for _, _, amount in _allowed(document)), ZERO)

    def amount(value: Decimal) -> Amount:
        return Amount(value=value, currency=document.currency)

    return {
        "BT-106": amount(document.subtotal),
        "BT-107": amount(allowed) if allowed else None,
        "BT-109": amount(document.subtotal - allowed),
        "BT-110": amount(document.tax),
        "BT-112": amount(document.total),
        "BT-113": amount(paid) if paid else None,
        "BT-115": amount(document.total - paid),
    }


def _tax_terms(document: Document, lines: Sequence[NetLine]) -> list[Terms]:
    """BG-23: one entry for what is taxed, and one for what is not."""

    def place(one: NetLine) -> str:
        return one.treatment.category

    groups = [list(group) for _, group in groupby(sorted(lines, key=place), key=place)]
    taxed = treatment_of(document.taxes)
    allowed = _allowed(document)
    return [
        _entry(
            document,
            group[0].treatment,
            sum((one.net for one in group), ZERO)
            - sum((one for _, how, one in allowed if how == group[0].treatment), ZERO),
            document.tax if group[0].treatment == taxed else ZERO,
        )
        for group in groups
    ]


def _allowance_terms(document: Document) -> list[Terms]:
    """BG-20: what coupons and credit take off, of what is taxed and of what is not."""
    return [
        {
            "BT-92": Amount(value=amount, currency=document.currency),
            "BT-95": treatment.category,
            "BT-96": treatment.percentage,
            "BT-97": code,
            "BT-98": DISCOUNT,
        }
        for code, treatment, amount in _allowed(document)
    ]


def _allowed(document: Document) -> list[tuple[str, Treatment, Decimal]]:
    """Each coupon's code, and prepaid credit, with what it takes off lines taxed in one way.

    Credit takes off what was granted freely, or taxed as it was sold.
    """
    taxed = treatment_of(document.taxes)
    untaxed = treatment_of_untaxed(taxed)
    parts = [
        (one.code, treatment, amount)
        for one in document.coupons
        for treatment, amount in ((taxed, one.amount - one.untaxed), (untaxed, one.untaxed))
    ]
    if document.prepaid is not None:
        off, name = document.prepaid, words_in(document.language)["prepaid"]
        parts += [(name, taxed, off.amount - off.untaxed), (name, untaxed, off.untaxed)]
    return [one for one in parts if one[2]]


def _entry(document: Document, treatment: Treatment, taxable: Decimal, tax: Decimal) -> Terms:
    exemption, words = treatment.exemption, words_in(document.language)
    return {
        "BT-116": Amount(value=taxable, currency=document.currency),
        "BT-117": Amount(value=tax, currency=document.currency),
        "BT-118": treatment.category,
        "BT-119": treatment.percentage,
        "BT-120": exemption_reason_of(exemption, words) if exemption else None,
        "BT-121": exemption.code if exemption else None,
    }
