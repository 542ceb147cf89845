"""Connections of the application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from runtime.database.engine import APPLICATION_ROLE, create_application_engine


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[Engine]:
    """An engine on an empty database of a server that knows the application's role."""
    made = create_application_engine(empty_database_url, pool_size=1)
    yield made
    made.dispose()


def test_sessions_act_as_the_application_role_in_utc(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT current_user")) == APPLICATION_ROLE
        assert connection.scalar(text("SHOW TimeZone")) == "UTC"


def test_failed_statement_does_not_tell_what_was_sent_with_it(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(ProgrammingError) as caught:
        connection.execute(text("SELECT :secret FROM nowhere"), {"secret": "hunter2"})

    assert "hunter2" not in str(caught.value)
    assert "nowhere" in str(caught.value)


def test_connection_that_was_used_last_is_used_next(empty_database_url: str) -> None:
    engine = create_application_engine(empty_database_url, pool_size=3)
    try:
        with ExitStack() as several:
            for _ in range(3):
                several.enter_context(engine.connect())
        processes = set()
        for _ in range(6):
            with engine.connect() as connection:
                processes.add(connection.scalar(text("SELECT pg_backend_pid()")))

        assert len(processes) == 1
    finally:
        engine.dispose()


def test_connection_keeps_more_statements_prepared_than_a_close_has(engine: Engine) -> None:
    statements = [text(f"SELECT {number}") for number in range(150)]
    with engine.connect() as connection:
        for _ in range(7):
            for statement in statements:
                connection.execute(statement)
        prepared = connection.scalar(text("SELECT count(*) FROM pg_prepared_statements"))

    assert prepared == len(statements)
