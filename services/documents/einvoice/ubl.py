"""UBL 2.1, ``Invoice`` and ``CreditNote``, by the rules of Peppol BIS Billing 3 or of XRechnung.

Source: CEN/TS 16931-3-2, where each term stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from billing.money import ZERO
from services.documents.einvoice.terms import UNDEFINED_MEANS, terms_of
from services.documents.einvoice.values import Terms
from services.documents.einvoice.writing import Place, Syntax, write
from services.documents.view import Document, DocumentKind

_URN: Final = "urn:oasis:names:specification:ubl:schema:xsd"


class Specification(StrEnum):
    """By whose rules beyond EN 16931 a file is written, as it says itself (BT-24)."""

    PEPPOL = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
    XRECHNUNG = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"


_PROFILE: Final = "=urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"

_ALLOWANCE: Final = (
    Place("cbc:ChargeIndicator", "=false"),
    Place("cbc:AllowanceChargeReasonCode", "BT-98"),
    Place("cbc:AllowanceChargeReason", "BT-97"),
    Place("cbc:Amount", "BT-92"),
    Place("cac:TaxCategory/cbc:ID", "BT-95"),
    Place("cac:TaxCategory/cbc:Percent", "BT-96"),
    Place("cac:TaxCategory/cac:TaxScheme/cbc:ID", "=VAT"),
)
_TAX: Final = (
    Place("cbc:TaxableAmount", "BT-116"),
    Place("cbc:TaxAmount", "BT-117"),
    Place("cac:TaxCategory/cbc:ID", "BT-118"),
    Place("cac:TaxCategory/cbc:Percent", "BT-119"),
    Place("cac:TaxCategory/cbc:TaxExemptionReasonCode", "BT-121"),
    Place("cac:TaxCategory/cbc:TaxExemptionReason", "BT-120"),
    Place("cac:TaxCategory/cac:TaxScheme/cbc:ID", "=VAT"),
)


def _syntax(root: str) -> Syntax:
    return Syntax(
        root=root,
        namespaces={
            "xmlns": f"{_URN}:{root}-2",
            "xmlns:cac": f"{_URN}:CommonAggregateComponents-2",
            "xmlns:cbc": f"{_URN}:CommonBasicComponents-2",
        },
        day=lambda day: day.isoformat(),
        has_currencies=True,
    )


def _line(quantity: str) -> tuple[Place, ...]:
    return (
        Place("cbc:ID", "BT-126"),
        Place(f"cbc:{quantity}", "BT-129"),
        Place("cbc:LineExtensionAmount", "BT-131"),
        Place("cac:InvoicePeriod/cbc:StartDate", "BT-134"),
        Place("cac:InvoicePeriod/cbc:EndDate", "BT-135"),
        Place("cac:Item/cbc:Description", "BT-154"),
        Place("cac:Item/cbc:Name", "BT-153"),
        Place("cac:Item/cac:ClassifiedTaxCategory/cbc:ID", "BT-151"),
        Place("cac:Item/cac:ClassifiedTaxCategory/cbc:Percent", "BT-152"),
        Place("cac:Item/cac:ClassifiedTaxCategory/cac:TaxScheme/cbc:ID", "=VAT"),
        Place("cac:Price/cbc:PriceAmount", "BT-146"),
        Place("cac:Price/cbc:BaseQuantity", "BT-149"),
    )


def _address(party: str, *terms: str) -> tuple[Place, ...]:
    street, city, postal_code, state, country = terms
    return (
        Place(f"{party}/cac:PostalAddress/cbc:StreetName", street),
        Place(f"{party}/cac:PostalAddress/cbc:CityName", city),
        Place(f"{party}/cac:PostalAddress/cbc:PostalZone", postal_code),
        Place(f"{party}/cac:PostalAddress/cbc:CountrySubentity", state),
        Place(f"{party}/cac:PostalAddress/cac:Country/cbc:IdentificationCode", country),
    )


def _tax_number(party: str, term: str, scheme: str) -> tuple[Place, ...]:
    return (
        Place(f"{party}/+cac:PartyTaxScheme/cbc:CompanyID", term),
        Place(f"{party}/cac:PartyTaxScheme/cac:TaxScheme/cbc:ID", f"={scheme}", given=term),
    )


_SELLER: Final = "cac:AccountingSupplierParty/cac:Party"
_BUYER: Final = "cac:AccountingCustomerParty/cac:Party"
_SHIP_TO: Final = "cac:Delivery/cac:DeliveryLocation/cac:Address"
_ACCOUNT: Final = "cac:PaymentMeans/cac:PayeeFinancialAccount"

_PARTIES: Final = (
    Place("cbc:DocumentCurrencyCode", "BT-5"),
    Place("cbc:BuyerReference", "BT-10"),
    Place("cac:InvoicePeriod/cbc:StartDate", "BT-73"),
    Place("cac:InvoicePeriod/cbc:EndDate", "BT-74"),
    Place("cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID", "BT-25"),
    Place(f"{_SELLER}/cbc:EndpointID", "BT-34"),
    *_address(_SELLER, "BT-35", "BT-37", "BT-38", "BT-39", "BT-40"),
    *_tax_number(_SELLER, "BT-31", "VAT"),
    *_tax_number(_SELLER, "BT-32", "TAX"),
    Place(f"{_SELLER}/cac:PartyLegalEntity/cbc:RegistrationName", "BT-27"),
    Place(f"{_SELLER}/cac:PartyLegalEntity/cbc:CompanyID", "BT-30"),
    Place(f"{_SELLER}/cac:Contact/cbc:Name", "BT-41"),
    Place(f"{_SELLER}/cac:Contact/cbc:Telephone", "BT-42"),
    Place(f"{_SELLER}/cac:Contact/cbc:ElectronicMail", "BT-43"),
    Place(f"{_BUYER}/cbc:EndpointID", "BT-49"),
    *_address(_BUYER, "BT-50", "BT-52", "BT-53", "BT-54", "BT-55"),
    *_tax_number(_BUYER, "BT-48", "VAT"),
    Place(f"{_BUYER}/cac:PartyLegalEntity/cbc:RegistrationName", "BT-44"),
    Place("cac:Delivery/cbc:ActualDeliveryDate", "BT-72"),
    Place(f"{_SHIP_TO}/cbc:CityName", "BT-77"),
    Place(f"{_SHIP_TO}/cbc:PostalZone", "BT-78"),
    Place(f"{_SHIP_TO}/cac:Country/cbc:IdentificationCode", "BT-80"),
    Place("cac:PaymentMeans/cbc:PaymentMeansCode", "BT-81"),
    Place(f"{_ACCOUNT}/cbc:ID", "BT-84"),
    Place(f"{_ACCOUNT}/cbc:Name", "BT-85"),
    Place(f"{_ACCOUNT}/cac:FinancialInstitutionBranch/cbc:ID", "BT-86"),
    Place("cac:PaymentTerms/cbc:Note", "BT-20"),
    Place("cac:AllowanceCharge", "BG-20", inner=_ALLOWANCE),
    Place("cac:TaxTotal/cbc:TaxAmount", "BT-110"),
    Place("cac:TaxTotal/cac:TaxSubtotal", "BG-23", inner=_TAX),
    Place("cac:LegalMonetaryTotal/cbc:LineExtensionAmount", "BT-106"),
    Place("cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount", "BT-109"),
    Place("cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount", "BT-112"),
    Place("cac:LegalMonetaryTotal/cbc:AllowanceTotalAmount", "BT-107"),
    Place("cac:LegalMonetaryTotal/cbc:PrepaidAmount", "BT-113"),
    Place("cac:LegalMonetaryTotal/cbc:PayableAmount", "BT-115"),
)


def _places(root: str, quantity: str) -> tuple[Place, ...]:
    return (
        Place("cbc:CustomizationID", "BT-24"),
        Place("cbc:ProfileID", _PROFILE),
        Place("cbc:ID", "BT-1"),
        Place("cbc:IssueDate", "BT-2"),
        # A credit note has no such element.
        *((Place("cbc:DueDate", "BT-9"),) if root == "Invoice" else ()),
        Place(f"cbc:{root}TypeCode", "BT-3"),
        Place("cbc:Note", "BT-22"),
        *_PARTIES,
        Place(f"cac:{root}Line", "BG-25", inner=_line(quantity)),
    )


_FORMS: Final[Mapping[DocumentKind, tuple[Syntax, tuple[Place, ...]]]] = {
    DocumentKind.INVOICE: (_syntax("Invoice"), _places("Invoice", "InvoicedQuantity")),
    DocumentKind.CREDIT_NOTE: (_syntax("CreditNote"), _places("CreditNote", "CreditedQuantity")),
}


def to_ubl(document: Document, specification: Specification = Specification.PEPPOL) -> bytes:
    """The document as UBL. It has a number, and at most two decimals."""
    syntax, places = _FORMS[document.kind]
    terms = terms_of(document)
    if specification is Specification.XRECHNUNG:
        terms = _said_to_the_end(terms)
    return write(syntax, places, {**terms, "BT-24": specification.value})


def _said_to_the_end(terms: Terms) -> Terms:
    """How it is paid (BR-DE-1), of a credit note by no means of ours; 0 % of what has no tax.

    What is of no period was delivered on the day of issue.
    """
    entries = terms["BG-23"]
    assert isinstance(entries, list)
    return {
        **terms,
        # BR-DE-TMP-32.
        "BT-72": terms["BT-2"] if terms.get("BT-73") is None else terms.get("BT-72"),
        "BT-81": terms.get("BT-81") or UNDEFINED_MEANS,
        # BR-DE-14; allowances outside of VAT have none all the same (BR-O-06).
        "BG-23": [{**one, "BT-119": one["BT-119"] or ZERO} for one in entries],
    }
