"""Names that a rule defines and the database lists are the same names."""

from __future__ import annotations

import re

from sqlalchemy import create_engine, pool, text

from billing.metering.tallies import Aggregation
from runtime.database.engine import sqlalchemy_url


def test_meters_may_have_every_aggregation_and_no_other(database_url: str) -> None:
    engine = create_engine(sqlalchemy_url(database_url), poolclass=pool.NullPool)

    with engine.connect() as connection:
        condition = connection.scalar(
            text(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE conname = 'ck_meter_aggregation_type'"
            )
        )

    assert set(re.findall(r"'(\w+)'", condition or "")) == {*Aggregation}
