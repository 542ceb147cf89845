"""What was stored before periods knew their versions knows them after the migration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.database.migrations import downgrade, upgrade
from services.catalog import charges
from tests.servers import migration_url, superuser_engine
from tests.services.catalog.test_edits import FEBRUARY
from tests.services.lives import begin_life
from tests.services.plan_fees import fee
from tests.services.shop import open_shop


@pytest.fixture
def owner(database_url: str) -> Iterator[Engine]:
    """The owner's connections to a database with today's schema."""
    engine = superuser_engine(database_url)
    yield engine
    engine.dispose()


def test_billed_periods_have_the_version_of_their_bill_and_others_the_newest(
    owner: Engine, database_url: str
) -> None:
    application = create_application_engine(database_url)
    life = begin_life(open_shop(Transactions(application)))
    life.send_clock(FEBRUARY)
    life.catch_up()
    billed = life.period(0).plan_version
    life.shop.do(charges.add_charge, life.row().plan_id, fee("99"))
    application.dispose()

    downgrade(migration_url(database_url), "0011")
    with owner.begin() as connection:
        connection.execute(text("UPDATE subscription_period SET plan_version = NULL"))
    upgrade(migration_url(database_url))

    with owner.begin() as connection:
        found = connection.execute(
            text("SELECT plan_version FROM subscription_period ORDER BY index")
        )
        assert list(found.scalars()) == [billed, billed + 1]
        effects = connection.execute(text("SELECT DISTINCT effective FROM plan_version"))
        assert list(effects.scalars()) == ["running_period"]
