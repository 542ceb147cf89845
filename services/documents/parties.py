"""Whom a document names, as it names them: present until it is issued, and then for ever.

Source: CONTRACT 4.8, what is open does not change. Bank details and the logo are no parties: they
say where to pay today, and who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from sqlmodel import Session

from billing.invoicing.kinds import DocumentLanguage
from billing.invoicing.receipts import from_document, to_document
from models.accounts.organizations import Organization
from models.customers import Customer
from models.invoicing.invoices import Invoice, InvoiceParties
from repositories import customers as stored_customers
from repositories.accounts import organizations as stored_organizations
from repositories.invoicing import invoices as stored_invoices
from services.documents.contents import tax_amount_of
from services.documents.einvoice.checks import judge
from services.documents.view import Party
from services.required import require_customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Who bills and who is billed, in which language, and under which reference of the buyer's."""

    seller: Party
    buyer: Party
    language: DocumentLanguage
    buyer_reference: str | None


def keep_parties(session: Session, invoices: Sequence[Invoice]) -> None:
    """These invoices, just become final, name their parties as they are now from here on.

    Each says which rules of e-invoices it breaks by that.
    """
    taxes = stored_invoices.list_taxes_by_key(
        session, [(one.organization_id, one.id) for one in invoices]
    )
    customers = stored_customers.list_by_key(
        session, {(one.organization_id, one.customer_id) for one in invoices}
    )
    for invoice in invoices:
        organization_id = invoice.organization_id
        organization = stored_organizations.get_organization(session, organization_id)
        parties = _present(organization, customers[organization_id, invoice.customer_id])
        verdict = judge(
            parties.seller,
            parties.buyer,
            [tax_amount_of(row) for row in taxes[organization_id, invoice.id]],
            buyer_reference=parties.buyer_reference,
            currency=invoice.currency,
        )
        invoice.einvoice = None if verdict is None else asdict(verdict)
        session.add(
            InvoiceParties(
                organization_id=organization_id,
                invoice_id=invoice.id,
                parties=to_document(parties),
            )
        )


def read_parties(session: Session, invoice: Invoice) -> Parties:
    """The parties as the invoice names them: those that were kept with it, else the present ones.

    A draft has none yet, and neither has what was final before they were kept.
    """
    kept = stored_invoices.find_parties(session, invoice.organization_id, invoice.id)
    if kept is not None:
        return from_document(Parties, kept.parties)
    customer = stored_customers.find_customer(session, invoice.organization_id, invoice.customer_id)
    return _present(
        stored_organizations.get_organization(session, invoice.organization_id),
        require_customer(customer, may_be_deleted=True),
    )


def _present(organization: Organization, customer: Customer) -> Parties:
    seller = _party_of(organization, name=organization.legal_name or organization.name)
    return Parties(
        seller=replace(seller, registration_number=organization.registration_number),
        buyer=_party_of(customer, name=customer.name, email=customer.email),
        language=DocumentLanguage(customer.language or organization.document_language),
        buyer_reference=customer.buyer_reference,
    )


def _party_of(row: Organization | Customer, *, name: str, email: str | None = None) -> Party:
    return Party(
        name=name,
        email=email,
        street=row.billing_address_line1,
        city=row.billing_address_city,
        state=row.billing_address_state,
        postal_code=row.billing_address_postal_code,
        country=row.billing_address_country,
        tax_id=row.tax_id,
    )
