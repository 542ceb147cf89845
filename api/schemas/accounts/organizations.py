"""The organization on the wire (CONTRACT section 6)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StrictInt, StringConstraints

from api.schemas.common import (
    Count,
    Email,
    Flag,
    Moment,
    OneLine,
    Schema,
    View,
    Words,
    any_case,
)
from api.schemas.described import ShownAs
from api.schemas.free_form import AnyObject, FreeForm
from api.schemas.patches import Patch
from api.transport.refused.forms import NAME_IN_ADDRESSES
from billing.invoicing.kinds import DocumentLanguage, LateUsage, NumberAt
from billing.payments.dunning import REMINDER_DAYS, AfterRetries, Dunning
from billing.payments.states import SurplusPayments
from billing.rating.proration import ProrationBasis
from billing.rating.terms import Effective
from models.accounts.organizations import Organization
from services.accounts.settings import ChangeSettings
from services.documents.appearance.logos import read_logo
from services.documents.pdf import require_typesettable

Slug = Annotated[
    str,
    StringConstraints(
        strict=True, strip_whitespace=True, max_length=100, pattern=NAME_IN_ADDRESSES
    ),
]


class DunningBody(Schema):
    """What follows a try that failed; what is left out stays."""

    retry_days: list[StrictInt] = Field(
        default_factory=lambda: list(Dunning().retry_days), examples=[[1, 3, 5, 7]]
    )
    """On which days after the first failed try the saved method is charged again, ascending from
    1."""
    then: Annotated[AfterRetries, any_case(AfterRetries)] = AfterRetries.NONE
    """What is done when the last of these tries failed too."""


class DunningView(View, like=(DunningBody,)):
    """What follows a try that failed."""

    retry_days: list[int]
    then: AfterRetries


class OrganizationPatch(Patch):
    """Settings to change; what is absent stays.

    Addresses, the logo, the legal name and both numbers can be null.
    """

    name: Words = Field(default="")
    """What the organization is called."""
    slug: Slug = Field(default="")
    """The organization's name for addresses: lower-case letters, digits and single hyphens."""
    legal_name: Words | None = Field(
        default=None, description="The registered name on documents, where it is not `name`."
    )
    tax_id: Words | None = Field(default=None, examples=["DE136695976"])
    """The organization's tax identification number, such as a VAT id, for documents."""
    registration_number: Words | None = Field(default=None, examples=["HRB 1234 B"])
    """The number in the commercial register, for documents."""
    contact_name: Words | None = None
    """Whom buyers ask about a document; e-invoices name them."""
    contact_phone: Words | None = Field(default=None, examples=["+49 30 1234567"])
    """Where buyers call about a document."""
    contact_email: Words | None = Field(default=None, examples=["billing@harbor.example"])
    """Where buyers write about a document."""
    logo: Annotated[str, StringConstraints(strict=True, max_length=400_000)] | None = Field(
        default=None,
        description="A PNG or SVG picture of at most 256 KiB as a data URI in base64. SVG consists"
        " of shapes; letters are outlines.",
        examples=["data:image/png;base64,iVBORw0KGgo="],
    )
    document_language: Annotated[DocumentLanguage, any_case(DocumentLanguage)] = (
        DocumentLanguage.ENGLISH
    )
    """What documents are written in, for customers that say no language."""
    timezone: Words = Field(default="")
    currency: Words = Field(default="")
    """The currency that is proposed for new plans, an ISO 4217 code such as `EUR`."""
    billing_address_line1: Words | None = None
    billing_address_city: Words | None = None
    billing_address_state: Words | None = None
    billing_address_postal_code: Words | None = None
    billing_address_country: Words | None = None
    payment_terms_days: Annotated[Count, Field(ge=0, le=3650)] = 30
    """How many days after its issue date an invoice is due."""
    grace_period_minutes: Annotated[Count, Field(ge=0, le=525_600)] = 60
    """How many minutes a draft waits for late usage before it is final; 0 makes it final at
    once."""
    proration: Annotated[ProrationBasis, any_case(ProrationBasis)] = ProrationBasis.DAY
    """By what parts of periods are measured."""
    late_usage: Annotated[LateUsage, any_case(LateUsage)] = LateUsage.NEXT_INVOICE
    """How usage is settled that arrives after the invoice of its period is final."""
    number_at: Annotated[NumberAt, any_case(NumberAt)] = NumberAt.DRAFT
    """When invoices get their numbers."""
    plan_edits: Annotated[
        Effective,
        any_case(Effective),
        Field(
            description="Which periods an edit of a plan reaches that does not say so itself:"
            " those that begin after it, or those that run too.",
            examples=["next_period"],
        ),
    ] = Effective.NEXT_PERIOD
    auto_create_customers: Flag = True
    """Whether usage under an unknown `external_id` creates the customer."""
    auto_email: Flag = True
    """Whether invoices are mailed when they become final."""
    bank_details: FreeForm = Field(default_factory=dict)
    """Where customers transfer money to, as documents show it."""
    smtp_host: Words | None = Field(default=None, examples=["smtp.example.com"])
    """The mail server; null where no mail is sent."""
    smtp_port: Annotated[Count, Field(ge=1, le=65_535)] = 587
    """The port of the mail server."""
    smtp_username: OneLine | None = None
    """The user at the mail server; null where it asks for none."""
    smtp_password: (
        Annotated[str, StringConstraints(strict=True, min_length=1, max_length=500)] | None
    ) = Field(default=None, description="Stored sealed, and never shown.")
    smtp_use_tls: Flag = Field(
        default=True,
        description="TLS from the first byte on port 465, else STARTTLS, which the server must"
        " offer; its certificate must name `smtp_host`.",
    )
    smtp_from_email: Email | None = None
    """The address that mails are from."""
    smtp_from_name: OneLine | None = Field(
        default=None, description="Who mails are from, where it is not `name`."
    )
    smtp_reply_to: Email | None = Field(
        default=None, description="Where answers go, where it is not `smtp_from_email`."
    )
    surplus_payments: Annotated[
        SurplusPayments,
        any_case(SurplusPayments),
        Field(
            description="What becomes of money that a gateway took beyond what is due: the"
            " customer's credit, or it goes back."
        ),
    ] = SurplusPayments.CREDIT
    dunning: DunningBody = Field(
        default_factory=DunningBody,
        description="On which days after the first failed try the saved method is charged again,"
        " and what follows the last.",
    )
    reminder_days: list[StrictInt] = Field(
        default_factory=lambda: list(REMINDER_DAYS),
        description="On which days customers are reminded of what is unpaid: after the due date,"
        " or before it where they are negative.",
        examples=[[-3, 1, 7]],
    )
    require_second_factor: Flag = False
    """Whether members reach nothing but their own account until they have an authenticator. Who
    sets it has one; API keys go on."""
    embed_hosts: list[Words] = Field(
        default_factory=list,
        description="The hosts whose pages may frame the portal, such as `app.example.com`,"
        " `*.example.com` or `localhost:3000`.",
        examples=[["app.example.com"]],
    )

    def command(self) -> ChangeSettings:
        """The command that the body stands for: what it names, and nothing else.

        Raises InvalidInput ``invalid_logo``.
        """
        if self.logo is not None:
            require_typesettable(read_logo(self.logo))
        return ChangeSettings(
            values={name: _plain(getattr(self, name)) for name in self.model_fields_set}
        )


