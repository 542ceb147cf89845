"""Connections of the application."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from runtime.database.engine import APPLICATION_ROLE, create_application_engine


@pytest.fixture
def engine(empty_database_url: str, template_database: str) -> Iterator[Engine]:
    """An engine on an empty database of a server that knows the application's role."""
    assert template_database
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
