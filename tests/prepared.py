"""Connections for thousands of lives that do the same: each statement is prepared once."""

from __future__ import annotations

from typing import Any

from psycopg import Connection
from sqlalchemy import Engine, event

from runtime.database.engine import create_application_engine

MOST_STATEMENTS = 2_000
"""More than there are."""


def create_prepared_engine(url: str) -> Engine:
    """An engine of the application's role that compiles and plans no statement twice."""
    engine = create_application_engine(url)
    engine.update_execution_options(compiled_cache={})

    @event.listens_for(engine, "connect")
    def prepare_early(connection: Connection[Any], _record: object) -> None:
        connection.prepare_threshold, connection.prepared_max = 2, MOST_STATEMENTS
        connection.execute("SET plan_cache_mode = force_generic_plan")
        connection.commit()

    return engine
