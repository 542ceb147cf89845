"""Final documents of a simulated subscription that people make void."""

from __future__ import annotations

from datetime import datetime

from billing.subscriptions import PeriodStatus
from tests.workflows.simulated.books import Books
from tests.workflows.simulated.invariants import check_forgiven, check_void
from tests.workflows.simulated.late_arrivals import SETTLED, Document


def void_invoice(books: Books, _at: datetime) -> bool:
    """The oldest unpaid bill is void: its period owes nothing, and what it settled is open."""
    unpaid = _unpaid(books)
    return bool(unpaid) and _void(books, unpaid[0], settles_again=True)


def void_for_good(books: Books, _at: datetime) -> bool:
    """The newest unpaid bill that settled others is void, and what it settled is forgiven."""
    unpaid = _unpaid(books)
    chosen = ([one for one in unpaid if one.settles] or unpaid)[-1:]
    return bool(chosen) and _void(books, chosen[0], settles_again=False)


def _unpaid(books: Books) -> list[Document]:
    """Documents that can be void: one that comes to nothing is paid already."""
    return [
        one
        for one in books.late.documents
        if one.is_due
        and (one.bills is None or books.period(one.bills).status is PeriodStatus.FINAL)
    ]


def _void(books: Books, document: Document, *, settles_again: bool) -> bool:
    late = books.late
    others = [one for one in books.periods if one.status in SETTLED and one.index != document.bills]
    before = late.missing_of(others)
    late.void(document, settles_again=settles_again)
    after = late.missing_of(others)
    if settles_again:
        check_void(document, {one.index for one in others}, before, after)
    else:
        check_forgiven(before, after)
    if document.bills is not None:
        books.bills[document.bills].status = "VOID"
        books.period(document.bills).status = PeriodStatus.VOID
    return True
