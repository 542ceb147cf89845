"""How alembic reaches the database and what it compares."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text
from sqlmodel import SQLModel

import models  # noqa: F401  (loads every table into the metadata)

config = context.config


def partitions(connection: Connection) -> frozenset[str]:
    """Names of live partitions: made while running, so no model knows them."""
    rows = connection.execute(
        text("SELECT relname FROM pg_class WHERE relispartition AND relkind IN ('r', 'p')")
    )
    names = frozenset(name for (name,) in rows)
    # An open transaction here would make alembic roll its own work back.
    connection.rollback()
    return names


def run(connection: Connection) -> None:
    """Migrate, or compare, leaving partitions alone."""
    live_partitions = partitions(connection)

    def include_name(name: str | None, kind: str, _parents: Any) -> bool:
        return not (kind == "table" and name in live_partitions)

    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        include_name=include_name,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


engine = create_engine(config.get_main_option("sqlalchemy.url") or "", poolclass=pool.NullPool)
with engine.connect() as opened:
    run(opened)
engine.dispose()
