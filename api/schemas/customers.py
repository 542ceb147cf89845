"""Customers on the wire (CONTRACT 2.9)."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from api.schemas.common import Email, Moment, Name, Schema, View, Words
from api.schemas.patches import Patch
from models.customers import Customer
from services.customers import CreateCustomer, CustomerDetails, UpdateCustomer


class CustomerCreate(Schema):
    """A customer. ``test_clock_id`` puts it on a test clock's time, for ever."""

    name: Words
    email: Email
    external_id: Name | None = None
    phone: Words | None = None
    billing_address_line1: Words | None = None
    billing_address_city: Words | None = None
    billing_address_state: Words | None = None
    billing_address_postal_code: Words | None = None
    billing_address_country: Words | None = None
    test_clock_id: UUID | None = None

    def command(self) -> CreateCustomer:
        """The command that the body stands for."""
        return CreateCustomer(details=_details(self), test_clock_id=self.test_clock_id)


class CustomerPatch(Patch):
    """New values of a customer; null clears what is optional."""

    name: Words = Field(default="")
    email: Email = Field(default="")
    external_id: Name | None = None
    phone: Words | None = None
    billing_address_line1: Words | None = None
    billing_address_city: Words | None = None
    billing_address_state: Words | None = None
    billing_address_postal_code: Words | None = None
    billing_address_country: Words | None = None

    def command(self) -> UpdateCustomer:
        """The command that the body stands for: what it leaves out stays."""
        return UpdateCustomer(details=_details(self), given=self.given)


class CustomerView(View):
    """A customer. ``auto_created``: usage under an unknown ``external_id`` created it.

    The ``email`` of such a customer is null until somebody gives it one.
    """

    id: UUID
    organization_id: UUID
    name: str
    email: str | None
    external_id: str | None
    phone: str | None
    billing_address_line1: str | None
    billing_address_city: str | None
    billing_address_state: str | None
    billing_address_postal_code: str | None
    billing_address_country: str | None
    test_clock_id: UUID | None
    auto_created: bool
    created_at: Moment
    updated_at: Moment


def view_customer(customer: Customer) -> CustomerView:
    """The customer as the API shows it."""
    return CustomerView.model_validate(customer, from_attributes=True)


def _details(body: CustomerCreate | CustomerPatch) -> CustomerDetails:
    return CustomerDetails(
        name=body.name,
        email=body.email,
        external_id=body.external_id,
        phone=body.phone,
        billing_address_line1=body.billing_address_line1,
        billing_address_city=body.billing_address_city,
        billing_address_state=body.billing_address_state,
        billing_address_postal_code=body.billing_address_postal_code,
        billing_address_country=body.billing_address_country,
    )
