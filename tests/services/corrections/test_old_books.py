"""Books that were kept before accounts existed go on as if they always had."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import psycopg

from repositories import customer_accounts
from repositories.transactions import Transactions
from runtime.database.migrations import downgrade, upgrade
from services.lifecycle.changes import cancel_subscription
from tests.servers import migration_url, superuser_url
from tests.services.operations.test_tampering import Books
from tests.services.shop import NOW, open_shop

AUGUST = datetime(2025, 8, 1, 2, tzinfo=UTC)
BEFORE_ACCOUNTS = "0008"

NOTE_ON_THE_CARRY_LINE = """
    WITH carried AS (
        SELECT line.* FROM invoice_line AS line WHERE line.type = 'adjustment'
            AND line.invoice_id IN (SELECT id FROM invoice WHERE customer_id = %(customer)s)
    ),
    note AS (
        INSERT INTO credit_note (organization_id, id, number, invoice_id, kind, reason, currency,
            subtotal, tax, total, issue_date, created_at)
        SELECT organization_id, gen_random_uuid(), 'CN-2025-9001', invoice_id, 'manual', 'paid out',
            'USD', 30, 0, 30, now(), now()
        FROM carried RETURNING *
    )
    INSERT INTO credit_note_line (organization_id, id, credit_note_id, position, line_id, amount)
    SELECT carried.organization_id, gen_random_uuid(), note.id, 0, carried.id, 30
    FROM carried, note
"""


def test_credit_that_was_granted_before_accounts_existed_is_no_finding(
    transactions: Transactions, module_database_url: str
) -> None:
    books = Books(open_shop(transactions))
    assert [one.total for one in books.invoices()] == [100, 0, 30]
    downgrade(migration_url(module_database_url), BEFORE_ACCOUNTS)
    upgrade(migration_url(module_database_url))

    assert books.findings() == set()


def test_credit_that_was_paid_out_before_accounts_existed_is_not_opened(
    transactions: Transactions, module_database_url: str
) -> None:
    shop = open_shop(transactions)
    books = Books(shop, takes_credit=False)
    customer = books.life.row().customer_id
    assert shop.read(customer_accounts.list_left_by_bills, customer) == {"USD": 100}
    downgrade(migration_url(module_database_url), BEFORE_ACCOUNTS)
    with psycopg.connect(superuser_url(module_database_url)) as connection:
        connection.execute(NOTE_ON_THE_CARRY_LINE, {"customer": customer})
    upgrade(migration_url(module_database_url))
    assert shop.read(customer_accounts.list_left_by_bills, customer) == {"USD": Decimal(70)}

    books.life.do(cancel_subscription, now=NOW)
    books.life.send_clock(AUGUST)
    state = books.life.state()
    for _ in range(9):
        if not state.agenda or state.agenda[0].due_at > AUGUST:
            break
        state = books.life.act(state.agenda[0])

    assert state.agenda == ()
    assert shop.read(customer_accounts.list_left_by_bills, customer) == {}
