"""Names that a rule defines and the database lists are the same names."""

from __future__ import annotations

import re

from sqlalchemy import text

from billing.metering.tallies import Aggregation
from tests.servers import superuser_engine


def test_meters_may_have_every_aggregation_and_no_other(database_url: str) -> None:
    engine = superuser_engine(database_url)

    with engine.connect() as connection:
        condition = connection.scalar(
            text(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE conname = 'ck_meter_aggregation_type'"
            )
        )

    assert set(re.findall(r"'(\w+)'", condition or "")) == {*Aggregation}
