"""What can be asked of an invoice, on the wire (CONTRACT 3.9 and section 6)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.schemas.common import (
    Flag,
    Instant,
    LongWords,
    Moment,
    NotNegative,
    Schema,
    SignedPrice,
    View,
    Words,
    any_case,
)
from billing.errors import InvalidInput
from billing.invoicing.invoices import InvoiceStatus
from models.invoicing.invoices import InvoiceReceipt
from services.invoicing.manual import DraftEdit, ManualInvoice, ManualLine
from services.invoicing.proofs import Explanation, Verification


class LineItem(Schema):
    """A line written by hand."""

    description: Words
    quantity: NotNegative
    unit_amount: SignedPrice

    def line(self) -> ManualLine:
        """The line as the service takes it."""
        return ManualLine(
            description=self.description, quantity=self.quantity, unit_amount=self.unit_amount
        )


class InvoiceCreate(Schema):
    """An invoice written by hand. It becomes a DRAFT."""

    customer_id: UUID
    currency: Words
    due_date: Instant
    line_items: Annotated[list[LineItem], Field(min_length=1, max_length=1000)]
    subscription_id: UUID | None = None

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
    due_date: Instant | None = None
    line_items: Annotated[list[LineItem], Field(min_length=1, max_length=1000)] | None = None

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
    note: LongWords | None = None
    settle: Flag = True


class ReceiptView(View):
    """What a generated invoice was computed from."""

    engine_version: str
    plan_version: int
    revision: int
    period_start: Moment
    period_end: Moment
    watermark: int
    inputs_digest: str
    lines_digest: str
    created_at: Moment


def view_receipt(receipt: InvoiceReceipt) -> ReceiptView:
    """The receipt as the API shows it."""
    return ReceiptView(**{name: getattr(receipt, name) for name in ReceiptView.model_fields})


def view_verification(verification: Verification) -> dict[str, Any]:
    """Equal, or where the first difference is."""
    found = verification.difference
    difference = None
    if found is not None:
        difference = {
            "line_id": verification.line_id,
            "field": found.field,
            "billed": found.billed,
            "recomputed": found.recomputed,
        }
    return {
        "result": "equal" if difference is None else "different",
        "checked_at": verification.checked_at,
        "lines": verification.line_count,
        "first_difference": difference,
        "pending_late_usage": verification.is_late_usage_pending,
    }


def view_explanation(explanation: Explanation, *, url: str | None) -> dict[str, Any]:
    """The steps of a line, and where its events are."""
    steps = [
        {"name": step.name, "inputs": dict(step.inputs), "output": step.output}
        for step in explanation.steps
    ]
    events = {"count": explanation.event_count, "digest": explanation.digest, "url": url}
    return {"steps": steps, "events": events}
