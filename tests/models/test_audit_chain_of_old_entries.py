"""What stood in the audit log before it was chained is bound as it was found; so is what comes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from billing.audit_log.chain import Fault
from models.audit_log import AuditEntry
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.database.migrations import downgrade, upgrade
from services.audit_log import link_standing
from tests.servers import migration_url
from tests.services.audit_logs import break_of, look, owner_of, write, write_log
from tests.services.shop import NOW, Shop, open_shop

COUNT = "SELECT count(*) FROM audit_entry WHERE organization_id = :id"


@pytest.fixture
def owner(database_url: str) -> Iterator[Engine]:
    """The owner's connections to a database with today's schema."""
    engine = owner_of(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def shops(database_url: str) -> Iterator[tuple[Shop, Shop]]:
    """Two organizations with entries."""
    engine = create_application_engine(database_url)
    transactions = Transactions(engine)
    yield write_log(open_shop(transactions)), write_log(open_shop(transactions))
    engine.dispose()


def test_entries_that_stand_are_bound_once_and_the_chain_says_how_many(
    owner: Engine, shops: tuple[Shop, Shop], database_url: str
) -> None:
    shops[0].transactions._engine.dispose()
    downgrade(migration_url(database_url), "0040")
    upgrade(migration_url(database_url))

    for shop in shops:
        with owner.begin() as connection:
            count = connection.scalar(text(COUNT), {"id": shop.organization_id})
        part = look(shop)
        assert part.broken is None
        assert part.end.linked_before == part.end.head.position == count
        with shop.transactions.for_organization(shop.organization_id) as session:
            write(session, shop.organization_id, 8)
        assert look(shop).broken is None
        assert look(shop).end.linked_before == look(shop).end.head.position - 1


def test_entry_of_a_process_of_the_version_before_is_a_finding_until_it_is_bound(
    shops: tuple[Shop, Shop],
) -> None:
    shop, _ = shops
    before = look(shop).end.head.position
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.add(
            AuditEntry(
                organization_id=shop.organization_id,
                at=NOW,
                actor="system",
                action="thing.changed",
                object_type="thing",
            )
        )
    assert break_of(shop).fault is Fault.UNLINKED

    for expected in (1, 0):
        with shop.transactions.for_organization(shop.organization_id) as session:
            assert link_standing(session, shop.organization_id, limit=9, now=NOW) == expected

    assert look(shop).broken is None
    assert look(shop).end.head.position == before + 2  # what was bound, and that it was
