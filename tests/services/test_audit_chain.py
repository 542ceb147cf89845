"""Entries of the audit log are bound to each other as they are committed, and stay."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from repositories.audit_log import list_entries
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.audit_log import ACTOR
from tests.services.audit_logs import LENGTH, look, owner_of, write, write_log
from tests.services.shop import Shop, open_shop

TABLES = ("audit_entry", "audit_link", "audit_chain")
REMOVALS = [f"{words} {table}" for table in TABLES for words in ("DELETE FROM", "TRUNCATE")]
CHANGES = [
    f"UPDATE {table} SET organization_id = organization_id"
    for table in ("audit_entry", "audit_link")
]


@pytest.fixture
def log(shop: Shop) -> Shop:
    """An organization with entries."""
    return write_log(shop)


@pytest.fixture
def owner(module_database_url: str) -> Iterator[Engine]:
    """Whoever owns the tables."""
    engine = owner_of(module_database_url)
    yield engine
    engine.dispose()


def test_entries_of_an_organization_are_one_chain_from_its_beginning(log: Shop) -> None:
    part = look(log)

    assert part.broken is None
    assert part.through == part.end.head
    assert part.end.head.position >= LENGTH
    assert part.end.linked_before == 0


def test_other_organization_has_a_chain_of_its_own(log: Shop, other_shop: Shop) -> None:
    before = look(log).end.head

    with other_shop.transactions.for_organization(other_shop.organization_id) as session:
        write(session, other_shop.organization_id, 1)

    assert look(log).end.head == before
    assert look(other_shop).broken is None


def test_what_is_rolled_back_has_no_place(log: Shop) -> None:
    before = look(log).end.head

    with log.transactions.for_organization(log.organization_id) as session:
        write(session, log.organization_id, 8)
        session.rollback()

    assert look(log).end.head == before


def test_what_a_savepoint_takes_back_has_no_place_and_the_rest_has(log: Shop) -> None:
    before = look(log).end.head.position

    with log.transactions.for_organization(log.organization_id) as session:
        write(session, log.organization_id, 8)
        savepoint = session.begin_nested()
        write(session, log.organization_id, 9)
        savepoint.rollback()
        with session.begin_nested():
            write(session, log.organization_id, 10)

    assert look(log).broken is None
    assert look(log).end.head.position == before + 2
    newest = log.read(list_entries, limit=2)
    assert [one.entry.object_id for one in newest] == [UUID(int=10), UUID(int=8)]


def test_sixteen_threads_leave_one_chain_without_a_gap(module_database_url: str) -> None:
    engine = create_application_engine(module_database_url, pool_size=16)
    transactions = Transactions(engine)
    first, second = open_shop(transactions), open_shop(transactions)
    both = [first.organization_id, second.organization_id]
    together = Barrier(16)

    def add(thread: int) -> None:
        together.wait()
        for number in range(10):
            # Half of them name the organizations in the other order.
            mine = both if thread % 2 else both[::-1]
            with transactions.for_organizations(mine) as session:
                for organization_id in mine:
                    write(session, organization_id, thread * 100 + number)

    before = [look(one).end.head.position for one in (first, second)]
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(add, range(16)))

    for shop, position in zip((first, second), before, strict=True):
        part = look(shop, limit=50)
        assert part.broken is None
        assert part.end.head.position == position + 160
    engine.dispose()


def test_lock_of_the_chain_closes_no_circle_with_rows_that_are_locked_later(
    module_database_url: str,
) -> None:
    """Both record, and then lock the same rows: a chain that was locked at once would hang."""
    engine = create_application_engine(module_database_url, pool_size=2)
    transactions = Transactions(engine)
    shop = open_shop(transactions)
    plans = [shop.add_plan(lookup_id=name).id for name in ("a", "b")]
    recorded = Barrier(2)
    lock = text("SELECT FROM plan WHERE id = ANY (:ids) ORDER BY id FOR UPDATE")

    def edit(number: int) -> None:
        with transactions.for_organization(shop.organization_id) as session:
            if number:
                session.execute(lock, {"ids": plans})
            write(session, shop.organization_id, number)
            session.flush()
            recorded.wait()
            session.execute(lock, {"ids": plans})

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(edit, range(2)))

    assert look(shop).broken is None
    engine.dispose()


@pytest.mark.parametrize("statement", [*REMOVALS, *CHANGES])
def test_application_neither_changes_nor_removes_anything(log: Shop, statement: str) -> None:
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        log.transactions.for_organization(log.organization_id) as session,
    ):
        session.execute(text(statement))


@pytest.mark.parametrize("change", ["last_position - 1", "last_position"])
def test_application_does_not_move_the_end_of_a_chain_back(log: Shop, change: str) -> None:
    with (
        pytest.raises(DBAPIError, match="forward alone"),
        log.transactions.for_organization(log.organization_id) as session,
    ):
        session.execute(text(f"UPDATE audit_chain SET last_position = {change}"))


@pytest.mark.parametrize("statement", [*REMOVALS, *CHANGES])
def test_owner_of_the_tables_neither_changes_nor_removes_anything_by_mistake(
    log: Shop, owner: Engine, statement: str
) -> None:
    words = f"{statement} CASCADE" if statement.startswith("TRUNCATE") else statement
    with pytest.raises(DBAPIError, match="only added to"), owner.begin() as connection:
        connection.execute(text(words))


def test_who_acts_is_bound_too(log: Shop) -> None:
    with log.transactions.for_organization(log.organization_id) as session:
        session.info[ACTOR] = "operator"
        write(session, log.organization_id, 9)

    assert log.read(list_entries, limit=1)[0].entry.actor == "operator"
    assert look(log).broken is None
