"""What opens pages for customers, on the wire (CONTRACT 3.8)."""

from __future__ import annotations

from pydantic import Field

from api.schemas.common import Moment, Schema, View, Words


class WidgetTokenCreate(Schema):
    """Whose portal is to be opened."""

    customer_external_id: Words = Field(examples=["acct_77"])
    """The `external_id` of the customer."""


class WidgetTokenView(View):
    """A token for one customer's portal, and the address that shows it."""

    token: str
    """The token, which opens this customer's portal and nothing else."""
    expires_at: Moment
    """Until when the token is good: an hour."""
    url: str = Field(description="What an `iframe` of yours shows.")


class InvoiceLinkView(View):
    """The token of an invoice's public page, and the address of the page."""

    public_token: str
    """The token in the address."""
    url: str
    """The address of the page. Whoever has it reads the invoice, without logging in."""
