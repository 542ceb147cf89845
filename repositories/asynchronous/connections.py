"""The ingestion path's own connections: asynchronous, and without SQLAlchemy."""

from __future__ import annotations

import json
import select
from decimal import Decimal
from typing import Final

from psycopg import AsyncConnection
from psycopg.types.json import set_json_loads
from sqlalchemy import URL

from repositories.cancellation import TimedAsyncConnection

APPLICATION_ROLE: Final = "fluxrate_app"
CONNECT_TIMEOUT_SECONDS: Final = 2
UNANSWERED_MILLISECONDS: Final = 2000
SILENT_SECONDS: Final = 10
"""After that the server of a connection that rests is asked whether it is there."""


async def connect(
    address: URL, *, name: str = "fluxrate usage", answer_seconds: float | None = None
) -> AsyncConnection:
    """A connection that acts as the application role, in UTC, and whose end is noticed.

    A statement that the server does not answer in ``answer_seconds`` raises SilentServer. Raises
    psycopg.OperationalError within two seconds if the database does not answer.
    """
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await TimedAsyncConnection.connect(
        plain,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        tcp_user_timeout=UNANSWERED_MILLISECONDS,
        keepalives_idle=SILENT_SECONDS,
        keepalives_interval=CONNECT_TIMEOUT_SECONDS,
        application_name=name,
    )
    connection.answer_seconds = answer_seconds
    await connection.execute(f"SET ROLE {APPLICATION_ROLE}")
    await connection.execute("SET TIME ZONE 'UTC'")
    set_json_loads(_load_json, connection)
    return connection


def is_disturbed(connection: AsyncConnection) -> bool:
    """Whether the server said something unasked, as it does when it ends a connection.

    Asks the socket and not the server, so it costs microseconds; what was said may be harmless.
    """
    if connection.closed:
        return True
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _load_json(text: str | bytes) -> object:
    return json.loads(text, parse_float=Decimal)
