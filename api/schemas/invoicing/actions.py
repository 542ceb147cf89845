"""What can be asked of an invoice, on the wire (CONTRACT 3.9 and section 6)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.common import (
    Count,
    Flag,
    Instant,
    LongWords,
    NotNegative,
    Schema,
    SignedPrice,
    Words,
    any_case,
)
from billing.errors import InvalidInput
from billing.invoicing.invoices import InvoiceStatus
from services.invoicing.manual import DraftEdit, ManualInvoice, ManualLine


class LineItem(Schema):
    """A line written by hand."""

    description: Words
    """What the line is for."""
    quantity: NotNegative
    """How many units are billed."""
    unit_amount: SignedPrice
    """What a unit costs; below 0 for a discount."""

    def line(self) -> ManualLine:
        """The line as the service takes it."""
        return ManualLine(
            description=self.description, quantity=self.quantity, unit_amount=self.unit_amount
        )


class InvoiceCreate(Schema):
    """An invoice written by hand. It becomes a DRAFT."""

    customer_id: UUID
    """The customer who is billed."""
    currency: Words
    due_date: Instant
    """When the invoice is due."""
    line_items: Annotated[list[LineItem], Field(min_length=1, max_length=1000)]
    """The lines, in the order of the document."""
    subscription_id: UUID | None = None
    """The subscription that it belongs to, if any."""

    def command(self) -> ManualInvoice:
        """The command that the body stands for."""
        return ManualInvoice(
            customer_id=self.customer_id,
            currency=self.currency,
            due_date=self.due_date,
            lines=tuple(item.line() for item in self.line_items),
            subscription_id=self.subscription_id,
        )


class InvoiceEdit(Schema):
    """What to change of a draft; what is left out stays."""

    customer_id: UUID | None = None
    """The customer who is billed."""
    due_date: Instant | None = None
    """When the invoice is due."""
    line_items: Annotated[list[LineItem], Field(min_length=1, max_length=1000)] | None = None
    """All lines, in the place of those that were."""

    def command(self) -> DraftEdit:
        """The command that the body stands for. Raises InvalidInput for an empty one."""
        if not self.model_fields_set:
            raise InvalidInput("Send at least one field to change.", code="nothing_to_change")
        items = self.line_items
        return DraftEdit(
            customer_id=self.customer_id,
            due_date=self.due_date,
            lines=None if items is None else tuple(item.line() for item in items),
        )


class StatusChange(Schema):
    """The state that the invoice is to be in, and why.

    ``settle`` false: what a voided invoice settled of earlier periods is not billed again.
    """

    status: Annotated[InvoiceStatus, any_case(InvoiceStatus)]
    """The state that the invoice is to be in."""
    note: LongWords | None = None
    """Why, for the invoice's `meta_data` and the audit log."""
    settle: Flag = True
    """Of a void invoice: whether what it settled of earlier periods is billed again."""
    extend_days: Annotated[Count, Field(ge=1, le=3650)] | None = None
    """Of a void invoice: for how many days credit lives on that goes back to grants that are over;
    null: it is gone."""
