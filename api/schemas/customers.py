"""Customers on the wire (CONTRACT 2.9)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import Email, Moment, Name, Schema, View, Words, any_case
from api.schemas.patches import Patch
from billing.invoicing.kinds import DocumentLanguage
from billing.pending_changes import ChangeAction
from models.customers import Customer
from services.customers import CreateCustomer, CustomerDetails, UpdateCustomer
from services.personal_data.erasing import Erasure, ErasureStatus


class CustomerBody(Schema):
    """What is said of a customer."""

    name: Words
    """What the customer is called, on documents too."""
    email: Email
    """Where invoices and reminders are sent."""
    external_id: Name | None = None
    """Your own id of the customer, unique in the organization. Usage and paths may name the
    customer by it."""
    phone: Words | None = None
    """A telephone number, in any notation."""
    billing_address_line1: Words | None = None
    billing_address_city: Words | None = None
    billing_address_state: Words | None = None
    billing_address_postal_code: Words | None = None
    billing_address_country: Words | None = None
    tax_id: Words | None = Field(default=None, examples=["FR40303265045"])
    """The customer's tax identification number, such as a VAT id, for documents."""
    language: Annotated[DocumentLanguage, any_case(DocumentLanguage)] | None = Field(
        default=None,
        description="What documents are written in, where it is not the organization's"
        " `document_language`.",
    )
    buyer_reference: Words | None = Field(
        default=None, description="What documents repeat for the buyer, such as an order number."
    )


class CustomerCreate(CustomerBody):
    """A customer. ``test_clock_id`` puts it on a test clock's time, for ever."""

    test_clock_id: UUID | None = None
    """The test clock to put the customer on, for ever. Without one it lives by the wall clock."""

    def command(self) -> CreateCustomer:
        """The command that the body stands for."""
        return CreateCustomer(details=self.fill(CustomerDetails), test_clock_id=self.test_clock_id)


class CustomerPatch(Patch, CustomerBody):
    """New values of a customer; null clears what is optional."""

    name: Words = Field(default="")
    email: Email = Field(default="")

    def command(self) -> UpdateCustomer:
        """The command that the body stands for: what it leaves out stays."""
        return UpdateCustomer(details=self.fill(CustomerDetails), given=self.given)


class CustomerView(View, like=(CustomerBody,)):
    """A customer. ``auto_created``: usage under an unknown ``external_id`` created it.

    The ``email`` of such a customer is null until somebody gives it one.
    """

    id: UUID
    organization_id: UUID
    name: str
    email: str | None
    """Where invoices and reminders are sent; null for a customer that usage created, until somebody
    gives it one."""
    external_id: str | None
    phone: str | None
    billing_address_line1: str | None
    billing_address_city: str | None
    billing_address_state: str | None
    billing_address_postal_code: str | None
    billing_address_country: str | None
    tax_id: str | None
    language: DocumentLanguage | None
    buyer_reference: str | None
    test_clock_id: UUID | None
    auto_created: bool
    """Whether usage under an unknown `external_id` created the customer."""
    created_at: Moment
    updated_at: Moment


class DeletionView(View):
    """A deletion that waits until the missed periods before it are billed."""

    action: Literal[ChangeAction.DELETE]
    """What waits."""
    at: Moment
    """As of when the subscriptions end."""
    subscriptions: int
    """How many subscriptions are left to be canceled."""


class PendingDeletionView(View):
    """A customer that is deleted as soon as the missed periods are billed."""

    id: UUID
    pending_change: DeletionView
    """What waits, and for how many subscriptions."""


class ErasureBody(Schema):
    """Who is to be erased, typed once more: nothing brings them back."""

    confirm: Words
    """The customer's `external_id`, `email` or `id`."""


class ErasureView(View):
    """How far the erasure of a customer has come, and what is kept by law."""

    customer_id: UUID
    """Who was erased. Documents, payments and usage go on naming them by this id alone."""
    status: ErasureStatus
    """`erasing` while events lose what they were sent with or a gateway is still to forget a saved
    method; all else is erased when this is answered."""
    requested_at: Moment
    """When it was first asked for, by the wall clock."""
    completed_at: Moment | None
    """When the last of the events was done, by the wall clock; null before."""
    kept_invoices: int
    """How many invoices are kept as they were issued, with their credit notes and receipts."""
    documents_kept_until: Moment | None
    """When the legal period of the last of them ends and their buyer is erased too; null without
    any."""
    payment_methods_left: int
    """How many saved methods gateways have not been able to forget yet."""


def view_customer(customer: Customer) -> CustomerView:
    """The customer as the API shows it."""
    return CustomerView.model_validate(customer, from_attributes=True)


def view_pending_deletion(
    customer_id: UUID, *, at: datetime, subscriptions: int
) -> PendingDeletionView:
    """The deletion that waits, as the API shows it."""
    change = DeletionView(action=ChangeAction.DELETE, at=at, subscriptions=subscriptions)
    return PendingDeletionView(id=customer_id, pending_change=change)


def view_erasure(erasure: Erasure) -> ErasureView:
    """The erasure as the API shows it."""
    row = erasure.row
    return ErasureView(
        customer_id=row.customer_id,
        status=erasure.status,
        requested_at=row.requested_at,
        completed_at=row.completed_at,
        kept_invoices=erasure.invoice_count,
        documents_kept_until=row.documents_kept_until,
        payment_methods_left=erasure.method_count,
    )
