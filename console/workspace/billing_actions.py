"""What is done from the screens of invoices, periods, clocks and deliveries."""

from __future__ import annotations

from typing import Final

from billing.invoicing.invoices import InvoiceStatus
from console.workspace.actions import Action, Field

FINALIZE: Final = Action(
    title="Finalize",
    path="/invoices/{id}/finalize",
    call="/invoices/{id}/finalize",
    back="/invoices/{id}",
)
RECORD_PAYMENT: Final = Action(
    title="Record a payment",
    path="/invoices/{id}/payments",
    call="/invoices/{id}/payments",
    back="/invoices/{id}",
    fields=(
        Field(name="amount", title="Amount", is_required=True),
        Field(name="method", title="Method", value="bank_transfer"),
        Field(name="reference", title="Reference"),
    ),
)
VOID: Final = Action(
    title="Void",
    path="/invoices/{id}/void",
    call="/invoices/{id}/status",
    back="/invoices/{id}",
    method="PATCH",
    fields=(Field(name="note", title="Why"),),
    body={"status": InvoiceStatus.VOID},
    confirms=True,
    is_grave=True,
)
RETRY: Final = Action(
    title="Try again",
    path="/subscriptions/{id}/periods/{period}/retry",
    call="/subscriptions/{id}/periods/{period}/retry",
    back="/operations",
)
SKIP: Final = Action(
    title="Skip the bill",
    path="/subscriptions/{id}/periods/{period}/skip",
    call="/subscriptions/{id}/periods/{period}/skip",
    back="/operations",
    fields=(Field(name="reason", title="Why", is_required=True),),
    confirms=True,
    is_grave=True,
)
ADVANCE: Final = Action(
    title="Advance",
    path="/test-clocks/{id}/advance",
    call="/test-clocks/{id}/advance",
    back="/test-clocks/{id}",
    fields=(Field(name="frozen_time", title="To", is_required=True),),
)
NEW_CLOCK: Final = Action(
    title="New test clock",
    path="/test-clocks",
    call="/test-clocks",
    back="/test-clocks",
    fields=(
        Field(name="name", title="Name"),
        Field(name="frozen_time", title="Its present", is_required=True),
    ),
)

ACTIONS: Final = (FINALIZE, RECORD_PAYMENT, VOID, RETRY, SKIP, ADVANCE, NEW_CLOCK)
