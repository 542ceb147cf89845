"""A customer's account as they see it: subscriptions with what they come to, and invoices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session

from billing.credits.grants import Place
from billing.errors import Conflict
from billing.invoicing.invoices import InvoiceTotals
from billing.invoicing.kinds import DocumentLanguage
from billing.money import ZERO
from billing.periods import Period
from billing.subscriptions import has_ended
from models.accounts.organizations import Organization
from models.customers import Customer
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription
from repositories import customers as stored_customers
from repositories.accounts import organizations as stored_organizations
from repositories.catalog import plans as stored_plans
from repositories.invoicing import invoices as stored_invoices
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.accounts.credentials import WidgetClaims
from services.documents.appearance.logos import read_logo
from services.documents.view import (
    Document,
    DocumentCoupon,
    DocumentKind,
    DocumentLine,
    Logo,
    Party,
    Prepaid,
)
from services.invoicing.previews import BillPreview, preview_invoice
from services.portal.usage import ChartedUsage, chart_usage
from services.required import require_customer
from services.subscriptions.clocks import present_of
from services.subscriptions.period_versions import terms_in_force

MOST_SUBSCRIPTIONS: Final = 20
MOST_BILLS: Final = 3
"""Of so many subscriptions the running bill is computed and the usage drawn."""

INVOICES_A_PAGE: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionAccount:
    """A subscription; ``running`` is its bill as if the period ended now, if one runs."""

    subscription: Subscription
    plan_name: str
    running: Document | None
    usage: tuple[ChartedUsage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a customer sees. ``at`` is their present; invoices are the newest of the page asked for.

    ``seller`` is whose customer they are; ``embed_hosts`` may frame the page.
    """

    customer_name: str
    seller: str
    logo: Logo | None
    language: DocumentLanguage
    timezone: str
    at: datetime
    subscriptions: tuple[SubscriptionAccount, ...]
    invoices: tuple[Invoice, ...]
    has_older_invoices: bool
    embed_hosts: tuple[str, ...]


def read_account(
    session: Session, claims: WidgetClaims, *, invoice_page: int, now: datetime
) -> Account:
    """The account of the customer that a widget token names. Raises NotFound."""
    organization_id, customer_id = claims.organization_id, claims.customer_id
    organization = stored_organizations.get_organization(session, organization_id)
    customer = require_customer(
        stored_customers.find_customer(session, organization_id, customer_id)
    )
    at = present_of(session, organization_id, customer.test_clock_id, now=now)
    invoices = stored_invoices.list_issued(
        session,
        organization_id,
        customer_id,
        offset=(invoice_page - 1) * INVOICES_A_PAGE,
        limit=INVOICES_A_PAGE + 1,
    )
    return Account(
        customer_name=customer.name,
        seller=organization.legal_name or organization.name,
        logo=None if organization.logo is None else read_logo(organization.logo),
        language=DocumentLanguage(customer.language or organization.document_language),
        timezone=organization.timezone,
        at=at,
        subscriptions=tuple(_read_subscriptions(session, organization, customer, at)),
        invoices=tuple(invoices[:INVOICES_A_PAGE]),
        has_older_invoices=len(invoices) > INVOICES_A_PAGE,
        embed_hosts=tuple(organization.embed_hosts),
    )


def _read_subscriptions(
    session: Session, organization: Organization, customer: Customer, at: datetime
) -> list[SubscriptionAccount]:
    found = stored_subscriptions.list_of_customer(
        session, organization.id, customer.id, limit=MOST_SUBSCRIPTIONS
    )
    names = stored_plans.list_plan_names(session, organization.id, {one.plan_id for one in found})
    accounts = []
    for number, one in enumerate(found):
        is_shown = number < MOST_BILLS and not has_ended(one.status)
        usage = chart_usage(session, one, terms_in_force(session, one), at=at) if is_shown else ()
        accounts.append(
            SubscriptionAccount(
                subscription=one,
                plan_name=names[one.plan_id],
                running=_running_bill(session, organization, customer, one) if is_shown else None,
                usage=tuple(usage),
            )
        )
    return accounts


def _running_bill(
    session: Session, organization: Organization, customer: Customer, subscription: Subscription
) -> Document | None:
    try:
        preview = preview_invoice(session, organization.id, subscription.id, at=None)
    except Conflict:
        # In a trial and in a pause no period runs.
        return None
    return _as_document(preview, organization, customer)


def _as_document(preview: BillPreview, organization: Organization, customer: Customer) -> Document:
    """The bill in the form of an invoice without a number, which is shown by the same rules."""
    totals, span = preview.totals, preview.span
    return Document(
        kind=DocumentKind.INVOICE,
        number=None,
        language=DocumentLanguage(customer.language or organization.document_language),
        currency=totals.currency,
        timezone=preview.subscription.timezone,
        issued_at=span.ends_at,
        seller=Party(name=organization.legal_name or organization.name),
        buyer=Party(name=customer.name),
        lines=tuple(DocumentLine(priced=one.line, total=one.line_total) for one in totals.lines),
        subtotal=totals.subtotal,
        coupons=tuple(
            DocumentCoupon.of(
                one.code,
                (
                    (share.amount, totals.lines[share.position].line.is_taxable)
                    for share in one.lines
                ),
            )
            for one in totals.discounts
        ),
        prepaid=_prepaid_of(totals),
        prepaid_after_tax=totals.credits_after_tax,
        taxes=totals.taxes,
        tax=totals.tax,
        total=totals.total,
        amount_paid=ZERO,
        amount_due=totals.amount_due,
        receipt=b"{}",
        period=Period(starts_at=span.starts_at, ends_at=span.ends_at),
    )


def _prepaid_of(totals: InvoiceTotals) -> Prepaid | None:
    if not totals.credits_before_tax:
        return None
    untaxed = (
        one.amount
        for one in totals.draws
        if one.place is Place.BEFORE_TAX and not totals.lines[one.position].line.is_taxable
    )
    return Prepaid(amount=totals.credits_before_tax, untaxed=sum(untaxed, ZERO))