class OrganizationView(View, like=(OrganizationPatch,)):
    """An organization with its billing settings."""

    id: UUID
    name: str
    slug: str
    legal_name: str | None
    """The registered name on documents; null where it is `name`."""
    tax_id: str | None
    registration_number: str | None
    contact_name: str | None
    contact_phone: str | None
    contact_email: str | None
    logo: str | None
    document_language: DocumentLanguage
    timezone: str
    """The IANA time zone, such as `Europe/Berlin`, whose days, weeks and months count where a
    subscription says no other."""
    currency: str
    billing_address_line1: str | None
    billing_address_city: str | None
    billing_address_state: str | None
    billing_address_postal_code: str | None
    billing_address_country: str | None
    payment_terms_days: int
    grace_period_minutes: int
    proration: ProrationBasis
    late_usage: LateUsage
    number_at: NumberAt
    plan_edits: Effective
    auto_create_customers: bool
    auto_email: bool
    bank_details: AnyObject
    smtp_host: str | None
    smtp_port: int
    smtp_username: str | None
    smtp_use_tls: bool
    smtp_from_email: str | None
    smtp_from_name: str | None
    smtp_reply_to: str | None
    has_smtp_password: bool
    """Whether a password for the mail server is stored. It is never shown."""
    require_second_factor: bool
    embed_hosts: list[str]
    surplus_payments: SurplusPayments
    dunning: Annotated[dict[str, Any], ShownAs(DunningView)]
    reminder_days: list[int]
    sandbox_id: UUID | None
    """Its sandbox, for the header `Fluxrate-Organization`. Null without one, and in a sandbox."""
    sandbox_of: UUID | None
    """Whose sandbox it is. Null in an organization that is none."""
    created_at: Moment


def view_organization(organization: Organization) -> OrganizationView:
    """The organization as the API shows it."""
    stored = {
        name: getattr(organization, name)
        for name in OrganizationView.model_fields
        if name != "has_smtp_password"
    }
    return OrganizationView(
        **stored, has_smtp_password=organization.sealed_smtp_password is not None
    )


def _plain(value: object) -> object:
    match value:
        case StrEnum():
            return value.value
        case DunningBody():
            return {name: _plain(getattr(value, name)) for name in value.model_fields_set}
        case _:
            return value
