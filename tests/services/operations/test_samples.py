"""Invoices drawn by lot come out as they were, or what was changed behind our back is named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.operations import coverage
from services.operations.samples import Sample, recompute_sample
from tests.api.conftest import SECRET
from tests.servers import superuser_engine
from tests.services.operations.test_tampering import Books
from tests.services.receipts_of import signing
from tests.services.shop import NOW, open_shop

CORRUPTIONS = {
    "a version of the plan": (
        "plan_changed",
        """
        UPDATE plan_version SET terms = jsonb_set(terms, '{currency}', '"EUR"')
        WHERE organization_id = %(organization)s
        """,
    ),
    "an event": (
        "events_changed",
        "DELETE FROM usage_event WHERE organization_id = %(organization)s",
    ),
    "a line": (
        "lines_changed",
        """
        UPDATE invoice_line SET line_total = line_total - 1, exact_amount = exact_amount - 1
        WHERE organization_id = %(organization)s AND line_total > 1
        """,
    ),
    "a receipt": (
        "receipt_changed",
        """
        UPDATE signed_receipt SET content = content || '{"total": "1"}'
        WHERE organization_id = %(organization)s
        """,
    ),
}


@pytest.fixture(scope="module")
def owner(module_database_url: str) -> Iterator[Engine]:
    """Whoever may change anything."""
    engine = superuser_engine(module_database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def books(module_database_url: str) -> Iterator[Books]:
    """Books with three signed receipts, which no test changes for good."""
    engine = create_application_engine(module_database_url)
    yield Books(open_shop(signing(Transactions(engine), SECRET)))
    engine.dispose()


def draw(books: Books, session: Session, count: int = 20) -> Sample:
    lots = iter(range(count))
    return recompute_sample(
        session, books.shop.organization_id, count, lambda below: next(lots) % below
    )


def test_honest_invoices_come_out_as_they_were(books: Books, owner: Engine) -> None:
    with Session(owner) as session:
        assert draw(books, session) == Sample(examined=3, flaws=())
        assert draw(books, session, count=2).examined == 2


@pytest.mark.parametrize("what", CORRUPTIONS)
def test_what_was_changed_is_named(books: Books, owner: Engine, what: str) -> None:
    fault, statement = CORRUPTIONS[what]
    with Session(owner) as session:
        session.connection().exec_driver_sql(
            statement, {"organization": books.shop.organization_id}
        )
        found = {one.fault.value for one in draw(books, session).flaws}
        session.rollback()

    assert fault in found


def test_receipt_that_was_taken_away_hinders_no_other(books: Books, owner: Engine) -> None:
    remove = "DELETE FROM signed_receipt WHERE organization_id = %(organization)s AND sequence = 3"
    with Session(owner) as session:
        session.connection().exec_driver_sql(remove, {"organization": books.shop.organization_id})
        sample = draw(books, session)
        session.rollback()

    assert sample == Sample(examined=3, flaws=())


GAPS = {
    "a number is taken off a document": (
        "UPDATE invoice SET invoice_number = 'X' WHERE organization_id = %(organization)s"
        " AND period_index = 0"
    ),
    "the series forgot a number": (
        "UPDATE invoice_sequence SET last_number = last_number - 1"
        " WHERE organization_id = %(organization)s AND series = 'INV'"
    ),
    "a number was drawn for nothing": (
        "UPDATE invoice_sequence SET last_number = last_number + 1"
        " WHERE organization_id = %(organization)s AND series = 'INV'"
    ),
    "another series": ("INSERT INTO invoice_sequence VALUES (%(organization)s, 'CN', 2031, 1)"),
}


@pytest.mark.parametrize("what", GAPS)
def test_number_that_stands_nowhere_is_found(books: Books, owner: Engine, what: str) -> None:
    organization_id = books.shop.organization_id
    with Session(owner) as session:
        changed = session.connection().exec_driver_sql(
            GAPS[what], {"organization": organization_id}
        )
        found = coverage.check_coverage(session, organization_id, None, now=NOW)
        session.rollback()

    assert changed.rowcount == 1
    assert [one.detail for one in found.findings if one.kind == "number_gap"]
