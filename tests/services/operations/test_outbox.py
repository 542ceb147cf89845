"""Messages leave the database at least once, and stay until they have arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from models.accounts.organizations import OrganizationDirectory
from models.subscriptions.subscriptions import OutboxMessage
from repositories.transactions import Transactions
from services.operations.outbox import AnyMessage, WakeMessage, deliver_wake_messages
from services.subscriptions import agenda
from tests.services.lives import Life, begin_life
from tests.services.shop import NOW, Shop


@pytest.fixture
def life(shop: Shop) -> Life:
    """A subscription of an organization that the relay knows of."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.add(OrganizationDirectory(id=shop.organization_id))
    return begin_life(shop)


def deliver(
    transactions: Transactions, life: Life, *, arrives: bool = True, now: datetime = NOW
) -> list[AnyMessage]:
    """Relay once; the messages about this life's subscription that were handed over."""
    handed: list[AnyMessage] = []

    def send(messages: Sequence[AnyMessage]) -> Sequence[bool]:
        handed.extend(messages)
        return [arrives] * len(messages)

    deliver_wake_messages(transactions, send, now=now)
    own = WakeMessage(
        organization_id=life.shop.organization_id, subscription_id=life.subscription_id
    )
    return [one for one in handed if one == own]


def waiting(life: Life) -> list[OutboxMessage]:
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        return list(session.exec(select(OutboxMessage)).all())


def tell(life: Life) -> None:
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        agenda.wake_workflow(session, life.row(), now=NOW)


def test_delivered_message_is_gone(life: Life, transactions: Transactions) -> None:
    assert len(deliver(transactions, life)) == 1

    assert waiting(life) == []
    assert deliver(transactions, life) == []


def test_several_messages_to_a_workflow_become_one(life: Life, transactions: Transactions) -> None:
    tell(life)
    tell(life)
    assert len(waiting(life)) == 3

    assert len(deliver(transactions, life)) == 1

    assert waiting(life) == []


def test_message_that_did_not_arrive_is_due_again_a_little_later(
    life: Life, transactions: Transactions
) -> None:
    deliver(transactions, life, arrives=False)

    assert deliver(transactions, life) == []
    assert len(deliver(transactions, life, now=NOW + timedelta(seconds=1))) == 1


def test_wait_between_attempts_grows_to_a_minute_and_no_further(
    life: Life, transactions: Transactions
) -> None:
    now, waits = NOW, []
    for _ in range(9):
        assert len(deliver(transactions, life, arrives=False, now=now)) == 1
        [message] = waiting(life)
        waits.append((message.available_at - now).total_seconds())
        now = message.available_at

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_message_stays_when_sending_breaks(life: Life, transactions: Transactions) -> None:
    def send(_messages: Sequence[AnyMessage]) -> Sequence[bool]:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        deliver_wake_messages(transactions, send, now=NOW)

    assert len(deliver(transactions, life)) == 1


def test_message_that_another_relay_holds_is_passed_over(
    life: Life, transactions: Transactions
) -> None:
    inner: list[AnyMessage] = []

    def send(messages: Sequence[AnyMessage]) -> Sequence[bool]:
        inner.extend(deliver(transactions, life))
        return [True] * len(messages)

    deliver_wake_messages(transactions, send, now=NOW)

    assert inner == []
    assert waiting(life) == []


def test_message_of_a_transaction_that_failed_was_never_there(life: Life) -> None:
    before = len(waiting(life))
    shop = life.shop

    def fail_after_telling() -> None:
        with shop.transactions.for_organization(shop.organization_id) as session:
            agenda.wake_workflow(session, life.row(), now=NOW)
            session.flush()
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        fail_after_telling()

    assert len(waiting(life)) == before
