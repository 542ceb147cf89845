"""Customers' accounts, and what is due, on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from api.schemas.common import LongWords, Moment, Money, NotNegative, Schema, View, Words
from api.schemas.pages import ListOf, PageMeta, PartMeta, PartOf
from billing.books.chart import PostingKind
from billing.payments.dunning import CollectionAction
from repositories.books.receivables import FailedPayments
from services.books.receivables import Aged, Receivables, Scheduled
from services.books.statement import Posted, Statement
from services.books.turnover import Turnover


class WriteOff(Schema):
    """What a customer owes on no invoice, and nobody expects any more."""

    currency: Words
    """In which currency they owe it."""
    amount: NotNegative | None = None
    """How much is given up, in major units; absent for all of it."""
    note: LongWords | None = None
    """Why, in your words."""


class BalanceView(View):
    """What a customer has, and is due, in one currency."""

    currency: str
    balance: Money
    """The customer's credit: what the next invoice takes."""
    receivable: Money
    """What invoices are due that are not written off."""
    written_off: Money
    """What was given up: due on uncollectible invoices, and owed on none."""
    owed: Money
    """What went back beyond what the customer had with you, because they had spent it or got it
    back before; their next credit is taken for it."""


class PostingView(View):
    """One movement of the account, with the balance after it."""

    currency: str
    sequence: int
    """Counted from 1 in each currency."""
    at: Moment
    """When it happened."""
    kind: PostingKind
    """Why the balance moved."""
    amount: Money
    """By how much the balance moved; below 0 where it became less."""
    balance: Money
    """The balance after it."""
    other_side: str
    """The account of the journal that has as much less."""
    invoice_id: UUID | None
    """The invoice that it is about; null where it is about none."""
    invoice_number: str | None
    """The number of that invoice; null where it is about none."""
    credit_note_id: UUID | None
    """The credit note that it is about; null where it is about none."""
    credit_note_number: str | None
    """The number of that credit note; null where it is about none."""
    payment_id: UUID | None
    """The payment that it is about; null where it is about none."""
    refund_id: UUID | None
    """The refund that it is about; null where it is about none."""


class CustomerAccountView(View):
    """A customer's account: by currency, and its postings from the newest on."""

    accounts: list[BalanceView]
    """What there is and is due, by currency."""
    data: list[PostingView]
    """The postings, newest first."""
    meta: PartMeta
    """How large the part is, and how the list goes on."""


class AgedReceivablesView(View):
    """What is due in one currency by the days since it was due."""

    currency: str
    invoices: int
    """How many invoices are due."""
    total: Money
    """What is due in all."""
    owed: Money
    """What of the total is of no invoice: credit that was spent, and whose money went back."""
    current: Money
    """Not due yet."""
    days_1_to_30: Money
    """What has been due for 1 to 30 days."""
    days_31_to_60: Money
    """What has been due for 31 to 60 days."""
    days_61_to_90: Money
    """What has been due for 61 to 90 days."""
    days_over_90: Money
    """What has been due for more than 90 days."""


class CustomerReceivablesView(AgedReceivablesView):
    """What one customer is due in one currency."""

    customer_id: UUID
    name: str
    """What the customer is called."""
    external_id: str | None
    """Your own id of the customer; null where it has none."""


class ReceivablesView(View):
    """What is due: by currency over all customers, and by customer, who owes most first."""

    as_of: Moment
    """The instant that days are counted to."""
    totals: list[AgedReceivablesView]
    """What is due over all customers, by currency."""
    data: list[CustomerReceivablesView]
    """What is due by customer and currency, who owes most first."""
    meta: PageMeta
    """Where the page stands in the whole list."""


class FailureReasonView(View):
    """Payments that failed for one reason, in one currency."""

    error_code: str | None
    """The gateway's code of the reason; null where it gave none."""
    error: str | None
    """The gateway's words of the last of them."""
    currency: str
    payments: int
    """How many payments failed."""
    amount: Money
    """What they come to."""
    last_at: Moment
    """When the last of them failed."""


class TurnoverRowView(View):
    """What came to pass in one currency."""

    currency: str
    invoices: int
    """How many invoices were issued that are not void."""
    invoiced: Money
    """What these invoices come to, tax included."""
    credited: Money
    """What credit notes gave back."""
    paid: Money
    """What was paid, whenever its invoice was issued."""
    refunded: Money
    """What was paid back."""


class TurnoverView(View):
    """Money in and out, by currency, from one day to another."""

    first_day: date
    """The first day, in the organization's zone."""
    last_day: date
    """The last day, itself included."""
    data: list[TurnoverRowView]
    """What came to pass, a row for each currency in which anything did."""


def view_turnover(found: Turnover) -> TurnoverView:
    """The sums as the API shows them."""
    return TurnoverView(
        first_day=found.first_day,
        last_day=found.last_day,
        data=[TurnoverRowView(**one._asdict()) for one in found.rows],
    )


class ScheduledActionView(View):
    """Something that will happen by itself."""

    action: CollectionAction
    """What will happen."""
    due_at: Moment
    """When it will happen."""


class ScheduledPaymentView(View):
    """An open invoice that is collected, and what happens to it next."""

    invoice_id: UUID
    invoice_number: str | None
    customer_id: UUID
    currency: str
    amount_due: Money
    """What is left to pay."""
    due_date: Moment
    """When the invoice is or was due."""
    failed_tries: int
    """How often the saved method was charged in vain."""
    next: ScheduledActionView
    """What happens next by itself."""


def view_schedule(
    found: Sequence[Scheduled], *, page_size: int, next_cursor: str | None
) -> PartOf[ScheduledPaymentView]:
    """The schedule as the API shows it."""
    return PartOf[ScheduledPaymentView](
        data=[
            ScheduledPaymentView(
                invoice_id=one.invoice.id,
                invoice_number=one.invoice.invoice_number,
                customer_id=one.invoice.customer_id,
                currency=one.invoice.currency,
                amount_due=one.invoice.amount_due,
                due_date=one.invoice.due_date,
                failed_tries=one.failed_tries,
                next=ScheduledActionView(action=one.next.action, due_at=one.next.due_at),
            )
            for one in found
        ],
        meta=PartMeta(page_size=page_size, next_cursor=next_cursor),
    )


def view_account(
    statement: Statement, *, page_size: int, next_cursor: str | None
) -> CustomerAccountView:
    """The statement as the API shows it."""
    return CustomerAccountView(
        accounts=[BalanceView.model_validate(one._asdict()) for one in statement.balances],
        data=[_view_posting(one) for one in statement.postings],
        meta=PartMeta(page_size=page_size, next_cursor=next_cursor),
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
        totals=[AgedReceivablesView(**_ages(one)) for one in found.totals],
        data=[
            CustomerReceivablesView(
                customer_id=one.customer_id,
                name=one.name,
                external_id=one.external_id,
                **_ages(one.aged),
            )
            for one in found.customers
        ],
        meta=PageMeta(**place),
    )


def _ages(aged: Aged) -> dict[str, Any]:
    return {
        "currency": aged.currency,
        "invoices": aged.invoices,
        "total": aged.total,
        "owed": aged.owed,
        "current": aged.current,
        "days_1_to_30": aged.to_30,
        "days_31_to_60": aged.to_60,
        "days_61_to_90": aged.to_90,
        "days_over_90": aged.over_90,
    }


def view_failures(found: Sequence[FailedPayments]) -> ListOf[FailureReasonView]:
    """The reasons as the API shows them."""
    return ListOf[FailureReasonView](
        data=[FailureReasonView.model_validate(one._asdict()) for one in found]
    )
