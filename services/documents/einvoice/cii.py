"""UN/CEFACT Cross Industry Invoice, the ``factur-x.xml`` inside a PDF: Factur-X, profile EN 16931.

Source: CEN/TS 16931-3-3, where each term stands.
"""

from __future__ import annotations

from typing import Final

from services.documents.einvoice.terms import terms_of
from services.documents.einvoice.writing import Place, Syntax, write
from services.documents.view import Document

_URN: Final = "urn:un:unece:uncefact:data:standard"
_SYNTAX: Final = Syntax(
    root="rsm:CrossIndustryInvoice",
    namespaces={
        "xmlns:rsm": f"{_URN}:CrossIndustryInvoice:100",
        "xmlns:ram": f"{_URN}:ReusableAggregateBusinessInformationEntity:100",
        "xmlns:udt": f"{_URN}:UnqualifiedDataType:100",
    },
    day=lambda day: f"{day:%Y%m%d}",
    has_currencies=False,
)

_DAY: Final = "udt:DateTimeString[format=102]"
_AGREEMENT: Final = "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice"
_SETTLEMENT: Final = "ram:SpecifiedLineTradeSettlement"
_LINE: Final = (
    Place("ram:AssociatedDocumentLineDocument/ram:LineID", "BT-126"),
    Place("ram:SpecifiedTradeProduct/ram:Name", "BT-153"),
    Place("ram:SpecifiedTradeProduct/ram:Description", "BT-154"),
    Place(f"{_AGREEMENT}/ram:ChargeAmount", "BT-146"),
    Place(f"{_AGREEMENT}/ram:BasisQuantity", "BT-149"),
    Place("ram:SpecifiedLineTradeDelivery/ram:BilledQuantity", "BT-129"),
    Place(f"{_SETTLEMENT}/ram:ApplicableTradeTax/ram:TypeCode", "=VAT"),
    Place(f"{_SETTLEMENT}/ram:ApplicableTradeTax/ram:CategoryCode", "BT-151"),
    Place(f"{_SETTLEMENT}/ram:ApplicableTradeTax/ram:RateApplicablePercent", "BT-152"),
    Place(f"{_SETTLEMENT}/ram:BillingSpecifiedPeriod/ram:StartDateTime/{_DAY}", "BT-134"),
    Place(f"{_SETTLEMENT}/ram:BillingSpecifiedPeriod/ram:EndDateTime/{_DAY}", "BT-135"),
    Place(
        f"{_SETTLEMENT}/ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount",
        "BT-131",
    ),
)
_ALLOWANCE: Final = (
    Place("ram:ChargeIndicator/udt:Indicator", "=false"),
    Place("ram:ActualAmount", "BT-92"),
    Place("ram:ReasonCode", "BT-98"),
    Place("ram:Reason", "BT-97"),
    Place("ram:CategoryTradeTax/ram:TypeCode", "=VAT"),
    Place("ram:CategoryTradeTax/ram:CategoryCode", "BT-95"),
    Place("ram:CategoryTradeTax/ram:RateApplicablePercent", "BT-96"),
)
_TAX: Final = (
    Place("ram:CalculatedAmount", "BT-117"),
    Place("ram:TypeCode", "=VAT"),
    Place("ram:ExemptionReason", "BT-120"),
    Place("ram:BasisAmount", "BT-116"),
    Place("ram:CategoryCode", "BT-118"),
    Place("ram:ExemptionReasonCode", "BT-121"),
    Place("ram:RateApplicablePercent", "BT-119"),
)


def _address(party: str, *terms: str) -> tuple[Place, ...]:
    street, city, postal_code, state, country = terms
    return (
        Place(f"{party}/ram:PostalTradeAddress/ram:PostcodeCode", postal_code),
        Place(f"{party}/ram:PostalTradeAddress/ram:LineOne", street),
        Place(f"{party}/ram:PostalTradeAddress/ram:CityName", city),
        Place(f"{party}/ram:PostalTradeAddress/ram:CountryID", country),
        Place(f"{party}/ram:PostalTradeAddress/ram:CountrySubDivisionName", state),
    )


_CONTEXT: Final = "rsm:ExchangedDocumentContext"
_TRADE: Final = "rsm:SupplyChainTradeTransaction"
_SELLER: Final = f"{_TRADE}/ram:ApplicableHeaderTradeAgreement/ram:SellerTradeParty"
_CONTACT: Final = f"{_SELLER}/ram:DefinedTradeContact"
_BUYER: Final = f"{_TRADE}/ram:ApplicableHeaderTradeAgreement/ram:BuyerTradeParty"
_DELIVERY: Final = f"{_TRADE}/ram:ApplicableHeaderTradeDelivery"
_SHIP_TO: Final = f"{_DELIVERY}/ram:ShipToTradeParty/ram:PostalTradeAddress"
_PAYMENT: Final = f"{_TRADE}/ram:ApplicableHeaderTradeSettlement"
_MEANS: Final = f"{_PAYMENT}/ram:SpecifiedTradeSettlementPaymentMeans"
_ACCOUNT: Final = f"{_MEANS}/ram:PayeePartyCreditorFinancialAccount"
_SPAN: Final = f"{_PAYMENT}/ram:BillingSpecifiedPeriod"
_SUMS: Final = f"{_PAYMENT}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"

