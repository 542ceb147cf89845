"""Books: journals, customers' accounts, and what is due (docs/concepts/books.md)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query, Request, Response

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep, state_of
from api.reads.journals import ExportedJournal
from api.schemas.common import any_case
from api.schemas.pages import ListOf, PartOf
from api.schemas.payments.books import (
    CustomerAccountView,
    FailureReasonView,
    ReceivablesView,
    ScheduledPaymentView,
    TurnoverView,
    WriteOff,
    view_account,
    view_failures,
    view_receivables,
    view_schedule,
    view_turnover,
)
from api.transport.exact_json import respond
from api.transport.pagination import (
    PageDep,
    place_of,
    read_cursor,
    read_sequence_cursor,
    write_cursor,
    write_sequence_cursor,
)
from api.transport.route import Router
from billing.books.formats import JournalFormat
from billing.money import find_currency
from services.books import journal, receivables, statement, turnover, write_offs

PageSize = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[
    str | None, Query(max_length=200, description="``meta.next_cursor`` of the part before.")
]

SHOWN: Final = 20
"""How many postings are shown unless somebody asks for more or fewer."""

router = Router(tags=["Books"])

DESCRIBED: Final[dict[str, Any]] = {
    "description": "The journal, in the language that was asked for.",
    "content": {
        "text/csv": {"schema": {"type": "string", "title": "One leg a row"}},
        "text/plain": {"schema": {"type": "string", "title": "For beancount or hledger"}},
    },
}

FirstDay = Annotated[
    date | None, Query(alias="from", description="The first day, in the organization's zone.")
]
LastDay = Annotated[
    date | None, Query(alias="to", description="The last day, in the organization's zone.")
]


@router.get(
    "/exports/journal", response_class=ExportedJournal, status_code=200, responses={200: DESCRIBED}
)
def export_journal(
    session: ReadSession,
    principal: Reader,
    request: Request,
    first_day: FirstDay = None,
    last_day: LastDay = None,
    language: Annotated[
        JournalFormat, any_case(JournalFormat), Query(alias="format")
    ] = JournalFormat.CSV,
) -> ExportedJournal:
    """Export everything that was billed, given back, paid and written off, in double entry."""
    organization_id = principal.organization_id
    part = journal.find_range(session, organization_id, first_day, last_day)
    return ExportedJournal(state_of(request.app), organization_id, part, language)


@router.get("/customers/{customer_id}/account", response_model=CustomerAccountView)
def get_customer_account(
    customer_id: UUID,
    session: ReadSession,
    principal: Reader,
    currency: Annotated[str | None, Query(max_length=10)] = None,
    page_size: PageSize = SHOWN,
    cursor: Cursor = None,
) -> Response:
    """Show a customer's credit, what they owe, and all postings with the balance after each."""
    found = statement.read_statement(
        session,
        principal.organization_id,
        customer_id,
        currency=None if currency is None else find_currency(currency).code,
        after=statement.FIRST if cursor is None else read_sequence_cursor(cursor),
        limit=page_size,
    )
    last = found.next_after
    next_cursor = None if last is None else write_sequence_cursor(*last)
    return respond(view_account(found, page_size=page_size, next_cursor=next_cursor))


@router.post("/customers/{customer_id}/account/write-off", response_model=CustomerAccountView)
def write_off_owed(
    customer_id: UUID,
    body: WriteOff,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Give up what a customer owes on no invoice; their next credit is taken for it all the same.

    What an invoice is due is written off by its status, ``UNCOLLECTIBLE``.
    """
    organization_id = principal.organization_id
    currency = find_currency(body.currency).code
    write_offs.write_off_owed(
        session,
        organization_id,
        customer_id,
        currency,
        body.amount,
        note=body.note,
        now=context.now(),
    )
    found = statement.read_statement(
        session, organization_id, customer_id, currency=currency, limit=SHOWN
    )
    last = found.next_after
    next_cursor = None if last is None else write_sequence_cursor(*last)
    return respond(view_account(found, page_size=SHOWN, next_cursor=next_cursor))


@router.get("/reports/receivables", response_model=ReceivablesView)
def get_receivables(
    session: ReadSession, principal: Reader, context: ContextDep, page: PageDep
) -> Response:
    """Show what is due and for how long, by currency and by customer."""
    now = context.now()
    found = receivables.read_receivables(
        session, principal.organization_id, now=now, offset=page.offset, limit=page.size
    )
    place = place_of(page, found.customer_count)
    return respond(view_receivables(found, as_of=now, place=place))


@router.get("/reports/turnover", response_model=TurnoverView)
def get_turnover(
    session: ReadSession,
    principal: Reader,
    context: ContextDep,
    first_day: FirstDay = None,
    last_day: LastDay = None,
) -> Response:
    """Show what was billed, given back, paid and refunded: this month, or in up to 366 days."""
    found = turnover.read_turnover(
        session, principal.organization_id, first_day, last_day, now=context.now()
    )
    return respond(view_turnover(found))


@router.get("/reports/failed-payments", response_model=ListOf[FailureReasonView])
def list_failed_payments(
    session: ReadSession,
    principal: Reader,
    first_day: FirstDay = None,
    last_day: LastDay = None,
) -> Response:
    """Show why payments failed, and how many for each reason."""
    found = receivables.list_failed_payments(
        session, principal.organization_id, first_day, last_day
    )
    return respond(view_failures(found))


@router.get("/reports/scheduled-payments", response_model=PartOf[ScheduledPaymentView])
def list_scheduled_payments(
    session: ReadSession, principal: Reader, page_size: PageSize = 20, cursor: Cursor = None
) -> Response:
    """Show what happens next by itself to open invoices, the soonest first: tries, reminders."""
    found = receivables.list_scheduled(
        session,
        principal.organization_id,
        after=None if cursor is None else read_cursor(cursor),
        limit=page_size + 1,
    )
    shown = found[:page_size]
    last = shown[-1] if len(found) > page_size else None
    next_cursor = None if last is None else write_cursor(last.next.due_at, last.invoice.id)
    return respond(view_schedule(shown, page_size=page_size, next_cursor=next_cursor))
