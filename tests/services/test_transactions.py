"""What one transaction remembers of the rows that it has read."""

from __future__ import annotations

import psycopg
from sqlalchemy import Engine, event

from repositories import organizations
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
        engine = session.get_bind()
        assert isinstance(engine, Engine)
        sent = count_statements(engine)

        names = [
            organizations.get_organization(session, shop.organization_id).name for _ in range(3)
        ]

    assert names == ["Lumen Works"] * 3
    assert len(sent) == 1


def test_a_lock_reads_anew_what_it_guards(shop: Shop, module_database_url: str) -> None:
    with shop.transactions.for_organization(shop.organization_id) as session:
        organizations.get_organization(session, shop.organization_id)
        with psycopg.connect(module_database_url) as other:
            other.execute(
                "UPDATE organization SET name = 'Lumen Labs' WHERE id = %s",
                [shop.organization_id],
            )

        locked = organizations.lock_organization(session, shop.organization_id)

        assert locked.name == "Lumen Labs"
