"""What one transaction remembers of the rows that it has read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
from sqlalchemy import Engine, event, text

from repositories.accounts import organizations
from tests.servers import superuser_url
from tests.services.shop import Shop


def count_statements(engine: Engine) -> list[str]:
    """The statements that the engine sends from now on."""
    sent: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    return sent


def test_a_row_is_read_once_by_its_key_although_nobody_holds_it(shop: Shop) -> None:
    with shop.transactions.for_organization(shop.organization_id) as session:
        sent = count_statements(session.connection().engine)

        names = [
            organizations.get_organization(session, shop.organization_id).name for _ in range(3)
        ]

    assert names == ["Lumen Works"] * 3
    assert len(sent) == 1


def test_a_lock_reads_anew_what_it_guards(shop: Shop, module_database_url: str) -> None:
    with shop.transactions.for_organization(shop.organization_id) as session:
        organizations.get_organization(session, shop.organization_id)
        with psycopg.connect(superuser_url(module_database_url)) as other:
            other.execute(
                "UPDATE organization SET name = 'Lumen Labs' WHERE id = %s",
                [shop.organization_id],
            )

        locked = organizations.lock_organization(session, shop.organization_id)

        assert locked.name == "Lumen Labs"


def test_connections_that_the_server_ended_while_they_rested_are_replaced(
    shop: Shop, module_database_url: str
) -> None:
    def read_name() -> str:
        with shop.transactions.for_organization(shop.organization_id) as session:
            return organizations.get_organization(session, shop.organization_id).name

    def end_connections() -> int:
        with psycopg.connect(superuser_url(module_database_url)) as other:
            ended = other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return ended.rowcount

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: read_name(), range(30)))

    assert end_connections() >= 1
    assert [read_name() for _ in range(4)] == ["Lumen Works"] * 4


def test_a_transaction_sees_the_organization_it_names_and_no_other(shop: Shop) -> None:
    with shop.transactions.for_organization(shop.organization_id) as session:
        seen = session.scalars(text("SELECT id FROM organization")).all()
    with shop.transactions.for_organizations([]) as session:
        unseen = session.scalars(text("SELECT id FROM organization")).all()

    assert seen == [shop.organization_id]
    assert unseen == []
