"""Messages that leave: a list is queued by one statement, and nothing is queued twice."""

from __future__ import annotations

from sqlalchemy import event
from sqlmodel import col, select

from models.subscriptions.subscriptions import OutboxMessage
from repositories.outbox import WEBHOOK_MESSAGE, NewMessage, insert_messages
from tests.repositories.rows import MARCH
from tests.services.shop import Shop


def message(shop: Shop, key: str) -> NewMessage:
    return NewMessage(organization_id=shop.organization_id, key=key, payload={"of": key})


def queued(shop: Shop) -> list[str]:
    with shop.transactions.for_organization(shop.organization_id) as session:
        keys = select(OutboxMessage.key).where(OutboxMessage.kind == WEBHOOK_MESSAGE)
        return list(session.exec(keys.order_by(col(OutboxMessage.key))))


def queue(shop: Shop, *messages: NewMessage) -> int:
    """How many statements queueing them took."""
    statements: list[str] = []
    with shop.transactions.for_organization(shop.organization_id) as session:
        connection = session.connection()

        def note(*arguments: object) -> None:
            statements.append(str(arguments[2]))

        event.listen(connection, "before_cursor_execute", note)
        try:
            insert_messages(session, WEBHOOK_MESSAGE, messages, now=MARCH)
        finally:
            event.remove(connection, "before_cursor_execute", note)
    return len(statements)


def test_a_list_is_one_statement(shop: Shop) -> None:
    assert queue(shop, *(message(shop, f"key {number}") for number in range(50))) == 1
    assert len(queued(shop)) == 50


def test_nothing_is_no_statement(shop: Shop) -> None:
    assert queue(shop) == 0


def test_of_one_key_the_first_counts_in_a_list_and_later(shop: Shop) -> None:
    queue(shop, message(shop, "a"), message(shop, "b"), message(shop, "a"))
    queue(shop, message(shop, "b"), message(shop, "c"))

    assert queued(shop) == ["a", "b", "c"]
