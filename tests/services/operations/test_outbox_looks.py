"""A look into the outbox finds due messages by index, whatever organizations there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import Session, select

from models.accounts.organizations import Organization
from models.base import new_id
from models.subscriptions.subscriptions import OutboxMessage
from repositories import outbox
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.operations.outbox import AnyMessage, Look, deliver_wake_messages
from tests.many_organizations import add_organizations
from tests.servers import superuser_engine
from tests.services.shop import NOW


@pytest.fixture(scope="module")
def engine(module_database_url: str) -> Iterator[Engine]:
    """A relay's connection to an installation of many organizations, none with a due message."""
    ids = add_organizations(module_database_url, now=NOW)
    owner = superuser_engine(module_database_url)
    with Session(owner) as session:
        session.add_all(
            OutboxMessage(
                organization_id=one,
                id=new_id(),
                kind=outbox.WAKE_MESSAGE,
                key="postponed",
                payload={"subscription_id": str(new_id())},
                created_at=NOW,
                available_at=NOW + timedelta(hours=1),
            )
            for one in ids
        )
        session.commit()
        session.execute(text("ANALYZE outbox_message"))
        session.commit()
    owner.dispose()
    made = create_application_engine(module_database_url, pool_size=1)
    yield made
    made.dispose()


@contextmanager
def statements(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """What is executed meanwhile."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def refuse(_messages: Sequence[AnyMessage]) -> Sequence[bool]:
    raise AssertionError("Nothing is due.")


def all_arrive(messages: Sequence[AnyMessage]) -> Sequence[bool]:
    return [True] * len(messages)


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from nodes_of(one)


def test_look_is_two_statements_however_many_organizations_there_are(engine: Engine) -> None:
    with statements(engine) as seen:
        look = deliver_wake_messages(Transactions(engine), refuse, now=NOW)

    assert look == Look(arrived=0, next_due_at=NOW + timedelta(hours=1))
    looked_up, *looks = (statement for statement, _ in seen)
    assert looked_up.startswith("SELECT set_config(")
    assert len(looks) == 2
    for one in looks:
        assert "FROM outbox_message" in one
        assert "organization" not in one.partition("FROM outbox_message")[2]


@pytest.mark.parametrize("place", [1, 2], ids=["what is due", "when the next is due"])
def test_look_reads_the_index_of_due_messages_and_nothing_else(engine: Engine, place: int) -> None:
    with statements(engine) as seen:
        deliver_wake_messages(Transactions(engine), refuse, now=NOW)
    look, parameters = seen[place]

    with Transactions(engine).looking_up(outbox.LOOKUP, outbox.WAKE_MESSAGE) as session:
        explained = session.connection().exec_driver_sql(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {look}", parameters
        )
        plan = explained.scalar_one()[0]["Plan"]

    scans = [node for node in nodes_of(plan) if "Relation Name" in node]
    assert [(one["Relation Name"], one["Index Name"]) for one in scans] == [
        ("outbox_message", "ix_outbox_message_due")
    ]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 10


def test_look_finds_what_is_due_of_every_organization(engine: Engine) -> None:
    transactions = Transactions(engine)
    later = NOW + timedelta(hours=2)

    looks = [deliver_wake_messages(transactions, all_arrive, now=later)]
    while looks[-1].is_full:
        looks.append(deliver_wake_messages(transactions, all_arrive, now=later))

    assert sum(one.arrived for one in looks) == 5000
    assert max(one.arrived for one in looks) == 32, "a relay that dies delivers few again"
    assert looks[-1].next_due_at is None


def test_relay_can_lock_messages_but_change_none_before_it_names_their_organization(
    engine: Engine,
) -> None:
    organization_id = new_id()
    transactions = Transactions(engine)
    with transactions.for_organization(organization_id) as session:
        session.add(Organization(id=organization_id, name="A", slug="a", created_at=NOW))
        session.flush()
        message = outbox.NewMessage(organization_id=organization_id, payload={})
        outbox.insert_messages(session, outbox.WAKE_MESSAGE, [message], now=NOW)

    def lock_and_postpone() -> None:
        with transactions.looking_up(outbox.LOOKUP, outbox.WAKE_MESSAGE) as session:
            [message] = outbox.lock_due_messages(session, outbox.WAKE_MESSAGE, now=NOW, limit=10)
            outbox.postpone(session, organization_id, message.id, until=NOW)

    with pytest.raises(ProgrammingError, match="row-level security"):
        lock_and_postpone()
    with transactions.looking_up(outbox.LOOKUP, "another kind") as session:
        assert session.exec(select(OutboxMessage)).all() == []
    with transactions.for_organizations([]) as session:
        assert outbox.lock_due_messages(session, outbox.WAKE_MESSAGE, now=NOW, limit=10) == []
