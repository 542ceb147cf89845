"""The books of the sandbox gateway: the same promises in a file and on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from integrations.gateways.sandbox.ledger.books import Ledger, open_ledger_file
from integrations.gateways.sandbox.ledger.sums import InvoiceSum, sum_up
from integrations.gateways.sandbox.ledger.tables import SCHEMA, account, metadata, payment
from tests.integrations.gateways.sandbox.conftest import START, Sandbox, payment_of
from tests.servers import superuser_engine


def test_the_schema_is_what_the_migration_makes(database_url: str) -> None:
    engine = superuser_engine(database_url)

    def is_ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "schema" or name == SCHEMA

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_schemas": True,
                "include_name": is_ours,
            },
        )
        assert compare_metadata(context, metadata) == []
        checks = connection.scalars(
            text(
                "SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace ="
                f" '{SCHEMA}'::regnamespace"
            )
        )
        named = {
            str(one.name)
            for table in metadata.tables.values()
            for one in table.constraints
            if str(one.name).startswith("ck_")
        }
        assert set(checks) == named


def paid_row(**changes: object) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "turn": 0,
        "organization_id": uuid4(),
        "invoice_id": uuid4(),
        "customer_id": uuid4(),
        "amount_minor": 100,
        "currency": "USD",
        "status": "succeeded",
        "created_at": START,
        "at": START,
        **changes,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_minor": 0},
        {"refunded_minor": 101},
        {"refunded_minor": -1},
        {"status": "failed", "refunded_minor": 1},
        {"status": "perhaps"},
        {"status": "pending"},
        {"resolves_at": START},
        {"link_id": "link_of_nobody"},
        {"account_id": UUID(int=7)},
        {"key": "taken"},
    ],
    ids=str,
)
def test_a_payment_that_cannot_be_is_not_written(
    ledger: Ledger, changes: dict[str, object]
) -> None:
    account_id = uuid4()

    def open_account(connection: Connection) -> None:
        connection.execute(
            insert(account).values(
                id=account_id, key_hash="", webhook_secret="", webhook_url="", created_at=START
            )
        )
        connection.execute(insert(payment).values(paid_row(account_id=account_id, key="taken")))

    ledger.run(open_account)

    row = paid_row(**{"account_id": account_id, **changes})

    with pytest.raises(IntegrityError):
        ledger.run(lambda one: one.execute(insert(payment).values(row)))


async def test_a_link_is_not_paid_twice_even_by_hand(sandbox: Sandbox) -> None:
    link = await sandbox.gateway.create_link(payment_of())
    await sandbox.pay(link.url)
    row = paid_row(account_id=sandbox.account.id, link_id=link.reference)

    with pytest.raises(IntegrityError):
        sandbox.ledger.run(lambda one: one.execute(insert(payment).values(row)))
    sandbox.ledger.run(lambda one: one.execute(insert(payment).values({**row, "status": "failed"})))


async def test_instants_come_back_as_they_went(sandbox: Sandbox) -> None:
    link = await sandbox.gateway.create_link(payment_of())
    await sandbox.pay(link.url)
    fine = START + timedelta(microseconds=123456)

    def move(connection: Connection) -> object:
        connection.execute(update(payment).values(at=fine))
        return connection.execute(select(payment.c.at)).scalar_one()

    assert sandbox.ledger.run(move) == fine


def test_what_a_transaction_wrote_before_it_raised_does_not_hold(ledger: Ledger) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(
            insert(account).values(
                id=uuid4(), key_hash="", webhook_secret="", webhook_url="", created_at=START
            )
        )
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ledger.run(fail)
    assert ledger.run(lambda one: one.execute(select(account)).all()) == []


async def test_a_file_that_is_opened_again_holds_what_it_held(
    file_sandbox: Sandbox, tmp_path: Path
) -> None:
    link = await file_sandbox.gateway.create_link(payment_of())
    await file_sandbox.pay(link.url)

    again = open_ledger_file(tmp_path / "ledger.sqlite")

    assert len(again.run(lambda one: one.execute(select(payment)).all())) == 1
    again.engine.dispose()


async def test_sums_are_those_of_the_payments(sandbox: Sandbox) -> None:
    request = payment_of()
    link = await sandbox.gateway.create_link(request)
    for outcome in ("failure", "success"):
        await sandbox.pay(link.url, outcome)
    other = sandbox.other_gateway(id=uuid4())
    pending = await other.create_link(payment_of())
    await sandbox.pay(pending.url, "pending")

    own = sandbox.ledger.run(lambda one: sum_up(one, sandbox.account.id))
    every = sandbox.ledger.run(sum_up)

    assert own.invoices == [
        InvoiceSum(
            account_id=sandbox.account.id,
            invoice_id=request.invoice_id,
            currency="USD",
            succeeded=1,
            pending=0,
            failed=1,
            paid_minor=8245,
            refunded_minor=0,
        )
    ]
    assert (own.webhooks_waiting, every.webhooks_waiting) == (2, 3)
    assert [(one.invoices, one.paid_minor) for one in every.totals] == [(2, 8245)]
