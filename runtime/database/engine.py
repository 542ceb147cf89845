"""Engines: every process connects by ``DATABASE_URL`` and acts as the application role."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Engine, create_engine, event

from repositories.cancellation import TimedConnection, require_going_on
from runtime.database.server import require_new_server

APPLICATION_ROLE = "fluxrate_app"

SILENT_SECONDS = 3
"""How long after its time a statement may go unanswered until its server counts as silent."""

WATCHED = {
    "connect_timeout": 2,
    "tcp_user_timeout": 2000,
    "keepalives_idle": 10,
    "keepalives_interval": 2,
}
"""A server that is silent, rather than away, is given up as soon as one that is. The one of a
connection that rests at the bottom of the pool is asked now and then, so that no network forgets
it."""

MOST_PREPARED = 400
"""How many statements a connection keeps prepared: all of a close, with those of relays beside it.

The driver's hundred are fewer than these, so that what comes round again was forgotten before.
"""


def sqlalchemy_url(url: str) -> str:
    """The same address with psycopg named as its driver."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def create_application_engine(
    url: str, *, pool_size: int = 10, spare: int = 0, statement_seconds: int = 0
) -> Engine:
    """An engine whose sessions act as the application role, which owns nothing.

    Waits at most two seconds for a connection, so that an absent database becomes an answer and
    not a hang. ``spare`` ones are made when all of the pool are taken, and closed after their use.
    A statement that runs, or waits for a lock, longer than ``statement_seconds`` is cancelled by
    the server; three seconds later a server that said nothing is given up (SilentServer). 0 lets
    it. JSON numbers keep their digits. A server that is too old is refused as one that is away is,
    by a text that says so (OldServer).

    The connection that was used last is used next: the server knows its statements and tables
    already. Taken in turn, each of many would learn them anew.
    """
    engine = create_engine(
        sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=spare,
        pool_timeout=2,
        pool_use_lifo=True,
        # Errors and logs show the statement without what people put in.
        hide_parameters=True,
        json_serializer=_dump_json,
        json_deserializer=_load_json,
        connect_args=WATCHED,
    )

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, words: Any, named: Any) -> TimedConnection:
        return _connect_timed(words, named, statement_seconds)

    @event.listens_for(engine, "connect")
    def _assume_application_role(connection: Any, _record: Any) -> None:
        require_new_server(connection.info.server_version)
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {APPLICATION_ROLE}")
            cursor.execute("SET TIME ZONE 'UTC'")
            cursor.execute(f"SET statement_timeout = {statement_seconds * 1000:d}")
        connection.commit()

    event.listen(engine, "before_cursor_execute", require_going_on)
    return engine


def _connect_timed(words: Any, named: Any, statement_seconds: int) -> TimedConnection:
    connection = TimedConnection.connect(*words, **named)
    connection.prepared_max = MOST_PREPARED
    if statement_seconds:
        connection.answer_seconds = statement_seconds + SILENT_SECONDS
    return connection


def _load_json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _dump_json(value: Any) -> str:
    return _encoder.encode(value).decode()


def _refuse(value: Any) -> Any:
    raise TypeError(f"a {type(value).__name__} is not stored as JSON")


_encoder = msgspec.json.Encoder(enc_hook=_refuse, decimal_format="number")
