"""Customers' accounts, and what is due, on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from api.schemas.common import Exact, Moment, View
from billing.books.chart import PostingKind
from billing.payments.dunning import CollectionAction, CollectionEntry
from repositories.books.receivables import FailedPayments
from services.books.receivables import Aged, Receivables, Scheduled
from services.books.statement import Posted, Statement


class BalanceView(View):
    """What a customer has, and is due, in one currency."""

    currency: str
    balance: Exact
    """The customer's credit: what the next invoice takes."""
    receivable: Exact
    """What invoices are due that are not written off."""
    written_off: Exact


class PostingView(View):
    """One movement of the account, with the balance after it."""

    currency: str
    sequence: int
    """Counted from 1 in each currency."""
    at: Moment
    kind: PostingKind
    amount: Exact
    balance: Exact
    other_side: str
    """The account of the journal that has as much less."""
    invoice_id: UUID | None
    invoice_number: str | None
    credit_note_id: UUID | None
    credit_note_number: str | None
    payment_id: UUID | None
    refund_id: UUID | None


class PartView(View):
    """How large the part is, and where the list goes on; null where it ends."""

    page_size: int
    next_cursor: str | None


class AccountView(View):
    """A customer's account: by currency, and its postings from the newest on."""

    accounts: list[BalanceView]
    data: list[PostingView]
    meta: PartView


class AgedView(View):
    """What is due in one currency by the days since it was due."""

    currency: str
    invoices: int
    total: Exact
    current: Exact
    """Not due yet."""
    days_1_to_30: Exact
    days_31_to_60: Exact
    days_61_to_90: Exact
    days_over_90: Exact


class AgedCustomerView(AgedView):
    """What one customer is due in one currency."""

    customer_id: UUID
    name: str
    external_id: str | None


class PageView(View):
    """Where a page stands in the whole list."""

    page: int
    page_size: int
    total: int
    total_pages: int


class ReceivablesView(View):
    """What is due: by currency over all customers, and by customer, who owes most first."""

    as_of: Moment
    totals: list[AgedView]
    data: list[AgedCustomerView]
    meta: PageView


class FailureView(View):
    """Payments that failed for one reason, in one currency."""

    error_code: str | None
    error: str | None
    """The gateway's words of the last of them."""
    currency: str
    payments: int
    amount: Exact
    last_at: Moment


class FailuresView(View):
    """Why payments failed, the most frequent reason first."""

    data: list[FailureView]


class EntryView(View):
    """Something that will happen by itself."""

    action: CollectionAction
    due_at: Moment


class ScheduledView(View):
    """An open invoice that is collected, and what happens to it next."""

    invoice_id: UUID
    invoice_number: str | None
    customer_id: UUID
    currency: str
    amount_due: Exact
    due_date: Moment
    failed_tries: int
    next: EntryView | None


class ScheduleView(View):
    """What is scheduled, by invoice, the oldest invoice first."""

    data: list[ScheduledView]
    meta: PartView


def view_schedule(
    found: Sequence[Scheduled], *, page_size: int, next_cursor: str | None
) -> ScheduleView:
    """The schedule as the API shows it."""
    return ScheduleView(
        data=[
            ScheduledView(
                invoice_id=one.invoice.id,
                invoice_number=one.invoice.invoice_number,
                customer_id=one.invoice.customer_id,
                currency=one.invoice.currency,
                amount_due=one.invoice.amount_due,
                due_date=one.invoice.due_date,
                failed_tries=one.failed_tries,
                next=_view_entry(one.entries),
            )
            for one in found
        ],
        meta=PartView(page_size=page_size, next_cursor=next_cursor),
    )


def _view_entry(entries: Sequence[CollectionEntry]) -> EntryView | None:
    return EntryView(action=entries[0].action, due_at=entries[0].due_at) if entries else None


def view_account(statement: Statement, *, page_size: int, next_cursor: str | None) -> AccountView:
    """The statement as the API shows it."""
    return AccountView(
        accounts=[BalanceView.model_validate(one._asdict()) for one in statement.balances],
        data=[_view_posting(one) for one in statement.postings],
        meta=PartView(page_size=page_size, next_cursor=next_cursor),
    )


def _view_posting(posted: Posted) -> PostingView:
    facts = posted.facts._asdict()
    facts.pop("provider")
    return PostingView(**facts, other_side=posted.other_side)


def view_receivables(
    found: Receivables, *, as_of: datetime, place: dict[str, int]
) -> ReceivablesView:
    """The sums as the API shows them."""
    return ReceivablesView(
        as_of=as_of,
        totals=[AgedView(**_ages(one)) for one in found.totals],
        data=[
            AgedCustomerView(
                customer_id=one.customer_id,
                name=one.name,
                external_id=one.external_id,
                **_ages(one.aged),
            )
            for one in found.customers
        ],
        meta=PageView(**place),
    )


def _ages(aged: Aged) -> dict[str, Any]:
    return {
        "currency": aged.currency,
        "invoices": aged.invoices,
        "total": aged.total,
        "current": aged.current,
        "days_1_to_30": aged.to_30,
        "days_31_to_60": aged.to_60,
        "days_61_to_90": aged.to_90,
        "days_over_90": aged.over_90,
    }


def view_failures(found: Sequence[FailedPayments]) -> FailuresView:
    """The reasons as the API shows them."""
    return FailuresView(data=[FailureView.model_validate(one._asdict()) for one in found])