_PLACES: Final = (
    Place(
        f"{_CONTEXT}/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID",
        "=urn:cen.eu:en16931:2017",
    ),
    Place("rsm:ExchangedDocument/ram:ID", "BT-1"),
    Place("rsm:ExchangedDocument/ram:TypeCode", "BT-3"),
    Place(f"rsm:ExchangedDocument/ram:IssueDateTime/{_DAY}", "BT-2"),
    Place("rsm:ExchangedDocument/ram:IncludedNote/ram:Content", "BT-22"),
    Place(f"{_TRADE}/ram:IncludedSupplyChainTradeLineItem", "BG-25", inner=_LINE),
    Place(f"{_TRADE}/ram:ApplicableHeaderTradeAgreement/ram:BuyerReference", "BT-10"),
    Place(f"{_SELLER}/ram:Name", "BT-27"),
    Place(f"{_SELLER}/ram:SpecifiedLegalOrganization/ram:ID", "BT-30"),
    Place(f"{_CONTACT}/ram:PersonName", "BT-41"),
    Place(f"{_CONTACT}/ram:TelephoneUniversalCommunication/ram:CompleteNumber", "BT-42"),
    Place(f"{_CONTACT}/ram:EmailURIUniversalCommunication/ram:URIID", "BT-43"),
    *_address(_SELLER, "BT-35", "BT-37", "BT-38", "BT-39", "BT-40"),
    Place(f"{_SELLER}/ram:URIUniversalCommunication/ram:URIID", "BT-34"),
    Place(f"{_SELLER}/+ram:SpecifiedTaxRegistration/ram:ID[schemeID=VA]", "BT-31"),
    Place(f"{_SELLER}/+ram:SpecifiedTaxRegistration/ram:ID[schemeID=FC]", "BT-32"),
    Place(f"{_BUYER}/ram:Name", "BT-44"),
    *_address(_BUYER, "BT-50", "BT-52", "BT-53", "BT-54", "BT-55"),
    Place(f"{_BUYER}/ram:URIUniversalCommunication/ram:URIID", "BT-49"),
    Place(f"{_BUYER}/ram:SpecifiedTaxRegistration/ram:ID[schemeID=VA]", "BT-48"),
    Place(_DELIVERY, "="),
    Place(f"{_SHIP_TO}/ram:PostcodeCode", "BT-78"),
    Place(f"{_SHIP_TO}/ram:CityName", "BT-77"),
    Place(f"{_SHIP_TO}/ram:CountryID", "BT-80"),
    Place(f"{_DELIVERY}/ram:ActualDeliverySupplyChainEvent/ram:OccurrenceDateTime/{_DAY}", "BT-72"),
    Place(f"{_PAYMENT}/ram:InvoiceCurrencyCode", "BT-5"),
    Place(f"{_MEANS}/ram:TypeCode", "BT-81"),
    Place(f"{_ACCOUNT}/ram:IBANID", "BT-84"),
    Place(f"{_ACCOUNT}/ram:AccountName", "BT-85"),
    Place(f"{_MEANS}/ram:PayeeSpecifiedCreditorFinancialInstitution/ram:BICID", "BT-86"),
    Place(f"{_PAYMENT}/ram:ApplicableTradeTax", "BG-23", inner=_TAX),
    Place(f"{_SPAN}/ram:StartDateTime/{_DAY}", "BT-73"),
    Place(f"{_SPAN}/ram:EndDateTime/{_DAY}", "BT-74"),
    Place(f"{_PAYMENT}/ram:SpecifiedTradeAllowanceCharge", "BG-20", inner=_ALLOWANCE),
    Place(f"{_PAYMENT}/ram:SpecifiedTradePaymentTerms/ram:Description", "BT-20"),
    Place(f"{_PAYMENT}/ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/{_DAY}", "BT-9"),
    Place(f"{_SUMS}/ram:LineTotalAmount", "BT-106"),
    Place(f"{_SUMS}/ram:AllowanceTotalAmount", "BT-107"),
    Place(f"{_SUMS}/ram:TaxBasisTotalAmount", "BT-109"),
    Place(f"{_SUMS}/ram:TaxTotalAmount[currencyID=BT-5]", "BT-110"),
    Place(f"{_SUMS}/ram:GrandTotalAmount", "BT-112"),
    Place(f"{_SUMS}/ram:TotalPrepaidAmount", "BT-113"),
    Place(f"{_SUMS}/ram:DuePayableAmount", "BT-115"),
    Place(f"{_PAYMENT}/ram:InvoiceReferencedDocument/ram:IssuerAssignedID", "BT-25"),
)


def to_cii(document: Document) -> bytes:
    """The document as ``factur-x.xml``. It has a number, and at most two decimals."""
    return write(_SYNTAX, _PLACES, terms_of(document))
